"""From a measure's state and what pools and other measures say to the facts that rules judge."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta

from measures.assessment import assess
from measures.capacity_facts import (
    demand_facts,
    offer_facts,
    reservation_facts,
    still_needed,
    surge_facts,
    waits_at,
)
from measures.directory import Directory
from measures.facts import ClockFact, DependencyFact, Fact, SignOffFact
from measures.launch_facts import NOTHING, LaunchScene, launch_facts
from measures.link_facts import NO_LINKS, Linked, link_facts
from measures.plan_facts import (
    campaign_facts,
    commitment_facts,
    evidence_facts,
    finance_facts,
    kpi_fact,
    lead_time_facts,
    measure_fact,
    milestone_fact,
    promise_facts,
)
from measures.pool_state import PoolState
from measures.state import MeasureState
from measures.surroundings import Standing


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
    needed = still_needed(state, assessment.needs, today)
    return [
        ClockFact(
            seen_at=now, source="clock", today=today.isoformat(), changes_at=_midnight_after(today)
        ),
        measure_fact(state),
        *(kpi_fact(state, kpi) for kpi in state.plan.kpis),
        *demand_facts(state, needed),
        *waits_at(state, pools, assessment.needs),
        *offer_facts(state, needed, pools, now),
        *reservation_facts(state, pools, today),
        *(milestone_fact(state, milestone, today) for milestone in state.plan.milestones),
        *commitment_facts(state),
        *lead_time_facts(state, today),
        *promise_facts(state),
        *finance_facts(state),
        *_sign_offs(state, directory),
        *_dependencies(state, others),
        *campaign_facts(state, today),
        *evidence_facts(state),
        *launch_facts(state, now, scene, directory),
        *link_facts(state, now, linked),
        # Last: an amendment may bring some or take them away, and all others keep their places.
        *surge_facts(state, assessment.surge, today),
    ]


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


def _midnight_after(today: date) -> datetime:
    return datetime.combine(today + timedelta(days=1), time(), UTC)
