"""Tickets in a file, for the system in a file that `connectors.memory` is.

Every change counts one up; that number is the ticket's version, and a ticket's comments and
changes by hand carry who made them, as in a real system.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Remote, RemoteField, RemoteSchema, Scalar
from connectors.failures import Conflict, NotFound, Rejected

KIND = "ticket"
STATUSES = ("open", "in work", "done")
CLOSED = ("done",)
FIELDS = ("title", "text", "assignee", "priority", "stage", "verdict", "link")
LONGEST = 20_000
"""Letters of a field."""

TICKETS = """
CREATE TABLE IF NOT EXISTS tickets (
    ref INTEGER PRIMARY KEY AUTOINCREMENT, external_id TEXT UNIQUE, status TEXT NOT NULL,
    fields TEXT NOT NULL, version INTEGER NOT NULL, updated_at TEXT NOT NULL, actor TEXT NOT NULL
)
"""
COMMENTS = """
CREATE TABLE IF NOT EXISTS comments (
    ticket INTEGER NOT NULL, key TEXT NOT NULL, actor TEXT NOT NULL, text TEXT NOT NULL,
    UNIQUE (ticket, key)
)
"""


def describe(kind: str) -> RemoteSchema:
    """Returns a ticket's fields, its statuses, and that each can follow each."""
    _check_kind(kind)
    return RemoteSchema(
        kind=KIND,
        fields={name: RemoteField(name=name, required=name == "title") for name in FIELDS},
        statuses=STATUSES,
        closed=CLOSED,
        moves={one: tuple(other for other in STATUSES if other != one) for one in STATUSES},
    )


class Tickets:
    """The tickets of one open database."""

    def __init__(self, database: sqlite3.Connection, actor: str) -> None:
        self._database = database
        self._actor = actor
        database.execute(TICKETS)
        database.execute(COMMENTS)

    def get(self, kind: str, ref: str) -> Remote:
        """Returns a ticket.

        Raises:
            NotFound: there is none.
        """
        _check_kind(kind)
        found = self._one("ref = ?", ref)
        if found is None:
            msg = f"there is no ticket {ref}"
            raise NotFound(msg)
        return found

    def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for a ticket by our name for it."""
        _check_kind(kind)
        return self._one("external_id = ?", external_id)

    def upsert(
        self, kind: str, external_id: str, patch: Mapping[str, Scalar], expect: str | None
    ) -> Remote:
        """Makes or changes a ticket.

        Raises:
            Rejected: an unknown field, one that is too long, or no title.
            Conflict: it is not as expected.
        """
        found = self.find(kind, external_id)
        _check_fields(patch, is_new=found is None)
        if found is not None:
            _check_version(found, expect)
            return self._write(found, {**found.fields, **patch}, found.status)
        self._database.execute(
            "INSERT INTO tickets (external_id, status, fields, version, updated_at, actor)"
            " VALUES (?, ?, ?, 1, ?, ?)",
            (external_id, STATUSES[0], json.dumps(dict(patch)), _now(), self._actor),
        )
        made = self.find(kind, external_id)
        assert made is not None, "it was made above"
        return made

    def move(self, kind: str, ref: str, status: str, expect: str | None = None) -> Remote:
        """Moves a ticket to a status.

        Raises:
            Rejected: it has no such status.
            Conflict: it is not as expected.
        """
        found = self.get(kind, ref)
        if status not in STATUSES:
            msg = f"ticket {ref} cannot be {status!r}; it can be {', '.join(STATUSES)}"
            raise Rejected(msg)
        _check_version(found, expect)
        return self._write(found, found.fields, status)

    def remove(self, kind: str, ref: str) -> None:
        """Takes a ticket away, as only people do.

        Raises:
            NotFound: there is none.
        """
        found = self.get(kind, ref)
        self._database.execute("DELETE FROM tickets WHERE ref = ?", (int(found.ref),))

    def comment(self, kind: str, ref: str, text: str, key: str) -> None:
        """Adds a comment, once per key."""
        found = self.get(kind, ref)
        added = self._database.execute(
            "INSERT OR IGNORE INTO comments VALUES (?, ?, ?, ?)",
            (int(found.ref), key, self._actor, text),
        )
        if added.rowcount:
            self._touch(found, found.fields, found.status)

    def comments(self, ref: str) -> list[tuple[str, str]]:
        """Returns a ticket's comments, each with who wrote it, oldest first."""
        rows = self._database.execute(
            "SELECT actor, text FROM comments WHERE ticket = ? ORDER BY rowid", (int(ref),)
        )
        return [(actor, text) for actor, text in rows]

    def changed(self, kind: str, since: datetime, offset: int, size: int) -> Sequence[Remote]:
        """Returns tickets changed at or after a moment, oldest first."""
        _check_kind(kind)
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM tickets WHERE updated_at >= ?"  # noqa: S608 - no input
            " ORDER BY updated_at, ref LIMIT ? OFFSET ?",
            (since.astimezone(UTC).isoformat(), size, offset),
        )
        return [_remote(row) for row in rows]

    def _one(self, where: str, value: str) -> Remote | None:
        row = self._database.execute(
            f"SELECT {_COLUMNS} FROM tickets WHERE {where}",  # noqa: S608 - no input
            (value,),
        ).fetchone()
        return None if row is None else _remote(row)

    def _write(self, found: Remote, fields: dict[str, Any], status: str) -> Remote:
        if fields == found.fields and status == found.status:
            return found
        self._touch(found, fields, status)
        return self.get(KIND, found.ref)

    def _touch(self, found: Remote, fields: dict[str, Any], status: str) -> None:
        self._database.execute(
            "UPDATE tickets SET fields = ?, status = ?, version = version + 1, updated_at = ?,"
            " actor = ? WHERE ref = ?",
            (json.dumps(fields), status, _now(), self._actor, int(found.ref)),
        )


_COLUMNS = "ref, external_id, status, fields, version, updated_at, actor"


def _remote(row: Sequence[Any]) -> Remote:
    ref, external_id, status, content, version, updated_at, actor = row
    fields = json.loads(content)
    return Remote(
        kind=KIND,
        ref=str(ref),
        external_id=external_id or "",
        title=fields.get("title") or "",
        status=status,
        version=str(version),
        updated_at=datetime.fromisoformat(updated_at),
        actor=actor,
        fields=fields,
    )


def _now() -> str:
    # Always with microseconds: times are compared as text.
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _check_kind(kind: str) -> None:
    if kind != KIND:
        msg = f"it has no {kind!r}, only {KIND}"
        raise Rejected(msg)


def _check_fields(patch: Mapping[str, Scalar], *, is_new: bool) -> None:
    for name, value in patch.items():
        if name not in FIELDS:
            msg = f"a ticket has no field {name!r}; it has {', '.join(FIELDS)}"
            raise Rejected(msg)
        if len(str(value)) > LONGEST:
            msg = f"{name} of a ticket takes {LONGEST:,} letters, not {len(str(value)):,}"
            raise Rejected(msg)
    if is_new and not patch.get("title"):
        msg = "a new ticket needs a title"
        raise Rejected(msg)


def _check_version(found: Remote, expect: str | None) -> None:
    if expect is not None and found.version != expect:
        msg = f"ticket {found.ref} has changed since it was read"
        raise Conflict(msg, found)
