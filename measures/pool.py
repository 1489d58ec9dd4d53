"""What a request to a pool leads to: its next entry, a refusal, or what is lacking.

Pure functions of the state and the time that are handed in; `measures.pool_state` reckons and
`measures.pool_folding` folds. Days begin at midnight UTC, here and in every period.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from measures.authority import refuse_unless_may_apply
from measures.directory import Directory
from measures.documents import Pool
from measures.entry import Draft, pool_stream
from measures.errors import RefusedError
from measures.model import period_bounds
from measures.plan import Demand
from measures.pool_ending import expire, next_expiry
from measures.pool_folding import fold_pool, pool_draft, utc_day
from measures.pool_state import (
    DOCUMENT,
    Asker,
    Capacity,
    Holding,
    Place,
    PoolState,
    Uncovered,
    load,
    over_on,
)
from measures.turns import USUAL


def open_pool(pool: Pool, by: str, at: datetime, command: str) -> Draft:
    """Drafts the first entry of a pool."""
    body = {"pool": _plain(pool)}
    return Draft(
        stream=pool_stream(pool.id),
        number=1,
        kind="pool_opened",
        at=at,
        by=by,
        command=command,
        body=body,
    )


def change_pool(
    state: PoolState, pool: Pool, by: str, directory: Directory, at: datetime, command: str
) -> Draft | None:
    """Drafts the change to a newer document; None when nothing differs.

    Raises:
        RefusedError: ``unknown-person`` or ``not-entitled``; ``unit-in-use`` for another unit while
            somebody holds, noted or waits for amounts in the present one.
    """
    if pool == state.pool:
        return None
    refuse_unless_may_apply(pool, by, directory, state.pool)
    _refuse_other_unit(state, pool)
    body: dict[str, Any] = {"pool": _plain(pool)}
    withdrawn = _withdrawn(state, pool)
    if withdrawn:
        body["withdrawn"] = withdrawn
    draft = pool_draft(state, "pool_changed", at, command, body, by)
    return _saying_who_loses(state, draft)


def report_capacity(
    state: PoolState,
    period: str,
    amount: float,
    by: str,
    at: datetime,
    command: str,
    connector: str | None = None,
) -> Draft:
    """Drafts a capacity report.

    What is held stays held also where the report no longer covers it: the entry says who loses
    how much, first the least urgent, and they are covered again when capacity comes back.

    Args:
        connector: the connected system that fed the number in the owner's name.

    Raises:
        RefusedError: ``not-entitled`` unless the pool's owner reports, ``period-is-past`` for a
            period that is over.
    """
    if by != state.pool.owner:
        raise RefusedError(
            "not-entitled",
            f"pool {state.pool.id}: its owner {state.pool.owner} reports capacity, not {by}",
        )
    refuse_past(period, utc_day(at), f"pool {state.pool.id}")
    body = {"period": period, "amount": amount}
    if connector is not None:
        body["source"] = f"connector:{connector}"
    return _saying_who_loses(state, pool_draft(state, "capacity_reported", at, command, body, by))


def refuse_past(period: str, today: date, subject: str) -> None:
    """Refuses a period that is over.

    Raises:
        RefusedError: ``period-is-past``.
    """
    if period_bounds(period)[1] <= today:
        raise RefusedError("period-is-past", f"{subject}: the period {period} is already over")


def reserve(
    state: PoolState,
    measure: str,
    demands: tuple[Demand, ...],
    *,
    hard: bool,
    at: datetime,
    command: str,
    priority: int = USUAL,
    since: datetime | None = None,
) -> tuple[Draft | None, str]:
    """Drafts a reservation, all its periods or none.

    Args:
        priority: how urgent the measure is.
        since: when it asked for the gate; now when it does not wait yet.

    Returns:
        The entry (None when the pool holds exactly that already, or cannot) and, when it
        cannot, what is missing in words; empty otherwise.
    """
    amounts = _amounts(state, demands)
    foreign = next((d.unit for d in demands if d.unit not in (None, state.pool.unit)), None)
    if foreign is not None:
        return None, f"pool {state.pool.id} counts {state.pool.unit}, not {foreign}"
    held = state.holdings.get(measure)
    if held is not None and held.amounts == amounts and held.hard == hard:
        return None, ""
    if hard:
        asker = Asker(priority, since or at, at)
        for period in amounts:
            lacking = _lacking(state, measure, period, amounts, asker)
            if lacking:
                return None, f"pool {state.pool.id} {lacking}"
    body = {"measure": measure, "amounts": amounts, "hard": hard}
    if priority != USUAL:
        body["priority"] = priority
    return pool_draft(state, "reservation_made", at, command, body), ""


def drop_reservation(
    state: PoolState, measure: str, reason: str, at: datetime, command: str
) -> Draft | None:
    """Drafts the end of a measure's reservation; None when it holds nothing."""
    if measure not in state.holdings:
        return None
    body = {"measure": measure, "reason": reason}
    return pool_draft(state, "reservation_dropped", at, command, body)


def join_queue(
    state: PoolState,
    measure: str,
    demands: tuple[Demand, ...],
    *,
    priority: int,
    since: datetime,
    ready: bool,
    at: datetime,
    command: str,
) -> Draft | None:
    """Drafts that a measure waits for capacity here; None when it has exactly that place."""
    place = Place(amounts=_amounts(state, demands), priority=priority, since=since, ready=ready)
    if state.queue.get(measure) == place:
        return None
    body = {"measure": measure, **place.model_dump(mode="json")}
    return pool_draft(state, "queue_joined", at, command, body)


def leave_queue(
    state: PoolState, measure: str, reason: str, at: datetime, command: str
) -> Draft | None:
    """Drafts that a measure no longer waits here; None when it does not."""
    if measure not in state.queue:
        return None
    return pool_draft(state, "queue_left", at, command, {"measure": measure, "reason": reason})


def frees(before: PoolState | None, draft: Draft) -> bool:
    """Tells whether an entry may let a waiting measure through: less is taken than before."""
    if before is None or draft.kind not in ("reservation_made", "queue_joined"):
        return True
    after = fold_pool(before, draft)
    return any(
        _taken(after, period) < _taken(before, period)
        for period in before.capacity
        if period in after.capacity
    )


def shifted(draft: Draft) -> tuple[str, ...]:
    """Returns whose reservations an entry uncovered or covered again."""
    body = draft.body
    lost = [one["measure"] for one in body.get("uncovered", ())]
    return tuple(dict.fromkeys([*lost, *body.get("covered_again", ())]))


def _refuse_other_unit(state: PoolState, pool: Pool) -> None:
    """Refuses a unit in which what is held would silently mean something else."""
    users = sorted({*state.holdings, *state.queue})
    if pool.unit == state.pool.unit or not users:
        return
    named = ", ".join(users[:3]) + (f" and {len(users) - 3} more" if len(users) > 3 else "")
    raise RefusedError(
        "unit-in-use",
        f"pool {pool.id}: its amounts for {named} are in {state.pool.unit}, so its unit cannot"
        f" become {pool.unit}; open another pool for {pool.unit} (who has what here:"
        f" sluice explain pool {pool.id})",
    )


def _withdrawn(state: PoolState, pool: Pool) -> list[str]:
    """Returns the periods that a newer document no longer states; what was reported since stays."""
    return sorted(
        period
        for period in state.pool.capacity.keys() - pool.capacity.keys()
        if state.capacity[period].source in (DOCUMENT, "")
    )


def _taken(state: PoolState, period: str) -> float | int:
    """Returns what newcomers find taken in a period: held by others, or kept for the queue."""
    kept = (place for place in state.queue.values() if state.is_kept_for(place))
    return state.held(period) + sum(load(place.amounts, period) for place in kept)


def _saying_who_loses(before: PoolState, draft: Draft) -> Draft:
    """Returns a change of capacity with whom it uncovers, who loses first at the head."""
    after = fold_pool(before, draft)
    was = {(one.measure, one.period): one.covered for one in before.overcommitted()}
    now = after.overcommitted()
    lost = [one for one in now if one.covered < was.get((one.measure, one.period), one.held)]
    still = {(one.measure, one.period): one.covered for one in now}
    again = [
        name for (name, period), much in was.items() if still.get((name, period), much + 1) > much
    ]
    body = dict(draft.body)
    if lost:
        body["uncovered"] = [one.model_dump(mode="json") for one in lost]
    if again:
        body["covered_again"] = list(dict.fromkeys(again))
    return draft.model_copy(update={"body": body})


def _lacking(
    state: PoolState, measure: str, period: str, amounts: dict[str, float | int], asker: Asker
) -> str:
    """Returns why a period's amount cannot be held, in words; empty when it can."""
    if over_on(period) <= utc_day(asker.at):
        return f"{period}: the period is already over"
    free = state.free_for(measure, period, asker, amounts)
    if free is None:
        parts = state.touched(period)
        if not parts:
            return f"states no capacity for {period}"
        return (
            f"states no capacity for {period} as a whole, but for {parts[0]}: write the demand"
            " for the periods that the pool states"
        )
    if free >= amounts[period] or not amounts[period]:
        return ""
    kept = state.kept(period, measure, asker)
    waits = f", {kept:,} kept for who waits before it" if kept else ""
    return f"{period}: {amounts[period]} needed, {max(0, free)} free{waits}"


def _amounts(state: PoolState, demands: Iterable[Demand]) -> dict[str, float | int]:
    return {d.period: d.amount for d in demands if d.pool == state.pool.id}


def _plain(pool: Pool) -> dict[str, Any]:
    return pool.model_dump(mode="json")


__all__ = [
    "Capacity",
    "Holding",
    "Place",
    "PoolState",
    "Uncovered",
    "change_pool",
    "drop_reservation",
    "expire",
    "fold_pool",
    "frees",
    "join_queue",
    "leave_queue",
    "next_expiry",
    "open_pool",
    "refuse_past",
    "report_capacity",
    "reserve",
    "shifted",
    "utc_day",
]
