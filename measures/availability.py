"""What is free for one measure and when, from what its pools state, hold and have promised.

Only what somebody stated counts. Where a pool states nothing for a period it is not known what is
free there, and what is not known is never offered.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from measures.documents import Demand
from measures.model import period_bounds
from measures.pool import PoolState


class Shortfall(NamedTuple):
    """A demand that is not covered.

    Attributes:
        demand: what is needed.
        free: what is free for it; None when the pool states no capacity for the period.
    """

    demand: Demand
    free: float | int | None


class Availability:
    """What is free for one measure in the pools that its plan names.

    Args:
        pools: the pools by id; one that is missing states nothing.
        measure: whose own reservation counts as free.
    """

    def __init__(self, pools: Mapping[str, PoolState], measure: str) -> None:
        self._pools = pools
        self._measure = measure
        self._known: dict[tuple[str, str], float | int | None] = {}

    def free(self, pool: str, period: str) -> float | int | None:
        """Returns what is free for the measure, in the pool's unit; None where nothing is stated.

        It is below zero where capacity was reduced below what is held.
        """
        key = pool, period
        if key not in self._known:
            state = self._pools.get(pool)
            self._known[key] = None if state is None else state.free_for(self._measure, period)
        return self._known[key]

    def shortfalls(self, demands: Iterable[Demand]) -> list[Shortfall]:
        """Returns the demands that cannot be reserved, in their order; none where all fit."""
        short = []
        for demand in demands:
            free = self.free(demand.pool, demand.period)
            if free is None or free < demand.amount:
                short.append(Shortfall(demand, free))
        return short

    def fits(self, demands: Iterable[Demand]) -> bool:
        """Tells whether all demands can be reserved together."""
        return not self.shortfalls(demands)

    def knows(self, pool: str) -> bool:
        """Tells whether there is such a pool."""
        return pool in self._pools

    def stated_until(self, pool: str) -> date | None:
        """Returns the first day for which a pool states nothing any more; None without any."""
        state = self._pools.get(pool)
        if state is None:
            return None
        return max((period_bounds(period)[1] for period in state.capacity), default=None)


__all__ = ["Availability", "Shortfall"]
