"""The controller that throttles launches: what it promises whatever the load does."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.throttle import (
    CEILING,
    FORGIVEN_AFTER,
    MOST_TURNS,
    Draw,
    Step,
    Throttle,
    ThrottleSettings,
    carried,
    decide,
    most_pressure,
    pressure_for,
    share_at,
    utilisation_of,
)

NOW = datetime(2031, 3, 10, 9, tzinfo=UTC)
SETTINGS = ThrottleSettings()
CAPACITY = 1000.0


def launch(name: str, amount: float = 500, priority: int = 5) -> Draw:
    """A launch that draws on the pool."""
    return Draw(measure=name, ref=name.upper(), priority=priority, amount=amount)


def shares(memory: Throttle, draws: Sequence[Draw], floor: float = SETTINGS.floor) -> list[float]:
    """The share of each launch."""
    return [share_at(memory.pressure, draw, floor) for draw in draws]


def at(
    memory: Throttle,
    load: float,
    draws: Sequence[Draw],
    *,
    minutes: float = 0,
    age: float = 0,
    settings: ThrottleSettings = SETTINGS,
) -> Step:
    """One decision, so many minutes from the beginning, on a load so many minutes old."""
    now = NOW + timedelta(minutes=minutes)
    return decide(
        settings,
        memory,
        load=load,
        capacity=CAPACITY,
        measured_at=now - timedelta(minutes=age),
        draws=draws,
        now=now,
    )


launches = st.lists(st.tuples(st.integers(1, 9), st.floats(1, 5000)), min_size=1, max_size=6).map(
    lambda rows: [launch(f"m{n}", amount, p) for n, (p, amount) in enumerate(rows)]
)
all_settings = st.builds(
    ThrottleSettings,
    set_point=st.floats(0.5, 1),
    band=st.floats(0.03, 0.2),
    step=st.floats(0.05, 0.5),
    floor=st.floats(0, 0.5),
)


def test_overload_throttles_the_least_urgent_most() -> None:
    """A step takes 0.2 of the least urgent; whoever is more urgent gives less, by weight."""
    draws = [launch("late", priority=1), launch("usual"), launch("urgent", priority=9)]
    step = at(Throttle(), 1400, draws)
    assert step.action == "throttle"
    assert shares(step.throttle, draws) == [0.8, pytest.approx(0.8889, abs=1e-4), 0.9778]


def test_a_small_excess_is_taken_away_exactly() -> None:
    """95 % where 85 % is aimed at: the launches give 100 of their 900 together."""
    draws = [launch("a", 450), launch("b", 450)]
    step = at(Throttle(), 950, draws)
    assert carried(step.throttle.pressure, draws, SETTINGS.floor) == pytest.approx(800, abs=0.01)


def test_plans_far_above_what_arrives_do_not_make_it_slow() -> None:
    """Planned 20,000, 1,000 arrive, 850 are aimed at: 15 % are too much, whatever was planned."""
    draws = [launch("a", 15_000), launch("b", 5_000)]
    step = at(Throttle(), 1000, draws)
    assert shares(step.throttle, draws) == [pytest.approx(0.85, abs=1e-4)] * 2


def test_inside_the_band_nothing_is_done() -> None:
    """From 80 % to 90 % by default."""
    for load in (801, 850, 899):
        assert (
            at(Throttle(pressure=0.3, changed_at=NOW), load, [launch("a")], minutes=60).action
            == "hold"
        )


def test_with_room_it_accelerates_by_steps_up_to_the_full_share() -> None:
    """Each a step at most, and then no further."""
    draws = [launch("a")]
    memory = at(Throttle(), 5000, draws).throttle
    seen = [shares(memory, draws)[0]]
    for n in range(1, 4):
        memory = at(memory, 100, draws, minutes=20 * n).throttle
        seen += shares(memory, draws)
    assert seen == [0.8, 1.0, 1.0, 1.0]
    last = at(memory, 100, draws, minutes=100)
    assert (last.action, last.why) == ("hold", "every launch runs at its full share")


def test_nothing_winds_up_at_the_floor() -> None:
    """However long an overload lasts, the first room after it gives back at once."""
    draws = [launch("a", priority=1), launch("b", priority=9)]
    memory = Throttle()
    for n in range(300):
        step = at(memory, 9000, draws, minutes=15 * n)
        memory = step.throttle
    assert (step.action, step.why) == ("hold", "every launch is at its floor already")
    assert memory.pressure == pytest.approx(most_pressure(draws, SETTINGS.floor))
    assert shares(at(memory, 300, draws, minutes=5000).throttle, draws) == [0.1, pytest.approx(0.3)]


def test_a_stale_load_moves_nothing() -> None:
    """Neither way, and it says since when."""
    for load in (5000, 1):
        step = at(Throttle(pressure=0.5, changed_at=NOW), load, [launch("a")], minutes=300, age=61)
        assert (step.action, step.throttle.pressure) == ("hold", 0.5)
        assert step.why == "the load is stale: measured 2031-03-10 12:59"


def test_a_load_from_before_the_step_took_effect_does_not_count() -> None:
    """What matters is when it was measured, not when it was reported."""
    draws = [launch("a")]
    memory = at(Throttle(), 2000, draws).throttle
    assert at(memory, 2000, draws, minutes=30, age=16).action == "hold"
    assert at(memory, 2000, draws, minutes=30, age=15).action == "throttle"


def test_an_acceleration_that_was_taken_back_is_tried_later_and_smaller() -> None:
    """Twice the wait after one reversal, and half the step."""
    draws = [launch("a", 2000)]
    memory = Throttle(pressure=1.0, moved="accelerate", changed_at=NOW - timedelta(hours=1))
    memory = at(memory, 1000, draws).throttle
    assert memory.turns == 1
    early = at(memory, 700, draws, minutes=20)
    assert "1 accelerations were taken back" in early.why
    late = at(memory, 700, draws, minutes=31).throttle
    gained = carried(late.pressure, draws, 0.1) - carried(memory.pressure, draws, 0.1)
    assert gained == pytest.approx((850 - 700) / 2, abs=0.01)


def test_a_pool_without_capacity_is_overloaded() -> None:
    """There is no division by nothing."""
    assert utilisation_of(0, 0) == CEILING
    assert utilisation_of(1e15, 1e-9) == CEILING


@pytest.mark.parametrize("capacity", [0, 0.01])
def test_a_pool_that_has_broken_down_is_relieved_by_whole_steps(capacity: float) -> None:
    """Not by a hundredth at a time: nothing that arrives can be taken."""
    step = decide(
        SETTINGS,
        Throttle(),
        load=500,
        capacity=capacity,
        measured_at=NOW,
        draws=[launch("a", priority=1)],
        now=NOW,
    )
    assert shares(step.throttle, [launch("a", priority=1)]) == [pytest.approx(1 - SETTINGS.step)]


def test_without_launches_the_pressure_stays_until_there_is_room() -> None:
    """Whoever launches next finds it."""
    kept = at(Throttle(pressure=0.5, changed_at=NOW), 2000, [], minutes=60)
    assert (kept.action, kept.throttle.pressure) == ("hold", 0.5)
    assert at(kept.throttle, 200, [], minutes=120).throttle.pressure == 0


@given(draws=launches, floor=st.floats(0, 0.6), part=st.floats(0, 1))
def test_water_filling_is_exact(draws: list[Draw], floor: float, part: float) -> None:
    """The launches carry the target, if their floors allow it at all."""
    full, least = carried(0, draws, floor), sum(d.amount * floor for d in draws)
    target = least + part * (full - least)
    pressure = pressure_for(target, draws, floor)
    assert 0 <= pressure <= most_pressure(draws, floor)
    assert carried(pressure, draws, floor) == pytest.approx(target, rel=1e-6, abs=1e-6)


@given(
    draws=launches,
    settings=all_settings,
    loads=st.lists(
        st.tuples(st.floats(0, 1e5), st.integers(1, 90), st.integers(0, 90)), max_size=80
    ),
)
def test_whatever_the_load_shares_keep_their_bounds(
    draws: list[Draw], settings: ThrottleSettings, loads: list[tuple[float, int, int]]
) -> None:
    """From floor to 1, a step at most, a dwell apart, the more urgent never below the less."""
    memory, minutes, moved_at = Throttle(), 0, None
    for load, wait, age in loads:
        minutes += wait
        before = shares(memory, draws, settings.floor)
        step = at(memory, load, draws, minutes=minutes, age=age, settings=settings)
        after = shares(step.throttle, draws, settings.floor)
        for draw, was, now in zip(draws, before, after, strict=True):
            assert settings.floor - 1e-4 <= now <= 1
            assert abs(now - was) <= settings.step + 2e-4
            assert all(
                now >= s for d, s in zip(draws, after, strict=True) if d.priority <= draw.priority
            )
        if step.action != "hold":
            used = load / CAPACITY
            too_much = used > settings.set_point
            assert (step.action == "throttle") == too_much
            assert age <= 60
            assert moved_at is None or minutes - age - moved_at >= 15
            moved_at = minutes
            rises = [now - was for was, now in zip(before, after, strict=True)]
            assert all(rise <= 0 for rise in rises) if too_much else all(r >= 0 for r in rises)
        else:
            assert after == before
        memory = step.throttle


@given(
    loads=st.lists(st.sampled_from([0.0, 500.0, 850.0, 950.0, 4000.0]), max_size=400),
    draws=launches,
)
def test_any_load_turns_it_only_so_often(loads: list[float], draws: list[Draw]) -> None:
    """Reversals in T dwells: at most 15 + T / 16, and the worst of loads cannot make it more."""
    memory, moves = Throttle(), []
    for n, load in enumerate(loads):
        step = at(memory, load, draws, minutes=15 * n)
        moves += [step.action] if step.action != "hold" else []
        memory = step.throttle
    turned = sum(a != b for a, b in pairwise(moves))
    assert turned <= 2 * (MOST_TURNS + 1) + 1 + 4 * len(loads) / FORGIVEN_AFTER


def test_the_worst_of_loads_does_not_make_it_swing() -> None:
    """A load that always contradicts the step before: 1,000 dwells, a few dozen reversals."""
    draws, memory, moves = [launch("a", 1000, 1)], Throttle(), []
    for n in range(1000):
        load = 0 if moves and moves[-1] == "throttle" else 2000
        step = at(memory, load, draws, minutes=15 * n)
        moves += [step.action] if step.action != "hold" else []
        memory = step.throttle
    assert 10 < sum(a != b for a, b in pairwise(moves)) <= 15 + 1000 / 16


class Plant:
    """A pool whose load follows the shares of its launches, late, noisily and not as planned.

    Attributes:
        other: what arrives whatever the launches do.
        real: what each launch puts on the pool at full share, beside what it planned.
        delay: after how many reports a share has its effect.
    """

    def __init__(self, other: float, real: list[float], delay: int, noise: list[float]) -> None:
        self.other, self.real, self.delay, self.noise = other, real, delay, noise

    def run(self, draws: list[Draw], settings: ThrottleSettings, reports: int, every: float) -> Any:
        """Returns the actions, and at each report the true and the least possible utilisation."""
        memory = Throttle()
        told = [shares(memory, draws, settings.floor)] * (self.delay + 1)
        actions, used = [], []
        for n in range(reports):
            effective = told[-1 - self.delay]
            load = self.other + sum(s * r for s, r in zip(effective, self.real, strict=True))
            used.append(load / CAPACITY)
            seen = max(0.0, load + self.noise[n % len(self.noise)] * CAPACITY)
            step = at(memory, seen, draws, minutes=every * n, settings=settings)
            actions.append(step.action)
            memory = step.throttle
            told.append(shares(memory, draws, settings.floor))
        return actions, used, memory


@st.composite
def plants(draw: Callable[..., Any]) -> tuple[list[Draw], ThrottleSettings, Plant]:
    """Launches whose loads were planned wrongly, behind delay and noise."""
    draws = draw(launches)
    total = sum(d.amount for d in draws)
    scale = draw(st.floats(200, 1500)) / total
    draws = [d.model_copy(update={"amount": d.amount * scale}) for d in draws]
    wrong = [draw(st.floats(0.02, 3)) for _ in draws]
    settings = ThrottleSettings(
        band=draw(st.sampled_from([0.05, 0.1])), step=draw(st.sampled_from([0.05, 0.2]))
    )
    swing = settings.band / 2
    noise = draw(st.lists(st.floats(-swing, swing), min_size=1, max_size=30))
    real = [d.amount * w for d, w in zip(draws, wrong, strict=True)]
    other = draw(st.floats(0, 1500))
    return draws, settings, Plant(other, real, draw(st.integers(0, 3)), noise)


@given(plants())
def test_constant_demand_settles(case: tuple[list[Draw], ThrottleSettings, Plant]) -> None:
    """However wrongly it was planned, it comes to rest, and within the band if it can."""
    draws, settings, plant = case
    # Reports come every five minutes: the delay of up to three lies within the dwell.
    actions, used, memory = plant.run(draws, settings, reports=900, every=5)
    moves = [action for action in actions if action != "hold"]
    assert sum(a != b for a, b in pairwise(moves)) <= 8
    assert set(actions[-200:]) == {"hold"}, "it has not come to rest"
    swing = settings.band / 2
    low, high = settings.set_point - settings.band, settings.set_point + settings.band
    full = memory.pressure == 0
    least = memory.pressure >= most_pressure(draws, settings.floor) - 1e-5
    assert used[-1] >= low - swing or full
    assert used[-1] <= high + swing or least


@given(plants(), st.floats(1.2, 3))
def test_constant_overload_throttles_and_never_gives_back(
    case: tuple[list[Draw], ThrottleSettings, Plant], other: float
) -> None:
    """What arrives anyway is too much: down to the floors, in one direction."""
    draws, settings, plant = case
    plant.other = other * CAPACITY
    actions, _, memory = plant.run(draws, settings, reports=900, every=5)
    assert "accelerate" not in actions
    assert memory.pressure == pytest.approx(most_pressure(draws, settings.floor), abs=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"band": 0.9},
        {"set_point": 0.0},
        {"set_point": float("nan")},
        {"dwell": "0s"},
        {"floor": 1.0},
        {"step": -1.0},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    """Each of them would divide by nothing, swing, or stop for good."""
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's own
        ThrottleSettings(**wrong)
