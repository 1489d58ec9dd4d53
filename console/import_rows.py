"""The rows of an import: which are wanted, what belongs to them, and what becomes of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from console.import_columns import Usage
from console.import_map import Condition, Each, ImportMap
from console.import_report import Finding
from console.import_table import Row, Table
from console.reading import Located

SHOWN = 80
"""How much of a cell a report repeats."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written: a cell of a row, or a place in the map."""

    row: Row | None
    column: str = ""
    place: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Imported(Located):
    """A document that a row became.

    Attributes:
        row: the row.
        items: rows of other tables that it holds as items of its lists.
        origins: where its values came from.
        map_name: the file of the map.
    """

    row: Row
    items: tuple[Row, ...]
    origins: tuple[Origin, ...]
    map_name: str

    def where(self, *field: str | int) -> tuple[str, int, int]:
        """Returns file, line and column of the cell that a field was read from."""
        number, _ = self.source.where((*self.path, *field))
        origin = self.origins[number - 1]
        if origin.row is None:
            return self.map_name, *origin.place
        return origin.row.table.name, origin.row.line, origin.row.table.place(origin.column)


@dataclass
class RowNotes:
    """What happened to one row so far."""

    documents: list[Imported] = field(default_factory=list)
    inside: list[Imported] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    skipped: str = ""
    looked_up: bool = False


class Cell(NamedTuple):
    """A cell's text; where there is none, why, and in which row of another table."""

    text: str
    why: str
    source: str = ""


class Rows:
    """All rows, as the map connects them.

    Attributes:
        notes: what happened to each row.
    """

    def __init__(self, mapping: ImportMap, tables: Mapping[str, Table], usage: Usage) -> None:
        self._map = mapping
        self._tables = tables
        self._usage = usage
        self._groups: dict[tuple[str, str], dict[str, list[Row]]] = {}
        self.notes = {row: RowNotes() for table in tables.values() for row in table.rows}
        self._filter()

    def wanted(self, name: str) -> Iterator[Row]:
        """Yields an input's rows without those that its filters skip."""
        return (row for row in self._tables[name].rows if not self.notes[row].skipped)

    def holds(self, row: Row, conditions: tuple[Condition, ...]) -> bool:
        """Tells whether a row meets all conditions."""
        return all(
            condition.holds(self.cell(row, condition.column).text) for condition in conditions
        )

    def cell(self, row: Row, column: str) -> Cell:
        """Returns a cell of a row, or of the row that a join leads to."""
        name = row.table.input
        if column in row.cells:
            return Cell(row.cells[column], f"{name}.{column} is empty")
        join, _, rest = column.partition(".")
        how = self._map.inputs[name].joins[join]
        key = row.cells[how.by]
        if not key:
            return Cell("", f"{name}.{how.by} is empty")
        other = self._tables[how.input].by_key.get(key)
        if other is None:
            return Cell("", f"{how.input} has no row for this {name}.{how.by}")
        self.notes[other].looked_up = True
        found = self.cell(other, rest)
        return found._replace(source=found.source or f"{other.table.name}:{other.line}")

    def key_of(self, name: str, each: Each) -> str:
        """Returns the column by which an input's row finds its items."""
        return each.key or self._map.inputs[name].key or ""

    def belonging(self, each: Each, row: Row) -> list[Row]:
        """Returns the rows of another table that belong to this one."""
        key = self.cell(row, self.key_of(row.table.input, each)).text
        return self._group(each.rows, each.by).get(key, []) if key else []

    def why_left_over(self, row: Row) -> tuple[bool, str]:
        """Says why a row became nothing, and whether that is a fault."""
        name = row.table.input
        for owner, each in self._usage.eaters.get(name, []):
            text = self.cell(row, each.by).text
            if not text:
                return True, f"its {each.by} is empty, so nothing says where it belongs"
            key = self.key_of(owner, each)
            owners = self._group(owner, key).get(text, [])
            if not owners:
                return True, f"{owner} has no row whose {key} is {text[:SHOWN]!r}"
            where = f"{owners[0].table.name}:{owners[0].line}"
            return True, f"it belongs to {where}, whose document was refused or does not take it"
        if self._map.inputs[name].documents:
            return False, "no document of the map is meant for it (when)"
        return True, "nothing in the other tables names it"

    def _filter(self) -> None:
        for name, how in self._map.inputs.items():
            for row in self._tables[name].rows:
                for wanted in how.where:
                    if not self.holds(row, (wanted,)):
                        self.notes[row].skipped = wanted.reason
                        break

    def _group(self, name: str, column: str) -> dict[str, list[Row]]:
        """Returns an input's wanted rows by the cell of a column."""
        groups = self._groups.get((name, column))
        if groups is None:
            groups = self._groups[name, column] = {}
            for row in self.wanted(name):
                groups.setdefault(self.cell(row, column).text, []).append(row)
        return groups
