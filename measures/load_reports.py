"""What a report of a pool's live load leads to: it is noted, and its launches are throttled.

A pure function of the pool, the measures that hold some of it, and the time.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from measures.entry import Draft, EntryKind, pool_stream
from measures.errors import RefusedError
from measures.model import period_bounds
from measures.pool import PoolState
from measures.pool_load import PoolLoad
from measures.requests import LoadInput
from measures.state import MeasureState
from measures.throttle import CEILING, Draw, Step, Throttle, decide, share_at, utilisation_of

TOO_EARLY = 0.02
"""The part of a period, 15 hours of a month, before which what came so far shows no pace."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far another system's clock may be ahead of ours."""


def report_load(
    state: PoolState,
    ask: LoadInput,
    lives: Mapping[str, MeasureState],
    at: datetime,
    command: str,
) -> list[Draft]:
    """Drafts a load report and, where launches change their share, the decision about them.

    Args:
        state: the pool.
        ask: the report.
        lives: the measures that hold something of the pool.
        at: now.
        command: the request.

    Raises:
        RefusedError: ``not-entitled``, ``in-the-future``, ``load-is-old``, ``wrong-period``,
            ``no-capacity`` or ``too-early``.
    """
    load = _load(state, ask, at)
    settings = state.pool.throttle
    draws = draws_on(state, lives, load.period, load.measured_at.date())
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
    after = step.throttle.model_copy(update={"shares": shares})
    told = state.throttle.shares
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
        body = _decision(state, load, step, draws, after)
        drafts.append(_draft(state, 2, "throttle_decided", "engine", at, command, body))
    return drafts


def running_on(state: PoolState, lives: Mapping[str, MeasureState]) -> tuple[Draw, ...]:
    """Returns the launches that draw on a pool as of its latest load; none before the first."""
    load = state.load
    return draws_on(state, lives, load.period, load.measured_at.date()) if load else ()


def draws_on(
    state: PoolState, lives: Mapping[str, MeasureState], period: str, day: date
) -> tuple[Draw, ...]:
    """Returns the launches that draw on a pool on a day, by the measures' names.

    They are those of measures that hold some of it hard for that day and whose campaign may run.
    What one holds for a longer or shorter period than the asked one counts by its days.
    """
    first, end = period_bounds(period)
    days = (end - first).days
    found = []
    for measure, holding in sorted(state.holdings.items()):
        life = lives.get(measure)
        if not holding.hard or life is None or not _runs(life):
            continue
        amount = days * sum(
            held / (ends - begins).days
            for name, held in holding.amounts.items()
            for begins, ends in [period_bounds(name)]
            if begins <= day < ends
        )
        if amount > 0:
            assert life.plan.campaign is not None, "it would not run"
            found.append(
                Draw(
                    measure=measure,
                    ref=life.plan.campaign.ref,
                    priority=life.plan.priority,
                    amount=amount,
                )
            )
    return tuple(found)


def _runs(life: MeasureState) -> bool:
    return life.campaign_wanted == "released" and not life.ended


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
