"""A pool's state and everything that can happen to it, as pure functions."""

from datetime import date, datetime
from typing import Any

from measures.authority import refuse_unless_may_apply
from measures.directory import Directory
from measures.documents import Demand, Pool
from measures.entry import Draft, EntryKind, pool_stream
from measures.errors import RefusedError
from measures.model import Moment, Stored, period_bounds, restore


class Capacity(Stored):
    """How much a pool can take in a period, and who said so when."""

    amount: float | int
    at: Moment
    by: str


class Holding(Stored):
    """What a pool notes for one measure: amounts per period, held only when hard."""

    amounts: dict[str, float | int]
    hard: bool
    at: Moment


REMEMBERED_COMMANDS = 64
"""How many requests a pool remembers so that a repeated report changes nothing."""


class PoolState(Stored):
    """A pool's life so far.

    Attributes:
        commands: the latest requests that left an entry, oldest first.
    """

    pool: Pool
    capacity: dict[str, Capacity] = {}
    holdings: dict[str, Holding] = {}
    number: int = 0
    commands: tuple[str, ...] = ()

    def held(self, period: str, except_for: str = "") -> float | int:
        """Returns what is held hard in a period, leaving one measure out."""
        return sum(
            holding.amounts.get(period, 0)
            for measure, holding in self.holdings.items()
            if holding.hard and measure != except_for
        )

    def free_for(self, measure: str, period: str) -> float | int | None:
        """Returns what is free for a measure in a period; None when no capacity was stated."""
        stated = self.capacity.get(period)
        return None if stated is None else stated.amount - self.held(period, except_for=measure)


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
    match entry.kind:
        case "pool_changed":
            pool = restore(Pool, body["pool"])
            changed = {
                period: stated
                for period, stated in _stated(pool, entry).items()
                if state.pool.capacity.get(period) != stated.amount
            }
            return _next(state, entry, pool=pool, capacity={**state.capacity, **changed})
        case "capacity_reported":
            stated = Capacity(amount=body["amount"], at=entry.at, by=entry.by)
            return _next(state, entry, capacity={**state.capacity, body["period"]: stated})
        case "reservation_made":
            holding = Holding(amounts=body["amounts"], hard=body["hard"], at=entry.at)
            return _next(state, entry, holdings={**state.holdings, body["measure"]: holding})
        case "reservation_dropped":
            left = {m: h for m, h in state.holdings.items() if m != body["measure"]}
            return _next(state, entry, holdings=left)
        case _:
            msg = f"{entry.kind} does not belong to a pool"
            raise ValueError(msg)


def open_pool(pool: Pool, by: str, at: datetime, command: str) -> Draft:
    """Drafts the first entry of a pool."""
    return _draft(pool.id, 1, "pool_opened", by, at, command, {"pool": _plain(pool)})


def change_pool(
    state: PoolState, pool: Pool, by: str, directory: Directory, at: datetime, command: str
) -> Draft | None:
    """Drafts the change to a newer document; None when nothing differs.

    Raises:
        RefusedError: ``unknown-person`` or ``not-entitled``.
    """
    if pool == state.pool:
        return None
    refuse_unless_may_apply(pool, by, directory, state.pool)
    return _draft(
        pool.id, state.number + 1, "pool_changed", by, at, command, {"pool": _plain(pool)}
    )


def report_capacity(
    state: PoolState, period: str, amount: float, by: str, at: datetime, command: str
) -> Draft:
    """Drafts a capacity report.

    Raises:
        RefusedError: ``not-entitled`` unless the pool's owner reports, ``period-is-past`` for a
            period that is over.
    """
    if by != state.pool.owner:
        raise RefusedError(
            "not-entitled",
            f"pool {state.pool.id}: its owner {state.pool.owner} reports capacity, not {by}",
        )
    refuse_past(period, at.date(), f"pool {state.pool.id}")
    return _draft(
        state.pool.id,
        state.number + 1,
        "capacity_reported",
        by,
        at,
        command,
        {"period": period, "amount": amount},
    )


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
) -> tuple[Draft | None, str]:
    """Drafts a reservation, all its periods or none.

    Returns:
        The entry (None when the pool holds exactly that already, or cannot) and, when it
        cannot, what is missing in words; empty otherwise.
    """
    amounts = {d.period: d.amount for d in demands if d.pool == state.pool.id}
    held = state.holdings.get(measure)
    if held is not None and held.amounts == amounts and held.hard == hard:
        return None, ""
    if hard:
        for period, amount in amounts.items():
            free = state.free_for(measure, period)
            if free is None:
                return None, f"pool {state.pool.id} states no capacity for {period}"
            if free < amount:
                return None, f"pool {state.pool.id} {period}: {amount} needed, {free} free"
    body = {"measure": measure, "amounts": amounts, "hard": hard}
    return (
        _draft(state.pool.id, state.number + 1, "reservation_made", "engine", at, command, body),
        "",
    )


def drop_reservation(
    state: PoolState, measure: str, reason: str, at: datetime, command: str
) -> Draft | None:
    """Drafts the end of a measure's reservation; None when it holds nothing."""
    if measure not in state.holdings:
        return None
    body = {"measure": measure, "reason": reason}
    return _draft(
        state.pool.id, state.number + 1, "reservation_dropped", "engine", at, command, body
    )


def _stated(pool: Pool, entry: Draft) -> dict[str, Capacity]:
    return {
        period: Capacity(amount=amount, at=entry.at, by=entry.by)
        for period, amount in pool.capacity.items()
    }


def _next(state: PoolState, entry: Draft, **changes: Any) -> PoolState:
    commands = (*state.commands, entry.command)[-REMEMBERED_COMMANDS:]
    return state.model_copy(update={**changes, "number": entry.number, "commands": commands})


def _draft(
    pool: str,
    number: int,
    kind: EntryKind,
    by: str,
    at: datetime,
    command: str,
    body: dict[str, Any],
) -> Draft:
    return Draft(
        stream=pool_stream(pool), number=number, kind=kind, at=at, by=by, command=command, body=body
    )


def _plain(pool: Pool) -> dict[str, Any]:
    return pool.model_dump(mode="json")


__all__ = [
    "Capacity",
    "Holding",
    "PoolState",
    "change_pool",
    "drop_reservation",
    "fold_pool",
    "open_pool",
    "refuse_past",
    "report_capacity",
    "reserve",
]
