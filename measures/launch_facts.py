"""What rules may know of a campaign's launch: its hold, its ramp, black-outs, rival audiences."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from measures.blackouts import blackouts_for
from measures.directory import Directory
from measures.facts import AudienceConflictFact, BlackoutFact, Fact, LaunchFact, RampFact
from measures.launch import LaunchState
from measures.launching import BLACKOUT
from measures.plan import Campaign, Kpi
from measures.state import MeasureState


class LaunchScene(NamedTuple):
    """What a campaign's facts need beside its measure.

    Attributes:
        launch: the campaign's own; None before there is one.
        rivals: the measures, not ended, whose campaigns share an audience and a day with it.
    """

    launch: LaunchState | None = None
    rivals: Sequence[MeasureState] = ()


NOTHING = LaunchScene()
"""The scene of a measure without campaign."""


def scene_of(
    state: MeasureState,
    launches: Iterable[LaunchState],
    measure: Callable[[str], MeasureState | None],
) -> LaunchScene:
    """Returns what a measure's campaign does and who is after its audience.

    Args:
        state: the measure.
        launches: in the order of their names; at least the campaign's own, and with an audience
            all that have one.
        measure: finds the state of another measure.
    """
    campaign = state.plan.campaign
    if campaign is None:
        return NOTHING
    own, rivals = None, []
    for launch in launches:
        if launch.ref == campaign.ref:
            own = launch
        if is_rival(state, launch):
            rival = measure(launch.measure)
            if rival is not None and not rival.ended:
                rivals.append(rival)
    return LaunchScene(own, rivals)


def is_rival(state: MeasureState, launch: LaunchState) -> bool:
    """Tells whether a launch that goes on shares an audience and a day with a measure's."""
    campaign, other = state.plan.campaign, launch.campaign
    return (
        campaign is not None
        and launch.ended_at is None
        and launch.measure != state.id
        and not set(campaign.audience).isdisjoint(other.audience)
        and share_days(campaign, other)
    )


def launch_facts(
    state: MeasureState, now: datetime, scene: LaunchScene, directory: Directory
) -> Iterable[Fact]:
    """Yields the facts about a measure's launch; none without a campaign."""
    if state.plan.campaign is None:
        return
    launch = scene.launch
    if launch is not None and launch.measure == state.id and launch.ended_at is None:
        yield _launch(launch)
        if launch.phase == "ramp":
            yield _ramp(state, launch, now)
    for window in blackouts_for(state.plan, directory.blackouts.values()):
        if window.ends > now:
            in_force = window.begins <= now
            yield BlackoutFact(
                seen_at=now,
                source=f"blackout:{window.id}",
                id=window.id,
                reason=window.reason,
                owner=window.owner,
                begins=window.begins.isoformat(),
                ends=window.ends.isoformat(),
                in_force=in_force,
                changes_at=window.ends if in_force else None,
            )
    for rival in scene.rivals:
        yield from _conflicts(state, state.plan.campaign, rival)


def share_days(one: Campaign, other: Campaign) -> bool:
    """Tells whether two campaigns may run on a same day."""
    return one.launch_on <= other.ends_on and other.launch_on <= one.ends_on


def _launch(launch: LaunchState) -> LaunchFact:
    pauses = {k: v for k, v in launch.pauses.items() if not k.startswith(BLACKOUT)}
    unsure = launch.unconfirmed_since is not None and launch.desire.state == "held"
    return LaunchFact(
        seen_at=launch.changed_at,
        source=f"launch:{launch.ref}",
        ref=launch.ref,
        connector=launch.campaign.connector,
        phase=launch.phase,
        paused=bool(pauses),
        paused_by=", ".join(pauses),
        why=next((pause.reason for pause in pauses.values()), ""),
        hold_confirmed=not unsure,
        enforced=launch.seen is None or launch.seen.level == "enforced",
        put_backs=launch.put_backs,
    )


def _ramp(state: MeasureState, launch: LaunchState, now: datetime) -> RampFact:
    since = launch.step_at or launch.changed_at
    breached = [kpi.title for kpi in state.plan.kpis if _is_breached(state, kpi)]
    return RampFact(
        seen_at=now,
        source=f"launch:{launch.ref}",
        step=launch.step,
        steps=len(launch.ramp),
        share=launch.ramp[launch.step - 1].share if launch.step else 0,
        next_share=launch.ramp[launch.step].share,
        hours=max(0, int((now - since).total_seconds() // 3600)),
        breaches=len(breached),
        breached=", ".join(breached),
    )


def _is_breached(state: MeasureState, kpi: Kpi) -> bool:
    """Tells whether a guarded KPI was outside its bounds when it was last reported."""
    readings = state.readings.get(kpi.id)
    if kpi.guardrail is None or not readings:
        return False
    latest = max(readings.values(), key=lambda reading: reading.at)
    return not kpi.keeps_guardrail(latest.value)


def _conflicts(
    state: MeasureState, campaign: Campaign, rival: MeasureState
) -> Iterable[AudienceConflictFact]:
    other = rival.plan.campaign
    if other is None or not share_days(campaign, other):
        return
    for audience in sorted(set(campaign.audience) & set(other.audience)):
        yield AudienceConflictFact(
            seen_at=rival.changed_at,
            source=f"measure:{rival.id}",
            audience=audience,
            measure=rival.id,
            owner=rival.plan.owner or "",
            ref=other.ref,
            ends_on=other.ends_on.isoformat(),
            launched=_was_first(rival, state),
        )


def _was_first(rival: MeasureState, state: MeasureState) -> bool:
    """Tells whether the rival holds the audience; of two that got it at once, one must yield."""
    if rival.permit is None:
        return False
    if state.permit is None:
        return True
    mine, theirs = (one.launched_at or one.changed_at for one in (state, rival))
    return (theirs, rival.id) < (mine, state.id)
