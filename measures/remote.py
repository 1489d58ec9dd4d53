"""A remote object's life: what it is to show, what was written, and what people made of it there.

One object in a connected system has one stream and one writer. Everything is kept under their
names of fields; `STATUS` stands among them for the status.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

from measures.entry import Draft, refuse_gap, remembered
from measures.mapping import FieldPolicy, Flips, Move, Scalar, same
from measures.model import Moment, Stored, restore
from measures.state import Pause

STATUS = "status"
"""The status, where it stands among fields."""

KEPT_FLIPS = 200
"""More than any mapping allows per field."""


class MappingUse(Stored):
    """The version of a mapping that a measure's objects are made by."""

    id: str
    version: int
    digest: str


class WantedField(Stored):
    """What one field is to show.

    Attributes:
        ours: what of ours it is.
        theirs: the field's name there.
        value: what it is to show, in their words.
        meanings: their values to ours, where they differ.
    """

    ours: str
    theirs: str
    value: Scalar
    policy: FieldPolicy = "engine"
    meanings: dict[str, str] = {}


class RemoteWant(Stored):
    """What an object is to show.

    Attributes:
        fields: every mapped field.
        status: its status; empty where the mapping leaves it alone.
        forbidden: statuses that nobody may move it to meanwhile, beside those that mean done.
        open: whether a status that means done is forbidden too.
        phase: what it stands at: open or cleared, or a stage; its change is said in a comment.
        remark: that comment.
        done: whether nothing follows once it is shown.
        stands_for_measure: whether it stands for the measure, not for what blocks it.
        move: what becomes of a move made there that is forbidden.
        flips: how often a field may go to and fro.
        as_person: on whose behalf changes made there are taken over.
        asks: the gate that a move made there to a status asks for, by that status.
    """

    fields: tuple[WantedField, ...] = ()
    status: str = ""
    forbidden: tuple[str, ...] = ()
    open: bool = True
    phase: str
    remark: str = ""
    done: bool = False
    stands_for_measure: bool = False
    move: Move = "revert"
    flips: Flips = Flips()
    as_person: str | None = None
    asks: dict[str, str] = {}

    def says_the_same(self, other: "RemoteWant") -> bool:
        """Tells whether another want leads to the same object; what is said on the way aside."""
        return self.model_copy(update={"remark": ""}) == other.model_copy(update={"remark": ""})


class RemoteOrder(Stored):
    """What a measure wants of one object.

    Attributes:
        installation: the engine's name when the object was named, see `remotes.external_id`; empty
            for objects of releases that knew no such name.
        number: of the measure's entry that it follows from.
        by: who wants it: the engine, or the person who moved it to another version.
    """

    connection: str
    kind: str
    external_id: str
    installation: str = ""
    measure: str
    mapping: MappingUse
    want: RemoteWant
    number: int
    by: str

    @property
    def id(self) -> str:
        """The object's id, see `remote_id`."""
        return remote_id(self.connection, self.kind, self.external_id)


Side = Literal["engine", "remote"]
"""Whose value counts."""


class Settlement(Stored):
    """What a person decided about a field on which the two sides do not agree.

    It counts for the two values that the person saw, and for no others.
    """

    side: Side
    ours: Scalar
    theirs: Scalar
    by: str


class RemoteState(Stored):
    """A remote object's life so far.

    Attributes:
        installation: as its first order had it, see `RemoteOrder`.
        order_number: the measure's entry from which the want follows.
        wanted_number: this stream's entry that recorded the want.
        remark_number: the entry whose remark is not said yet; None when nothing is to be said.
        said: the phase that was said last; empty before anything was.
        written_number: the want that was written last; 0 before anything was.
        ref, url: its name and address there; empty before it was made.
        remote_version: as the system showed it after our last look.
        sent: what we wrote last, by field.
        shown: what it showed when ours and theirs were last compared, by field.
        seen_at: when that was.
        unreachable_since: since when it cannot be brought in step; None while it can.
        flips: when changes made there were last answered, by field.
        answers: how many changes made there were answered in all.
        open_questions: fields about which a person must decide, with what they show there.
        settled: what a person decided about some of them and is not carried out yet.
        suspended: why nothing is written any more, until somebody resumes it.
        commands: the latest requests that left an entry, oldest first.
    """

    connection: str
    kind: str
    external_id: str
    installation: str = ""
    measure: str
    mapping: MappingUse
    want: RemoteWant
    number: int
    opened_at: Moment
    changed_at: Moment
    order_number: int = 0
    wanted_number: int = 1
    wanted_at: Moment | None = None
    remark_number: int | None = None
    said: str = ""
    written_number: int = 0
    ref: str = ""
    url: str = ""
    remote_version: str = ""
    sent: dict[str, Scalar] = {}
    shown: dict[str, Scalar] = {}
    seen_at: Moment | None = None
    unreachable_since: Moment | None = None
    unreachable_why: str = ""
    flips: dict[str, tuple[Moment, ...]] = {}
    answers: int = 0
    open_questions: dict[str, Scalar] = {}
    settled: dict[str, Settlement] = {}
    suspended: Pause | None = None
    ended_at: Moment | None = None
    commands: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Its id, see `remote_id`."""
        return remote_id(self.connection, self.kind, self.external_id)

    @property
    def in_step(self) -> bool:
        """Tells whether what is wanted was written."""
        return self.written_number >= self.wanted_number

    def settlement(self, field: str, ours: Scalar, theirs: Scalar) -> Settlement | None:
        """Returns what a person decided about these two values of a field."""
        found = self.settled.get(field)
        if found is None or not (same(found.ours, ours) and same(found.theirs, theirs)):
            return None
        return found

    def recent_flips(self, field: str, at: datetime) -> int:
        """Returns how often a change of a field was answered lately."""
        since = at - self.want.flips.within
        return sum(moment > since for moment in self.flips.get(field, ()))


def remote_id(connection: str, kind: str, external_id: str) -> str:
    """Returns the id of an object: the connection, the kind there, and our name for it."""
    return f"{connection}/{kind}/{external_id}"


def fold_remote(state: RemoteState | None, entry: Draft) -> RemoteState:
    """Returns an object's state after one more entry.

    Raises:
        ValueError: when the entry cannot follow the state.
    """
    if state is None:
        if entry.kind != "remote_wanted":
            msg = f"{entry.stream} begins with {entry.kind}, not with remote_wanted"
            raise ValueError(msg)
        state = _begun(entry)
    else:
        refuse_gap(entry, state.number)
    commands = remembered(state.commands, entry)
    common = {"number": entry.number, "changed_at": entry.at, "commands": commands}
    return state.model_copy(update={**_changes(state, entry), **common})


def _begun(entry: Draft) -> RemoteState:
    order = restore(RemoteOrder, entry.body)
    return RemoteState(
        connection=order.connection,
        kind=order.kind,
        external_id=order.external_id,
        installation=order.installation,
        measure=order.measure,
        mapping=order.mapping,
        want=order.want,
        number=entry.number,
        opened_at=entry.at,
        changed_at=entry.at,
    )


def _changes(state: RemoteState, entry: Draft) -> dict[str, Any]:
    """Returns the fields that an entry sets."""
    body = entry.body
    match entry.kind:
        case "remote_wanted":
            return _wanted(state, entry)
        case "remote_written":
            return _written(state, entry)
        case "remote_observed":
            return {**_seen(state, entry), "ref": body["ref"], "url": body["url"]}
        case "remote_unreachable":
            return {
                "unreachable_since": state.unreachable_since or entry.at,
                "unreachable_why": body["why"],
            }
        case "remote_reverted":
            return _answered(state, entry)
        case "remote_taken":
            # Each gate that was asked for there and opened is a step forward, no to and fro.
            counted = {} if body["field"] == STATUS else _answered(state, entry)
            return {
                **counted,
                **_left_alone(state, entry),
                **_decided(state, {body["field"]}),
            }
        case "remote_flagged" | "remote_asked":
            field = body["field"]
            return {
                **_answered(state, entry),
                **_left_alone(state, entry),
                **_decided(state, {field}),
                "open_questions": {**state.open_questions, field: body["theirs"]},
            }
        case "remote_settled":
            return _settled(state, entry)
        case "remote_suspended":
            pause = Pause(reason=body["reason"], by=entry.by, at=entry.at)
            return {"suspended": pause}
        case "remote_resumed":
            return {"suspended": None, "flips": {}}
        case "remote_ended":
            return {
                "ended_at": entry.at,
                "written_number": state.wanted_number,
                "unreachable_since": None,
                "unreachable_why": "",
            }
        case _:
            msg = f"{entry.kind} does not belong to a remote object"
            raise ValueError(msg)


def _wanted(state: RemoteState, entry: Draft) -> dict[str, Any]:
    order = restore(RemoteOrder, entry.body)
    new_phase = order.want.phase != state.said and bool(order.want.remark)
    # As when the plan has taken over what is shown there.
    agreed = _agreed(order.want, state.shown)
    return {
        "sent": {**state.sent, **agreed},
        **_decided(state, agreed),
        "measure": order.measure,
        "mapping": order.mapping,
        "want": order.want,
        "order_number": order.number,
        "wanted_number": entry.number,
        "wanted_at": entry.at,
        "remark_number": _remark_number(state, order, entry) if new_phase else None,
        "ended_at": None,
    }


def _remark_number(state: RemoteState, order: RemoteOrder, entry: Draft) -> int:
    """The first entry of a phase, so that its remark keeps its key however often it changes."""
    same_phase = state.want.phase == order.want.phase and state.remark_number is not None
    return state.remark_number if same_phase and state.remark_number else entry.number


def _seen(state: RemoteState, entry: Draft) -> dict[str, Any]:
    body = entry.body
    agreed = _agreed(state.want, body["shown"])
    return {
        "remote_version": body["version"],
        "shown": {**state.shown, **body["shown"]},
        "sent": {**state.sent, **agreed},
        "seen_at": entry.at,
        "unreachable_since": None,
        "unreachable_why": "",
        **_decided(state, agreed),
    }


def _agreed(want: RemoteWant, shown: dict[str, Scalar]) -> dict[str, Scalar]:
    """What both sides show is agreed, whoever wrote it."""
    wanted = {field.theirs: field.value for field in want.fields}
    wanted |= {STATUS: want.status} if want.status else {}
    return {f: wanted[f] for f, v in shown.items() if f in wanted and same(v, wanted[f])}


def _decided(state: RemoteState, fields: Collection[str]) -> dict[str, Any]:
    """Nothing is to be decided about these fields any more."""
    return {
        "open_questions": {f: v for f, v in state.open_questions.items() if f not in fields},
        "settled": {f: one for f, one in state.settled.items() if f not in fields},
    }


def _settled(state: RemoteState, entry: Draft) -> dict[str, Any]:
    """What is left as it is there needs nothing more to be done."""
    body = entry.body
    if body["left"]:
        return _decided(state, {body["field"]})
    settlement = Settlement(
        side=body["side"], ours=body["ours"], theirs=body["theirs"], by=entry.by
    )
    return {"settled": {**state.settled, body["field"]: settlement}}


def _written(state: RemoteState, entry: Draft) -> dict[str, Any]:
    body = entry.body
    seen = _seen(state, entry)
    said: dict[str, Any] = {"said": body["said"]} if body["said"] else {}
    if body["said"] == state.want.phase:
        said["remark_number"] = None
    return {
        **seen,
        "ref": body["ref"],
        "url": body["url"],
        "sent": {**seen["sent"], **body["sent"]},
        "written_number": body["wanted_number"],
        **_decided(state, {*body["sent"], *_agreed(state.want, body["shown"])}),
        **said,
    }


def _left_alone(state: RemoteState, entry: Draft) -> dict[str, Any]:
    """Neither side of a field is written until one of them changes again."""
    field = entry.body["field"]
    return {
        "sent": {**state.sent, field: entry.body["ours"]},
        "shown": {**state.shown, field: entry.body["theirs"]},
    }


def _answered(state: RemoteState, entry: Draft) -> dict[str, Any]:
    field = entry.body["field"]
    flips = (*state.flips.get(field, ()), entry.at)[-KEPT_FLIPS:]
    return {"flips": {**state.flips, field: flips}, "answers": state.answers + 1}
