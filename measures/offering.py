"""What can be offered instead of a bare no: the whole plan later, or a part of it now.

Offers are exact. No earlier day of the same steps carries the whole plan, and no larger share of
it fits where it is planned; both follow from the arithmetic by which pools reserve.
"""

import math
from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Literal

from measures.conversion import Conversion
from measures.fitting import Fitting, Part, together
from measures.model import Stored, period_bounds
from measures.plan import Demand, Measure
from measures.plan_fields import ENDS, LAUNCH, demand_path
from measures.pool_state import PoolState
from measures.shifting import Shift


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
    conversions: Mapping[str, Conversion] | None = None,
) -> Outlook | None:
    """Returns what pools can offer a measure whose demands they do not cover.

    Args:
        plan: the measure as it is planned.
        pools: the pools that its demands name.
        at: the moment of asking; periods that are over by then carry nothing.
        since: when the measure asked for its gate, which decides before whom it is served; now
            when it has not asked yet.
        not_before: the earliest day of a launch that lead times allow (formula 3).
        conversions: the newest of each, for demands in other units than their pool's.

    Returns:
        None when the pools carry the plan as it is, or it asks them for nothing.
    """
    fitting = Fitting(plan, pools, at, since, not_before, conversions or {})
    if fitting.fits():
        return None
    whole, part = fitting.earliest(()), fitting.largest()
    later = _later(plan, whole) if whole is not None else None
    partial = _partial(plan, fitting, part) if part is not None else None
    return Outlook(
        offers=tuple(offer for offer in (later, partial) if offer is not None),
        nothing_later="" if later else fitting.why_never(),
    )


def _later(plan: Measure, shift: Shift) -> PlanOffer:
    """Returns the offer of everything later."""
    moved = tuple(shift.demands(plan.demands))
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


def _partial(plan: Measure, fitting: Fitting, part: Part) -> PlanOffer:
    """Returns the offer of the largest part as planned, with the earliest day of the rest."""
    kept, rest = fitting.kept(part), fitting.rest(part)
    shift = fitting.earliest(kept, rest)
    told = f"{_percent(part.share)} now"
    if shift is None:
        pairs = list(zip(plan.demands, part.amounts, strict=True))
        return PlanOffer(
            kind="partial",
            text=f"{told}, the rest on no day for which capacity is stated",
            share=float(part.share),
            demands=tuple(one.model_copy(update={"amount": much}) for one, much in pairs),
            changes={
                demand_path(plan, demand, "amount"): amount
                for demand, amount in pairs
                if amount != demand.amount
            },
        )
    moved = tuple(shift.demands(rest))
    starts_on = min(period_bounds(demand.period)[0] for demand in moved)
    demands = together(kept, moved) or ()
    written = [demand.model_dump(mode="json", exclude_defaults=True) for demand in demands]
    changes: dict[str, Any] = {"demands": written}
    if plan.campaign is not None:
        changes[ENDS] = shift.day(plan.campaign.ends_on).isoformat()
    return PlanOffer(
        kind="partial",
        text=f"{told}, the rest from {starts_on.isoformat()}",
        share=float(part.share),
        moved_by=str(shift),
        starts_on=starts_on,
        demands=demands,
        changes=changes,
    )


def _percent(share: Fraction) -> str:
    """Writes a share rounded down, so that no more is promised than there is."""
    tenths = math.floor(share * 1000)
    return f"{tenths / 10:g} %" if tenths else "under 0.1 %"


__all__ = ["Outlook", "PlanOffer", "outlook"]
