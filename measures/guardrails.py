"""Guardrails of a running campaign: which of them a report breaches, and what follows from that."""

from datetime import datetime

from measures.delivery import Breach, acquisition_cost, counted
from measures.documents import ENGINE, Kpi
from measures.drafting import Drafting
from measures.entry import Draft
from measures.requests import ReportInput
from measures.state import MeasureState


def pause_if_breached(
    state: MeasureState, ask: ReportInput, at: datetime, command: str
) -> list[Draft]:
    """Drafts the pause of a campaign that a report shows to breach a guardrail.

    The breach with its numbers, the hold, and the end of the permit: the launch follows from the
    measure's state, and only a person with a reason lets it go on.

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
    if breach is None:
        return []
    drafting = Drafting(state, by=ENGINE, at=at, command=command)
    drafting.write("guardrail_breached", breach.model_dump(mode="json"))
    drafting.write("hold_placed", {"reason": breach.words})
    drafting.end_permit(state.permit, "guardrail", breach.words)
    return drafting.drafts


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
