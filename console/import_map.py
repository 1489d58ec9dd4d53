"""The map of an import: which table is which, and what documents become of its rows.

A map is data, it runs nothing. Every place where a value goes holds either a plain text, in which
``{column}`` stands for the row's cell, a number, true or false, a list, or a recipe (`Recipe`).
docs/import.md explains it from the first line.
"""

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from measures.model import Id, Line, Model
from rules.source import Fault, FaultsFound, Source, parse, validate

Scalar = bool | int | float | str
_HOLE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class Condition(Model):
    """What a row's cell must be: one of these texts, none of those, empty or not.

    Attributes:
        column: the column whose cell is looked at
        is_in: the texts of which it must be one
        not_in: the texts of which it must be none
        empty: whether it must be empty
    """

    column: Line
    is_in: tuple[str, ...] | None = Field(default=None, alias="in")
    not_in: tuple[str, ...] | None = None
    empty: bool | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> "Condition":
        if self.is_in is None and self.not_in is None and self.empty is None:
            raise PydanticCustomError("condition", "a condition needs in, not_in or empty")
        return self

    def holds(self, text: str) -> bool:
        """Tells whether a cell's text, stripped, meets the condition."""
        return (
            (self.is_in is None or text in self.is_in)
            and (self.not_in is None or text not in self.not_in)
            and (self.empty is None or self.empty == (text == ""))
        )


class Filter(Condition):
    """Rows that do not meet the condition are skipped, and the reason is reported.

    Attributes:
        reason: what the report says of a row that is skipped
    """

    reason: Line


class Join(Model):
    """Finds the row of another input whose key is this row's cell.

    Attributes:
        input: the other input
        by: this row's column that holds the other row's key
    """

    input: Id
    by: Line


class NumberFormat(Model):
    """How numbers are written: what stands after them, what parts thousands and decimals.

    Attributes:
        unit: texts of which one must follow the number, such as ``days`` and ``day``.
        scale: what one of the table's units is in the document's, such as 1000000 for millions.
        thousands: the sign between thousands
        decimal: the sign before the decimals
        whole: refuses a number with a fraction, after scaling.
    """

    unit: tuple[Line, ...] = ()
    scale: int | float = 1
    thousands: Literal[",", ".", "'", " "] | None = None
    decimal: Literal[".", ","] = "."
    whole: bool = False

    @model_validator(mode="after")
    def _is_readable(self) -> "NumberFormat":
        if self.thousands == self.decimal:
            raise PydanticCustomError("number", "thousands and decimal cannot be the same sign")
        return self


class DateFormat(Model):
    """How dates are written.

    Attributes:
        format: as in strftime: ``%d.%m.%Y``.
        days_after: the cell is a count of days after this day, as in some exports.
    """

    format: Line = "%Y-%m-%d"
    days_after: dt.date | None = None

    @model_validator(mode="after")
    def _reads_what_it_writes(self) -> "DateFormat":
        day = dt.date(2031, 3, 2)
        try:
            same = dt.datetime.strptime(day.strftime(self.format), self.format).date() == day  # noqa: DTZ007
        except ValueError:
            same = False
        if not same:
            raise PydanticCustomError(
                "format", "the format needs year, month and day, like %Y-%m-%d or %d.%m.%Y"
            )
        return self


class Each(Model):
    """One item per row of another input whose column `by` is this row's `key`.

    Attributes:
        rows: the other input.
        by: its column that names this row.
        key: this row's column; its input's key when left out.
        item: what each of its rows becomes
    """

    rows: Id
    by: Line
    key: Line | None = None
    item: "Value"


class Recipe(Model):
    """How a value is made from a row.

    Attributes:
        column: takes a cell as it is.
        text: takes a text with ``{column}`` filled in; empty when one of the cells is.
        fields: makes a map of fields.
        each: makes a list of the rows of another input.
        when: only then the value is there at all; otherwise it is not missed.
        empty: texts that mean that nothing is known, such as ``n/a``.
        choices: the texts that may stand there, and what they mean.
        slug: makes a name of small letters, digits and dashes.
        number: reads a number.
        date: reads a day.
        plus: adds this many days to the day.
        not_after: a day after this one cannot be; it is left out and reported.
        default: stands in for an empty cell; each use is reported.
        optional: leaves the value out where the cell is empty; each time is reported.
        note: is reported with each use, for values that are derived rather than read.
    """

    column: Line | None = None
    text: str | None = None
    fields: dict[str, "Value"] | None = None
    each: Each | None = None
    when: tuple[Condition, ...] = ()
    empty: tuple[str, ...] = ()
    choices: dict[str, Scalar] | None = None
    slug: bool = False
    number: NumberFormat | None = None
    date: DateFormat | None = None
    plus: tuple["Recipe", ...] = ()
    not_after: dt.date | None = None
    default: Scalar | None = None
    optional: bool = False
    note: Line | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> "Recipe":
        sources = [
            name for name in ("column", "text", "fields", "each") if getattr(self, name) is not None
        ]
        if len(sources) != 1:
            raise PydanticCustomError(
                "recipe",
                "a recipe takes its value from one of column, text, fields or each; here: {found}",
                {"found": ", ".join(sources) or "none"},
            )
        reads = [
            name
            for name, there in (
                ("choices", self.choices is not None),
                ("slug", self.slug),
                ("number", self.number is not None),
                ("date", self.date is not None),
            )
            if there
        ]
        if len(reads) > 1 or (reads and sources[0] in ("fields", "each")):
            raise PydanticCustomError(
                "recipe",
                "{source} cannot be read as {reads}",
                {"source": sources[0], "reads": " and ".join(reads)},
            )
        if (self.plus or self.not_after is not None) and self.date is None:
            raise PydanticCustomError("recipe", "plus and not_after go with date")
        if self.default is not None and self.optional:
            raise PydanticCustomError("recipe", "a value has a default or is optional, not both")
        return self


def _shape(value: Any) -> str:
    if isinstance(value, dict | Recipe):
        return "<recipe>"
    return "<list>" if isinstance(value, list | tuple) else "<plain>"


Value = Annotated[
    Annotated[Recipe, Tag("<recipe>")]
    | Annotated[tuple[Scalar | Recipe, ...], Tag("<list>")]
    | Annotated[Scalar, Tag("<plain>")],
    Discriminator(_shape),
]
"""What may stand where a value goes."""

Each.model_rebuild()
Recipe.model_rebuild()


class Template(Model):
    """A document that each row becomes.

    Attributes:
        kind: the kind of document
        when: only rows that meet these conditions become one
        fields: what goes into its fields
    """

    kind: Literal["Person", "Node", "Pool", "Measure", "Delegation"]
    when: tuple[Condition, ...] = ()
    fields: dict[str, Value]


class Input(Model):
    """One table.

    Attributes:
        file: the name of its file; ``*`` stands for anything.
        key: the column whose cells name the rows; no two rows may share one.
        encoding: how its text is stored
        delimiter: what parts the cells; found by itself when left out.
        joins: rows of other inputs that ``{name.column}`` reads from.
        where: rows that are not wanted, and why.
        ignore: columns that are not wanted, and why.
        documents: what each row becomes
    """

    file: Line
    key: Line | None = None
    encoding: Literal["utf-8", "latin-1", "windows-1252"] = "utf-8"
    delimiter: Literal[",", ";", "tab", "|"] | None = None
    joins: dict[Id, Join] = {}
    where: tuple[Filter, ...] = ()
    ignore: dict[str, Line] = {}
    documents: tuple[Template, ...] = ()


class ImportMap(Model):
    """A whole map.

    Attributes:
        title: what is imported
        asker: who asks for gates after the import; each measure's owner when left out.
        documents: documents that stand in no table, as `sluice apply` takes them.
        inputs: the tables, by a name of your choice
    """

    title: Line
    asker: Id | None = None
    documents: tuple[dict[str, Any], ...] = ()
    inputs: dict[Id, Input] = Field(min_length=1)


def read_map(path: Path) -> tuple[ImportMap, Source]:
    """Reads a map.

    Raises:
        FaultsFound: with everything that is wrong with it.
    """
    source = parse(path.read_bytes(), str(path))
    if len(source.items) != 1:
        raise FaultsFound(
            [Fault(code="D206", file=str(path), line=1, column=1, message="a map is one document")]
        )
    found: ImportMap = validate(source, (0,), ImportMap)
    return found, source


def holes(text: str) -> Iterator[tuple[str, str]]:
    """Splits a text with ``{column}`` into pieces: (plain text, "") and ("", column).

    ``{{`` and ``}}`` stand for the braces themselves.

    Raises:
        ValueError: a brace is left alone, or names nothing.
    """
    end = 0
    for found in _HOLE.finditer(text):
        if found.start() > end:
            yield text[end : found.start()], ""
        end = found.end()
        if found.group() in ("{{", "}}"):
            yield found.group()[0], ""
        elif found.group(1) is not None and found.group(1).strip():
            yield "", found.group(1).strip()
        else:
            raise ValueError(f"{found.group()!r} names no column; write {{{{ for a brace itself")
    if end < len(text):
        yield text[end:], ""
