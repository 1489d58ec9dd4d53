"""What is free for one measure and when, from what its pools state, hold and keep for others.

Only what somebody stated counts. Where a pool states nothing for a period it is not known what is
free there, and what is not known is never offered.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from measures.model import period_bounds
from measures.plan import Demand
from measures.pool_state import Asker, PoolState, load

_HAIR = 1e-9
"""Relative to what there is: sums in another order differ by less."""


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
        self._touched: dict[tuple[str, str], list[str] | None] = {}
        self._until = {name: _end_of(state) for name, state in pools.items()}

    def shortfalls(self, demands: Iterable[Demand]) -> list[Shortfall]:
        """Returns the demands that cannot be reserved together, in their order; none if all can."""
        demands = tuple(demands)
        wanted = _by_pool(demands)
        short = []
        for demand in demands:
            free = self._free(demand, wanted[demand.pool])
            needed = wanted[demand.pool][demand.period]
            if free is None or (needed and free < needed):
                short.append(Shortfall(demand, free))
        return short

    def fits(self, demands: Iterable[Demand]) -> bool:
        """Tells whether all demands can be reserved together; asks no further once they cannot."""
        taken: dict[tuple[str, str], float | int] = {}
        asked = []
        for demand in demands:
            asked.append(demand)
            if self._is_far_beyond(demand, taken):
                return False
        # Sums of fractions depend on their order: what is about right is added as pools add it.
        return not self.shortfalls(asked)

    def _is_far_beyond(self, demand: Demand, taken: dict[tuple[str, str], float | int]) -> bool:
        """Adds a demand to what is taken of each stated period; tells whether that is too much."""
        state, touched = self._pools.get(demand.pool), self._stated(demand)
        if state is None or touched is None:
            return True
        if self._measure in state.holdings or not demand.amount:
            return False  # what it holds already counts in its own way; nothing always fits
        for stated in touched:
            key = demand.pool, stated
            taken[key] = taken.get(key, 0) + demand.amount
            room = self._room(state, stated)
            if taken[key] > room + _HAIR * max(1, abs(room)):
                return True
        return False

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
        return self._until.get(pool)

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
        touched = self._stated(demand)
        if state is None or touched is None:
            return Fraction(0)
        if not demand.amount:
            return Fraction(1)
        parts = [
            exact(max(0, self._room(state, stated))) / exact(load(wanted, stated))
            for stated in touched
        ]
        covered = exact(state.covered(self._measure, demand.period)) / exact(demand.amount)
        return min(Fraction(1), max(min(parts), covered))

    def _stated(self, demand: Demand) -> list[str] | None:
        """Returns the stated periods that a demand touches; None where it lies inside none."""
        key = demand.pool, demand.period
        if key not in self._touched:
            state = self._pools.get(demand.pool)
            known = state is not None and state.states(demand.period)
            self._touched[key] = state.touched(demand.period) if state and known else None
        return self._touched[key]

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


def _end_of(state: PoolState) -> date | None:
    return max((period_bounds(period)[1] for period in state.capacity), default=None)


def exact(amount: float) -> Fraction:
    """Returns an amount as it is written: 0.1 is a tenth."""
    return Fraction(Decimal(str(amount)))


def _by_pool(demands: Iterable[Demand]) -> dict[str, dict[str, float | int]]:
    """Adds demands up per pool and period: what stays and what moves may meet in one."""
    wanted: dict[str, dict[str, float | int]] = {}
    for demand in demands:
        periods = wanted.setdefault(demand.pool, {})
        periods[demand.period] = periods.get(demand.period, 0) + demand.amount
    return wanted


__all__ = ["Availability", "Shortfall", "exact"]
