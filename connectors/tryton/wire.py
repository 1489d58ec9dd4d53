"""How values travel to Tryton and back."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import httpx

from connectors.failures import ConnectorError, Rejected


def packed(content: Any) -> str:
    """Writes a domain or an order as its query parameters carry it."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def like(text: str) -> str:
    """Takes the meaning from what a pattern gives meaning to."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def written(moment: datetime) -> dict[str, Any]:
    """Writes a moment."""
    at = moment.astimezone(UTC)
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{part: getattr(at, part) for part in parts}}


def moment(wrapped: dict[str, int | str]) -> datetime:
    """Reads a moment."""
    parts = {name: int(value) for name, value in wrapped.items() if name != "__class__"}
    return datetime(**parts, tzinfo=UTC)


def plain(value: Any) -> Any:
    """Returns a value without the wrapping that carries decimals and times."""
    if not isinstance(value, dict):
        return value
    if value.get("__class__") == "Decimal":
        return float(value["decimal"])
    return moment(value).isoformat() if value.get("__class__") == "datetime" else str(value)


def classify(response: httpx.Response) -> ConnectorError | None:
    """Returns what is special about an answer; None leaves it to the usual rules."""
    # Unknown fields and models are answered with 500: the same request would fail for ever.
    asked = "has no attribute" in response.text or "&#39;</p>" in response.text
    if response.status_code == 500 and asked:
        return Rejected(f"Tryton does not know what was asked for: {response.text[-200:]}")
    if response.status_code == 403:
        return Rejected(f"Tryton does not let us do that: {response.request.url.path}")
    return None
