"""From rows to documents: evaluates a map's recipes and remembers where each value came from.

A document is built as nodes whose line is not a line but the number of an origin: a cell of a
table, or a place in the map. So whatever validation finds wrong is told where it was written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.import_map import Each, ImportMap, Recipe, Scalar, Template, holes
from console.import_report import Finding, What
from console.import_rows import SHOWN, Imported, Origin, Rows
from console.import_table import Row
from console.import_values import (
    UnreadableError,
    make_slug,
    read_choice,
    read_date,
    read_number,
    shifted,
)
from measures.documents import KINDS, Document
from rules.source import Fault, FaultsFound, Node, Path, Source, validate


@dataclass
class _Making:
    """One document in the making.

    Attributes:
        without: rows that cannot be items of it.
        found: what there is to say, about its own row or an item's.
    """

    row: Row
    without: set[Row]
    origins: list[Origin] = field(default_factory=list)
    items: list[Row] = field(default_factory=list)
    found: list[tuple[Row, Finding]] = field(default_factory=list)

    def refused(self, row: Row) -> bool:
        """Tells whether something about a row keeps it out."""
        return any(about is row and finding.what == "refused" for about, finding in self.found)


class Builder:
    """Builds the documents of a map from its tables.

    Attributes:
        map_faults: mistakes in the map itself that only the rows brought to light.
    """

    def __init__(self, mapping: ImportMap, source: Source, rows: Rows) -> None:
        self._map = mapping
        self._source = source
        self._rows = rows
        self.map_faults: list[Fault] = []

    def build(self) -> list[Imported]:
        """Builds every document, in the order of the map and of the rows.

        Raises:
            FaultsFound: the map itself is wrong.
        """
        documents: list[Imported] = []
        for name, how in self._map.inputs.items():
            for number, template in enumerate(how.documents):
                path = (0, "inputs", name, "documents", number)
                for row in self._rows.wanted(name):
                    if self._rows.holds(row, template.when):
                        documents += self._document(row, template, path)
        if self.map_faults:
            raise FaultsFound(self.map_faults)
        return documents

    # --- documents ---

    def _document(self, row: Row, template: Template, path: Path) -> list[Imported]:
        """Builds one document; items that do not fit are left out of it, and reported."""
        without: set[Row] = set()
        kept: list[tuple[Row, Finding]] = []
        while True:
            making = _Making(row, set(without))
            root = self._fields({"kind": template.kind, **template.fields}, row, path, making)
            name = f"{template.kind}/{root.value.get('id') or '?'}"
            document: Document | None = None
            source = Source(row.table.name, "", [root])
            if not making.refused(row):
                document = self._validated(source, template, path, making)
            bad = {about for about, _ in making.found if making.refused(about) and about is not row}
            if bad - without and not making.refused(row):
                # Without these items it may be right; what is wrong with them is said once.
                kept += [(about, finding) for about, finding in making.found if about in bad]
                without |= bad
                continue
            break
        for about, finding in kept + making.found:
            told = finding.model_copy(update={"document": name})
            if told not in self._rows.notes[about].findings:
                self._rows.notes[about].findings.append(told)
        if document is None:
            return []
        made = Imported(
            document=document,
            source=source,
            path=(0,),
            row=row,
            items=tuple(making.items),
            origins=tuple(making.origins),
            map_name=self._source.name,
        )
        self._rows.notes[row].documents.append(made)
        for item in made.items:
            self._rows.notes[item].inside.append(made)
        return [made]

    def _validated(
        self, source: Source, template: Template, path: Path, making: _Making
    ) -> Document | None:
        try:
            document: Document = validate(source, (0,), KINDS[template.kind])
        except FaultsFound as found:
            for fault in found.faults:
                self._blame(fault, making)
            return None
        return document

    def _blame(self, fault: Fault, making: _Making) -> None:
        """Tells a fault of a document where it came from: a cell, or the map."""
        origin = making.origins[fault.line - 1]
        if origin.row is None:
            line, column = origin.place
            mistake = fault.model_copy(
                update={"file": self._source.name, "line": line, "column": column}
            )
            if mistake not in self.map_faults:
                self.map_faults.append(mistake)
            return
        text = self._rows.cell(origin.row, origin.column).text if origin.column else ""
        finding = Finding(
            what="refused",
            message=fault.message,
            column=origin.column,
            value=text[:SHOWN],
            expected=fault.expected,
            help=fault.help,
        )
        making.found.append((origin.row, finding))

    # --- values ---

    def _fields(self, fields: Mapping[str, object], row: Row, path: Path, making: _Making) -> Node:
        """Makes a map of fields; what is left out is not in it."""
        node = self._node({}, Origin(row), making)
        for name, value in fields.items():
            place = path if name == "kind" else (*path, "fields", name)
            child = self._value(value, row, place, making)
            if child is not None:
                node.value[name] = child.value
                node.children[name] = child
                node.keys[name] = (self._origin(self._in_map(place, key=True), making), 1)
        return node

    def _value(self, value: object, row: Row, path: Path, making: _Making) -> Node | None:
        if isinstance(value, Recipe):
            return self._recipe(value, row, path, making)
        if isinstance(value, tuple):
            items = (
                self._value(item, row, (*path, number), making) for number, item in enumerate(value)
            )
            return self._list([item for item in items if item is not None], row, making)
        if (isinstance(value, str) and "{" in value) or (isinstance(value, str) and "}" in value):
            return self._recipe(Recipe(text=value), row, path, making)
        return self._node(value, self._in_map(path), making)

    def _recipe(self, recipe: Recipe, row: Row, path: Path, making: _Making) -> Node | None:
        if not self._rows.holds(row, recipe.when):
            return None
        if recipe.fields is not None:
            return self._fields(recipe.fields, row, path, making)
        if recipe.each is not None:
            return self._each(recipe, recipe.each, row, path, making)
        text, column, why, source = self._text(recipe, row)
        if text in recipe.empty:
            text, why = "", f"{column} says {text!r}"
        if text == "":
            return self._missing(recipe, row, path, making, (column, why, source))

        def say(what: What, message: str, expected: str = "", help_: str = "") -> None:
            finding = Finding(
                what=what,
                message=message,
                field=_field_of(path),
                column=column,
                value=text[:SHOWN],
                expected=expected,
                help=help_,
                source=source,
            )
            making.found.append((row, finding))

        try:
            value = self._read(recipe, text, row, path, making)
        except UnreadableError as error:
            say("refused", "this cannot be read", error.expected, error.help)
            return None
        if value is None:
            if not making.refused(row):  # else the reason has been told
                say("left-out", "a value that it is reckoned from is missing")
            return None
        if recipe.not_after is not None and str(value) > recipe.not_after.isoformat():
            late = f"reckoned as a day after {recipe.not_after}"
            say("left-out", late, help_=f"it would be {value}")
            return None
        if recipe.note is not None:
            say("derived", recipe.note)
        return self._node(value, Origin(row, column), making)

    def _read(
        self, recipe: Recipe, text: str, row: Row, path: Path, making: _Making
    ) -> Scalar | None:
        """Reads a text as the recipe says; None when another value it needs is missing.

        Raises:
            UnreadableError: it cannot be read so.
        """
        if recipe.choices is not None:
            return read_choice(text, recipe.choices)
        if recipe.slug:
            return make_slug(text)
        if recipe.number is not None:
            return read_number(text, recipe.number)
        if recipe.date is None:
            return text
        day = read_date(text, recipe.date)
        for number, addend in enumerate(recipe.plus):
            found = self._recipe(addend, row, (*path, "plus", number), making)
            if found is None:
                return None
            if not isinstance(found.value, int):
                raise UnreadableError("a whole number of days to add")
            day = shifted(day, found.value)
        return day.isoformat()

    def _text(self, recipe: Recipe, row: Row) -> tuple[str, str, str, str]:
        """Returns a recipe's text, its first column, and why it is empty and where."""
        if recipe.column is not None:
            text, why, source = self._rows.cell(row, recipe.column)
            return text, recipe.column, why, source
        pieces: list[str] = []
        first = ""
        for plain, column in holes(recipe.text or ""):
            piece = plain
            if column:
                first = first or column
                piece, why, source = self._rows.cell(row, column)
                if not piece:
                    return "", column, why, source
            pieces.append(piece)
        return "".join(pieces), first, "the text is empty", ""

    def _missing(
        self,
        recipe: Recipe,
        row: Row,
        path: Path,
        making: _Making,
        cell: tuple[str, str, str],
    ) -> Node | None:
        """Says that a cell is empty; returns what stands in for it, if anything does."""
        column, why, source = cell
        node: Node | None = None
        what: What = "left-out" if recipe.optional else "refused"
        help_ = "" if recipe.optional else "fill the cell, or give the map a default or optional"
        if recipe.default is not None:
            what, help_ = "defaulted", ""
            node = self._value(recipe.default, row, (*path, "default"), making)
            if node is None:
                return None
            why = (
                f"{why}; {str(node.value)[:SHOWN]!r} stands in"
                if not _holed(recipe)
                else (f"{why}; a text stands in")
            )
        finding = Finding(
            what=what,
            message=why,
            field=_field_of(path),
            column=column,
            help=help_,
            source=source,
        )
        making.found.append((row, finding))
        return node

    def _each(
        self, recipe: Recipe, each: Each, row: Row, path: Path, making: _Making
    ) -> Node | None:
        """Makes a list of the rows of another table; a row with faults is no item."""
        nodes: list[Node] = []
        for other in self._rows.belonging(each, row):
            if other in making.without:
                continue
            node = self._value(each.item, other, (*path, "each", "item"), making)
            if node is not None and not making.refused(other):
                nodes.append(node)
                making.items.append(other)
        if nodes:
            return self._list(nodes, row, making)
        key = self._rows.key_of(row.table.input, each)
        why = f"{each.rows} has no row for this {row.table.input}.{key}"
        return self._missing(recipe, row, path, making, (key, why, ""))

    # --- nodes ---

    def _list(self, items: list[Node], row: Row, making: _Making) -> Node:
        node = self._node([item.value for item in items], Origin(row), making)
        node.children = dict(enumerate(items))
        return node

    def _node(self, value: object, origin: Origin, making: _Making) -> Node:
        return Node(value, self._origin(origin, making), 1)

    def _origin(self, origin: Origin, making: _Making) -> int:
        making.origins.append(origin)
        return len(making.origins)

    def _in_map(self, path: Path, *, key: bool = False) -> Origin:
        place = self._source.where_key(path) if key else self._source.where(path)
        return Origin(None, place=place)


def _holed(recipe: Recipe) -> bool:
    return isinstance(recipe.default, str) and "{" in recipe.default


def _field_of(path: Path) -> str:
    """Returns a place in the map as the field of the document: fields.kpis.each.item is kpis."""
    inside = path[5:]  # after the document's own place: 0, inputs, NAME, documents, NUMBER
    skipped = {"fields", "each", "item", "default", "plus"}
    return ".".join(str(part) for part in inside if part not in skipped)
