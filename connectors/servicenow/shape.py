"""What a table looks like: its fields and the states of its rows, as the instance has them.

A table takes fields and choices from those that it extends: incident from task. What it says
itself counts first. The rows that say so are in `sys_db_object`, `sys_dictionary` and `sys_choice`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from connectors.contract import RemoteField
from connectors.failures import Rejected
from connectors.servicenow.query import condition, query
from connectors.servicenow.table import Row, TableApi
from connectors.understanding import understanding

_MANY = 10_000
_DEEPEST = 10
_FIELD = ("name", "element", "column_label", "internal_type", "max_length", "mandatory",
          "read_only", "choice")  # fmt: skip
_Type = Literal["text", "number", "boolean", "date", "datetime", "choice", "other"]
_TYPES: dict[str, _Type] = {
    "integer": "number",
    "decimal": "number",
    "float": "number",
    "boolean": "boolean",
    "glide_date": "date",
    "glide_date_time": "datetime",
    "due_date": "datetime",
    "string": "text",
    "journal_input": "text",
    "journal": "text",
}


@dataclass(frozen=True)
class Shape:
    """One table.

    Attributes:
        fields: its fields by name.
        lengths: the longest text that a field keeps, by its name.
        states: the label of a state by its value.
    """

    fields: Mapping[str, RemoteField]
    lengths: Mapping[str, int]
    states: Mapping[str, str]

    def value_of(self, state: str) -> str:
        """Returns the value of the state with a label.

        Raises:
            Rejected: there is none.
        """
        for value, label in self.states.items():
            if label == state:
                return value
        known = ", ".join(self.states.values()) or "none that we may read"
        msg = f"ServiceNow has no state {state!r} here; it has {known}"
        raise Rejected(msg)


async def read_shape(
    api: TableApi, table: str, *, states: Mapping[str, str], language: str
) -> Shape:
    """Reads what a table looks like.

    Args:
        api: the instance.
        table: its name.
        states: a state's value by its label; empty to read them.
        language: of the labels.
    """
    line = await _line(api, table)
    of_line = condition("name", "IN", ",".join(line))
    entries, _ = await api.rows(
        "sys_dictionary",
        query(of_line, "active=true", "elementISNOTEMPTY"),
        limit=_MANY,
        fields=_FIELD,
    )
    with understanding("ServiceNow", f"the fields of {table}"):
        described = {one["element"]: one for one in _nearest_last(entries, line)}
        fields = {name: _field(entry) for name, entry in described.items()}
        lengths = {name: int(one.get("max_length") or 0) for name, one in described.items()}
    return Shape(
        fields,
        {name: length for name, length in lengths.items() if length},
        {value: label for label, value in states.items()}
        or await _labels(api, of_line, line, language),
    )


async def _line(api: TableApi, table: str) -> list[str]:
    """Returns a table and what it extends, itself first."""
    line, name = [table], table
    for _ in range(_DEEPEST):
        found, _more = await api.rows(
            "sys_db_object",
            condition("name", "=", name),
            limit=1,
            fields=("name", "super_class.name"),
        )
        name = found[0].get("super_class.name", "") if found else ""
        if not name or name in line:
            break
        line.append(name)
    return line


async def _labels(api: TableApi, of_line: str, line: list[str], language: str) -> Mapping[str, str]:
    asked = query(
        of_line,
        "element=state",
        condition("language", "=", language),
        "inactive=false",
        order=("sequence", "value"),
    )
    found, _ = await api.rows("sys_choice", asked, limit=_MANY, fields=("name", "value", "label"))
    with understanding("ServiceNow", "the choices of a state"):
        # A table with choices of its own has none of those that it would take otherwise.
        nearest = next((name for name in line if any(one["name"] == name for one in found)), "")
        return {one["value"]: one["label"] for one in found if one["name"] == nearest}


def _nearest_last(entries: list[Row], line: list[str]) -> list[Row]:
    known = [one for one in entries if one["name"] in line]
    return sorted(known, key=lambda one: line.index(one["name"]), reverse=True)


def _field(entry: Row) -> RemoteField:
    chosen = entry.get("choice") in ("1", "3")  # a list to choose from, with or without none
    kind = _TYPES.get(entry.get("internal_type", ""), "other")
    return RemoteField(
        name=entry["element"],
        title=entry.get("column_label", ""),
        type="choice" if chosen else kind,
        writable=entry.get("read_only") != "true",
        required=entry.get("mandatory") == "true",
    )
