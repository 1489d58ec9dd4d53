"""What to do about each field of a remote object: three ways, ours, theirs, and last agreed.

Pure. Only differences are written; what both sides show is never written, so an echo of our own
write leads to nothing. How often a field may go to and fro is capped, so two engines that both
insist come to rest.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from measures.mapping import FieldPolicy, Move, Scalar, same
from measures.model import Moment, Stored
from measures.remote import STATUS, RemoteState


class Shown(Stored):
    """What a remote object shows.

    Attributes:
        fields: what was read, by name; a field that is not here is empty, or never shown.
        updated_at: when it changed last, by the system's clock.
        actor: who changed it last, where the system tells.
    """

    ref: str
    url: str = ""
    version: str
    status: str = ""
    fields: dict[str, Scalar] = {}
    updated_at: Moment | None = None
    actor: str = ""


class Difference(Stored):
    """A field about which the two sides do not agree.

    Attributes:
        field: its name there, or `STATUS`.
        ours, theirs: what each side says.
    """

    field: str
    ours: Scalar
    theirs: Scalar


class Reconciliation(NamedTuple):
    """What follows from comparing an object with what it is to show.

    Attributes:
        writes: what to write, by field; the status is not among them.
        status: where to move it; empty to leave it.
        reverted: what was changed there and is put back.
        taken: what was changed there and counts.
        asked: what a person must decide.
        flagged: a forbidden move that is left as it is, and said.
        suspended: why nothing at all is written; empty otherwise.
    """

    writes: Mapping[str, Scalar]
    status: str = ""
    reverted: tuple[Difference, ...] = ()
    taken: tuple[Difference, ...] = ()
    asked: tuple[Difference, ...] = ()
    flagged: tuple[Difference, ...] = ()
    suspended: str = ""


def denied(decided: Reconciliation, move: Move) -> Reconciliation:
    """Returns what follows when the gate that a move asked for stays shut."""
    moves = tuple(one for one in decided.taken if one.field == STATUS)
    taken = tuple(one for one in decided.taken if one.field != STATUS)
    if move == "flag":
        return decided._replace(taken=taken, flagged=(*decided.flagged, *moves))
    status = next((str(one.ours) for one in moves), decided.status)
    return decided._replace(taken=taken, reverted=(*decided.reverted, *moves), status=status)


Verdict = Literal["nothing", "write", "revert", "take", "ask", "flag"]


def reconcile(
    state: RemoteState, shown: Shown, closed: Collection[str], at: datetime
) -> Reconciliation:
    """Compares what an object shows with what it is to show.

    Args:
        state: its life so far, with what was agreed last.
        shown: what it shows now.
        closed: the statuses that mean done there.
        at: when this is decided.
    """
    found: dict[Verdict, list[Difference]] = {
        "write": [], "revert": [], "take": [], "ask": [], "flag": []
    }  # fmt: skip
    for field in state.want.fields:
        # Many systems leave out what is empty. One that never shows a field never changes it.
        theirs = shown.fields.get(field.theirs)
        verdict = _compared(state, field.theirs, field.value, theirs, field.policy, shown)
        if verdict != "nothing":
            found[verdict].append(Difference(field=field.theirs, ours=field.value, theirs=theirs))
    moved = _moved(state, shown.status, closed)
    ours_status = state.want.status or str(_status_before(state))
    if moved != "nothing":
        found[moved].append(Difference(field=STATUS, ours=ours_status, theirs=shown.status))
    answers = [one for verdict, ones in found.items() if verdict != "write" for one in ones]
    most = state.want.flips.most
    for one in answers:
        # What a person decided is no fight of two engines.
        is_settled = state.settlement(one.field, one.ours, one.theirs) is not None
        if not is_settled and state.recent_flips(one.field, at) >= most:
            return Reconciliation({}, suspended=_why_suspended(state, one, shown))
    written = [*found["write"], *found["revert"]]
    return Reconciliation(
        writes={one.field: one.ours for one in written if one.field != STATUS},
        status=next((str(one.ours) for one in written if one.field == STATUS), ""),
        reverted=tuple(found["revert"]),
        taken=tuple(found["take"]),
        asked=tuple(found["ask"]),
        flagged=tuple(found["flag"]),
    )


def _compared(
    state: RemoteState,
    field: str,
    ours: Scalar,
    theirs: Scalar,
    policy: FieldPolicy,
    shown: Shown,
) -> Verdict:
    if same(ours, theirs):
        return "nothing"
    settled = state.settlement(field, ours, theirs)
    if settled is not None:
        return "write" if settled.side == "engine" else "take"
    ours_changed = field not in state.sent or not same(ours, state.sent[field])
    theirs_changed = field in state.shown and not same(theirs, state.shown[field])
    if not theirs_changed:
        return "write" if ours_changed else "nothing"
    if policy == "ask":
        return "ask"
    if policy == "engine":
        return "write" if ours_changed else "revert"
    if policy == "newest" and ours_changed and _ours_is_newer(state, shown):
        return "write"
    return "take"


def _ours_is_newer(state: RemoteState, shown: Shown) -> bool:
    ours_at, theirs_at = state.wanted_at, shown.updated_at
    return ours_at is not None and (theirs_at is None or ours_at > theirs_at)


def _moved(state: RemoteState, theirs: str, closed: Collection[str]) -> Verdict:
    """Decides about the status: people may work on an object, but not end what still stands."""
    want = state.want
    if want.status == theirs:
        return "nothing"
    settled = state.settlement(STATUS, want.status or _status_before(state), theirs)
    if settled is not None:
        return "write"
    ours_changed = bool(want.status) and want.status != state.sent.get(STATUS)
    if ours_changed:
        return "write"
    theirs_changed = STATUS in state.shown and theirs != state.shown[STATUS]
    if theirs_changed and theirs in want.asks:
        return "take"
    is_forbidden = theirs in want.forbidden or (want.open and theirs in closed)
    if not theirs_changed or not is_forbidden:
        return "nothing"
    return "revert" if want.move == "revert" else "flag"


def _status_before(state: RemoteState) -> Scalar:
    """Returns the status that ours stands for where the mapping names none: what was there."""
    settled = state.settled.get(STATUS)
    return settled.ours if settled is not None else state.shown.get(STATUS, "")


def _why_suspended(state: RemoteState, one: Difference, shown: Shown) -> str:
    who = f" by {shown.actor}" if shown.actor else ""
    return (
        f"{one.field} of {state.connection} {state.kind} {shown.ref} was changed there{who} to"
        f" {one.theirs!r} after {state.want.flips.most} answers within the time that mapping"
        f" {state.mapping.id} allows; ours is {one.ours!r}"
    )
