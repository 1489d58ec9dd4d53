"""What pools would have to state for a measure to get all that it needs.

A demand touches every stated period that has a day in common with it, and any of them may be the
one that lacks. And what is stated anew may serve others first: who comes before in the queue and
had no use for what there was.
"""

import math
from collections.abc import Mapping

from measures.facts.capacity import Statement
from measures.pool_state import Amounts, Asker, Capacity, PoolState

_FINEST = 1e-6
"""Amounts that are no whole numbers are stated to this."""

_UNBOUNDED = 1e15
"""What a period leaves for a demand that it does not touch: the largest amount that is taken."""

Wanted = Mapping[str, Amounts]
"""What a measure needs: pool to period to amount, in the pool's unit."""


def as_if_enough(
    pools: Mapping[str, PoolState], measure: str, wanted: Wanted, asker: Asker
) -> dict[str, PoolState]:
    """Returns the pools as if each stated just enough for all that a measure needs.

    Periods that nobody stated stay so.

    Args:
        pools: the pools by id; one that is missing is left out of account.
        measure: who asks; its own reservation counts as free for it.
        wanted: what it needs.
        asker: its place among those who wait.
    """
    asked = {name: state for name, state in pools.items() if name in wanted}
    while True:
        raised = {
            name: _raised(state, measure, wanted[name], asker) for name, state in asked.items()
        }
        if raised == asked:
            return raised
        asked = raised


def statements_of(
    state: PoolState, enough: PoolState, measure: str, period: str, beside: Amounts, asker: Asker
) -> tuple[Statement, ...]:
    """Returns the statements that what is free for a demand rests on, in order.

    Args:
        state: the pool as it is.
        enough: the same as if it stated enough.
        measure, asker: as for `as_if_enough`.
        period: when the demand is.
        beside: what the measure needs of the pool, in any period.
    """
    left = enough.left_in(measure, period, asker, beside)
    periods = state.touched(period)
    if any(enough.is_kept_for(one) != state.is_kept_for(one) for one in state.queue.values()):
        # Whoever has use for more then takes from every period that they touch, also where there
        # was enough for this measure: all of it is raised or nothing.
        raised = (name for name, one in state.capacity.items() if one != enough.capacity[name])
        periods = sorted({*periods, *raised})
    return tuple(
        Statement(
            period=stated,
            at=state.capacity[stated].at,
            capacity=state.capacity[stated].amount,
            enough=enough.capacity[stated].amount,
            left=left.get(stated, _UNBOUNDED),
        )
        for stated in periods
    )


def amount_for(statement: Statement, available: float) -> float | int:
    """Returns how much a period must state so that so much is available for the demand."""
    if available <= statement.left:
        return statement.enough
    return _upward(statement.enough + (available - statement.left), statement.enough)


def _raised(state: PoolState, measure: str, wanted: Amounts, asker: Asker) -> PoolState:
    """Returns a pool with what lacks added; another look may find that others come first then."""
    capacity = dict(state.capacity)
    for period, amount in wanted.items():
        free = state.free_for(measure, period, asker, wanted)
        if free is None or not amount or free >= amount:
            continue
        for stated, left in state.left_in(measure, period, asker, wanted).items():
            if left < amount:
                before = state.capacity[stated].amount
                more = _upward(before + (amount - left), before)
                capacity[stated] = _more(capacity[stated], more)
    return state.model_copy(update={"capacity": capacity})


def _more(stated: Capacity, amount: float) -> Capacity:
    return stated.model_copy(update={"amount": max(stated.amount, amount)})


def _upward(amount: float, before: float) -> float | int:
    """Returns an amount as people write it: never less, and always more than before."""
    if float(amount).is_integer() and amount > before:
        return int(amount)
    rounded = round(math.ceil(amount / _FINEST) * _FINEST, 6)
    if rounded > before:
        return rounded
    return max(round(before + _FINEST, 6), math.nextafter(before, math.inf))


__all__ = ["amount_for", "as_if_enough", "statements_of"]
