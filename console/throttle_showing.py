"""`sluice get throttles`: the live load of pools, and how far it throttles their launches."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from console.output import people, print_table
from measures.entry import Entry, pool_stream
from measures.model import Moment, Stored
from measures.pool_state import PoolState
from measures.throttle import ThrottleSettings, turns_at

if TYPE_CHECKING:
    from ledger.store import Ledger

LATEST = 20
"""How many steps one throttle shows; all of them are in the ledger."""


class ThrottleStep(Stored):
    """One decision about the launches on a pool, with the numbers it was made on.

    Attributes:
        number: the entry of the pool.
        shares: per measure, the share before and after.
    """

    number: int
    at: Moment
    action: str
    why: str
    load: float | int
    capacity: float | int
    utilisation: float
    pressure: tuple[float, float]
    shares: dict[str, tuple[float, float]]


class ThrottleView(Stored):
    """A pool's live load and what was made of it.

    Attributes:
        id: the pool's id.
        utilisation: load / capacity; None before the first report, as all about the load.
        fresh: whether the load may still be acted upon.
        pressure: how hard its launches are throttled; 0 is not at all.
        taken_back: how many accelerations had to be taken back and still count.
        shares: the share that each launch was told last, by measure.
        steps: the latest decisions, the newest first; only where one pool is asked for.
    """

    id: str
    unit: str
    period: str | None = None
    load: float | int | None = None
    capacity: float | int | None = None
    utilisation: float | None = None
    measured_at: Moment | None = None
    by: str | None = None
    fresh: bool = False
    settings: ThrottleSettings
    pressure: float
    taken_back: int
    changed_at: Moment | None
    shares: dict[str, float]
    steps: tuple[ThrottleStep, ...] = ()


def throttle_views(ledger: "Ledger", name: str | None = None) -> list[ThrottleView]:
    """Returns the throttles of all pools, or the one of a pool with its latest steps."""
    from console.session import system_clock

    states = ledger.pools([name]) if name is not None else ledger.pools()
    now = system_clock()
    views = [_view(state, now) for _, state in sorted(states.items())]
    if name is None:
        return views
    return [view.model_copy(update={"steps": _steps(ledger, view.id)}) for view in views]


def print_throttles(views: Sequence[ThrottleView], *, single: bool) -> None:
    """Prints a line per pool; of a single one also its launches and its latest steps."""
    print_table(
        ("pool", "period", "load", "capacity", "used", "aim", "measured", "pressure", "throttled"),
        [_cells(view) for view in views],
    )
    if not single:
        return
    [view] = views
    out = people()
    for measure, share in sorted(view.shares.items()):
        out.print(f"{measure} runs at {share:.0%} of its ramp step", markup=False)
    if not view.steps:
        out.print(f"no step yet; report its load: sluice report load {view.id} --value N")
        return
    out.print()
    print_table(
        ("entry", "at", "step", "used", "why", "shares"),
        [
            (
                step.number,
                f"{step.at:%Y-%m-%d %H:%M:%S}",
                step.action,
                f"{step.utilisation:.1%}",
                step.why,
                [f"{m} {before:.0%}>{after:.0%}" for m, (before, after) in step.shares.items()],
            )
            for step in view.steps
        ],
    )


def print_load(view: ThrottleView) -> None:
    """Prints a pool's live load in a line, beneath all else about it; nothing before a report."""
    if view.utilisation is None or view.measured_at is None:
        return
    stale = "" if view.fresh else ", which is stale"
    throttled = [f"{m} at {share:.0%}" for m, share in sorted(view.shares.items()) if share < 1]
    people().print(
        f"\nlive load {view.utilisation:.1%} of {view.period}'s capacity, measured"
        f" {view.measured_at:%Y-%m-%d %H:%M} UTC{stale}; throttled:"
        f" {', '.join(throttled) or 'nobody'} (sluice get throttle {view.id})",
        markup=False,
    )


def _view(state: PoolState, now: datetime) -> ThrottleView:
    load, memory, settings = state.load, state.throttle, state.pool.throttle
    common: dict[str, Any] = {
        "id": state.pool.id,
        "unit": state.pool.unit,
        "settings": settings,
        "pressure": memory.pressure,
        "taken_back": turns_at(memory, settings.dwell, now),
        "changed_at": memory.changed_at,
        "shares": memory.shares,
    }
    if load is None:
        return ThrottleView(**common)
    return ThrottleView(
        **common,
        period=load.period,
        load=load.load,
        capacity=load.capacity,
        utilisation=load.utilisation,
        measured_at=load.measured_at,
        by=load.by,
        fresh=now - load.measured_at <= settings.fresh_for,
    )


def _steps(ledger: "Ledger", pool: str) -> tuple[ThrottleStep, ...]:
    entries = list(ledger.entries(pool_stream(pool), kinds=["throttle_decided"]))
    return tuple(_step(entry) for entry in reversed(entries[-LATEST:]))


def _step(entry: Entry) -> ThrottleStep:
    body: Mapping[str, Any] = entry.body
    return ThrottleStep(
        number=entry.number,
        at=entry.at,
        action=body["action"],
        why=body["why"],
        load=body["load"],
        capacity=body["capacity"],
        utilisation=body["utilisation"],
        pressure=(body["pressure"]["before"], body["pressure"]["after"]),
        shares={one["measure"]: (one["before"], one["after"]) for one in body["launches"]},
    )


def _cells(view: ThrottleView) -> tuple[object, ...]:
    aim = f"{view.settings.set_point:.0%} +-{view.settings.band:.0%}"
    throttled = [f"{m} {share:.0%}" for m, share in sorted(view.shares.items()) if share < 1]
    if view.utilisation is None or view.measured_at is None:
        return (view.id, None, None, None, None, aim, "never", f"{view.pressure:.2f}", throttled)
    stale = "" if view.fresh else " (stale)"
    return (
        view.id,
        view.period,
        f"{view.load:,.10g}",
        f"{view.capacity:,.10g}",
        f"{view.utilisation:.1%}",
        aim,
        f"{view.measured_at:%Y-%m-%d %H:%M}{stale}",
        f"{view.pressure:.2f}",
        throttled,
    )
