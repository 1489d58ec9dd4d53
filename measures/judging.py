"""What a verdict leads to: the next entries, who is waited for, and when time may help."""

from datetime import datetime, timedelta
from typing import TypeVar

from measures.assessment import Assessment
from measures.directory import Directory
from measures.drafting import Drafting
from measures.duties import holders_of
from measures.entry import Draft
from measures.people import ENGINE, OPERATOR
from measures.signers import whom_to_ask
from measures.state import MeasureState, Request, Reserved
from measures.verdict import Blocker, Verdict
from measures.waivers import Waiver, apply

_B = TypeVar("_B", bound=Blocker)


def since_when(state: MeasureState, verdict: Verdict) -> Verdict:
    """Returns the verdict with each blocker dated by when this request first met it."""
    waiting = state.request
    met = {}
    if waiting is not None and waiting.gate == verdict.gate:
        before = (*waiting.verdict.blockers, *waiting.verdict.waived)
        met = {(b.rule, b.subject): b.since for b in before}

    def dated(blocker: _B) -> _B:
        since = met.get((blocker.rule, blocker.subject)) or verdict.at
        return blocker.model_copy(update={"since": since})

    return verdict.model_copy(
        update={
            "blockers": tuple(map(dated, verdict.blockers)),
            "waived": tuple(map(dated, verdict.waived)),
        }
    )


def with_waivers(state: MeasureState, verdict: Verdict, by: str) -> Verdict:
    """Returns the verdict without what the measure's waivers set aside.

    A waiver does not help a request of whoever gave it, nor a measure that they own by now:
    nobody sets aside what they are held to.

    Args:
        by: who asks; for a waiting request whoever asked first counts.
    """
    return apply(verdict, waivers_for(state, verdict.gate, by), verdict.at)


def waivers_for(state: MeasureState, gate: str, by: str) -> list[Waiver]:
    """Returns the waivers of a measure that may help a request for a gate; see `with_waivers`."""
    waiting = state.request
    asker = waiting.by if waiting is not None and waiting.gate == gate else by
    held_to_it = {asker, state.plan.owner}
    return [w for w in state.waivers if not {w.by, w.on_behalf_of} & held_to_it]


def persons_behind(blocker: Blocker, state: MeasureState, verdict: Verdict) -> tuple[str, ...]:
    """Returns who can clear a blocker; for the committee those who have not decided yet."""
    if blocker.clear_by or not blocker.role:
        return blocker.clear_by
    decided = {
        s.on_behalf_of for s in state.sign_offs if s.gate == verdict.gate and s.role == blocker.role
    }
    return tuple(p for p in holders_of(state.plan, blocker.role) if p not in decided)


def waited_for(state: MeasureState, verdict: Verdict, directory: Directory) -> tuple[str, ...]:
    """Returns whom the blockers wait for, delegates who can help in place of who delegated."""
    persons: dict[str, None] = {}
    for blocker in verdict.blockers:
        behind = persons_behind(blocker, state, verdict)
        asked = whom_to_ask(state, verdict.gate, behind, blocker.role, directory, verdict.at)
        persons |= dict.fromkeys(asked)
    return tuple(persons)


def says_the_same(state: MeasureState, verdict: Verdict, waiting_for: tuple[str, ...]) -> bool:
    """Tells whether a waiting request was already told exactly this."""
    waiting = state.request
    if waiting is None or waiting.gate != verdict.gate:
        return False
    before = waiting.verdict
    return (
        waiting.waiting_for == waiting_for
        and before.verdict == verdict.verdict
        and before.blockers == since_when(state, verdict).blockers
        and before.waived == since_when(state, verdict).waived
        and before.warnings == verdict.warnings
        and before.pack_digest == verdict.pack_digest
    )


def only_with_controller(state: MeasureState, verdict: Verdict) -> Verdict:
    """Returns a verdict that is blocked, whatever the packs say, without the controller.

    It counts at the gates where the lifecycle has the value confirmed; always at the last.

    This one requirement is the product's own: a pack can be replaced, so it must not be the only
    thing between a measure and a close that nobody independent confirmed.
    """
    gate = verdict.gate
    needed = state.lifecycle.confirms_value(gate)
    if not needed or not verdict.passed or _is_confirmed(state, gate):
        return verdict
    controller = state.plan.controller
    blocker = Blocker(
        rule=f"{gate}.controller-has-confirmed",
        answer="block",
        message="the controller has not confirmed the realised value",
        wanted="a controller who is neither owner nor sponsor has approved",
        subject="signoff:controller",
        clear_by=(controller,) if controller else (),
        role="controller",
        command=f"sluice sign {state.id} --gate {gate} --role controller"
        f" --as {controller or 'CONTROLLER'}",
        pack="sluicegate",
    )
    return verdict.model_copy(update={"verdict": "block", "blockers": (blocker,)})


def _is_confirmed(state: MeasureState, gate: str) -> bool:
    """Tells whether an independent controller has approved exactly what is there now."""
    involved = {state.plan.owner, state.plan.sponsor}
    return any(
        s.gate == gate
        and s.role == "controller"
        and s.decision == "approve"
        and s.content == state.signed_content(gate)
        and not {s.by, s.on_behalf_of} & involved
        for s in state.sign_offs
    )


def judged(
    state: MeasureState,
    verdict: Verdict,
    directory: Directory,
    *,
    held: Reserved | None,
    by: str,
    command: str,
    assessment: Assessment | None = None,
) -> list[Draft]:
    """Drafts what a verdict leads to: the stage moves, or the request waits.

    Args:
        held: what was reserved for this gate; None when the gate needs no reservation.
        assessment: what the plan came to at the pools; recorded where that says more than the plan.
        by: who asked; ``engine`` when the request was judged again by itself.
    """
    drafting = Drafting(state, by=by, at=verdict.at, command=command)
    verdict = since_when(state, verdict)
    waiting_for = waited_for(state, verdict, directory)
    drafting.write(
        "gate_judged",
        {
            "gate": verdict.gate,
            "verdict": verdict.model_dump(mode="json"),
            "waiting_for": list(waiting_for),
            **_beyond_the_plan(assessment),
        },
        facts_digest=verdict.facts_digest,
        pack_digest=verdict.pack_digest,
    )
    if verdict.passed:
        if held is not None:
            drafting.write("capacity_reserved", held.model_dump(mode="json"))
        drafting.write("stage_advanced", {"from": state.stage, "to": verdict.gate})
        if drafting.state.ended:
            # Nobody looks after a campaign any more whose measure has ended.
            drafting.end_permit(state.permit, "closed")
    return drafting.drafts


def _beyond_the_plan(assessment: Assessment | None) -> dict[str, object]:
    """Returns which conversions judged and whom a surge touched, where there are any."""
    needs = [need for need in assessment.needs if need.converted] if assessment else []
    surge = assessment.surge if assessment else ()
    said = {
        "needs": [need.model_dump(mode="json") for need in needs],
        "surge": [touched.model_dump(mode="json") for touched in surge],
    }
    return {name: found for name, found in said.items() if found}


def next_notice_at(request: Request, state: MeasureState) -> datetime | None:
    """Returns when the next reminder or escalation of a waiting request is due."""
    approvals = state.plan.approvals
    spans: list[timedelta] = []
    if request.reminded < len(approvals.remind_after):
        spans.append(sorted(approvals.remind_after)[request.reminded])
    if approvals.escalate_after is not None and not request.escalated:
        spans.append(approvals.escalate_after)
    return request.at + min(spans) if spans else None


def notices_due(
    state: MeasureState, directory: Directory, at: datetime, command: str
) -> list[Draft]:
    """Drafts the reminders and the escalation that are due, to whoever acts at that time."""
    request = state.request
    if request is None:
        return []
    drafting = Drafting(state, by=ENGINE, at=at, command=command)
    approvals = state.plan.approvals
    # Nobody behind the blockers: its owner is to find somebody, and the count must go on.
    waiting_for = waited_for(state, request.verdict.model_copy(update={"at": at}), directory) or (
        state.plan.owner or OPERATOR,
    )
    for count, span in enumerate(sorted(approvals.remind_after), start=1):
        if count > request.reminded and request.at + span <= at:
            for person in waiting_for:
                drafting.write("reminder_sent", _notice(request, person, span, count))
    span_to_escalate = approvals.escalate_after
    if (
        span_to_escalate is not None
        and not request.escalated
        and request.at + span_to_escalate <= at
    ):
        to = approvals.escalate_to or state.plan.sponsor or state.plan.owner or OPERATOR
        drafting.write("escalation_sent", _notice(request, to, span_to_escalate, 1))
    return drafting.drafts


def _notice(request: Request, to: str, span: timedelta, count: int) -> dict[str, object]:
    return {
        "to": to,
        "day": span.days,
        "count": count,
        "gate": request.gate,
        "rules": list(request.verdict.blocking_rules),
    }
