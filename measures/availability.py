"""What is free for one measure and when, from what its pools state, hold and keep for others.

Only what somebody stated counts. Where a pool states nothing for a period it is not known what is
free there, and what is not known is never offered.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from measures.documents import Demand
from measures.model import period_bounds
from measures.pool_state import Asker, PoolState, load


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
        asker: its place among those who wait for capacity: what is kept for those who come before
            it is not free for it.
    """

    def __init__(self, pools: Mapping[str, PoolState], measure: str, asker: Asker) -> None:
        self._pools = pools
        self._measure = measure
        self._asker = asker
        self._rooms: dict[tuple[str, str], float | int] = {}

    def shortfalls(self, demands: Iterable[Demand]) -> list[Shortfall]:
        """Returns the demands that cannot be reserved together, in their order; none if all can."""
        demands = tuple(demands)
        wanted = _by_pool(demands)
        short = []
        for demand in demands:
            free = self._free(demand, wanted[demand.pool])
            if free is None or free < demand.amount:
                short.append(Shortfall(demand, free))
        return short

    def fits(self, demands: Iterable[Demand]) -> bool:
        """Tells whether all demands can be reserved together."""
        return not self.shortfalls(demands)

    def share(self, demands: Iterable[Demand]) -> Fraction:
        """Returns the largest part, up to 1, of which all demands can be reserved together.

        Every demand is scaled alike. A part s is carried where s times all that the measure needs
        within a stated period is at most what is left there; the largest such s is exact.
        """
        demands = tuple(demands)
        wanted = _by_pool(demands)
        return min((self._part(one, wanted[one.pool]) for one in demands), default=Fraction(1))

    def knows(self, pool: str) -> bool:
        """Tells whether there is such a pool."""
        return pool in self._pools

    def stated_until(self, pool: str) -> date | None:
        """Returns the first day for which a pool states nothing any more; None without any."""
        state = self._pools.get(pool)
        if state is None:
            return None
        return max((period_bounds(period)[1] for period in state.capacity), default=None)

    def _free(self, demand: Demand, wanted: Mapping[str, float | int]) -> float | int | None:
        """Returns what is free for a demand beside the others on its pool.

        It is what `PoolState.free_for` says, with what does not change from day to day kept:
        a search looks at the same periods many times.
        """
        state = self._pools.get(demand.pool)
        if state is None or not state.states(demand.period):
            return None
        others = {when: much for when, much in wanted.items() if when != demand.period}
        free = min(
            self._room(state, one) - load(others, one) for one in state.touched(demand.period)
        )
        return max(free, state.covered(self._measure, demand.period) or free)

    def _part(self, demand: Demand, wanted: Mapping[str, float | int]) -> Fraction:
        state = self._pools.get(demand.pool)
        if state is None or not state.states(demand.period):
            return Fraction(0)
        if not demand.amount:
            return Fraction(1)
        parts = [
            exact(max(0, self._room(state, stated))) / exact(load(wanted, stated))
            for stated in state.touched(demand.period)
        ]
        covered = exact(state.covered(self._measure, demand.period)) / exact(demand.amount)
        return min(Fraction(1), max(min(parts), covered))

    def _room(self, state: PoolState, stated: str) -> float | int:
        """Returns what a stated period has left for the measure, below zero if too much is held."""
        key = state.pool.id, stated
        if key not in self._rooms:
            self._rooms[key] = (
                state.capacity[stated].amount
                - state.held(stated, except_for=self._measure)
                - state.kept(stated, self._measure, self._asker)
            )
        return self._rooms[key]


def exact(amount: float) -> Fraction:
    """Returns an amount as it is written: 0.1 is a tenth."""
    return Fraction(Decimal(str(amount)))


def _by_pool(demands: Iterable[Demand]) -> dict[str, dict[str, float | int]]:
    wanted: dict[str, dict[str, float | int]] = {}
    for demand in demands:
        wanted.setdefault(demand.pool, {})[demand.period] = demand.amount
    return wanted


__all__ = ["Availability", "Shortfall", "exact"]
