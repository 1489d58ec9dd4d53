"""The index of a simulated Jira: late, coarse, and asked in JQL."""

import base64
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

_CLAUSE = re.compile(r'^(project|labels|updated|cf\[\d+\]) (=|>=|~) "((?:[^"\\]|\\.)*)"$')
_ORDER = re.compile(r"^(key|created|updated)( ASC| DESC)?$")

Row = dict[str, Any]


class WrongQuestionError(Exception):
    """It is not understood, as Jira would say."""


class Index:
    """What questions are answered from.

    Args:
        zone: the time zone of the account that asks.
        lag: how many questions later a change shows.
    """

    def __init__(self, zone: str, lag: int) -> None:
        self.zone = ZoneInfo(zone)
        self.lag = lag
        self._asked = 0
        self._states: dict[str, list[tuple[int, Row]]] = {}

    def put(self, row: Row) -> None:
        """Takes in an issue as it is now, in time."""
        states = self._states.setdefault(row["id"], [])
        states.append((self._asked + self.lag, row))

    def ask(self, jql: str, size: int, token: str) -> tuple[list[Row], str]:
        """Returns a page of answers and the token of the next; empty at the end."""
        self._asked += 1
        where, _, order = jql.partition(" ORDER BY ")
        tests = [self._test(clause) for clause in where.split(" AND ")]
        rows = [row for row in self._shown() if all(test(row) for test in tests)]
        for term in reversed(order.split(", ")):
            named = _ORDER.match(term)
            if named is None:
                raise WrongQuestionError(f"Not able to sort using field '{term}'.")
            by = named[1]
            rows.sort(key=lambda row: _sorting(row, by), reverse=named[2] == " DESC")
        start = int(base64.b64decode(token)) if token else 0
        more = start + size < len(rows)
        following = base64.b64encode(str(start + size).encode()).decode() if more else ""
        return rows[start : start + size], following

    def _shown(self) -> list[Row]:
        seen = [
            [row for due, row in states if due < self._asked] for states in self._states.values()
        ]
        return [rows[-1] for rows in seen if rows]

    def _test(self, clause: str) -> Callable[[Row], bool]:
        named = _CLAUSE.match(clause)
        if named is None:
            raise WrongQuestionError(f"Error in the JQL Query: {clause}")
        field, operator, value = named[1], named[2], re.sub(r"\\(.)", r"\1", named[3])
        match field, operator:
            case "project", "=":
                return lambda row: row["key"].startswith(f"{value}-")
            case "labels", "=":
                return lambda row: value.lower() in map(str.lower, row["fields"]["labels"])
            case "updated", ">=":
                since = datetime.strptime(value, "%Y-%m-%d %H:%M").replace(tzinfo=self.zone)
                return lambda row: _moment(row["fields"]["updated"]) >= since
            case _, "~":
                name = f"customfield_{field[3:-1]}"
                words = " ".join(re.findall(r"\w+", value.lower()))
                return lambda row: (
                    words
                    in " ".join(re.findall(r"\w+", str(row["fields"].get(name) or "").lower()))
                )
        raise WrongQuestionError(f"The operator '{operator}' is not supported by '{field}'.")


def _sorting(row: Row, by: str) -> Any:
    return int(row["key"].rpartition("-")[2]) if by == "key" else _moment(row["fields"][by])


def _moment(written: str) -> datetime:
    return datetime.strptime(written, "%Y-%m-%dT%H:%M:%S.%f%z")
