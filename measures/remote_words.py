"""What is said, in comments on remote objects, to those who changed something there."""

from typing import Literal

from measures.reconciling import Difference
from measures.remote import STATUS, RemoteState


def settle_command(remote: str) -> str:
    """Returns the command by which a person decides whose value of an object counts."""
    return f"sluice connectors sync --settle {remote} --with engine|remote --as PERSON"


def said_of(
    what: Literal["reverted", "left"], one: Difference, state: RemoteState, why: str = ""
) -> str:
    """Returns the comment on a change that was put back, or that waits for a person.

    Args:
        what: what became of it.
        one: the change.
        state: the object.
        why: why it could not be taken over; empty where nobody tried.
    """
    if one.field == STATUS:
        return _said_of_move(what, one, state, why)
    if what == "reverted":
        return (
            f"{one.field} was put back to {one.ours!r}: it follows from measure {state.measure},"
            f" and {one.theirs!r} was not taken over. Change it there: sluice explain"
            f" {state.measure}"
        )
    return (
        f"{one.field} is {one.theirs!r} here and {one.ours!r} in measure {state.measure}: nothing"
        f" is written until one of them changes, or somebody decides: {settle_command(state.id)}"
    )


def _said_of_move(
    what: Literal["reverted", "left"], one: Difference, state: RemoteState, why: str
) -> str:
    outcome = f"it was moved back to {one.ours}" if what == "reverted" else "it was left there"
    decide = "" if what == "reverted" else f". To decide otherwise: {settle_command(state.id)}"
    if why:
        gate = state.want.asks.get(str(one.theirs), "")
        return (
            f"Moved to {one.theirs}, which asks for gate {gate} of measure {state.measure} for"
            f" {state.want.as_person}: {why}; {outcome}. sluice explain"
            f" {state.measure}{decide}"
        )
    if state.want.stands_for_measure:
        why = f"measure {state.measure} stands at {state.want.phase}, and only its gates move it"
    else:
        why = f"what blocks measure {state.measure} still does"
    return (
        f"Moved to {one.theirs}, but {why}: {outcome}. It is moved by the engine once that has"
        f" changed: sluice explain {state.measure}{decide}"
    )
