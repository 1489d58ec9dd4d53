"""When, and how much of, a plan fits into its pools: the earliest shift and the largest part.

Nothing here knows how offers are worded or taken; it is arithmetic on the periods and amounts of a
plan's demands, by the same sums with which pools reserve.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from typing import NamedTuple

from measures.availability import Availability, exact
from measures.conversion import Conversion
from measures.loads import Need
from measures.model import period_bounds
from measures.needs import in_pool_units, needs_of
from measures.plan import Demand, Measure
from measures.pool import utc_day
from measures.pool_state import Asker, PoolState
from measures.shifting import Shift, shift_by

HORIZON = timedelta(days=1096)
"""How far ahead a plan is tried: three years; further ahead nobody states capacity in earnest."""

_FINEST = Decimal("0.000001")
"""Amounts that are no whole numbers are split to this."""


_HAIRS = tuple(map(Fraction, ("0", "0.000001", "0.01")))
"""By how much a part is made smaller where it misses what is free: by nothing, by the error of
sums, by what conversions are rounded up (`measures.chains`)."""


class Part(NamedTuple):
    """A part of a plan that stays where it is planned.

    Attributes:
        share: how much of every demand it is, 0 to 1.
        amounts: what stays of each of the plan's demands, in their order.
    """

    share: Fraction
    amounts: tuple[float | int, ...]


class Fitting:
    """Where a plan fits.

    Args:
        plan: the measure as it is planned.
        pools: the pools that its demands name.
        at: the moment of asking.
        since: when the measure asked for its gate; now when it has not asked yet.
        not_before: the earliest day of a launch.
        conversions: the newest of each, for demands in other units than their pool's.
    """

    def __init__(
        self,
        plan: Measure,
        pools: Mapping[str, PoolState],
        at: datetime,
        since: datetime | None,
        not_before: date | None,
        conversions: Mapping[str, Conversion],
    ) -> None:
        self._plan = plan
        self._available = Availability(pools, plan.id, Asker(plan.priority, since or at, at))
        self._arriving = _Arriving(pools, conversions)
        self._today = utc_day(at)
        self._not_before = max(self._today, not_before or self._today)

    def fits(self) -> bool:
        """Tells whether the pools carry the plan as it is."""
        demands = self._plan.demands
        load = self._arriving.of(demands)
        return load is not None and self._available.fits(load) and not self._is_over(demands)

    def earliest(
        self, kept: Sequence[Demand], moving: Sequence[Demand] | None = None
    ) -> Shift | None:
        """Returns the smallest shift after which demands fit beside those that stay.

        Args:
            kept: what is needed where it is planned.
            moving: what moves; the plan's demands by default.
        """
        moving = self._plan.demands if moving is None else moving
        staying, load = self._arriving.of(kept), self._arriving.of(moving)
        if staying is None or not load:
            return None
        first = min(moving, key=lambda one: period_bounds(one.period)[1])
        last = {one.pool: one for one in sorted(moving, key=lambda one: period_bounds(one.period))}
        for shift in self._shifts():
            try:
                if any(map(self._is_beyond, shift.demands(last.values()))):
                    return None
                if not self._in_time(shift, first, whole=not kept):
                    continue
                # Lazily: most shifts fail at one of their first demands.
                fits = self._available.fits(chain(staying, shift.demands(load)))
                if fits and together(kept, shift.demands(moving)) is not None:
                    return shift
            except (ValueError, OverflowError):
                return None
        return None

    def largest(self) -> Part | None:
        """Returns the largest part of the plan that fits where it is planned; None without any."""
        demands = self._plan.demands
        load = self._arriving.of(demands)
        if load is None or self._is_over(demands):
            return None
        most = self._available.share(load)
        for hair in _HAIRS:
            share = most * (1 - hair)
            part = Part(share, tuple(_part(demand.amount, share) for demand in demands))
            if not any(part.amounts):
                return None
            if self._available.fits(self._arriving.of(self.kept(part)) or ()):
                return part
        return None

    def kept(self, part: Part) -> tuple[Demand, ...]:
        """Returns the demands that a part keeps, without those of which nothing is left."""
        pairs = zip(self._plan.demands, part.amounts, strict=True)
        return tuple(_of(demand, much) for demand, much in pairs if much or not demand.amount)

    def rest(self, part: Part) -> tuple[Demand, ...]:
        """Returns the demands that a part leaves over."""
        pairs = zip(self._plan.demands, part.amounts, strict=True)
        return tuple(_of(d, _less(d.amount, much)) for d, much in pairs if much < d.amount)

    def why_never(self) -> str:
        """Says why no day is known on which everything fits."""
        pools = dict.fromkeys(demand.pool for demand in self._plan.demands)
        unknown = [pool for pool in pools if not self._available.knows(pool)]
        if unknown:
            return f"there is no pool {', '.join(unknown)}"
        why = self._arriving.why_unknown(self._plan.demands)
        if why:
            return why
        until = {pool: self._available.stated_until(pool) for pool in pools}
        silent = [pool for pool, day in until.items() if day is None]
        if silent:
            return f"pool {', '.join(silent)} states no capacity at all"
        stated = ", ".join(
            f"{pool} until {(day - timedelta(days=1)).isoformat()}"
            for pool, day in until.items()
            if day is not None
        )
        return f"everything fits on no later day for which capacity is stated ({stated})"

    def _shifts(self) -> Iterator[Shift]:
        steps = 1
        while True:
            shift = shift_by(self._plan.demands, steps)
            try:
                if shift.day(self._today) > self._today + HORIZON:
                    return
            except (ValueError, OverflowError):
                return
            yield shift
            steps += 1

    def _is_beyond(self, demand: Demand) -> bool:
        """Tells whether a demand lies after everything that its pool states."""
        until = self._available.stated_until(demand.pool)
        return until is None or period_bounds(demand.period)[0] >= until

    def _is_over(self, demands: Iterable[Demand]) -> bool:
        """Tells whether the time of some demand is over."""
        return any(period_bounds(demand.period)[1] <= self._today for demand in demands)

    def _in_time(self, shift: Shift, first: Demand, *, whole: bool) -> bool:
        """Tells whether no moved period is over, and the launch is not before its time."""
        if self._is_over(shift.demands((first,))):
            return False
        campaign = self._plan.campaign
        if campaign is None or not whole:
            return True
        return shift.day(campaign.launch_on) >= self._not_before


class _Arriving:
    """What demands come to at their pools, whatever unit they are stated in."""

    def __init__(
        self, pools: Mapping[str, PoolState], conversions: Mapping[str, Conversion]
    ) -> None:
        self._pools = pools
        self._conversions = conversions

    def of(self, demands: Iterable[Demand]) -> tuple[Demand, ...] | None:
        """Returns demands in the pools' units; None when some amount cannot be known."""
        needs = self._needs(demands)
        return None if any(need.amount is None for need in needs) else in_pool_units(needs)

    def why_unknown(self, demands: Iterable[Demand]) -> str:
        """Says why the first amount that cannot be known is not; empty when all are."""
        return next((need.why for need in self._needs(demands) if need.amount is None), "")

    def _needs(self, demands: Iterable[Demand]) -> tuple[Need, ...]:
        # Not what a frozen plan was judged with: whoever plans anew is judged by the newest.
        return needs_of(demands, self._pools, self._conversions, {})


def _part(amount: float, share: Fraction) -> float | int:
    """Returns a share of an amount, rounded down: whole where the amount is."""
    if share == 1:
        return amount
    part = exact(amount) * share
    if float(amount).is_integer():
        return math.floor(part)
    return float(math.floor(part / Fraction(_FINEST)) * _FINEST)


def _less(amount: float, part: float) -> float | int:
    left = exact(amount) - exact(part)
    return int(left) if left.denominator == 1 else float(left)


def _of(demand: Demand, amount: float) -> Demand:
    return demand.model_copy(update={"amount": amount})


def together(kept: Iterable[Demand], moved: Iterable[Demand]) -> tuple[Demand, ...] | None:
    """Returns demands with those on one pool and period added up, in the order of time.

    Returns:
        None where two of them are stated in different units: a plan names each pool and period
        once.
    """
    found: dict[tuple[str, str], Demand] = {}
    for demand in (*kept, *moved):
        before = found.get((demand.pool, demand.period))
        total = exact(demand.amount)
        if before is not None:
            if before.unit != demand.unit:
                return None
            total += exact(before.amount)
        amount = int(total) if total.denominator == 1 else float(total)
        found[demand.pool, demand.period] = _of(demand, amount)
    return tuple(sorted(found.values(), key=lambda one: (one.pool, period_bounds(one.period))))


__all__ = ["HORIZON", "Fitting", "Part", "together"]
