"""From a measure's state and what pools and other measures say to the facts that rules judge."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from measures.directory import Directory
from measures.documents import Campaign, Kpi, LeadTime, Milestone
from measures.facts import (
    CampaignFact,
    ClockFact,
    CommitmentFact,
    DemandFact,
    DependencyFact,
    EvidenceFact,
    Fact,
    FinanceFact,
    KpiFact,
    LeadTimeFact,
    MeasureFact,
    MilestoneFact,
    OfferFact,
    PromiseFact,
    ReservationFact,
    SignOffFact,
    SurgeFact,
    WaitFact,
)
from measures.launch_facts import NOTHING, LaunchScene, launch_facts
from measures.link_facts import NO_LINKS, Linked, link_facts
from measures.loads import Need, Touched
from measures.model import Moment, Stored, period_bounds
from measures.money import benefit_of, cost_of
from measures.needs import needs_of
from measures.pool_state import Asker, PoolState, over_on
from measures.queueing.recording import speaks_of
from measures.state import MeasureState
from measures.surge import surge_of
from measures.turns import more_urgent_at


class Standing(Stored):
    """Where another measure stands, as far as a waiting one needs to know.

    Attributes:
        stages: of its own lifecycle, in order.
    """

    id: str
    stages: tuple[str, ...]
    stage: str
    owner: str = ""
    cancelled: bool = False
    changed_at: Moment

    def has_reached(self, stage: str) -> bool:
        """Tells whether it has got at least as far as a stage; never once it is cancelled."""
        return not self.cancelled and stage in self.stages[: self.stages.index(self.stage) + 1]


def standing_of(state: MeasureState) -> Standing:
    """Returns where a measure stands."""
    return Standing(
        id=state.id,
        stages=tuple(state.lifecycle.order),
        stage=state.stage,
        owner=state.plan.owner or "",
        cancelled=state.cancelled is not None,
        changed_at=state.changed_at,
    )


class LivePage(NamedTuple):
    """Some measures, and where those stand that they depend on.

    Attributes:
        states: each measure's state as JSON: whoever gathers facts in another process reads it
            there.
        launches: the launches that have not ended of these measures' campaigns, and of all that
            have audiences, as JSON.
        rivals: the states of measures, not ended, whose campaigns have audiences, as JSON.
        linked: what is known of the objects that these measures link.
    """

    states: list[str]
    standings: dict[str, Standing]
    launches: list[str] = []
    rivals: list[str] = []
    linked: Linked = NO_LINKS


class Surroundings(NamedTuple):
    """What a measure's facts need beside itself.

    Attributes:
        pools: the pools it has demands on.
        others: where the measures stand that it depends on.
        scene: what its campaign's launch does, and who else is after its audience.
        linked: what its links lead to in other systems.
    """

    pools: Mapping[str, PoolState]
    others: Mapping[str, Standing]
    scene: LaunchScene = NOTHING
    linked: Linked = NO_LINKS


def gather(
    state: MeasureState,
    now: datetime,
    pools: Mapping[str, PoolState],
    others: Mapping[str, Standing],
    directory: Directory,
    scene: LaunchScene = NOTHING,
    linked: Linked = NO_LINKS,
) -> list[Fact]:
    """Returns every fact about a measure that rules may look at.

    Args:
        state: the asking measure.
        now: the time of the judgement.
        pools: the pools it has demands on; one that is missing gives no offer, so that a rule
            which needs it is inconclusive.
        others: the measures it depends on; one that is missing is a dependency of unknown stage.
        directory: the people; who no longer bears the role they signed in has not signed. And the
            conversions, for demands in other units than their pool's, and the black-outs.
        scene: what its campaign's launch does, and who else is after its audience.
        linked: what its links lead to; one that is missing there is a link of unknown status.
    """
    today = now.astimezone(UTC).date()
    assessment = assess(state, pools, directory)
    standing = _standing(state, assessment.needs, today)
    return [
        ClockFact(
            seen_at=now, source="clock", today=today.isoformat(), changes_at=_midnight_after(today)
        ),
        _measure(state),
        *(_kpi(state, kpi) for kpi in state.plan.kpis),
        *_demands(state, standing),
        *waits_at(state, pools, assessment.needs),
        *_offers(state, standing, pools, now),
        *_reservations(state, pools, today),
        *(_milestone(state, milestone, today) for milestone in state.plan.milestones),
        *_commitments(state),
        *_lead_times(state, today),
        *_promises(state),
        *_finance(state),
        *_sign_offs(state, directory),
        *_dependencies(state, others),
        *_campaign(state, today),
        *_evidence(state),
        *launch_facts(state, now, scene, directory),
        *link_facts(state, now, linked),
        # Last: an amendment may bring some or take them away, and all others keep their places.
        *_surge(state, assessment.surge),
    ]


def _measure(state: MeasureState) -> MeasureFact:
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


def _kpi(state: MeasureState, kpi: Kpi) -> KpiFact:
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


class Assessment(NamedTuple):
    """What a plan comes to at the pools.

    Attributes:
        needs: its demands in the pools' units.
        surge: whom it touches with more than is normal.
    """

    needs: tuple[Need, ...]
    surge: tuple[Touched, ...]


def assess(state: MeasureState, pools: Mapping[str, PoolState], directory: Directory) -> Assessment:
    """Returns what a measure's plan comes to at the pools.

    Once the plan is frozen it keeps the conversions that it was judged with.

    Args:
        state: the measure.
        pools: the pools it has demands on, and those that its demands may reach.
        directory: the conversions.
    """
    conversions = directory.conversions
    judged = {need.name: need for need in state.needs} if state.frozen else {}
    needs = needs_of(state.plan.demands, pools, conversions, judged)
    return Assessment(needs, surge_of(state.id, needs, pools, conversions, state.confirmations))


def _demands(state: MeasureState, needs: Iterable[Need]) -> Iterable[DemandFact]:
    for need in needs:
        other = need.converted
        yield DemandFact(
            seen_at=state.changed_at,
            pool=need.pool,
            period=need.period,
            amount=need.amount,
            unit=need.unit,
            stated=need.stated if other else None,
            stated_unit=need.stated_unit if other else None,
            mean=need.mean,
            chain=" > ".join(need.chain) if other else None,
        )


def _surge(state: MeasureState, surge: Iterable[Touched]) -> Iterable[SurgeFact]:
    for touched in surge:
        yield SurgeFact(
            seen_at=state.changed_at,
            source=f"pool:{touched.pool}",
            pool=touched.pool,
            period=touched.period,
            team=touched.team,
            title=touched.title,
            who=touched.person,
            unit=touched.unit,
            needed=touched.needed,
            normal=touched.normal,
            limit=touched.limit,
            above=touched.above,
            takes=touched.takes,
            cadence=touched.cadence,
            confirmed=bool(touched.confirmed_by),
            by=touched.confirmed_by,
            declined=touched.declined,
        )


def waits_at(
    state: MeasureState, pools: Mapping[str, PoolState], needs: tuple[Need, ...]
) -> Iterable[WaitFact]:
    """Returns the recorded waits while they still speak of what plan and pools state."""
    recorded = state.queue
    if recorded is None or not speaks_of(recorded, state.plan, pools, needs):
        return
    for wait in recorded.pools:
        yield WaitFact(
            seen_at=recorded.at,
            source="simulation",
            pool=wait.pool,
            title=wait.title,
            unit=wait.unit,
            p50_days=wait.p50_days,
            p90_days=wait.p90_days,
            p95_days=wait.p95_days,
            backlog_peak=wait.backlog_peak,
            drains=wait.drains_on is not None,
            drains_on=wait.drains_on.isoformat() if wait.drains_on else "",
            cost_rise=wait.cost_rise,
            admissible_share=wait.admissible_share,
            seed=recorded.seed,
            replications=recorded.ask.replications,
        )


def _standing(state: MeasureState, needs: Iterable[Need], today: date) -> list[Need]:
    """Returns what the measure still needs of pools.

    Once its capacity was held, a period that is over needs nothing any more: a campaign that is
    stopped and launched again in April does not wait for March.
    """
    held = state.lifecycle.reached(state.stage, state.lifecycle.hard_at)
    return [need for need in needs if not held or over_on(need.period) > today]


def _offers(
    state: MeasureState, needs: Sequence[Need], pools: Mapping[str, PoolState], now: datetime
) -> Iterable[OfferFact]:
    today = now.astimezone(UTC).date()
    asker = asker_of(state, now)
    for need in needs:
        pool = pools.get(need.pool)
        if pool is None or over_on(need.period) <= today:
            continue
        beside = {n.period: n.amount or 0 for n in needs if n.pool == need.pool}
        available = pool.free_for(state.id, need.period, asker, beside)
        if available is None:
            continue
        if not need.amount:
            available = max(0, available)  # who needs nothing lacks nothing
        touched = pool.touched(need.period)
        limit, left = pool.limit_of(state.id, need.period, asker, beside)
        oldest = min(touched, key=lambda period: pool.capacity[period].at)
        # Who is told to raise a period is told from its own amount: from a smaller one of a day
        # within, the advice would lower it.
        own = pool.capacity.get(need.period)
        capacity = own.amount if own else min(pool.capacity[period].amount for period in touched)
        waits_behind = pool.kept(need.period, state.id, asker) > 0
        yield OfferFact(
            seen_at=pool.capacity[oldest].at,
            source=f"pool:{need.pool}",
            pool=need.pool,
            title=pool.pool.title,
            period=need.period,
            available=available,
            capacity=capacity,
            held_by_others=capacity - available,
            unit=pool.pool.unit,
            owner=pool.pool.owner,
            limited_by=limit,
            spoken_for=pool.capacity[limit].amount - left,
            oldest=oldest,
            oldest_capacity=pool.capacity[oldest].amount,
            changes_at=more_urgent_at(*asker) if waits_behind else None,
        )


def asker_of(state: MeasureState, now: datetime) -> Asker:
    """Returns since when a measure asks for capacity, and how urgently.

    It asks since its request for the gate at which capacity is held, or only now.
    """
    waiting = state.request
    asks = waiting is not None and waiting.gate == state.lifecycle.hard_at
    return Asker(state.plan.priority, waiting.at if waiting and asks else now, now)


def _reservations(
    state: MeasureState, pools: Mapping[str, PoolState], today: date
) -> Iterable[ReservationFact]:
    for name, periods in state.reserved.amounts.items():
        pool = pools.get(name)
        for period, amount in periods.items():
            covered = amount
            if pool is not None and state.reserved.hard and over_on(period) > today:
                covered = min(amount, pool.covered(state.id, period))
            yield ReservationFact(
                seen_at=state.changed_at,
                source=f"pool:{name}",
                pool=name,
                period=period,
                amount=covered,
                hard=state.reserved.hard,
            )


def _milestone(state: MeasureState, milestone: Milestone, today: date) -> MilestoneFact:
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


def _commitments(state: MeasureState) -> Iterable[CommitmentFact]:
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


def _lead_times(state: MeasureState, today: date) -> Iterable[LeadTimeFact]:
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


def _promises(state: MeasureState) -> Iterable[PromiseFact]:
    for promise in state.plan.promises:
        yield PromiseFact(
            seen_at=state.changed_at,
            id=promise.id,
            text=promise.text,
            backed=promise.backed_by is not None,
            backed_by=promise.backed_by or "",
        )


def _finance(state: MeasureState) -> Iterable[FinanceFact]:
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


def _sign_offs(state: MeasureState, directory: Directory) -> Iterable[SignOffFact]:
    for sign_off in state.sign_offs:
        if not directory.fit_for(sign_off.on_behalf_of, sign_off.role):
            continue
        yield SignOffFact(
            seen_at=sign_off.at,
            source=sign_off.by,
            gate=sign_off.gate,
            role=sign_off.role,
            decision=sign_off.decision,
            by=sign_off.by,
            on_behalf_of=sign_off.on_behalf_of,
        )


def _dependencies(state: MeasureState, others: Mapping[str, Standing]) -> Iterable[DependencyFact]:
    for dependency in state.plan.dependencies:
        other = others.get(dependency.measure)
        if other is None:
            # Stated without its stage, so that it is unknown rather than forgotten.
            yield DependencyFact(
                seen_at=state.changed_at, measure=dependency.measure, wanted=dependency.stage
            )
            continue
        yield DependencyFact(
            seen_at=other.changed_at,
            source=f"measure:{dependency.measure}",
            measure=dependency.measure,
            wanted=dependency.stage,
            stage="cancelled" if other.cancelled else other.stage,
            owner=other.owner,
            done=other.has_reached(dependency.stage),
        )


def _campaign(state: MeasureState, today: date) -> Iterable[CampaignFact]:
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


def _evidence(state: MeasureState) -> Iterable[EvidenceFact]:
    for proof in state.evidence:
        yield EvidenceFact(
            seen_at=state.changed_at, id=proof.id, title=proof.title, sha256=proof.sha256
        )


def _window_opens(campaign: Campaign, today: date) -> datetime | None:
    if today >= campaign.launch_on:
        return None
    return datetime.combine(campaign.launch_on, time(), UTC)


def _midnight_after(today: date) -> datetime:
    return datetime.combine(today + timedelta(days=1), time(), UTC)
