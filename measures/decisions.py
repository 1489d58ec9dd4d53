"""What each request leads to: the next entries of a measure's life, or a refusal.

Pure functions of the state, the directory and the time that are handed in. Whatever they return
has not happened yet: it has when the ledger has taken it.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

from measures.amending import changed_fields, set_fields
from measures.directory import Directory
from measures.drafting import Drafting
from measures.duties import (
    principal_for,
    refuse_mixed_duties,
    refuse_second_part,
    refuse_uninvolved,
    refuse_unless_finance,
    refuse_unless_in_office,
)
from measures.entry import Draft, measure_stream
from measures.errors import RefusedError
from measures.guardrails import limit_reached, stop_if_due
from measures.lifecycle import LAUNCH, Lifecycle
from measures.model import period_bounds, period_length
from measures.people import ENGINE, OPERATOR
from measures.plan import Demand, Measure
from measures.requests import AmendInput, KpiReport, ReasonInput, ReportInput, SignInput
from measures.state import MeasureState, Reserved, SignOff


def define(plan: Measure, lifecycle: Lifecycle, *, by: str, at: datetime, command: str) -> Draft:
    """Drafts the first entry of a measure's life.

    Args:
        plan: the measure.
        lifecycle: what the name in the plan stands for now; the entry keeps it whole.
        by: who defines it.
        at: when.
        command: the request.

    Raises:
        RefusedError: ``duties-not-separate``, ``no-launch`` or ``period-is-past``.
    """
    refuse_mixed_duties(plan)
    refuse_campaign_without_launch(plan, lifecycle)
    _refuse_past_demands(plan, (), at)
    return Draft(
        stream=measure_stream(plan.id),
        number=1,
        kind="measure_defined",
        at=at,
        by=by,
        command=command,
        body={
            "plan": plan.model_dump(mode="json", by_alias=True),
            "lifecycle": lifecycle.model_dump(mode="json"),
        },
    )


def _refuse_past_demands(plan: Measure, known: Sequence[Demand], at: datetime) -> None:
    """Refuses what is newly asked of a period that is over: nobody can give it any more."""
    today = at.astimezone(UTC).date()
    for demand in plan.demands:
        if demand not in known and period_bounds(demand.period)[1] <= today:
            raise RefusedError(
                "period-is-past",
                f"measure {plan.id} asks pool {demand.pool} for {demand.amount:g} in"
                f" {demand.period}, which is over; leave that out or ask for a later period",
            )


def refuse_campaign_without_launch(plan: Measure, lifecycle: Lifecycle) -> None:
    """Refuses a campaign in a lifecycle in which none can ever launch.

    Raises:
        RefusedError: ``no-launch``.
    """
    if plan.campaign is not None and lifecycle.launch_from is None:
        raise RefusedError(
            "no-launch",
            f"measure {plan.id} has a campaign, but its lifecycle {lifecycle.id} has no launch;"
            " take the campaign out, or a lifecycle with launch_from",
        )


def gate_to_ask(state: MeasureState, directory: Directory, by: str, at: datetime) -> str:
    """Returns the gate that an advance asks for.

    Args:
        state: the measure.
        directory: the people.
        by: who asks.
        at: when; delegations count on their days.

    Raises:
        RefusedError: ``already-ended``, ``on-hold``, ``unknown-person`` or ``not-entitled``.
    """
    _refuse_ended(state)
    _refuse_held(state)
    refuse_uninvolved(state.plan, directory, by, "ask for its gates")
    gate = state.next_gate
    assert gate is not None, "a measure that has not ended has a next gate"
    _refuse_unless_entitled(state, gate, directory, by, at)
    return gate


def refuse_launch(state: MeasureState, directory: Directory, by: str, at: datetime) -> None:
    """Refuses a launch permit to a measure that is not at the point of launching.

    Raises:
        RefusedError: ``no-campaign``, ``wrong-stage``, ``already-ended``, ``on-hold``,
            ``unknown-person``, ``not-entitled``, ``volume-spent`` or ``budget-spent``.
    """
    _refuse_ended(state)
    _refuse_held(state)
    refuse_uninvolved(state.plan, directory, by, "ask for its launch permit")
    if state.plan.campaign is None:
        raise RefusedError("no-campaign", f"measure {state.id} has no campaign to launch")
    wanted = state.lifecycle.launch_from
    if wanted is None or not state.lifecycle.reached(state.stage, wanted):
        raise RefusedError(
            "wrong-stage",
            f"measure {state.id} is {state.stage}; a campaign launches from {wanted} on:"
            f" sluice advance {state.id}",
        )
    _refuse_unless_entitled(state, LAUNCH, directory, by, at)
    limit = limit_reached(state)
    if limit is not None:
        raise RefusedError(
            limit[0],
            f"measure {state.id}: {limit[1]}; for more, step it back and plan it:"
            f" sluice step-back {state.id} --reason ...",
        )


def sign(
    state: MeasureState, ask: SignInput, directory: Directory, at: datetime, command: str
) -> list[Draft]:
    """Drafts a sign-off; a changed mind replaces the earlier one.

    Raises:
        RefusedError: ``unknown-gate``, ``gate-passed``, ``already-ended``, or what
            `measures.duties` refuses.
    """
    _refuse_ended(state)
    lifecycle = state.lifecycle
    if ask.gate not in lifecycle.gates:
        raise RefusedError(
            "unknown-gate", f"there is no gate {ask.gate!r}; gates: {', '.join(lifecycle.gates)}"
        )
    guarded = (lifecycle.launch_from or "") if ask.gate == LAUNCH else ask.gate
    passed = lifecycle.reached(state.stage, guarded)
    if passed and (ask.gate != LAUNCH or state.permit is not None):
        raise RefusedError("gate-passed", f"measure {state.id} has passed gate {ask.gate} already")
    standing = [s for s in state.sign_offs if s.gate == ask.gate and s.role == ask.role]
    principal = principal_for(
        state.plan,
        directory,
        signer=ask.by,
        role=ask.role,
        day=at.date(),
        taken=frozenset(s.on_behalf_of for s in standing if s.decision == ask.decision),
        used=frozenset(s.on_behalf_of for s in standing if s.by == ask.by),
    )
    refuse_second_part(state.plan, ask.gate, ask.by, ask.role, principal, state.sign_offs)
    drafting = Drafting(state, by=ask.by, at=at, command=command)
    changed_mind = [s.name for s in standing if s.on_behalf_of == principal]
    if changed_mind:
        drafting.write("sign_offs_voided", {"voided": changed_mind, "why": "decided anew"})
    sign_off = SignOff(
        gate=ask.gate,
        role=ask.role,
        by=ask.by,
        on_behalf_of=principal,
        decision=ask.decision,
        at=at,
        content=state.signed_content(ask.gate),
    )
    drafting.write("signed_off", sign_off.model_dump(mode="json"))
    return drafting.drafts


def amend(
    state: MeasureState, ask: AmendInput, directory: Directory, at: datetime, command: str
) -> list[Draft]:
    """Drafts a change of the plan; sign-offs of what it changed are void.

    Raises:
        RefusedError: ``plan-is-frozen``, ``already-ended``, ``not-entitled``,
            ``duties-not-separate``, ``unknown-field``, ``invalid-value``, ``fixed-field`` or
            ``period-is-past``.
    """
    plan = ask.plan if ask.plan is not None else set_fields(state.plan, ask.set)
    changed = changed_fields(state.plan, plan)
    if not changed:
        return []
    _refuse_ended(state)
    also = (OPERATOR,) if ask.plan is not None else ()
    refuse_uninvolved(state.plan, directory, ask.by, "change its plan", also)
    if state.frozen:
        raise RefusedError(
            "plan-is-frozen",
            f"measure {state.id} is {state.stage}: its plan is frozen from"
            f" {state.lifecycle.frozen_from} on ({', '.join(changed)} would change);"
            f" report a forecast, or step it back: sluice step-back {state.id} --reason ...",
        )
    for fixed in ("id", "kind", "lifecycle"):
        if fixed in changed:
            raise RefusedError("fixed-field", f"measure {state.id}: {fixed} can never change")
    refuse_mixed_duties(plan)
    _refuse_past_demands(plan, state.plan.demands, at)
    drafting = Drafting(state, by=ask.by, at=at, command=command)
    drafting.write(
        "measure_amended",
        {"plan": plan.model_dump(mode="json", by_alias=True), "changed": list(changed)},
    )
    drafting.void_what_changed()
    drafting.end_permit(state.permit, "plan-changed", f"changed: {', '.join(changed)}")
    return drafting.drafts


def report(
    state: MeasureState, ask: ReportInput, directory: Directory, at: datetime, command: str
) -> list[Draft]:
    """Drafts news about a measure.

    Raises:
        RefusedError: ``already-ended``, ``not-entitled``, ``not-finance``, ``unknown-kpi``,
            ``unknown-milestone``, ``unknown-commitment``, ``period-not-over``,
            ``wrong-period`` or ``too-early``.
    """
    _refuse_ended(state)
    if ask.actual is not None:
        refuse_unless_finance(state.plan, directory, ask.by)
    else:
        owners = tuple(k.owner for k in state.plan.kpis if k.owner)
        helpers = tuple(c.who for c in state.plan.commitments if c.who)
        steps = tuple(m.owner for m in state.plan.milestones if m.owner)
        refuse_uninvolved(
            state.plan, directory, ask.by, "report on it", (*owners, *helpers, *steps)
        )
    drafting = Drafting(state, by=ask.by, at=at, command=command)
    drafting.write("reported", _news(state, ask, at.date()))
    drafting.void_what_changed()
    return [*drafting.drafts, *stop_if_due(drafting.state, ask, at, command)]


def _news(state: MeasureState, ask: ReportInput, today: date) -> dict[str, Any]:
    plan = state.plan
    if ask.kpi is not None:
        _refuse_unknown("kpi", ask.kpi.id, tuple(k.id for k in plan.kpis), state.id)
        _refuse_odd_report(plan, ask.kpi, ask.by)
        _refuse_open_period(state.id, ask.kpi, today)
        return {"what": "kpi", **ask.kpi.model_dump(mode="json")}
    if ask.milestone is not None:
        names = tuple(m.id for m in plan.milestones)
        _refuse_unknown("milestone", ask.milestone.id, names, state.id)
        return {"what": "milestone", **ask.milestone.model_dump(mode="json")}
    if ask.commitment is not None:
        names = tuple(c.id for c in plan.commitments)
        _refuse_unknown("commitment", ask.commitment.id, names, state.id)
        return {"what": "commitment", **ask.commitment.model_dump(mode="json")}
    if ask.delivery is not None:
        _refuse_unlaunched(state)
        return {"what": "delivery", **ask.delivery.model_dump(mode="json")}
    if ask.evidence is not None:
        return {"what": "evidence", "evidence": ask.evidence.model_dump(mode="json")}
    what, lines = ("actual", ask.actual) if ask.actual is not None else ("forecast", ask.forecast)
    _refuse_early_money(state, what)
    return {"what": what, "lines": lines}


def hold(
    state: MeasureState, ask: ReasonInput, directory: Directory, at: datetime, command: str
) -> list[Draft]:
    """Drafts a hold; nothing moves until it is resumed.

    Raises:
        RefusedError: ``already-ended``, ``on-hold`` or ``not-entitled``.
    """
    _refuse_ended(state)
    _refuse_held(state)
    refuse_uninvolved(state.plan, directory, ask.by, "hold it")
    drafting = Drafting(state, by=ask.by, at=at, command=command)
    drafting.write("hold_placed", {"reason": ask.reason})
    drafting.end_permit(state.permit, "hold", ask.reason)
    return drafting.drafts


def resume(
    state: MeasureState, ask: ReasonInput, directory: Directory, at: datetime, command: str
) -> list[Draft]:
    """Drafts the end of a hold.

    Raises:
        RefusedError: ``already-ended``, ``not-on-hold``, ``not-entitled``, or ``no-reason`` when a
            guardrail stopped it.
    """
    _refuse_ended(state)
    if state.on_hold is None:
        raise RefusedError("not-on-hold", f"measure {state.id} is not on hold")
    refuse_uninvolved(state.plan, directory, ask.by, "resume it")
    if state.breach is not None and not ask.reason.strip():
        raise RefusedError(
            "no-reason",
            f"measure {state.id} was stopped by its {state.breach.words}; say why it may go on:"
            f" sluice resume {state.id} --reason ...",
        )
    drafting = Drafting(state, by=ask.by, at=at, command=command)
    drafting.write("hold_released", {"reason": ask.reason})
    return drafting.drafts


def cancel(
    state: MeasureState, ask: ReasonInput, directory: Directory, at: datetime, command: str
) -> list[Draft]:
    """Drafts the end without a result; what the pools hold is to be released after.

    Raises:
        RefusedError: ``already-ended`` or ``not-entitled``.
    """
    _refuse_ended(state)
    refuse_uninvolved(state.plan, directory, ask.by, "cancel it")
    drafting = Drafting(state, by=ask.by, at=at, command=command)
    drafting.write("measure_cancelled", {"reason": ask.reason})
    drafting.end_permit(state.permit, "cancelled", ask.reason)
    return drafting.drafts


def step_back(
    state: MeasureState, ask: ReasonInput, directory: Directory, at: datetime, command: str
) -> list[Draft]:
    """Drafts the way back to the stage before; its gate must be passed, and signed, again.

    Raises:
        RefusedError: ``already-ended``, ``first-stage`` or ``not-entitled``.
    """
    _refuse_ended(state)
    refuse_uninvolved(state.plan, directory, ask.by, "step it back")
    to = state.lifecycle.previous_stage(state.stage)
    if to is None:
        raise RefusedError("first-stage", f"measure {state.id} is in its first stage")
    drafting = Drafting(state, by=ask.by, at=at, command=command)
    drafting.write("stage_stepped_back", {"from": state.stage, "to": to, "reason": ask.reason})
    drafting.end_permit(state.permit, "stepped-back", ask.reason)
    order = state.lifecycle.order
    places = {**order, LAUNCH: order[state.lifecycle.launch_from or state.lifecycle.last]}
    again = [
        s.name
        for s in state.sign_offs
        if places[s.gate] > order[to] or (s.gate == LAUNCH and places[LAUNCH] == order[to])
    ]
    if again:
        drafting.write("sign_offs_voided", {"voided": again, "why": "stepped back"})
    return drafting.drafts


def told(
    state: MeasureState, campaign: Literal["held", "released"], at: datetime, command: str
) -> list[Draft]:
    """Drafts that the connected system now shows the campaign as wanted."""
    drafting = Drafting(state, by=ENGINE, at=at, command=command)
    drafting.write("campaign_told", {"state": campaign})
    return drafting.drafts


def reserved(state: MeasureState, held: Reserved, at: datetime, command: str) -> list[Draft]:
    """Drafts that the pools hold again what a hold had released."""
    drafting = Drafting(state, by=ENGINE, at=at, command=command)
    drafting.write("capacity_reserved", held.model_dump(mode="json"))
    return drafting.drafts


def released(state: MeasureState, at: datetime, command: str) -> list[Draft]:
    """Drafts that the pools hold nothing for the measure any more."""
    drafting = Drafting(state, by=ENGINE, at=at, command=command)
    if state.reserved != Reserved():
        drafting.write("capacity_released", {})
    return drafting.drafts


def _refuse_ended(state: MeasureState) -> None:
    if state.cancelled is not None:
        raise RefusedError("already-ended", f"measure {state.id} is cancelled")
    if state.ended:
        raise RefusedError("already-ended", f"measure {state.id} is {state.stage}")


def _refuse_held(state: MeasureState) -> None:
    if state.on_hold is not None:
        raise RefusedError(
            "on-hold",
            f"measure {state.id} is on hold ({state.on_hold.reason or 'no reason given'});"
            f" sluice resume {state.id}",
        )


def _refuse_unless_entitled(
    state: MeasureState, gate: str, directory: Directory, by: str, at: datetime
) -> None:
    """Refuses everybody but those whom the lifecycle lets ask for a gate."""
    office = state.lifecycle.entered_by.get(gate)
    if office is not None:
        refuse_unless_in_office(state.plan, directory, gate, office, by, at)


def _refuse_unlaunched(state: MeasureState) -> None:
    """Refuses what a campaign that has never run cannot have brought."""
    if state.plan.campaign is None:
        raise RefusedError("no-campaign", f"measure {state.id} has no campaign that delivers")
    if state.launched_at is None:
        raise RefusedError(
            "too-early",
            f"measure {state.id}: its campaign has never launched, so it has brought nothing yet:"
            f" sluice launch {state.id}",
        )


def _refuse_early_money(state: MeasureState, what: str) -> None:
    """Refuses a forecast or actuals before the stage from which they count (formula 6)."""
    lifecycle = state.lifecycle
    opens = lifecycle.actuals_from if what == "actual" else lifecycle.forecast_from
    if lifecycle.reached(state.stage, opens):
        return
    told = "actuals are" if what == "actual" else "a forecast is"
    instead = f"ask for its next gate: sluice advance {state.id}"
    if not state.frozen:
        instead = (
            f"before {lifecycle.frozen_from} the plan itself is changed: sluice amend {state.id}"
        )
    elif lifecycle.reached(state.stage, lifecycle.forecast_from):
        instead = f"until then report a forecast: sluice report {state.id} --forecast LINE=AMOUNT"
    raise RefusedError(
        "too-early",
        f"measure {state.id} is {state.stage}: {told} reported from {opens} on; {instead}",
    )


def _refuse_unknown(what: str, name: str, known: tuple[str, ...], measure: str) -> None:
    if name not in known:
        raise RefusedError(
            f"unknown-{what}",
            f"measure {measure} has no {what} {name!r}; it has: {', '.join(known) or 'none'}",
        )


_LENGTHS = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}


def _refuse_odd_report(plan: Measure, report: KpiReport, by: str) -> None:
    """Refuses a value from anybody but the KPI's owner, or for a period that is not its own.

    Otherwise whoever wants to pass could bury a bad month under two good days.
    """
    kpi = next(kpi for kpi in plan.kpis if kpi.id == report.id)
    if kpi.owner is not None and by not in (kpi.owner, plan.controller):
        raise RefusedError(
            "not-entitled",
            f"measure {plan.id}: {kpi.id} is reported by its owner {kpi.owner}"
            f" or the controller, not by {by}",
        )
    length = _LENGTHS.get(kpi.cadence or "")
    if length is not None and period_length(report.period) != length:
        raise RefusedError(
            "wrong-period",
            f"measure {plan.id}: {kpi.id} is reported {kpi.cadence};"
            f" {report.period} is a {period_length(report.period)}, not a {length}",
        )


def _refuse_open_period(measure: str, report: KpiReport, today: date) -> None:
    if period_bounds(report.period)[1] > today:
        raise RefusedError(
            "period-not-over",
            f"measure {measure}: {report.period} is not over; report {report.id} after it",
        )
