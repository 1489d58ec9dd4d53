"""A remote object as people and programs see it: what was wanted, written and seen, and when."""

from datetime import datetime
from typing import TYPE_CHECKING

from console.output import people
from measures.mapping import Scalar, same
from measures.model import Moment, Stored
from measures.remote import STATUS, RemoteState
from measures.remote_words import settle_command
from measures.state import Pause

if TYPE_CHECKING:
    from rich.console import Console

    from measures.entry import Entry


class RemoteView(Stored):
    """A remote object as people and programs see it.

    Attributes:
        id: its whole name, by which commands refer to it.
        installation: whose name is part of it; empty for objects of older releases.
        standing: in step, not in step yet, unreachable, suspended or ended.
        why: why it is not in step; empty when it is.
        wanted: what each field is to show.
        differs: what it shows otherwise than that, by field.
        seen_at: when it was read last; from where, the connection says.
    """

    id: str
    installation: str
    measure: str
    connection: str
    kind: str
    ref: str
    url: str
    mapping: str
    mapping_version: int
    phase: str
    standing: str
    why: str = ""
    wanted: dict[str, Scalar] = {}
    sent: dict[str, Scalar] = {}
    shown: dict[str, Scalar] = {}
    differs: dict[str, Scalar] = {}
    seen_at: Moment | None = None
    unreachable_since: Moment | None = None
    questions: dict[str, Scalar] = {}
    suspended: Pause | None = None
    ended_at: Moment | None = None
    number: int


def view_of(state: RemoteState) -> RemoteView:
    """Returns what there is to see of a remote object."""
    wanted: dict[str, Scalar] = {one.theirs: one.value for one in state.want.fields}
    if state.want.status:
        wanted[STATUS] = state.want.status
    standing, why = _standing(state)
    return RemoteView(
        id=state.id,
        installation=state.installation,
        measure=state.measure,
        connection=state.connection,
        kind=state.kind,
        ref=state.ref,
        url=state.url,
        mapping=state.mapping.id,
        mapping_version=state.mapping.version,
        phase=state.want.phase,
        standing=standing,
        why=why,
        wanted=wanted,
        sent=state.sent,
        shown=state.shown,
        differs={
            name: shown
            for name, shown in state.shown.items()
            if name in wanted and not same(shown, wanted[name])
        },
        seen_at=state.seen_at,
        unreachable_since=state.unreachable_since,
        questions=state.open_questions,
        suspended=state.suspended,
        ended_at=state.ended_at,
        number=state.number,
    )


def _standing(state: RemoteState) -> tuple[str, str]:
    if state.ended_at is not None:
        return "ended", ""
    if state.suspended is not None:
        return "suspended", state.suspended.reason
    if state.unreachable_since is not None:
        return "unreachable", state.unreachable_why
    if not state.in_step:
        return "not in step yet", "it is being written"
    return "in step", ""


def print_standing(view: RemoteView) -> None:
    """Prints in one line where an object is and how it stands."""
    ref = view.ref or "(not made yet)"
    why = f": {view.why}" if view.why else ""
    more = "" if view.standing == "in step" else f"; sluice connectors explain {view.measure}"
    people().print(
        f"{view.connection} shows it in {view.kind} {ref}, {view.standing}{why}{more}", markup=False
    )


def print_remote(view: RemoteView) -> None:
    """Prints an object: where it is, how it stands, and what differs."""
    out = people()
    ref = f"{view.kind} {view.ref}" if view.ref else f"{view.kind} (not made yet)"
    where = f", {view.url}" if view.url else ""
    out.print(f"{view.connection}: {ref}{where}", style="bold", markup=False)
    made_by = f", by installation {view.installation}" if view.installation else ""
    out.print(
        f"  for measure {view.measure}, {view.phase}, by mapping {view.mapping} version"
        f" {view.mapping_version}{made_by}",
        markup=False,
    )
    since = f" since {_time(view.unreachable_since)}" if view.unreachable_since else ""
    why = f": {view.why}" if view.why else ""
    out.print(f"  {view.standing}{since}{why}", markup=False)
    if view.seen_at is not None:
        out.print(f"  seen {_time(view.seen_at)} in {view.connection}", markup=False)
    for name, wanted in view.wanted.items():
        _print_field(out, view, name, wanted)
    if view.standing == "unreachable":
        out.print(
            "  it is tried until its system answers; to leave it as it is: sluice connectors sync"
            f" --forget {view.id} --reason ... --as PERSON",
            markup=False,
        )
    if view.standing == "suspended":
        out.print(
            f"  to write it again: sluice connectors sync --resume {view.id} --reason ... --as"
            " PERSON",
            markup=False,
        )


def _print_field(out: "Console", view: RemoteView, name: str, wanted: Scalar) -> None:
    line = f"  {name}: {_short(wanted)}"
    if name in view.differs:
        line += f"; shows {_short(view.differs[name])}"
    if name in view.questions:
        line += f"; decide which counts, or change one: {settle_command(view.id)}"
    out.print(line, markup=False)


def said_of(entry: "Entry") -> str:
    """Returns what an entry of a remote object's life says, in one line."""
    body = entry.body
    match entry.kind:
        case "remote_wanted":
            want = body["want"]
            # Of what is only let go, why is all that there is to say.
            why = "" if want["fields"] else f": {want['remark']}"
            return f"{want['phase']} is wanted{why}"
        case "remote_written":
            sent = ", ".join(f"{name} {_short(value)}" for name, value in body["sent"].items())
            return f"written to {body['ref']}: {sent or 'a comment only'}"
        case "remote_unreachable":
            return f"not reached: {body['why']}"
        case "remote_settled":
            counts = _short(body["ours"] if body["side"] == "engine" else body["theirs"])
            why = f": {body['reason']}" if body["reason"] else ""
            return (
                f"{entry.by} decided that {body['side']} counts for {body['field']}, {counts}{why}"
            )
        case "remote_suspended" | "remote_resumed" | "remote_ended":
            return f"{entry.kind.removeprefix('remote_')}: {body['reason']}"
        case "remote_observed":
            return f"seen at {body['ref']}"
        case _:
            does = entry.kind.removeprefix("remote_")
            by = f" by {body['actor']}" if body.get("actor") else ""
            return (
                f"{does}: {body['field']} {_short(body['theirs'])}{by}, ours"
                f" {_short(body['ours'])}" + (f": {body['why']}" if body.get("why") else "")
            )


def _short(value: Scalar) -> str:
    text = " ".join(str("-" if value is None else value).split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
