"""Queries in SOQL: whatever comes from outside stays a value."""

import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from connectors.failures import Rejected

Query = Callable[[str], Awaitable[list[dict[str, Any]]]]
"""Asks for records and returns the first page of them."""

_ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)?")


def literal(text: str) -> str:
    """Returns a text as a literal (SOQL and SOSL Reference, "Quoted String Escape Sequences")."""
    return "'" + "".join(_escaped(letter) for letter in text) + "'"


def moment(at: datetime) -> str:
    """Returns a moment as a literal, to the millisecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def name(field: str) -> str:
    """Returns a field's name, if it can be one.

    Raises:
        Rejected: it cannot.
    """
    if not _NAME.fullmatch(field):
        msg = f"Salesforce has no field named {field!r}: write its API name, e.g. Amount"
        raise Rejected(msg)
    return field


def select(fields: Iterable[str], of: str, where: str, *rest: str) -> str:
    """Returns a query.

    Args:
        fields: what to read.
        of: the object, e.g. Lead.
        where: a condition, its values made by `literal` and `moment`.
        rest: order and limit.
    """
    asked = ", ".join(name(field) for field in fields)
    return " ".join(("SELECT", asked, "FROM", name(of), "WHERE", where, *rest))


def _escaped(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x20 else letter
