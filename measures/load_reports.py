"""What a report of a pool's live load leads to: it is noted, and its launches are throttled.

A pure function of the pool, the launches of the measures that hold some of it, and the time.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from measures.entry import Draft, EntryKind, pool_stream
from measures.errors import RefusedError
from measures.launch import LaunchState
from measures.model import period_bounds
from measures.people import ENGINE
from measures.pool import PoolState
from measures.pool_load import PoolLoad
from measures.requests import LoadInput
from measures.throttle import CEILING, Draw, Step, Throttle, decide, share_at, utilisation_of
from measures.turns import USUAL

TOO_EARLY = 0.02
"""The part of a period, 15 hours of a month, before which what came so far shows no pace."""

UNPLANNED = 1e-3
"""What a launch counts for that runs on without a reservation."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far another system's clock may be ahead of ours."""


def report_load(
    state: PoolState,
    ask: LoadInput,
    launches: Mapping[str, LaunchState],
    at: datetime,
    command: str,
) -> list[Draft]:
    """Drafts a load report and, where launches change their share, the decision about them.

    Args:
        state: the pool.
        ask: the report.
        launches: per measure, for those of `concerned`, its launch.
        at: now.
        command: the request.

    Raises:
        RefusedError: ``not-entitled``, ``in-the-future``, ``load-is-old``, ``wrong-period``,
            ``no-capacity`` or ``too-early``.
    """
    load = _load(state, ask, at)
    settings = state.pool.throttle
    draws = draws_on(state, launches, load.period, load.measured_at.date())
    step = decide(
        settings,
        state.throttle,
        load=load.load,
        capacity=load.capacity,
        measured_at=load.measured_at,
        draws=draws,
        now=at,
    )
    shares = {
        draw.measure: share_at(step.throttle.pressure, draw, settings.floor) for draw in draws
    }
    told = state.throttle.shares
    # One that is stopped goes on, however much later, with what it was told last.
    kept = {measure: share for measure, share in told.items() if share < 1}
    after = step.throttle.model_copy(update={"shares": {**kept, **shares}})
    same = after.pressure == state.throttle.pressure and all(
        told.get(measure, 1.0) == share for measure, share in shares.items()
    )
    noted = {
        "load": load.model_dump(mode="json"),
        "action": step.action,
        "why": step.why,
        "launches": len(draws),
    }
    drafts = [_draft(state, 1, "load_reported", ask.by, at, command, noted)]
    if not same:
        after = after.model_copy(update={"number": state.number + 2})
        body = _decision(state, load, step, draws, after)
        drafts.append(_draft(state, 2, "throttle_decided", ENGINE, at, command, body))
    return drafts


def concerned(state: PoolState) -> list[str]:
    """Returns the measures whose launches may draw on a pool, or were throttled for it."""
    held = {measure for measure, holding in state.holdings.items() if holding.hard}
    return sorted(held | state.throttle.shares.keys())


def running_on(state: PoolState, launches: Mapping[str, LaunchState]) -> tuple[Draw, ...]:
    """Returns the launches that draw on a pool as of its latest load; none before the first."""
    load = state.load
    return draws_on(state, launches, load.period, load.measured_at.date()) if load else ()


def draws_on(
    state: PoolState, launches: Mapping[str, LaunchState], period: str, day: date
) -> tuple[Draw, ...]:
    """Returns the launches that draw on a pool on a day, by the measures' names.

    They are those that run and whose measure holds some of it hard for that day; each counts with
    the share of its ramp step, and what is held for a longer or shorter period by its days. One
    that was throttled and runs on after its reservation keeps following, with next to no weight.
    """
    first, end = period_bounds(period)
    days = (end - first).days
    found = []
    for measure in concerned(state):
        launch, holding = launches.get(measure), state.holdings.get(measure)
        if launch is None or launch.phase not in ("ramp", "open") or launch.step == 0:
            continue
        per_day = sum(
            amount / (ends - begins).days
            for name, amount in (holding.amounts.items() if holding and holding.hard else ())
            for begins, ends in [period_bounds(name)]
            if begins <= day < ends
        )
        amount = per_day * days * launch.ramp[launch.step - 1].share
        if amount <= 0 and measure in state.throttle.shares:
            amount = UNPLANNED
        if amount > 0:
            priority = holding.priority if holding else USUAL
            found.append(
                Draw(measure=measure, ref=launch.ref, priority=priority, amount=round(amount, 6))
            )
    return tuple(found)


def _load(state: PoolState, ask: LoadInput, at: datetime) -> PoolLoad:
    pool = state.pool
    if ask.by != pool.owner:
        raise RefusedError(
            "not-entitled", f"pool {pool.id}: its owner {pool.owner} reports its load, not {ask.by}"
        )
    measured_at = ask.measured_at or at
    if measured_at > at + CLOCK_SKEW:
        raise RefusedError(
            "in-the-future",
            f"pool {pool.id}: a load measured at {measured_at:%Y-%m-%d %H:%M} lies in the future;"
            f" now is {at:%Y-%m-%d %H:%M} UTC",
        )
    known = state.load
    if known is not None and measured_at < known.measured_at:
        raise RefusedError(
            "load-is-old",
            f"pool {pool.id}: a load measured at {known.measured_at:%Y-%m-%d %H:%M:%S} is known"
            " already; report a newer one",
        )
    period = ask.period or _period(state, measured_at.date())
    first, end = period_bounds(period)
    if not first <= measured_at.date() < end:
        raise RefusedError(
            "wrong-period",
            f"pool {pool.id}: the load was measured on {measured_at.date()}, which does not lie in"
            f" {period}",
        )
    stated = state.capacity.get(period)
    capacity = ask.capacity if ask.capacity is not None else stated.amount if stated else None
    if capacity is None:
        raise RefusedError(
            "no-capacity",
            f"pool {pool.id} states no capacity for {period}, so nothing says how much this load"
            f" is: sluice capacity {pool.id} --period {period} --amount N, or give --capacity",
        )
    load = _pace(ask, pool.id, period, capacity, measured_at)
    return PoolLoad(
        period=period,
        load=load,
        capacity=capacity,
        utilisation=(
            utilisation_of(load, capacity)
            if ask.utilisation is None
            else min(CEILING, ask.utilisation)
        ),
        measured_at=min(measured_at, at),
        at=at,
        by=ask.by,
        source=f"connector:{ask.connector}" if ask.connector else "",
    )


def _pace(
    ask: LoadInput, pool: str, period: str, capacity: float, measured_at: datetime
) -> float | int:
    """Returns what would arrive in the whole period at the present pace."""
    if ask.value is not None:
        return ask.value
    if ask.utilisation is not None:
        return round(ask.utilisation * capacity, 6)
    assert ask.to_date is not None, "the model takes exactly one of the three"
    first, end = (datetime.combine(day, time(), UTC) for day in period_bounds(period))
    elapsed = (measured_at - first) / (end - first)
    if elapsed < TOO_EARLY:
        raise RefusedError(
            "too-early",
            f"pool {pool}: only {elapsed:.1%} of {period} is over, too little to tell its pace;"
            " report the pace itself: --value",
        )
    return round(ask.to_date / elapsed, 6)


def _period(state: PoolState, day: date) -> str:
    """Returns the shortest period with a capacity that a day lies in."""
    bounds = {period: period_bounds(period) for period in state.capacity}
    around = [(end - first, name) for name, (first, end) in bounds.items() if first <= day < end]
    if not around:
        raise RefusedError(
            "no-capacity",
            f"pool {state.pool.id} states no capacity for {day};"
            f" sluice capacity {state.pool.id} --period {day:%Y-%m} --amount N",
        )
    return min(around)[1]


def _decision(
    state: PoolState, load: PoolLoad, step: Step, draws: tuple[Draw, ...], after: Throttle
) -> dict[str, Any]:
    """Returns everything that the decision was made on, and what it is."""
    settings = state.pool.throttle
    return {
        "action": step.action,
        "why": step.why,
        **load.model_dump(mode="json", include={"period", "load", "capacity", "utilisation"}),
        "measured_at": load.measured_at.isoformat(),
        "settings": settings.model_dump(mode="json"),
        "pressure": {"before": state.throttle.pressure, "after": after.pressure},
        "launches": [
            {
                "measure": draw.measure,
                "ref": draw.ref,
                "priority": draw.priority,
                "planned": draw.amount,
                "before": state.throttle.shares.get(draw.measure, 1.0),
                "after": after.shares[draw.measure],
            }
            for draw in draws
        ],
        "throttle": after.model_dump(mode="json"),
    }


def _draft(
    state: PoolState,
    place: int,
    kind: EntryKind,
    by: str,
    at: datetime,
    command: str,
    body: dict[str, Any],
) -> Draft:
    return Draft(
        stream=pool_stream(state.pool.id),
        number=state.number + place,
        kind=kind,
        at=at,
        by=by,
        command=command,
        body=body,
    )
