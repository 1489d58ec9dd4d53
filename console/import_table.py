"""Reading a table from a CSV file: bounded, and every line accounted for."""

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from console.import_map import Input
from rules.source import Fault, FaultsFound

LARGEST_FILE = 64 * 1024 * 1024
"""A larger table is refused unread; it would make more documents than one call should."""

LONGEST_ROW = 2_000
"""More columns than this are a broken file rather than a table."""

FAULTS = 100
_SIGNS = {"tab": "\t"}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(eq=False, slots=True)
class Row:
    """One record of a table.

    Attributes:
        line: where it begins in its file, from 1.
        cells: column name to text, without the white space around it.
    """

    table: "Table"
    line: int
    cells: dict[str, str]


@dataclass(eq=False)
class Table:
    """A table that was read.

    Attributes:
        input: the role that the map gives it.
        odd: lines that are no rows: their line, whether that is a fault, and why.
        by_key: the rows by the cell of the input's key column.
    """

    input: str
    name: str
    sha256: str = ""
    delimiter: str = ","
    columns: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    odd: list[tuple[int, bool, str]] = field(default_factory=list)
    by_key: dict[str, Row] = field(default_factory=dict)

    def place(self, column: str) -> int:
        """Returns a column's number, from 1; 1 for what is no column of its own."""
        return self.columns.index(column) + 1 if column in self.columns else 1


def read_table(role: str, path: Path, how: Input) -> Table:
    """Reads one table.

    Raises:
        FaultsFound: the file is no table; ragged and double rows are no reason, they are kept
            as `Table.odd`.
    """
    name = str(path)
    raw = _bytes_of(path, name)
    text = _decode(raw, name, how.encoding)
    delimiter = _SIGNS.get(how.delimiter or "", how.delimiter or "") or _delimiter_of(text)
    records = _records(text, name, delimiter)
    table = Table(role, name, hashlib.sha256(raw).hexdigest(), delimiter)
    header = next(records, None)
    if header is None:
        raise _refused(name, 1, "the file is empty", "the first line names the columns")
    table.columns = _columns(name, *header)
    for line, cells in records:
        _take(table, line, cells, how.key)
    return table


def _take(table: Table, line: int, cells: list[str], key: str | None) -> None:
    """Makes a row of a record, or notes why it is none."""
    if not any(cell.strip() for cell in cells):
        table.odd.append((line, False, "the line is empty"))
        return
    if len(cells) != len(table.columns):
        table.odd.append(
            (line, True, f"the row has {len(cells)} cells; the header has {len(table.columns)}")
        )
        return
    row = Row(table, line, dict(zip(table.columns, map(str.strip, cells), strict=True)))
    if key is not None and key in row.cells:
        name = row.cells[key]
        if not name:
            table.odd.append((line, True, f"the row has no {key!r}, which names the rows"))
            return
        if name in table.by_key:
            first = table.by_key[name].line
            table.odd.append((line, True, f"{key} {name[:80]!r} is already in line {first}"))
            return
        table.by_key[name] = row
    table.rows.append(row)


def _bytes_of(path: Path, name: str) -> bytes:
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= LARGEST_FILE else b""
    except OSError as error:
        raise _refused(name, 1, f"the file cannot be read: {error.strerror}") from None
    if size > LARGEST_FILE:
        raise _refused(
            name,
            1,
            f"the file has {size:,} bytes; at most {LARGEST_FILE:,} are read",
            "split it into several files",
        )
    return raw


def _decode(raw: bytes, name: str, encoding: str) -> str:
    if raw.startswith(_UTF_16):
        raise _refused(name, 1, "the file is UTF-16", "save it as UTF-8")
    try:
        text = raw.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        start = error.start + (3 if raw.startswith(b"\xef\xbb\xbf") and encoding == "utf-8" else 0)
        raise _refused(
            name,
            raw.count(b"\n", 0, start) + 1,
            f"byte 0x{raw[start]:02X} at offset {start:,} is not {encoding}",
            "save the file as UTF-8, or write what it is in the map: encoding: windows-1252",
            column=start - raw.rfind(b"\n", 0, start),
        ) from None
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        column = nul - text.rfind("\n", 0, nul)
        raise _refused(name, line, "a NUL character", "this is no text file", column=column)
    return text


def _delimiter_of(text: str) -> str:
    """Returns the sign that parts the header into most columns; a comma when none does."""
    header = re.split(r"[\r\n]", text[:65_536], maxsplit=1)[0]

    def columns(sign: str) -> int:
        try:
            return len(next(csv.reader([header], delimiter=sign), []))
        except csv.Error:  # e.g. a cell that is too long; reading it will say so
            return 0

    return max(",;\t|", key=columns)


def _records(text: str, name: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yields each record with the line it begins in.

    The csv module refuses cells of more than 131,072 characters by itself.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _refused(
                name,
                line,
                f"the record that begins here cannot be read: {error}",
                "look for a quote that is not closed",
            ) from None
        yield line, cells


def _columns(name: str, line: int, cells: list[str]) -> tuple[str, ...]:
    columns = tuple(cell.strip() for cell in cells)
    if len(columns) > LONGEST_ROW:
        raise _refused(name, line, f"{len(columns):,} columns; at most {LONGEST_ROW:,} are read")
    if not any(columns):
        raise _refused(name, line, "the first line names no columns")
    faults: list[Fault] = []
    for number, column in enumerate(columns, start=1):
        if not column:
            message, help_ = f"column {number} has no name", "name it, or remove the column"
        elif not column.isprintable():
            message, help_ = f"the name of column {number} has hidden characters", "rename it"
        elif column in columns[: number - 1]:
            first = columns.index(column) + 1
            message = f"the columns {first} and {number} are both named {column[:80]!r}"
            help_ = "give each its own name"
        else:
            continue
        faults += _refused(name, line, message, help_, column=number).faults
    if faults:
        raise FaultsFound(faults[:FAULTS])
    return columns


def _refused(name: str, line: int, message: str, help_: str = "", column: int = 1) -> FaultsFound:
    return FaultsFound(
        [Fault(code="C301", file=name, line=line, column=column, message=message, help=help_)]
    )
