"""As much SOQL as the simulated Salesforce understands: read strictly, and played on rows."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\]|\\(?:[nNrRtTbBfF"'\\]|u[0-9a-fA-F]{4}))*')
      | (?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)
      | (?P<number>\d+)
      | (?P<name>[A-Za-z][A-Za-z0-9_.]*)
      | (?P<sign>>=|=|,)
    )""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_MEANS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

Row = Mapping[str, Any]


class MalformedQueryError(Exception):
    """It is no query."""


@dataclass(frozen=True)
class Query:
    """A query as it was read."""

    fields: tuple[str, ...]
    of: str
    conditions: tuple[tuple[str, str, Any], ...]
    order: tuple[str, ...]
    limit: int | None

    def play(self, rows: list[Row], value: Callable[[Row, str], Any]) -> list[Row]:
        """Returns the rows that fit, in order."""
        found = [
            row for row in rows if all(_fits(value(row, f), s, v) for f, s, v in self.conditions)
        ]
        found.sort(key=lambda row: tuple(value(row, field) for field in self.order))
        return found[: self.limit]


def read(text: str) -> Query:
    """Reads a query.

    Raises:
        MalformedQueryError: it is none.
    """
    tokens = _tokens(text)
    at = 0

    def word(*wanted: str) -> bool:
        nonlocal at
        if at + len(wanted) <= len(tokens) and all(
            tokens[at + n] == ("name", one) for n, one in enumerate(wanted)
        ):
            at += len(wanted)
            return True
        return False

    def take(kind: str) -> Any:
        nonlocal at
        if at >= len(tokens) or tokens[at][0] != kind:
            raise MalformedQueryError(f"expected a {kind} in {text!r}")
        at += 1
        return tokens[at - 1][1]

    def names() -> tuple[str, ...]:
        nonlocal at
        found = [take("name")]
        while at < len(tokens) and tokens[at] == ("sign", ","):
            at += 1
            found.append(take("name"))
        return tuple(found)

    if not word("SELECT"):
        raise MalformedQueryError("no SELECT")
    fields = names()
    if not word("FROM"):
        raise MalformedQueryError("no FROM")
    of = take("name")
    conditions = []
    if word("WHERE"):
        while True:
            field, sign = take("name"), take("sign")
            kind, value = tokens[at]
            if kind == "sign":
                raise MalformedQueryError(f"no value after {field}")
            at += 1
            if kind == "name":
                if value not in {"true", "false"}:
                    raise MalformedQueryError(f"{value} is no value")
                value = value == "true"
            conditions.append((field, sign, value))
            if not word("AND"):
                break
    order = names() if word("ORDER", "BY") else ()
    limit = int(take("number")) if word("LIMIT") else None
    if at != len(tokens):
        raise MalformedQueryError(f"unexpected {tokens[at][1]!r}")
    return Query(fields, of, tuple(conditions), order, limit)


def _tokens(text: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise MalformedQueryError(f"nothing that is SOQL at {at} in {text!r}")
        kind = str(match.lastgroup)
        value: Any = match.group(kind)
        if kind == "text":
            value = _ESCAPED.sub(_meant, value[1:-1])
        elif kind == "moment":
            value = datetime.fromisoformat(value)
        found.append((kind, value))
        at = match.end()
    return found


def _meant(match: re.Match[str]) -> str:
    code = match.group(1)
    return (
        chr(int(code[1:], 16))
        if code[0] == "u" and len(code) > 1
        else _MEANS.get(code.lower(), code)
    )


def _fits(value: Any, sign: str, wanted: Any) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        value, wanted = value.casefold(), wanted.casefold()  # SOQL compares texts so
    return bool(value == wanted if sign == "=" else value is not None and value >= wanted)
