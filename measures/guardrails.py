"""What stops a running campaign by itself: a breached guardrail, a budget or volume used up."""

from datetime import datetime
from typing import Literal

from measures.delivery import Breach, acquisition_cost, counted, used_up
from measures.drafting import Drafting
from measures.entry import Draft
from measures.people import ENGINE
from measures.plan import Kpi
from measures.requests import ReportInput
from measures.state import MeasureState


def stop_if_due(state: MeasureState, ask: ReportInput, at: datetime, command: str) -> list[Draft]:
    """Drafts the end of a campaign's run that follows from a report; nothing where none does.

    Where a guardrail is breached: the breach with its numbers, the hold, and the end of the permit;
    the launch follows from the measure's state, and only a person with a reason lets it go on.
    Where its budget or volume is used up: the end of the permit, which nobody grants again.

    Args:
        state: the measure after the report.
        ask: the report.
        at: when.
        command: the request.
    """
    if state.permit is None or state.on_hold is not None:
        return []
    breach = next(
        (found for kpi in state.plan.kpis if (found := _breach(state, kpi, ask, at))), None
    )
    drafting = Drafting(state, by=ENGINE, at=at, command=command)
    if breach is None:
        limit = limit_reached(state) if ask.delivery is not None else None
        if limit is not None:
            drafting.end_permit(state.permit, *limit)
        return drafting.drafts
    drafting.write("guardrail_breached", breach.model_dump(mode="json"))
    drafting.write("hold_placed", {"reason": breach.words})
    drafting.end_permit(state.permit, "guardrail", breach.words)
    return drafting.drafts


def limit_reached(
    state: MeasureState,
) -> tuple[Literal["volume-spent", "budget-spent"], str] | None:
    """Returns which limit of its campaign a measure has used up, as a code and in words."""
    campaign, delivery = state.plan.campaign, state.delivery
    if campaign is None or delivery is None:
        return None
    return used_up(
        volume=campaign.volume,
        budget=campaign.budget,
        reached=delivery.reached or 0,
        spent=delivery.spent,
    )


def _breach(state: MeasureState, kpi: Kpi, ask: ReportInput, at: datetime) -> Breach | None:
    guardrail = kpi.guardrail
    if guardrail is None or guardrail.on_breach != "pause":
        return None
    spent = completed = None
    if ask.delivery is not None and kpi.formula == "acquisition-cost":
        assert state.delivery is not None, "it was reported just now"
        spent, completed = counted(state.delivery, state.counted_from)
        if spent < guardrail.from_spent:
            return None
        value: float | int = acquisition_cost(state.delivery, state.counted_from)
    elif ask.kpi is not None and ask.kpi.id == kpi.id:
        value = ask.kpi.value
    else:
        return None
    at_least, at_most = kpi.bounds
    common = {
        "kpi": kpi.id,
        "title": kpi.title,
        "value": value,
        "baseline": kpi.baseline,
        "spent": spent,
        "completed": completed,
        "at": at,
    }
    if at_most is not None and value > at_most:
        return Breach.model_validate({**common, "bound": "at_most", "limit": at_most})
    if at_least is not None and value < at_least:
        return Breach.model_validate({**common, "bound": "at_least", "limit": at_least})
    return None
