"""What each request leads to in a launch's life: the next entries, or a refusal.

Pure functions of the state and the time that are handed in, like `measures.decisions`.
"""

from collections.abc import Sequence
from datetime import datetime

from measures.blackouts import Window
from measures.entry import Draft, launch_stream
from measures.errors import RefusedError
from measures.launch import (
    BY_HAND,
    FLIP_SPAN,
    FLIPS,
    OUTSIDE,
    TAMPERED,
    Desire,
    LaunchOrder,
    LaunchState,
    PauseOrder,
    ShareOrder,
    Sighting,
    fold_launch,
    ref_of,
)
from measures.people import ENGINE
from measures.stream_drafting import StreamDrafting
from measures.verdict import Verdict

BLACKOUT = "blackout:"
"""How the source of a black-out's pause begins."""


def take_order(
    state: LaunchState | None, order: LaunchOrder, at: datetime, command: str
) -> list[Draft]:
    """Drafts what a measure wants of its campaign; what comes too late changes nothing.

    A campaign obeys one measure until that one is done with it: another's order is not heard.
    """
    ref = ref_of(order.campaign)
    drafting = StreamDrafting[LaunchState | None](
        launch_stream(ref), state, fold_launch, by=ENGINE, at=at, command=command
    )
    over = state is None or state.ended_at is not None
    if over and order.wanted == "ended" and state is not None:
        return []
    if over:
        campaign = order.campaign.model_dump(mode="json")
        body = {"ref": ref, "measure": order.measure, "campaign": campaign}
        drafting.write("launch_opened", body)
    now = drafting.state
    assert now is not None, "opened above when it was not there"
    if now.measure != order.measure or order.number < now.order_number:
        return []
    if over or (now.wanted, now.campaign) != (order.wanted, order.campaign):
        drafting.write(
            "launch_wanted",
            {
                "wanted": order.wanted,
                "reason": order.reason,
                "number": order.number,
                "campaign": order.campaign.model_dump(mode="json"),
            },
        )
    return drafting.drafts


def take_share(state: LaunchState, order: ShareOrder, at: datetime, command: str) -> list[Draft]:
    """Drafts how much of the campaign a pool has room for; the latest decision of it counts."""
    known = state.shares.get(order.pool)
    if state.ended_at is not None or (known is not None and order.number <= known.number):
        return []
    drafting = _drafting(state, at, command)
    drafting.write("share_ordered", order.model_dump(mode="json"))
    return drafting.drafts


def pause(state: LaunchState, order: PauseOrder, at: datetime, command: str) -> list[Draft]:
    """Drafts a pause; each source pauses once.

    Raises:
        RefusedError: ``already-ended`` or ``already-paused``.
    """
    _refuse_ended(state)
    if order.source in state.pauses:
        raise RefusedError(
            "already-paused",
            f"launch {state.ref} is paused by {order.source} already:"
            f" sluice explain launch {state.ref}",
        )
    drafting = _drafting(state, at, command, by=order.by)
    drafting.write("launch_paused", {"source": order.source, "reason": order.reason})
    return drafting.drafts


def unpause(state: LaunchState, order: PauseOrder, at: datetime, command: str) -> list[Draft]:
    """Drafts the end of a source's pause; a person's word ends all but black-outs.

    Raises:
        RefusedError: ``already-ended`` or ``not-paused``.
    """
    _refuse_ended(state)
    ends = [order.source] if order.source in state.pauses else []
    if order.source == BY_HAND:
        ends = [source for source in state.pauses if not source.startswith(BLACKOUT)]
    if not ends:
        still = ", ".join(state.pauses)
        why = f"; {still} ends by itself, or with its document" if still else ""
        if state.unconfirmed_since is not None:
            why += (
                f"; {state.campaign.connector} does not confirm what it was told, and is told again"
                f" until it does: sluice explain launch {state.ref}"
            )
        raise RefusedError("not-paused", f"launch {state.ref} has no pause to end{why}")
    drafting = _drafting(state, at, command, by=order.by)
    for source in ends:
        drafting.write("launch_unpaused", {"source": source, "reason": order.reason})
    return drafting.drafts


def confirm(
    state: LaunchState, seen: Sighting, told: Desire, at: datetime, command: str
) -> list[Draft]:
    """Drafts that the system shows what it was told; nothing when that is no longer wanted."""
    if told != state.desire or not told.shown_by(seen):
        return []
    drafting = _drafting(state, at, command)
    if not state.confirmed or state.seen is None or state.unconfirmed_since is not None:
        drafting.write("campaign_observed", {"seen": seen.model_dump(mode="json")})
    if state.phase == "ended" and state.ended_at is None:
        drafting.write("launch_ended", {"reason": state.order_reason})
    return drafting.drafts


def look(
    state: LaunchState, seen: Sighting | None, told: Desire, at: datetime, command: str
) -> list[Draft]:
    """Drafts what follows from a look at the system.

    A campaign that runs where it must not is put back. One that somebody stopped there stays
    stopped until a person lets it go on: stopping is always safe, and not ours to fight.
    """
    if told != state.desire:
        return []
    if told.shown_by(seen):
        assert seen is not None, "nothing is shown of a campaign that is not known"
        return confirm(state, seen, told, at, command)
    drafting = _drafting(state, at, command)
    if seen is None:
        if state.unconfirmed_since is None:
            why = f"{state.campaign.connector} knows no campaign {state.ref}"
            drafting.write("campaign_unconfirmed", {"why": why})
        return drafting.drafts
    if seen.state == "held":
        why = f"somebody stopped it in {state.campaign.connector}"
        drafting.write("launch_paused", {"source": OUTSIDE, "reason": why})
        drafting.write("campaign_observed", {"seen": seen.model_dump(mode="json")})
        return drafting.drafts
    drafting.write(
        "campaign_put_back",
        {"seen": seen.model_dump(mode="json"), "wanted": told.model_dump(mode="json")},
    )
    _escalate_if_fought(drafting, at)
    return drafting.drafts


def lose_sight(state: LaunchState, why: str, at: datetime, command: str) -> list[Draft]:
    """Drafts that the system does not confirm what is wanted; once until it does again."""
    if state.unconfirmed_since is not None:
        return []
    drafting = _drafting(state, at, command)
    drafting.write("campaign_unconfirmed", {"why": why[:500]})
    return drafting.drafts


def pass_time(
    state: LaunchState, blackouts: Sequence[Window], at: datetime, command: str
) -> list[Draft]:
    """Drafts what time alone brings: black-outs begin and end, the window ends, step one begins.

    Args:
        state: the launch.
        blackouts: those that concern the campaign, past and to come.
        at: now.
        command: the request.
    """
    drafting = _drafting(state, at, command)
    if state.phase == "ended":
        if state.confirmed and state.ended_at is None:
            drafting.write("launch_ended", {"reason": state.order_reason})
        return drafting.drafts
    in_force = {f"{BLACKOUT}{one.id}": one for one in blackouts if one.begins <= at < one.ends}
    for source, window in in_force.items():
        if source not in state.pauses:
            drafting.write("launch_paused", {"source": source, "reason": window.reason})
    for source in state.pauses:
        if source.startswith(BLACKOUT) and source not in in_force:
            drafting.write("launch_unpaused", {"source": source, "reason": "the black-out is over"})
    now = drafting.state
    if now.wanted == "open" and at >= now.window_ends_at:
        drafting.write(
            "launch_wanted",
            {
                "wanted": "ended",
                "reason": f"its last day was {now.campaign.ends_on}",
                "number": now.order_number,
                "campaign": now.campaign.model_dump(mode="json"),
            },
        )
    elif now.phase == "ramp" and now.step == 0 and _is_due(now, at):
        drafting.write("ramp_step_reached", {"step": 1, "share": now.ramp[0].share})
    return drafting.drafts


def step_judged(state: LaunchState, verdict: Verdict, command: str) -> list[Draft]:
    """Drafts the answer of the gate to the next step of the ramp; the same answer only once."""
    drafting = _drafting(state, verdict.at, command)
    digests = {"facts_digest": verdict.facts_digest, "pack_digest": verdict.pack_digest}
    if verdict.passed:
        step = state.step + 1
        body = {"step": step, "share": state.ramp[step - 1].share}
        drafting.write(
            "ramp_step_reached", {**body, "verdict": verdict.model_dump(mode="json")}, **digests
        )
    elif state.verdict is None or state.verdict.blockers != verdict.blockers:
        drafting.write("ramp_judged", {"verdict": verdict.model_dump(mode="json")}, **digests)
    return drafting.drafts


def may_step(state: LaunchState, at: datetime) -> bool:
    """Tells whether the gate to the next step is to be judged now."""
    running = state.phase == "ramp" and state.step >= 1 and state.confirmed
    return running and _is_due(state, at)


def _is_due(state: LaunchState, at: datetime) -> bool:
    due = state.next_step_at
    return due is not None and due <= at


def next_due(state: LaunchState, blackouts: Sequence[Window], at: datetime) -> datetime | None:
    """Returns when time alone may change what is wanted; None when it cannot."""
    if state.phase == "ended":
        return None
    moments = [m for one in blackouts for m in (one.begins, one.ends)]
    if state.wanted == "open":
        moments.append(state.window_ends_at)
        if state.next_step_at is not None:
            moments.append(state.next_step_at)
        if state.verdict is not None and state.verdict.look_again_at is not None:
            moments.append(state.verdict.look_again_at)
    return min((moment for moment in moments if moment > at), default=None)


def _escalate_if_fought(drafting: StreamDrafting[LaunchState], at: datetime) -> None:
    """Hands it to a person when putting back does not help."""
    state = drafting.state
    lately = [moment for moment in state.recent if moment > at - FLIP_SPAN]
    told = state.escalated_at is not None and state.escalated_at > at - FLIP_SPAN
    if len(lately) < FLIPS or told:
        return
    why = f"changed by hand {len(lately)} times within an hour in {state.campaign.connector}"
    drafting.write("launch_escalated", {"reason": why, "measure": state.measure})
    if TAMPERED not in state.pauses:
        drafting.write("launch_paused", {"source": TAMPERED, "reason": why})


def _drafting(
    state: LaunchState, at: datetime, command: str, *, by: str = ENGINE
) -> StreamDrafting[LaunchState]:
    stream = launch_stream(state.ref)
    return StreamDrafting(stream, state, fold_launch, by=by, at=at, command=command)


def _refuse_ended(state: LaunchState) -> None:
    if state.phase == "ended":
        raise RefusedError("already-ended", f"launch {state.ref} has ended: {state.order_reason}")
