"""When what a pool holds, notes or is waited for is over, and the entry that ends it."""

from datetime import UTC, date, datetime, time

from measures.entry import Draft
from measures.pool_folding import pool_draft, utc_day
from measures.pool_state import PoolState, over_on


def next_expiry(state: PoolState) -> datetime | None:
    """Returns when something held, noted or waited for is over next; None when nothing is."""
    moments = [_begin(over_on(period)) for period in _periods_in_use(state)]
    span = state.pool.notes_last
    if span is not None:
        moments += [note.at + span for note in state.holdings.values() if not note.hard]
    return min(moments, default=None)


def expire(state: PoolState, at: datetime, command: str) -> Draft | None:
    """Drafts the end of what is over by now; None when nothing is.

    A reservation, and a place in the queue, ends with its period; a note also when it has been
    kept as long as the pool's document says.
    """
    today, span = utc_day(at), state.pool.notes_last
    periods = sorted({one for one in _periods_in_use(state) if over_on(one) <= today})
    notes = [
        name
        for name, holding in state.holdings.items()
        if not holding.hard and span is not None and holding.at + span <= at
    ]
    if not periods and not notes:
        return None
    return pool_draft(
        state, "reservation_expired", at, command, {"periods": periods, "notes": notes}
    )


def _periods_in_use(state: PoolState) -> set[str]:
    amounts = [
        *(holding.amounts for holding in state.holdings.values()),
        *(place.amounts for place in state.queue.values()),
    ]
    return {period for one in amounts for period in one}


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
