"""Encoded queries, as much as an instance needs to answer a connector.

Source: "Operators available for filters and queries". A condition on a field that no row has, or
with no operator, is left out, as an instance leaves out what it does not understand ("Table API -
GET /now/table/{tableName}", on invalid queries).
"""

import re
from collections.abc import Callable

from tests.simulators.servicenow_tables import Row

_CONDITION = re.compile(r"^([a-z_.]+)(>=|<=|!=|=|>|<|IN|LIKE|ISNOTEMPTY|ISEMPTY)(.*)$", re.DOTALL)

_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda has, asked: has.lower() == asked.lower(),
    "!=": lambda has, asked: has.lower() != asked.lower(),
    ">=": lambda has, asked: has >= asked,
    "<=": lambda has, asked: has <= asked,
    ">": lambda has, asked: has > asked,
    "<": lambda has, asked: has < asked,
    "IN": lambda has, asked: has in asked.split(","),
    "LIKE": lambda has, asked: asked.lower() in has.lower(),
    "ISEMPTY": lambda has, _: not has,
    "ISNOTEMPTY": lambda has, _: bool(has),
}


def matching(rows: list[Row], query: str) -> list[Row]:
    """Returns the rows that a query finds, in its order."""
    fields = {name for row in rows for name in row}
    orders: list[tuple[str, bool]] = []
    for part in filter(None, query.split("^")):
        if part.startswith("ORDERBY"):
            last = part.startswith("ORDERBYDESC")
            orders.append((part.removeprefix("ORDERBYDESC" if last else "ORDERBY"), last))
            continue
        found = _CONDITION.match(part)
        if found is None or found[1] not in fields:
            continue
        name, fits, asked = found[1], _OPERATORS[found[2]], found[3]
        rows = [row for row in rows if fits(row.get(name, ""), asked)]
    for name, last in reversed(orders):
        rows = sorted(rows, key=lambda row: row.get(name, ""), reverse=last)
    return rows
