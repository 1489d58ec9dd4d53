"""How far the launches on a pool are throttled: a controller, as pure functions of numbers.

One number steers a pool, its pressure P >= 0. A launch of priority p (1 to 9, 9 most urgent) gives
up shares in proportion to its weight w = (10 - p) / 9 and keeps at least the floor:

    share(P) = max(floor, 1 - P * w)

so the least urgent gives first and most, gets back last, and two of the same priority always run at
the same share, whenever they began. A step looks for the pressure at which the launches carry
what brings the pool to its set-point, which is weighted water-filling: their planned loads d at
these shares sum to what they carry now, less what is too much of it. To throttle, planned loads
that sum to more than the whole live load are scaled down to it first: nobody can carry more than
arrives.

It throttles at full strength as soon as the load shows the effect of the step before (the dwell).
It accelerates with caution: each time that an acceleration had to be taken back doubles the time
between accelerations and, up to three times, halves their strength. That is what keeps it from
swinging where the planned loads are wrong or the effect comes late. Nothing is summed up over
time, so nothing can wind up while every launch is at its floor.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import inf
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from measures.model import Model, Moment, Span, Stored

Action = Literal["throttle", "accelerate", "hold"]

MOST_TURNS = 6
"""How many reversals lengthen the wait; 2**6 dwells, 16 hours of the default 15 minutes."""

CAREFUL_TURNS = 3
"""How many reversals halve the strength; below an eighth, a step would be too small to help."""

FORGIVEN_AFTER = 64
"""Dwells after which one reversal is forgotten."""

SMALLEST_STEP = 0.01
"""The least by which the most affected share moves once something is to be done at all."""

CEILING = 1000.0
"""The utilisation shown where there is load and no capacity at all."""

_PLACES = 6


class ThrottleSettings(Model):
    """How the launches on a pool are throttled when live load is reported.

    Attributes:
        set_point: the utilisation that is aimed at: 0.85 is 85 % of the capacity
        band: how far the utilisation may lie from the set-point before anything is done
        dwell: how long a step is left to work before the next; longer than load takes to follow
        step: the most by which a share changes at once
        floor: the share that every launch keeps
        fresh_for: how old a reported load may be to be acted upon
    """

    set_point: Annotated[float, Field(gt=0, le=1)] = 0.85
    band: Annotated[float, Field(ge=0.01, le=0.5)] = 0.05
    dwell: Span = timedelta(minutes=15)
    step: Annotated[float, Field(ge=SMALLEST_STEP, le=1)] = 0.2
    floor: Annotated[float, Field(ge=0, lt=1)] = 0.1
    fresh_for: Span = timedelta(hours=1)

    @model_validator(mode="after")
    def _makes_sense(self) -> "ThrottleSettings":
        if self.band >= self.set_point:
            raise PydanticCustomError("band", "band must be smaller than set_point")
        for name in ("dwell", "fresh_for"):
            if getattr(self, name) < timedelta(seconds=1):
                raise PydanticCustomError("span", "{name} must be at least 1s", {"name": name})
        return self


class Draw(Stored):
    """A launch that draws on a pool.

    Attributes:
        measure: whose campaign it is.
        ref: the campaign's name in its own system.
        priority: 1 to 9, 9 most urgent.
        amount: what it is planned to put on the pool at the full share of its ramp step, in the
            load's unit and period.
    """

    measure: str
    ref: str
    priority: int
    amount: float | int

    @property
    def weight(self) -> float:
        """How much it gives for each unit of pressure."""
        return (10 - self.priority) / 9


class Throttle(Stored):
    """What a controller remembers of its pool.

    Attributes:
        pressure: how hard its launches are throttled; 0 is not at all.
        moved: which way the last step went.
        changed_at: when that was.
        turns: how many accelerations had to be taken back, as of `turned_at`.
        shares: the share that each measure was told last.
        number: the entry of the pool that decided them; launches go by the highest of a pool.
    """

    pressure: float = 0.0
    moved: Literal["throttle", "accelerate"] | None = None
    changed_at: Moment | None = None
    turns: int = 0
    turned_at: Moment | None = None
    shares: dict[str, float] = {}
    number: int = 0


class Step(Stored):
    """What the controller does about a load, and why."""

    action: Action
    why: str
    throttle: Throttle


def utilisation_of(load: float, capacity: float) -> float:
    """Returns load / capacity, at most `CEILING`; without capacity any load is far too much."""
    if capacity <= 0:
        return CEILING
    return min(CEILING, round(load / capacity, _PLACES))


def share_at(pressure: float, draw: Draw, floor: float) -> float:
    """Returns the share at which a launch runs under a pressure: from the floor to 1."""
    return round(_exact(pressure, draw, floor), 4)


def carried(pressure: float, draws: Sequence[Draw], floor: float) -> float:
    """Returns what launches put on the pool under a pressure, by their planned loads."""
    return sum(d.amount * _exact(pressure, d, floor) for d in draws)


def most_pressure(draws: Sequence[Draw], floor: float) -> float:
    """Returns the pressure at which every launch is at its floor; more would wind up."""
    return max(((1 - floor) / d.weight for d in draws), default=0.0)


def pressure_for(target: float, draws: Sequence[Draw], floor: float) -> float:
    """Returns the pressure at which launches carry a target: weighted water-filling, exactly.

    What is carried falls in straight lines from one launch's floor to the next one's, so the
    line that crosses the target gives the answer.

    Returns:
        0 when all of them at full share carry no more than the target, `most_pressure` when even
        their floors carry more.
    """
    if carried(0.0, draws, floor) <= target:
        return 0.0
    low = 0.0
    for high in sorted({(1 - floor) / d.weight for d in draws}):
        above, below = carried(low, draws, floor), carried(high, draws, floor)
        if below <= target < above:
            return min(high, low + (high - low) * (above - target) / (above - below))
        low = high
    return low


def decide(
    settings: ThrottleSettings,
    memory: Throttle,
    *,
    load: float,
    capacity: float,
    measured_at: datetime,
    draws: Sequence[Draw],
    now: datetime,
) -> Step:
    """Decides what a reported load leads to.

    Args:
        settings: the pool's.
        memory: what was decided before.
        load: how much arrives at the pool, in its unit per period.
        capacity: how much it can take, in the same unit per period.
        measured_at: when the load was so.
        draws: the launches that draw on the pool now, each with an amount above 0.
        now: the time of the decision.
    """
    if draws:
        # When a launch has ended, what was its limit is no longer one.
        most = _settled(most_pressure(draws, settings.floor))
        memory = memory.model_copy(update={"pressure": min(memory.pressure, most)})
    used = utilisation_of(load, capacity)
    low, high = settings.set_point - settings.band, settings.set_point + settings.band
    why_not = _why_hold(settings, memory, measured_at, now)
    if why_not:
        return Step(action="hold", why=why_not, throttle=memory)
    if not draws:
        # Whoever launches next begins freely where there is room, and as throttled where not.
        pressure = 0.0 if used < low else memory.pressure
        after = memory.model_copy(update={"pressure": pressure})
        return Step(action="hold", why="no running launch draws on the pool", throttle=after)
    if used > high:
        # Where nothing can be taken, all that the launches bring is too much.
        excess = load - settings.set_point * capacity if capacity > 0 else inf
        return _throttled(settings, memory, excess, _at_most(load, memory, draws, settings), now)
    if used < low:
        room = settings.set_point * capacity - load
        return _accelerated(settings, memory, room, draws, now, measured_at)
    return Step(action="hold", why=f"inside the band {low:.0%} to {high:.0%}", throttle=memory)


def turns_at(memory: Throttle, dwell: timedelta, now: datetime) -> int:
    """Returns how many reversals count: one is forgotten every `FORGIVEN_AFTER` dwells."""
    if memory.turned_at is None:
        return 0
    return max(0, memory.turns - int((now - memory.turned_at) / (dwell * FORGIVEN_AFTER)))


def _why_hold(
    settings: ThrottleSettings, memory: Throttle, measured_at: datetime, now: datetime
) -> str:
    if now - measured_at > settings.fresh_for:
        return f"the load is stale: measured {measured_at:%Y-%m-%d %H:%M}"
    if memory.changed_at is not None and measured_at < memory.changed_at + settings.dwell:
        ready = memory.changed_at + settings.dwell
        return f"the step before is left to work until {ready:%Y-%m-%d %H:%M:%S}"
    return ""


def _at_most(
    load: float, memory: Throttle, draws: Sequence[Draw], settings: ThrottleSettings
) -> Sequence[Draw]:
    """Returns the launches with planned loads that carry no more together than arrives."""
    planned = carried(memory.pressure, draws, settings.floor)
    if planned <= load:
        return draws
    return [d.model_copy(update={"amount": d.amount * load / planned}) for d in draws]


def _throttled(
    settings: ThrottleSettings,
    memory: Throttle,
    excess: float,
    draws: Sequence[Draw],
    now: datetime,
) -> Step:
    floor, before = settings.floor, memory.pressure
    wanted = pressure_for(carried(before, draws, floor) - excess, draws, floor)
    above = [(_exact(before, d, floor), d.weight) for d in draws if 1 - before * d.weight > floor]
    least = min(((1 - share + SMALLEST_STEP) / weight for share, weight in above), default=0.0)
    stops = [(1 - s + settings.step) / weight for s, weight in above if s - settings.step > floor]
    after = _settled(min([max(wanted, least), *stops, most_pressure(draws, floor)]))
    if after <= before:
        return Step(action="hold", why="every launch is at its floor already", throttle=memory)
    turns, turned_at = memory.turns, memory.turned_at
    if memory.moved == "accelerate":
        turns = min(MOST_TURNS, turns_at(memory, settings.dwell, now) + 1)
        turned_at = now
    return Step(
        action="throttle",
        why=f"above {settings.set_point + settings.band:.0%}",
        throttle=memory.model_copy(
            update={
                "pressure": after,
                "moved": "throttle",
                "changed_at": now,
                "turns": turns,
                "turned_at": turned_at,
            }
        ),
    )


def _accelerated(
    settings: ThrottleSettings,
    memory: Throttle,
    room: float,
    draws: Sequence[Draw],
    now: datetime,
    measured_at: datetime,
) -> Step:
    floor, before = settings.floor, memory.pressure
    if before <= 0:
        return Step(action="hold", why="every launch runs at its full share", throttle=memory)
    turns = turns_at(memory, settings.dwell, now)
    assert memory.changed_at is not None, "pressure comes from a step"
    ready = memory.changed_at + settings.dwell * 2**turns
    if measured_at < ready:
        why = f"{turns} accelerations were taken back: none before {ready:%Y-%m-%d %H:%M:%S}"
        return Step(action="hold", why=why, throttle=memory)
    careful = room / 2 ** min(turns, CAREFUL_TURNS)
    wanted = pressure_for(carried(before, draws, floor) + careful, draws, floor)
    now_at = [(_exact(before, d, floor), d.weight) for d in draws]
    least = max((1 - share - SMALLEST_STEP) / weight for share, weight in now_at)
    stop = max((1 - share - settings.step) / weight for share, weight in now_at)
    after = _settled(max(min(wanted, least), stop, 0.0))
    return Step(
        action="accelerate",
        why=f"below {settings.set_point - settings.band:.0%}",
        throttle=memory.model_copy(
            update={"pressure": after, "moved": "accelerate", "changed_at": now}
        ),
    )


def _exact(pressure: float, draw: Draw, floor: float) -> float:
    return max(floor, 1 - pressure * draw.weight)


def _settled(pressure: float) -> float:
    return round(pressure, _PLACES)
