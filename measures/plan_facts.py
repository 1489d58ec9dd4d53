"""What rules may know of a measure's own plan, and of what was reported on it."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from measures.facts import (
    CampaignFact,
    CommitmentFact,
    EvidenceFact,
    FinanceFact,
    KpiFact,
    LeadTimeFact,
    MeasureFact,
    MilestoneFact,
    PromiseFact,
)
from measures.model import period_bounds
from measures.money import benefit_of, cost_of
from measures.plan import Campaign, Kpi, LeadTime, Milestone
from measures.state import MeasureState


def measure_fact(state: MeasureState) -> MeasureFact:
    """Returns the measure itself: who bears it, where it stands and hangs."""
    plan = state.plan
    members = len(plan.steering_committee)
    return MeasureFact(
        seen_at=state.changed_at,
        id=plan.id,
        title=plan.title,
        description=plan.description,
        scope=plan.scope,
        type=plan.type,
        category=plan.category or "",
        stage=state.stage,
        package=plan.package,
        owner=plan.owner or "",
        sponsor=plan.sponsor or "",
        controller=plan.controller or "",
        business_unit=plan.business_unit or "",
        function=plan.function or "",
        legal_entity=plan.legal_entity or "",
        committee_size=members,
        quorum=members // 2 + 1,
        kpis=len(plan.kpis),
        milestones=len(plan.milestones),
        on_hold=state.on_hold is not None,
        has_campaign=plan.campaign is not None,
    )


def kpi_fact(state: MeasureState, kpi: Kpi) -> KpiFact:
    """Returns a KPI with its latest reading, and for how many periods its guardrail held."""
    readings = sorted(
        state.readings.get(kpi.id, {}).items(), key=lambda reading: period_bounds(reading[0])
    )
    held = 0
    if kpi.guardrail is not None:
        after = None
        for period, reading in reversed(readings):
            first, end = period_bounds(period)
            if not kpi.keeps_guardrail(reading.value) or after not in (None, end):
                break
            held, after = held + 1, first
    return KpiFact(
        seen_at=readings[-1][1].at if readings else state.defined_at,
        source=readings[-1][1].by if readings else "plan",
        id=kpi.id,
        name=kpi.title,
        unit=kpi.unit,
        owner=kpi.owner or "",
        cadence=kpi.cadence or "",
        has_baseline=kpi.baseline is not None,
        has_target=kpi.target is not None,
        baseline=kpi.baseline,
        target=kpi.target,
        result=kpi.result or "unknown",
        guarded=kpi.guardrail is not None,
        periods_needed=kpi.guardrail.periods if kpi.guardrail else 0,
        periods_held=held,
        latest=readings[-1][1].value if readings else None,
        latest_period=readings[-1][0] if readings else None,
    )


def milestone_fact(state: MeasureState, milestone: Milestone, today: date) -> MilestoneFact:
    """Returns a milestone, and by how much it is late."""
    return MilestoneFact(
        seen_at=state.changed_at,
        id=milestone.id,
        title=milestone.title,
        due=milestone.due.isoformat() if milestone.due else "",
        has_due=milestone.due is not None,
        owner=milestone.owner or "",
        done=state.done_on(milestone.id) is not None,
        late_days=late_days(state, milestone, today),
    )


def late_days(state: MeasureState, milestone: Milestone, today: date) -> int:
    """Returns by how many days a milestone is or was late; 0 when it is not."""
    if milestone.due is None:
        return 0
    until = state.done_on(milestone.id) or today
    return max(0, (until - milestone.due).days)


def commitment_facts(state: MeasureState) -> Iterable[CommitmentFact]:
    """Returns who has promised what for the plan, and whether it was kept."""
    for commitment in state.plan.commitments:
        kept = state.kept.get(commitment.id, commitment.kept_on)
        yield CommitmentFact(
            seen_at=state.changed_at,
            id=commitment.id,
            who=commitment.who or "",
            what=commitment.what,
            due=commitment.due.isoformat() if commitment.due else "",
            has_due=commitment.due is not None,
            kept=kept is not None,
        )


def lead_time_facts(state: MeasureState, today: date) -> Iterable[LeadTimeFact]:
    """Returns what must be ordered before the launch, and whether it still comes in time."""
    campaign = state.plan.campaign
    if campaign is None:
        return
    for lead in state.plan.lead_times:
        remaining = remaining_days(lead, today)
        earliest = today + timedelta(days=remaining)
        yield LeadTimeFact(
            seen_at=state.changed_at,
            item=lead.item,
            days=lead.days,
            remaining_days=remaining,
            slack_days=(campaign.launch_on - earliest).days,
            earliest=earliest.isoformat(),
            launch_on=campaign.launch_on.isoformat(),
        )


def remaining_days(lead: LeadTime, today: date) -> int:
    """Returns how many days an item still takes when it is ordered today or was ordered before."""
    if lead.ordered_on is None:
        return lead.days
    return max(0, lead.days - max(0, (today - lead.ordered_on).days))


def promise_facts(state: MeasureState) -> Iterable[PromiseFact]:
    """Returns what the campaign promises, and who backs it."""
    for promise in state.plan.promises:
        yield PromiseFact(
            seen_at=state.changed_at,
            id=promise.id,
            text=promise.text,
            backed=promise.backed_by is not None,
            backed_by=promise.backed_by or "",
        )


def finance_facts(state: MeasureState) -> Iterable[FinanceFact]:
    """Returns what the plan, the forecast and the actuals come to."""
    finance = state.plan.finance
    if finance is None:
        return
    yield FinanceFact(
        seen_at=state.actual_at or state.forecast_at or state.defined_at,
        currency=finance.currency,
        has_benefit=any(line != "cost" for line in finance.plan),
        has_cost="cost" in finance.plan,
        benefit=benefit_of(finance.plan),
        cost=cost_of(finance.plan),
        forecast_benefit=benefit_of(state.forecast) if state.forecast else None,
        has_actuals=bool(state.actual),
        actual_benefit=benefit_of(state.actual) if state.actual else None,
    )


def campaign_facts(state: MeasureState, today: date) -> Iterable[CampaignFact]:
    """Returns the campaign as planned, and whether today lies in its window."""
    campaign = state.plan.campaign
    if campaign is None:
        return
    yield CampaignFact(
        seen_at=state.changed_at,
        connector=campaign.connector,
        ref=campaign.ref,
        launch_on=campaign.launch_on.isoformat(),
        ends_on=campaign.ends_on.isoformat(),
        inside_window=campaign.launch_on <= today <= campaign.ends_on,
        launched=state.launched_at is not None,
        budget=campaign.budget,
        volume=campaign.volume,
        changes_at=_window_opens(campaign, today),
    )


def _window_opens(campaign: Campaign, today: date) -> datetime | None:
    if today >= campaign.launch_on:
        return None
    return datetime.combine(campaign.launch_on, time(), UTC)


def evidence_facts(state: MeasureState) -> Iterable[EvidenceFact]:
    """Returns what was attached as proof."""
    for proof in state.evidence:
        yield EvidenceFact(
            seen_at=state.changed_at, id=proof.id, title=proof.title, sha256=proof.sha256
        )
