"""Values of Jira's fields: as plain values towards us, as Jira wants them towards it.

What a field holds is told by its schema in `GET /rest/api/3/field` (Atlassian, "The Jira Cloud
platform REST API": Get fields; "Jira REST API examples": Setting custom field data).
"""

from typing import Any

from connectors.contract import RemoteField, Scalar
from connectors.failures import Rejected
from connectors.jira.adf import document, text_of

_NAMED = frozenset({"priority", "resolution", "issuetype", "version", "component", "securitylevel"})
_TYPES = {
    "string": "text",
    "number": "number",
    "date": "date",
    "datetime": "datetime",
    "option": "choice",
    **dict.fromkeys(_NAMED, "choice"),
}
_DOCUMENTS = frozenset({"description", "environment"})


def shown(value: Any) -> Any:
    """Returns what a field shows as a plain value; several are joined by commas."""
    if isinstance(value, list):
        return ", ".join(str(shown(one)) for one in value)
    if not isinstance(value, dict):
        return value
    if value.get("type") == "doc":
        return text_of(value)
    named = (value.get(name) for name in ("accountId", "value", "name", "key", "id"))
    return next((one for one in named if one is not None), None)


def written(field: dict[str, Any], value: Scalar) -> Any:
    """Returns a value as a field takes it.

    Args:
        field: as Jira describes it.
        value: several are separated by commas.

    Raises:
        Rejected: the field is of a kind that cannot be written, or the value no number.
    """
    schema = field.get("schema") or {}
    if schema.get("type") == "array":
        several = [] if value is None else [one.strip() for one in str(value).split(",")]
        return [_one(field, str(schema.get("items")), one) for one in several if one]
    return None if value is None else _one(field, str(schema.get("type")), value)


def described(field: dict[str, Any]) -> RemoteField:
    """Returns a field as the contract has it."""
    schema = field.get("schema") or {}
    kind = _TYPES.get(schema.get("type", ""), "other")
    return RemoteField.model_validate(
        {
            "name": field["id"],
            "title": field.get("name") or "",
            "type": kind,
            # Only what can be put on a screen can be set; the others Jira keeps itself.
            "writable": bool(field.get("orderable")),
            "required": field["id"] == "summary",
        }
    )


def _one(field: dict[str, Any], kind: str, value: Scalar) -> Any:
    if kind in {"string", "date", "datetime", "any"}:
        large = str((field.get("schema") or {}).get("custom", "")).endswith(":textarea")
        return document(str(value)) if large or field["id"] in _DOCUMENTS else str(value)
    if kind == "number":
        return _number(field, value)
    if kind == "user":
        return {"accountId": str(value)}
    if kind == "option":
        return {"value": str(value)}
    if kind in _NAMED:
        return {"name": str(value)}
    msg = f"Jira: field {field['id']} ({field.get('name')}) holds a {kind}, which cannot be written"
    raise Rejected(msg)


def _number(field: dict[str, Any], value: Scalar) -> float:
    try:
        return float(str(value))
    except ValueError:
        msg = f"Jira: field {field['id']} ({field.get('name')}) takes a number, not {value!r}"
        raise Rejected(msg) from None
