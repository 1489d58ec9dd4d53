"""A ticket as Zendesk writes it, and as the engine does."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from connectors.contract import Remote, RemoteField, Scalar
from connectors.failures import Rejected
from connectors.understanding import version_of

CLOSED = "closed"
STATUSES = ("new", "open", "pending", "hold", "solved", CLOSED)
DONE = ("solved", CLOSED)

_SUBJECT = "subject"
_WRITABLE = (_SUBJECT, "priority", "type", "assignee_id", "group_id", "due_at", "problem_id")
_SHOWN = (*_WRITABLE, "requester_id", "organization_id", "updated_at", "tags")
_CUSTOM = re.compile(r"custom_field_(\d+)")
_Type = Literal["text", "number", "boolean", "date", "datetime", "choice", "other"]
_TYPES: dict[str, _Type] = {
    "text": "text",
    "textarea": "text",
    "regexp": "text",
    "subject": "text",
    "integer": "number",
    "decimal": "number",
    "assignee": "number",
    "group": "number",
    "checkbox": "boolean",
    "date": "date",
    "tagger": "choice",
    "multiselect": "choice",
    "priority": "choice",
    "tickettype": "choice",
}
_SYSTEM = {
    "subject": _SUBJECT,
    "priority": "priority",
    "tickettype": "type",
    "assignee": "assignee_id",
    "group": "group_id",
}


def remote_of(ticket: Mapping[str, Any], root: str, *, actor: str = "") -> Remote:
    """Returns a ticket as the engine knows it.

    Args:
        ticket: as Zendesk answers it.
        root: the account's address.
        actor: who changed it last; empty where that was not asked.
    """
    ref = str(int(ticket["id"]))
    fields = {name: ticket.get(name) for name in _SHOWN}
    fields["text"] = ticket.get("description")
    for one in ticket.get("custom_fields") or ():
        fields[f"custom_field_{one['id']}"] = one.get("value")
    external, status = ticket.get("external_id") or "", str(ticket["status"])
    return Remote(
        kind="ticket",
        ref=ref,
        external_id=external,
        title=ticket.get(_SUBJECT) or "",
        status=status,
        version=version_of(external, status, *(fields[name] for name in sorted(fields))),
        updated_at=datetime.fromisoformat(ticket["updated_at"]),
        actor=actor,
        url=f"{root}/agent/tickets/{ref}",
        fields=fields,
    )


def named(patch: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Returns what to write by the names that tickets have; the text belongs to the first comment.

    Raises:
        Rejected: a field has a name that no ticket has; Zendesk would leave it out without a word.
    """
    content: dict[str, Scalar] = {}
    for name, value in patch.items():
        if name == "text":
            continue
        if name == "title":
            content[_SUBJECT] = " ".join(str(value or "").split())
        elif name in _WRITABLE or _CUSTOM.fullmatch(name):
            # A mapping may write the number of a person or a group as a text.
            number = name.endswith("_id") and str(value).isdecimal()
            content[name] = int(str(value)) if number else value
        else:
            known = ", ".join(_WRITABLE)
            msg = (
                f"Zendesk tickets have no field {name!r} that can be written: there are {known} and"
                " custom_field_ID"
            )
            raise Rejected(msg)
    return content


def as_ticket(content: Mapping[str, Scalar]) -> dict[str, Any]:
    """Returns content in the form of a request: custom fields are a list."""
    custom = {name: found[1] for name in content if (found := _CUSTOM.fullmatch(name))}
    ticket: dict[str, Any] = {n: value for n, value in content.items() if n not in custom}
    if custom:
        ticket["custom_fields"] = [
            {"id": int(number), "value": content[name]} for name, number in custom.items()
        ]
    return ticket


def described(rows: list[dict[str, Any]]) -> tuple[dict[str, RemoteField], tuple[str, ...]]:
    """Returns a ticket's fields and its statuses from the account's list of fields.

    The status `hold` is there where the field for it has sub type 1 ("Ticket Fields").
    """
    fields: dict[str, RemoteField] = {}
    holds = False
    for row in rows:
        kind = row["type"]
        holds = holds or (kind == "status" and row.get("sub_type_id") == 1)
        if not row.get("active", True):
            continue
        own = kind in _TYPES and kind not in _SYSTEM
        name = _SYSTEM.get(kind) or (f"custom_field_{row['id']}" if own else "")
        if name:
            options = row.get("system_field_options") or row.get("custom_field_options") or ()
            fields[name] = RemoteField(
                name=name,
                title=row["title"],
                type=_TYPES[kind],
                choices=tuple(str(one["value"]) for one in options),
            )
    return fields, tuple(one for one in STATUSES if one != "hold" or holds)


def moves_of(statuses: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Returns which status may follow which: never new again, and nothing follows closed.

    Source: "About native system ticket rules".
    """
    return {
        one: tuple(to for to in statuses if to not in ("new", one))
        for one in statuses
        if one != CLOSED
    }
