"""What HubSpot answers, in our words."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx

from connectors.contract import Remote, RemoteField, Scalar
from connectors.failures import ConnectorError, RetryLater
from connectors.http import failure_of, retry_after
from connectors.hubspot.settings import Kind
from connectors.understanding import version_of

_WAITS = {
    "SECONDLY": timedelta(seconds=1),
    "TEN_SECONDLY_ROLLING": timedelta(seconds=10),
    # It ends at midnight, in a time zone that the answer does not tell.
    "DAILY": timedelta(hours=1),
}
_LOCKED = timedelta(seconds=2)

_FieldType = Literal["text", "number", "boolean", "date", "datetime", "choice", "other"]
_TYPES: Mapping[str, _FieldType] = {
    "string": "text",
    "phone_number": "text",
    "number": "number",
    "bool": "boolean",
    "date": "date",
    "datetime": "datetime",
    "enumeration": "choice",
}


def classify(response: httpx.Response) -> ConnectorError | None:
    """Returns what is special about an answer; None leaves it to the usual rules."""
    code = response.status_code
    if code not in (423, 429, 477):
        return None
    asked = retry_after(response, datetime.now(UTC))
    if code == 429:
        asked = asked or _WAITS.get(_policy(response))
    if code == 423:
        asked = asked or _LOCKED
    return RetryLater(str(failure_of(response, "HubSpot")), asked)


def remote(
    shape: Kind,
    row: Mapping[str, Any],
    *,
    status: str,
    url: str,
    external_id: str,
    basis: list[str],
) -> Remote:
    """Returns an object.

    Args:
        shape: its kind.
        row: as it was read, with the history of its properties.
        status: what its status is called.
        url: where the API shows it.
        external_id: the property that holds our name.
        basis: the properties whose values make its version.
    """
    properties = row["properties"]
    changed = datetime.fromisoformat(properties[shape.changed])
    return Remote(
        kind=shape.name,
        ref=str(row["id"]),
        external_id=properties.get(external_id) or "",
        title=properties.get(shape.title) or "",
        status=status,
        version=version_of(changed, *(properties.get(name) for name in basis)),
        updated_at=changed,
        actor=_last_writer(row.get("propertiesWithHistory") or {}),
        url=url,
        fields=dict(properties),
    )


def remote_field(described: Mapping[str, Any]) -> RemoteField:
    """Returns a property as HubSpot describes it."""
    about = described.get("modificationMetadata") or {}
    return RemoteField(
        name=described["name"],
        title=described["label"],
        type=_TYPES.get(described["type"], "other"),
        writable=not about.get("readOnlyValue", False),
        choices=tuple(str(one["value"]) for one in described.get("options") or ()),
    )


def written(value: Scalar) -> str:
    """Returns a value as HubSpot takes it: every value is a text, and none is an empty one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _last_writer(history: Mapping[str, Any]) -> str:
    """Returns who wrote the newest of the values that were read."""
    values = [one for entries in history.values() for one in entries]
    if not values:
        return ""
    newest = max(values, key=lambda one: datetime.fromisoformat(one["timestamp"]))
    if newest["sourceType"] == "INTEGRATION" and newest.get("sourceId"):
        return f"app {newest['sourceId']}"
    if newest.get("updatedByUserId"):
        return f"user {newest['updatedByUserId']}"
    return str(newest["sourceType"])


def _policy(response: httpx.Response) -> str:
    try:
        return str(json.loads(response.content).get("policyName", ""))
    except (ValueError, AttributeError, RecursionError):
        return ""
