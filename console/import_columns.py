"""Does the map fit the tables? What it names is there, and every column is accounted for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.import_map import Condition, Each, ImportMap, Input, Recipe, Template, holes
from console.import_table import Table
from measures.documents import KINDS
from rules.source import Fault, FaultsFound, Path, Source, did_you_mean


@dataclass
class Usage:
    """What a map takes from the tables.

    Attributes:
        columns: per input the columns that the map reads.
        eaters: per input the lists that take its rows: the input they stand in, and how.
    """

    columns: dict[str, set[str]] = field(default_factory=dict)
    eaters: dict[str, list[tuple[str, Each]]] = field(default_factory=dict)

    def unused(self, table: Table, how: Input) -> tuple[str, ...]:
        """Returns the columns of a table that the map neither reads nor ignores."""
        known = self.columns.get(table.input, set()) | how.ignore.keys()
        return tuple(column for column in table.columns if column not in known)


def fit(mapping: ImportMap, source: Source, tables: Mapping[str, Table]) -> Usage:
    """Checks a map against the tables.

    Raises:
        FaultsFound: everything in the map that does not fit, each where it stands.
    """
    checker = _Checker(mapping, source, tables)
    for name, how in mapping.inputs.items():
        checker.check_input(name, how, (0, "inputs", name))
    if checker.faults:
        raise FaultsFound(checker.faults)
    return checker.usage


class _Checker:
    def __init__(self, mapping: ImportMap, source: Source, tables: Mapping[str, Table]) -> None:
        self._map = mapping
        self._source = source
        self._tables = tables
        self.usage = Usage()
        self.faults: list[Fault] = []

    def check_input(self, name: str, how: Input, path: Path) -> None:
        if how.key is not None:
            self._column(name, how.key, (*path, "key"))
        for join, found in how.joins.items():
            place = (*path, "joins", join)
            self._column(name, found.by, (*place, "by"))
            if found.input not in self._map.inputs:
                self._unknown_input(found.input, (*place, "input"))
            elif self._map.inputs[found.input].key is None:
                self._fault(
                    (*place, "input"),
                    f"the input {found.input!r} has no key, so its rows cannot be found",
                    f"add key: COLUMN to inputs: {found.input}",
                )
        self._conditions(name, how.where, (*path, "where"))
        for number, template in enumerate(how.documents):
            self._template(name, template, (*path, "documents", number))
        for column in how.ignore:
            place = (*path, "ignore", column)
            if column in self.usage.columns.get(name, ()):
                self._fault(place, f"the column {column!r} is ignored and yet read", key=True)
            elif column not in self._tables[name].columns:
                self._missing(name, column, place, key=True)

    def _template(self, name: str, template: Template, path: Path) -> None:
        self._conditions(name, template.when, (*path, "when"))
        fields = {
            (info.alias or wanted): info.is_required()
            for wanted, info in KINDS[template.kind].model_fields.items()
            if wanted != "kind"
        }
        for given, value in template.fields.items():
            place = (*path, "fields", given)
            if given not in fields:
                help_ = did_you_mean(given, fields)
                self._fault(place, f"a {template.kind} has no field {given!r}", help_, key=True)
            self._value(name, value, place)
        for wanted, required in fields.items():
            if required and wanted not in template.fields:
                self._fault((*path, "fields"), f"a {template.kind} needs the field {wanted!r}")

    def _value(self, name: str, value: object, path: Path) -> None:
        """Checks everything that a value reads from a row of an input."""
        if isinstance(value, tuple):
            for number, item in enumerate(value):
                self._value(name, item, (*path, number))
        elif isinstance(value, str):
            self._text(name, value, path)
        elif isinstance(value, Recipe):
            self._recipe(name, value, path)

    def _recipe(self, name: str, recipe: Recipe, path: Path) -> None:
        self._conditions(name, recipe.when, (*path, "when"))
        if recipe.column is not None:
            self._column(name, recipe.column, (*path, "column"))
        for part in ("text", "default"):
            if isinstance(getattr(recipe, part), str):
                self._text(name, getattr(recipe, part), (*path, part))
        for number, addend in enumerate(recipe.plus):
            self._recipe(name, addend, (*path, "plus", number))
        for inner, value in (recipe.fields or {}).items():
            self._value(name, value, (*path, "fields", inner))
        if recipe.each is not None:
            self._each(name, recipe.each, (*path, "each"))

    def _each(self, name: str, each: Each, path: Path) -> None:
        if each.key is not None:
            self._column(name, each.key, (*path, "key"))
        elif self._map.inputs[name].key is None:
            self._fault(path, f"say which column of {name} names its rows: key: COLUMN")
        if each.rows not in self._map.inputs:
            self._unknown_input(each.rows, (*path, "rows"))
            return
        self._column(each.rows, each.by, (*path, "by"))
        self.usage.eaters.setdefault(each.rows, []).append((name, each))
        self._value(each.rows, each.item, (*path, "item"))

    def _conditions(self, name: str, conditions: tuple[Condition, ...], path: Path) -> None:
        for number, condition in enumerate(conditions):
            self._column(name, condition.column, (*path, number, "column"))

    def _text(self, name: str, text: str, path: Path) -> None:
        try:
            columns = [column for _, column in holes(text) if column]
        except ValueError as error:
            self._fault(path, str(error))
            return
        for column in columns:
            self._column(name, column, path)

    def _column(self, name: str, column: str, path: Path) -> None:
        """Checks one column, or a join and a column of the rows it leads to."""
        if column in self._tables[name].columns:
            self.usage.columns.setdefault(name, set()).add(column)
            return
        join, dot, rest = column.partition(".")
        found = self._map.inputs[name].joins.get(join) if dot else None
        if found is None or found.input not in self._map.inputs:
            self._missing(name, column, path)
            return
        self._column(found.input, rest, path)

    def _missing(self, name: str, column: str, path: Path, *, key: bool = False) -> None:
        known = (*self._tables[name].columns, *(f"{j}." for j in self._map.inputs[name].joins))
        message = f"{self._tables[name].name} has no column {column!r}"
        self._fault(path, message, did_you_mean(column, known), key=key)

    def _unknown_input(self, name: str, path: Path) -> None:
        self._fault(path, f"there is no input {name!r}", did_you_mean(name, self._map.inputs))

    def _fault(self, path: Path, message: str, help_: str = "", *, key: bool = False) -> None:
        where = self._source.where_key(path) if key else self._source.where(path)
        fault = Fault(
            code="C302",
            file=self._source.name,
            line=where[0],
            column=where[1],
            message=message,
            help=help_,
        )
        if fault not in self.faults:
            self.faults.append(fault)
