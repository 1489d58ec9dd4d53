"""What an issue of Redmine shows."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from connectors.contract import Remote, RemoteField, Scalar
from connectors.understanding import version_of

_NAMES = {"title": "subject", "text": "description"}
_PLAIN = ("subject", "description", "done_ratio", "start_date", "due_date", "estimated_hours")
_CHOSEN = ("assigned_to", "priority", "category", "fixed_version")
"""What is shown as an object with a number and a name, and written as a number."""

_TYPES: Mapping[str, Any] = {
    "done_ratio": "number",
    "estimated_hours": "number",
    "start_date": "date",
    "due_date": "date",
}


def issue_fields() -> dict[str, RemoteField]:
    """Returns what can be written, by name."""
    plain = [
        RemoteField(name=name, required=name == "subject", type=_TYPES.get(name, "text"))
        for name in _PLAIN
    ]
    chosen = [RemoteField(name=f"{name}_id", type="number") for name in _CHOSEN]
    return {one.name: one for one in (*plain, *chosen)}


def named(patch: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Returns what to write under the names that Redmine has, as it will show it."""
    content = {_NAMES.get(name, name): value for name, value in patch.items()}
    return {name: _as_shown(name, value) for name, value in content.items()}


def _as_shown(name: str, value: Scalar) -> Scalar:
    field = issue_fields().get(name)
    if field is not None and field.type == "number" and isinstance(value, str):
        with suppress(ValueError):
            return float(value)
    return "" if value is None and name == "description" else value


def issue_of(row: Mapping[str, Any], root: str, external_id: int) -> Remote:
    """Returns an issue as its interface shows it.

    Args:
        row: as a list or a single issue shows it.
        root: the address of this Redmine.
        external_id: the number of the custom field that holds our name.
    """
    fields = {name: row.get(name) for name in _PLAIN}
    # It ends lines with CR LF, however they were sent.
    fields["description"] = (fields["description"] or "").replace("\r\n", "\n")
    fields |= {f"{name}_id": (row.get(name) or {}).get("id") for name in _CHOSEN}
    custom = {one["id"]: one.get("value") for one in row.get("custom_fields", ())}
    external = custom.get(external_id)
    changed = datetime.fromisoformat(row["updated_on"])
    status = row["status"]["name"]
    return Remote(
        kind="issue",
        ref=str(row["id"]),
        external_id=external if isinstance(external, str) else "",
        title=row["subject"],
        status=status,
        version=version_of(changed, status, *fields.values(), *custom.items()),
        updated_at=changed,
        url=f"{root}/issues/{row['id']}",
        fields={**fields, "status": status, "project": row["project"]["name"]},
    )


def actor_of(row: Mapping[str, Any], ourselves: tuple[int, str]) -> str:
    """Returns who changed an issue last: our login, or somebody else's name and number.

    Args:
        row: a single issue with its journals.
        ourselves: our number and login.
    """
    # Our user may have chosen to see the newest journal first.
    last: Mapping[str, Any] = max(row["journals"], key=lambda one: int(one["id"]), default={})
    user = last.get("user") or row["author"]
    us, login = ourselves
    # Names are not unique, and people choose their own.
    return login if user["id"] == us else f"{user['name']} (user {user['id']})"
