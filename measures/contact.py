"""Whether a connected system is heard: lost, and restored; pure.

While contact is lost nobody knows what the system shows by now. What was seen of its objects
counts as seen no later than the moment since when it is lost, so rules that ask for fresh facts
cannot be answered.
"""

from datetime import datetime
from typing import Any

from measures.entry import Draft, EntryKind, connection_stream, refuse_gap
from measures.model import Moment, Stored
from measures.people import ENGINE


class ContactState(Stored):
    """Whether a connection is heard.

    Attributes:
        lost_since: the last moment at which all of it was known; None while it is heard.
        why: why it is lost, in words.
        changed_at: when it was lost or restored last.
    """

    id: str
    number: int
    changed_at: Moment
    lost_since: Moment | None = None
    why: str = ""


def fold_contact(state: ContactState | None, entry: Draft) -> ContactState:
    """Returns whether a connection is heard after one more entry.

    Raises:
        ValueError: when the entry cannot follow.
    """
    refuse_gap(entry, state.number if state else 0)
    known: dict[str, Any] = {
        "id": entry.stream.partition(":")[2],
        "number": entry.number,
        "changed_at": entry.at,
    }
    match entry.kind:
        case "connection_lost":
            since, why = entry.body["since"], entry.body["why"]
            return ContactState(**known, lost_since=datetime.fromisoformat(since), why=why)
        case "connection_restored":
            return ContactState(**known)
        case _:
            msg = f"{entry.kind} does not belong to a connection"
            raise ValueError(msg)


def lose(
    state: ContactState | None,
    connection: str,
    since: datetime,
    why: str,
    at: datetime,
    command: str,
) -> list[Draft]:
    """Drafts that a connection is no longer heard; nothing when that is known."""
    if state is not None and state.lost_since is not None:
        return []
    body = {"since": since.isoformat(), "why": why}
    return [_draft(state, connection, "connection_lost", body, at, command)]


def restore_contact(
    state: ContactState | None, connection: str, at: datetime, command: str
) -> list[Draft]:
    """Drafts that a connection is heard again; nothing when it was not lost."""
    if state is None or state.lost_since is None:
        return []
    return [_draft(state, connection, "connection_restored", {}, at, command)]


def _draft(
    state: ContactState | None,
    connection: str,
    kind: EntryKind,
    body: dict[str, Any],
    at: datetime,
    command: str,
) -> Draft:
    return Draft(
        stream=connection_stream(connection),
        number=(state.number if state else 0) + 1,
        kind=kind,
        at=at,
        by=ENGINE,
        command=command,
        body=body,
    )
