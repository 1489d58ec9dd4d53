"""What can be offered instead of a bare no: the whole plan later, or a part of it now.

Offers are exact. No earlier day of the same steps carries the whole plan, and no larger share of
it fits where it is planned; both follow from the arithmetic by which pools reserve.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from measures.availability import Availability, exact
from measures.documents import Demand, Measure
from measures.model import Stored, period_bounds
from measures.plan_fields import ENDS, LAUNCH, demand_path
from measures.pool import utc_day
from measures.pool_state import Asker, PoolState
from measures.shifting import Shift, shift_by

HORIZON = timedelta(days=1096)
"""How far ahead a plan is tried: three years; further ahead nobody states capacity in earnest."""

_FINEST = Decimal("0.000001")
"""Amounts that are no whole numbers are split to this."""


class PlanOffer(Stored):
    """One way in which the pools can carry a plan that they cannot carry as it is.

    Attributes:
        kind: ``later`` when everything moves, ``partial`` when a part stays as planned.
        text: the offer in words.
        share: the part of every demand that stays as it is planned, 0 to 1.
        moved_by: by how much the plan, or the rest of it, moves later; empty when nothing does.
        starts_on: the first day of what moves: the launch, or the first period without one.
        demands: what the measure would need of pools then.
        changes: what would be set in the plan, path to value, in this order.
    """

    kind: Literal["later", "partial"]
    text: str
    share: float
    moved_by: str = ""
    starts_on: date | None = None
    demands: tuple[Demand, ...]
    changes: dict[str, Any]


class Outlook(Stored):
    """What the pools can offer a measure.

    Attributes:
        offers: the ways in which they can carry its plan, the whole later first.
        nothing_later: why there is no day for all of it, in words; empty where there is one.
    """

    offers: tuple[PlanOffer, ...] = ()
    nothing_later: str = ""


def outlook(
    plan: Measure,
    pools: Mapping[str, PoolState],
    at: datetime,
    since: datetime | None = None,
    not_before: date | None = None,
) -> Outlook | None:
    """Returns what pools can offer a measure whose demands they do not cover.

    Args:
        plan: the measure as it is planned.
        pools: the pools that its demands name.
        at: the moment of asking; periods that are over by then carry nothing.
        since: when the measure asked for its gate, which decides before whom it is served; now
            when it has not asked yet.
        not_before: the earliest day of a launch that lead times allow (formula 3).

    Returns:
        None when the pools carry the plan as it is, or it asks them for nothing.
    """
    available = Availability(pools, plan.id, Asker(plan.priority, since or at, at))
    asking = _Asking(plan, available, utc_day(at), not_before)
    if asking.fits():
        return None
    whole = asking.earliest(())
    later = [asking.later(whole)] if whole is not None else []
    partial = asking.partial()
    return Outlook(
        offers=(*later, *([partial] if partial is not None else [])),
        nothing_later="" if later else asking.why_never(),
    )


class _Asking:
    """One search for offers."""

    def __init__(
        self, plan: Measure, available: Availability, today: date, not_before: date | None
    ) -> None:
        self._plan = plan
        self._available = available
        self._today = today
        self._not_before = not_before

    def fits(self) -> bool:
        """Tells whether the pools carry the plan as it is."""
        demands = self._plan.demands
        return self._available.fits(demands) and not self._is_over(demands)

    def earliest(
        self, kept: Sequence[Demand], moving: Sequence[Demand] | None = None
    ) -> Shift | None:
        """Returns the smallest shift after which demands fit beside those that stay.

        Args:
            kept: what is needed where it is planned.
            moving: what moves; the plan's demands by default.
        """
        moving = self._plan.demands if moving is None else moving
        for shift in self._shifts():
            try:
                moved = shift.demands(moving)
            except (ValueError, OverflowError):
                return None
            if any(self._is_beyond(demand) for demand in moved):
                return None
            wanted = _together(kept, moved)
            if self._in_time(moved, shift, whole=not kept) and self._available.fits(wanted):
                return shift
        return None

    def later(self, shift: Shift) -> PlanOffer:
        """Returns the offer of everything later."""
        plan, moved = self._plan, shift.demands(self._plan.demands)
        changes = dict[str, Any]()
        # The latest first: an item is addressed by its period, which must not be there twice.
        by_day = sorted(
            zip(plan.demands, moved, strict=True),
            key=lambda pair: period_bounds(pair[0].period),
            reverse=True,
        )
        for demand, after in by_day:
            changes[demand_path(plan, demand, "period")] = after.period
        starts_on = min(period_bounds(demand.period)[0] for demand in moved)
        text = f"everything {shift} later: from {starts_on.isoformat()}"
        if plan.campaign is not None:
            starts_on = shift.day(plan.campaign.launch_on)
            ends_on = shift.day(plan.campaign.ends_on)
            # The end first would do as well: all is set before any of it is checked.
            changes |= {LAUNCH: starts_on.isoformat(), ENDS: ends_on.isoformat()}
            text = f"everything {shift} later: launch on {starts_on.isoformat()}"
        return PlanOffer(
            kind="later",
            text=text,
            share=0.0,
            moved_by=str(shift),
            starts_on=starts_on,
            demands=moved,
            changes=changes,
        )

    def partial(self) -> PlanOffer | None:
        """Returns the offer of the largest part as planned, with the earliest day of the rest."""
        plan = self._plan
        if self._is_over(plan.demands):
            return None
        share = self._available.share(plan.demands)
        kept = [(demand, _part(demand.amount, share)) for demand in plan.demands]
        if not any(amount for _, amount in kept):
            return None
        now = [_of(demand, amount) for demand, amount in kept if amount or not demand.amount]
        rest = [_of(d, _less(d.amount, amount)) for d, amount in kept if amount < d.amount]
        if not self._available.fits(now):
            return None  # sums of fractions of a unit may miss what is free by a hair
        shift = self.earliest(now, rest)
        told = f"{_percent(share)} now"
        if shift is None:
            lowered: dict[str, Any] = {
                demand_path(plan, demand, "amount"): amount
                for demand, amount in kept
                if amount != demand.amount
            }
            return PlanOffer(
                kind="partial",
                text=f"{told}, the rest on no day for which capacity is stated",
                share=float(share),
                demands=tuple(_of(demand, amount) for demand, amount in kept),
                changes=lowered,
            )
        moved = shift.demands(rest)
        starts_on = min(period_bounds(demand.period)[0] for demand in moved)
        demands = _together(now, moved)
        written = [demand.model_dump(mode="json", exclude_defaults=True) for demand in demands]
        changes: dict[str, Any] = {"demands": written}
        if plan.campaign is not None:
            changes[ENDS] = shift.day(plan.campaign.ends_on).isoformat()
        return PlanOffer(
            kind="partial",
            text=f"{told}, the rest from {starts_on.isoformat()}",
            share=float(share),
            moved_by=str(shift),
            starts_on=starts_on,
            demands=demands,
            changes=changes,
        )

    def why_never(self) -> str:
        """Says why no day is known on which everything fits."""
        pools = dict.fromkeys(demand.pool for demand in self._plan.demands)
        unknown = [pool for pool in pools if not self._available.knows(pool)]
        if unknown:
            return f"there is no pool {', '.join(unknown)}"
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

    def _in_time(self, moved: Iterable[Demand], shift: Shift, *, whole: bool) -> bool:
        """Tells whether moved periods are not over, and the launch is not before its time."""
        if self._is_over(moved):
            return False
        campaign = self._plan.campaign
        if campaign is None or not whole:
            return True
        earliest = max(self._today, self._not_before or self._today)
        return shift.day(campaign.launch_on) >= earliest


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


def _together(kept: Iterable[Demand], moved: Iterable[Demand]) -> tuple[Demand, ...]:
    """Returns demands with those on one pool and period added up, in the order of time."""
    found: dict[tuple[str, str], Demand] = {}
    for demand in (*kept, *moved):
        key = demand.pool, demand.period
        before = found.get(key)
        if before is not None:
            total = exact(before.amount) + exact(demand.amount)
            amount = int(total) if total.denominator == 1 else float(total)
            demand = _of(demand, amount)
        found[key] = demand
    return tuple(sorted(found.values(), key=lambda one: (one.pool, period_bounds(one.period))))


def _percent(share: Fraction) -> str:
    """Writes a share rounded down, so that no more is promised than there is."""
    tenths = math.floor(share * 1000)
    return f"{tenths / 10:g} %" if tenths else "under 0.1 %"


__all__ = ["HORIZON", "Outlook", "PlanOffer", "outlook"]
