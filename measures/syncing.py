"""What each piece of news leads to in a remote object's life: the next entries, or a refusal.

Pure functions of the state and the time that are handed in, like `measures.launching`.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Literal

from measures.entry import Draft, EntryKind, remote_stream
from measures.errors import RefusedError
from measures.mapping import TAKEN, Scalar, same
from measures.model import Stored
from measures.people import ENGINE
from measures.reconciling import Difference, Shown
from measures.remote import STATUS, RemoteOrder, RemoteState, Side, fold_remote
from measures.stream_drafting import StreamDrafting


class Refused(Stored):
    """A change made there that could not be taken over, and why."""

    difference: Difference
    why: str


class Brought(Stored):
    """What came of bringing an object in step.

    Attributes:
        outcome: ``shown``; ``absent`` when there is none and none is wanted any more; ``left``
            when nothing was written because its field went to and fro too often.
        shown: what it shows afterwards.
        actor: who had changed it last before we wrote, where the system tells.
        sent: what was written, by field.
        said: the phase whose remark is said; empty when none was to be said.
        wanted_number: the want that it was brought to.
        refused: changes made there that the engine did not take over; a person decides.
        suspended: why nothing was written.
    """

    outcome: Literal["shown", "absent", "left"]
    shown: Shown | None = None
    actor: str = ""
    sent: dict[str, Scalar] = {}
    said: str = ""
    wanted_number: int
    reverted: tuple[Difference, ...] = ()
    taken: tuple[Difference, ...] = ()
    asked: tuple[Difference, ...] = ()
    flagged: tuple[Difference, ...] = ()
    refused: tuple[Refused, ...] = ()
    suspended: str = ""


def take_order(
    state: RemoteState | None, order: RemoteOrder, at: datetime, command: str
) -> list[Draft]:
    """Drafts what a measure wants of the object; what comes too late changes nothing."""
    if state is not None:
        if order.number < state.order_number:
            return []
        if state.want.says_the_same(order.want) and state.mapping == order.mapping:
            return []
    elif order.want.done:
        return []
    drafting = StreamDrafting[RemoteState | None](
        remote_stream(order.id), state, fold_remote, by=order.by, at=at, command=command
    )
    drafting.write("remote_wanted", order.model_dump(mode="json"))
    return drafting.drafts


def brought(state: RemoteState, outcome: Brought, at: datetime, command: str) -> list[Draft]:
    """Drafts what was found and written; nothing when it was as known already."""
    drafting = _drafting(state, at, command)
    if outcome.outcome == "left":
        drafting.write("remote_suspended", {"reason": outcome.suspended})
        return drafting.drafts
    if outcome.shown is None:
        if outcome.wanted_number == state.wanted_number and state.want.done:
            drafting.write("remote_ended", {"reason": "there is none to be cleared"})
        return drafting.drafts
    _write_answers(drafting, outcome)
    now = drafting.state
    mapped = _mapped(state, outcome.shown)
    if outcome.wanted_number > state.written_number or outcome.said or outcome.sent:
        body = _body(outcome.shown, mapped)
        more = {"sent": outcome.sent, "said": outcome.said, "wanted_number": outcome.wanted_number}
        drafting.write("remote_written", {**body, **more})
    elif any(not same(value, now.shown.get(field)) for field, value in mapped.items()) or (
        now.unreachable_since is not None
    ):
        drafting.write("remote_observed", _body(outcome.shown, mapped))
    after = drafting.state
    if after.want.done and after.in_step and after.ended_at is None:
        drafting.write("remote_ended", {"reason": after.want.phase})
    return drafting.drafts


def lose_sight(state: RemoteState, why: str, at: datetime, command: str) -> list[Draft]:
    """Drafts that it cannot be brought in step; once until it can again."""
    if state.unreachable_since is not None:
        return []
    drafting = _drafting(state, at, command)
    drafting.write("remote_unreachable", {"why": why})
    return drafting.drafts


def resume(state: RemoteState, by: str, reason: str, at: datetime, command: str) -> list[Draft]:
    """Drafts that it is written again.

    Raises:
        RefusedError: ``not-suspended``.
    """
    if state.suspended is None:
        raise RefusedError(
            "not-suspended",
            f"{state.connection} {state.kind} {state.ref or state.external_id} is not suspended:"
            f" sluice connectors explain {state.measure}",
        )
    drafting = _drafting(state, at, command, by=by)
    drafting.write("remote_resumed", {"reason": reason})
    return drafting.drafts


def forget(state: RemoteState, by: str, reason: str, at: datetime, command: str) -> list[Draft]:
    """Drafts that it is left as it is, in step or not; nothing when it has ended already."""
    if state.ended_at is not None:
        return []
    drafting = _drafting(state, at, command, by=by)
    drafting.write("remote_ended", {"reason": reason})
    return drafting.drafts


def settle(
    state: RemoteState,
    side: Side,
    by: str,
    reason: str,
    at: datetime,
    command: str,
    fields: Collection[str] = (),
) -> list[Draft]:
    """Drafts that a person decided whose value counts, about these fields or all that are asked.

    Raises:
        RefusedError: ``suspended``, or ``nothing-asked``.
    """
    name = f"{state.connection} {state.kind} {state.ref or state.external_id}"
    if state.suspended is not None:
        raise RefusedError(
            "suspended",
            f"nothing is written to {name} until it is resumed: sluice connectors sync --resume"
            f" {state.id} --reason ...",
        )
    chosen = [field for field in state.open_questions if not fields or field in fields]
    unasked = sorted(set(fields) - set(state.open_questions))
    if unasked or not chosen:
        about = f" about {', '.join(unasked)}" if unasked else ""
        raise RefusedError(
            "nothing-asked",
            f"nothing{about} of {name} is to be decided: sluice connectors explain {state.measure}",
        )
    drafting = _drafting(state, at, command, by=by)
    for field in chosen:
        body = {
            "field": field,
            "side": side,
            "ours": state.sent.get(field),
            "theirs": state.open_questions[field],
            "left": side == "remote" and not _can_be_taken(state, field),
            "reason": reason,
        }
        drafting.write("remote_settled", body)
    return drafting.drafts


def _can_be_taken(state: RemoteState, field: str) -> bool:
    """Tells whether a field shows something that the measure's plan can take over."""
    ours = next((one.ours for one in state.want.fields if one.theirs == field), "")
    return state.want.stands_for_measure and ours in TAKEN


def _write_answers(drafting: StreamDrafting[RemoteState], outcome: Brought) -> None:
    kinds: Iterable[tuple[EntryKind, tuple[Difference, ...]]] = (
        ("remote_reverted", outcome.reverted),
        ("remote_taken", outcome.taken),
        ("remote_asked", outcome.asked),
        ("remote_flagged", outcome.flagged),
    )
    for kind, differences in kinds:
        for one in differences:
            drafting.write(kind, {**one.model_dump(mode="json"), "actor": outcome.actor})
    for refused in outcome.refused:
        body = refused.difference.model_dump(mode="json")
        drafting.write("remote_asked", {**body, "actor": outcome.actor, "why": refused.why})


def _mapped(state: RemoteState, shown: Shown) -> dict[str, Scalar]:
    """Returns what is shown of the fields that the mapping has; a system may show many more."""
    fields = {field.theirs: shown.fields.get(field.theirs) for field in state.want.fields}
    return {**fields, STATUS: shown.status}


def _body(shown: Shown, mapped: dict[str, Scalar]) -> dict[str, Any]:
    return {"ref": shown.ref, "url": shown.url, "version": shown.version, "shown": mapped}


def _drafting(
    state: RemoteState, at: datetime, command: str, *, by: str = ENGINE
) -> StreamDrafting[RemoteState]:
    stream = remote_stream(state.id)
    return StreamDrafting(stream, state, fold_remote, by=by, at=at, command=command)
