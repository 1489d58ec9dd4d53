"""A pool's state after one more entry."""

from datetime import UTC, date, datetime
from typing import Any

from measures.documents import Pool
from measures.entry import Draft, EntryKind, pool_stream, refuse_gap, remembered
from measures.model import restore
from measures.people import ENGINE
from measures.pool_load import loaded
from measures.pool_state import DOCUMENT, Amounts, Capacity, Holding, Place, PoolState
from measures.turns import USUAL


def fold_pool(state: PoolState | None, entry: Draft) -> PoolState:
    """Returns a pool's state after one more entry.

    Raises:
        ValueError: when the entry cannot follow the state.
    """
    body = entry.body
    if entry.kind == "pool_opened":
        pool = restore(Pool, body["pool"])
        return PoolState(
            pool=pool,
            capacity=_stated(pool, entry),
            number=entry.number,
            commands=(entry.command,),
        )
    if state is None:
        msg = f"{entry.stream} begins with {entry.kind}, not with pool_opened"
        raise ValueError(msg)
    refuse_gap(entry, state.number)
    commands = remembered(state.commands, entry)
    return state.model_copy(
        update={**_changes(state, entry), "number": entry.number, "commands": commands}
    )


def pool_draft(
    state: PoolState,
    kind: EntryKind,
    at: datetime,
    command: str,
    body: dict[str, Any],
    by: str = ENGINE,
) -> Draft:
    """Drafts the next entry of a pool."""
    return Draft(
        stream=pool_stream(state.pool.id),
        number=state.number + 1,
        kind=kind,
        at=at,
        by=by,
        command=command,
        body=body,
    )


def utc_day(moment: datetime) -> date:
    """Returns the day of a moment in UTC, whatever zone it is written in."""
    return moment.astimezone(UTC).date()


def _changes(state: PoolState, entry: Draft) -> dict[str, Any]:
    """Returns the fields that an entry sets."""
    body = entry.body
    match entry.kind:
        case "pool_changed":
            pool = restore(Pool, body["pool"])
            changed = {
                period: stated
                for period, stated in _stated(pool, entry).items()
                if state.pool.capacity.get(period) != stated.amount
            }
            gone = body.get("withdrawn", ())
            kept = {name: stated for name, stated in state.capacity.items() if name not in gone}
            return {"pool": pool, "capacity": {**kept, **changed}}
        case "capacity_reported":
            source = body.get("source", "report")
            stated = Capacity(amount=body["amount"], at=entry.at, by=entry.by, source=source)
            return {"capacity": {**state.capacity, body["period"]: stated}}
        case "reservation_made":
            return _reserved(state, entry)
        case "reservation_dropped":
            return {"holdings": {m: h for m, h in state.holdings.items() if m != body["measure"]}}
        case "reservation_expired":
            return _expired(state, set(body["periods"]), set(body["notes"]))
        case "queue_joined":
            place = restore(Place, body)
            return {"queue": {**state.queue, body["measure"]: place}}
        case "queue_left":
            return {"queue": {m: p for m, p in state.queue.items() if m != body["measure"]}}
        case _:
            return loaded(entry)


def _reserved(state: PoolState, entry: Draft) -> dict[str, Any]:
    """Holds or notes what is asked; who holds it waits for it no longer."""
    body = entry.body
    measure, hard = body["measure"], body["hard"]
    before = state.holdings.get(measure)
    since = before.held_since if hard and before is not None and before.hard else entry.at
    holding = Holding(
        amounts=body["amounts"],
        hard=hard,
        at=entry.at,
        priority=body.get("priority", USUAL),
        since=since if hard else None,
    )
    queue = {m: p for m, p in state.queue.items() if m != measure} if hard else state.queue
    return {"holdings": {**state.holdings, measure: holding}, "queue": queue}


def _expired(state: PoolState, periods: set[str], notes: set[str]) -> dict[str, Any]:
    """Forgets periods that are over and notes that are too old; keeps how much was used."""
    used = dict(state.used)
    holdings: dict[str, Holding] = {}
    for measure, holding in state.holdings.items():
        if holding.hard:
            for period in periods & holding.amounts.keys():
                used[period] = used.get(period, 0) + holding.amounts[period]
        amounts = _without(holding.amounts, periods)
        if amounts and measure not in notes:
            holdings[measure] = holding.model_copy(update={"amounts": amounts})
    queue = {
        measure: place.model_copy(update={"amounts": amounts})
        for measure, place in state.queue.items()
        if (amounts := _without(place.amounts, periods))
    }
    return {"holdings": holdings, "queue": queue, "used": used}


def _without(amounts: Amounts, periods: set[str]) -> dict[str, float | int]:
    return {period: amount for period, amount in amounts.items() if period not in periods}


def _stated(pool: Pool, entry: Draft) -> dict[str, Capacity]:
    return {
        period: Capacity(amount=amount, at=entry.at, by=entry.by, source=DOCUMENT)
        for period, amount in pool.capacity.items()
    }
