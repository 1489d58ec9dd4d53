"""What Salesforce answers, in our words."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx

from connectors.contract import Remote, RemoteField
from connectors.failures import ConnectorError, NotFound, Rejected, RetryLater
from connectors.http import failure_of, retry_after
from connectors.salesforce.settings import Kind
from connectors.understanding import version_of

_CALLS_USED_UP = timedelta(minutes=15)
"""The calls of the last 24 hours count, so that some come free again all the time."""

_FieldType = Literal["text", "number", "boolean", "date", "datetime", "choice", "other"]
_TYPES: Mapping[str, _FieldType] = {
    "string": "text",
    "textarea": "text",
    "email": "text",
    "phone": "text",
    "url": "text",
    "id": "text",
    "reference": "text",
    "int": "number",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "picklist": "choice",
}


def classify(response: httpx.Response, external_id: str) -> ConnectorError | None:
    """Returns what is special about an answer; None leaves it to the usual rules.

    Args:
        response: the answer.
        external_id: the field that holds our name.
    """
    code, errors = response.status_code, _errors(response)
    names = {one.get("errorCode") for one in errors}
    if code == 300:
        return Rejected(
            f"Salesforce has several records with this {external_id}: make the field unique, then"
            f" delete or merge all but one ({response.request.url.path})"
        )
    if response.is_success or code == 401:
        return None
    usual = failure_of(response, "Salesforce")
    words = str(usual)
    if "REQUEST_LIMIT_EXCEEDED" in names:
        return RetryLater(words, retry_after(response, datetime.now(UTC)) or _CALLS_USED_UP)
    if names & {"UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT", "SERVER_UNAVAILABLE"}:
        return RetryLater(words)
    # Somebody else has made it at the same moment: whoever tries again finds it.
    if "DUPLICATE_VALUE" in names and external_id in words:
        return RetryLater(words)
    if names & {"MALFORMED_ID", "ENTITY_IS_DELETED"}:
        return NotFound(words)
    return None


def remote(
    shape: Kind, row: Mapping[str, Any], *, root: str, external_id: str, basis: list[str]
) -> Remote:
    """Returns a record.

    Args:
        shape: its kind.
        row: as it was read.
        root: the organisation's address.
        external_id: the field that holds our name.
        basis: the fields whose values make its version.
    """
    changed = datetime.fromisoformat(row["SystemModstamp"])
    actor = row.get("LastModifiedBy") or {}
    fields = {
        name: value
        for name, value in row.items()
        if name not in {"attributes", "Id", "LastModifiedBy", "SystemModstamp"}
    }
    return Remote(
        kind=shape.name,
        ref=str(row["Id"]),
        external_id=row.get(external_id) or "",
        title=row.get(shape.title) or "",
        status=row.get(shape.status) or "",
        version=version_of(changed, *(fields.get(name) for name in basis)),
        updated_at=changed,
        actor=str(actor.get("Username", "")),
        url=f"{root}/{row['Id']}",
        fields=fields,
    )


def remote_field(described: Mapping[str, Any]) -> RemoteField:
    """Returns a field as a describe shows it."""
    return RemoteField(
        name=described["name"],
        title=described["label"],
        type=_TYPES.get(described["type"], "other"),
        writable=bool(described["updateable"]),
        required=bool(
            described["createable"]
            and not described["nillable"]
            and not described["defaultedOnCreate"]
        ),
        choices=choices(described),
    )


def choices(described: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns what a picklist lets people choose."""
    values = described.get("picklistValues") or ()
    return tuple(str(one["value"]) for one in values if one["active"])


def _errors(response: httpx.Response) -> list[dict[str, Any]]:
    try:
        said = json.loads(response.content)
    except (ValueError, RecursionError):
        return []
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
