"""What an import says about every row, every value and every document."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

from measures.model import Stored

What = Literal["refused", "left-out", "defaulted", "derived"]
RowOutcome = Literal["imported", "skipped", "refused"]


def visible(text: str) -> str:
    """Writes out what a terminal would act on rather than show, such as escape sequences."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


class Finding(Stored):
    """Something about one value of one row that somebody should know.

    Attributes:
        what: ``refused`` keeps the row out; the others say that a value was left out, stands
            in for an empty cell, or was derived rather than read.
        field: where the value would stand in the document.
        value: what the cell says, shortened.
        source: the row of another table that it was looked up in, as ``file:line``.
    """

    what: What
    message: str
    document: str = ""
    field: str = ""
    column: str = ""
    value: str = ""
    expected: str = ""
    help: str = ""
    source: str = ""

    def __str__(self) -> str:
        cell = f"{self.column} {self.value!r}" if self.value else self.column
        parts = (
            f"{self.what} {self.field}".rstrip(),
            f"{cell}: {self.message}" if cell else self.message,
            f"expected {self.expected}" if self.expected else "",
            self.help,
            f"see {self.source}" if self.source else "",
        )
        return "; ".join(part for part in parts if part)


class RowReport(Stored):
    """What came of one row.

    Attributes:
        documents: what it became, as ``Kind/id outcome``.
        inside: the documents that hold it as an item of a list.
    """

    file: str
    line: int
    input: str
    outcome: RowOutcome
    documents: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    reason: str = ""
    findings: tuple[Finding, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yields the row's lines of the report for people."""
        became = [*self.documents, *(f"inside {name}" for name in self.inside)]
        tail = "; ".join([*became, self.reason] if self.reason else became)
        yield visible(f"{self.file}:{self.line}: {self.outcome}" + (f": {tail}" if tail else ""))
        for finding in self.findings:
            yield visible(f"{self.file}:{self.line}:   {finding}")


class FileReport(Stored):
    """What came of one table.

    Attributes:
        ignored: the columns that the map leaves out, and why.
        unused: the columns that it says nothing about.
    """

    file: str
    input: str
    sha256: str
    delimiter: str
    rows: int
    imported: int = 0
    skipped: int = 0
    refused: int = 0
    columns: tuple[str, ...] = ()
    ignored: dict[str, str] = {}
    unused: tuple[str, ...] = ()


class ImportReport(Stored):
    """What came of a whole import, or would.

    Attributes:
        documents: per kind how many were created, changed, unchanged, refused or held back.
        standing: the documents that the map itself holds, as ``Kind/id outcome``.
        problems: what is wrong with these.
    """

    title: str
    dry_run: bool
    seconds: float
    files: tuple[FileReport, ...]
    documents: dict[str, dict[str, int]]
    standing: tuple[str, ...]
    problems: tuple[str, ...] = ()
    rows: tuple[RowReport, ...] = ()

    @property
    def refused(self) -> bool:
        """Tells whether a row or a document was refused."""
        return bool(self.problems) or any(file.refused for file in self.files)

    def lines(self) -> Iterator[str]:
        """Yields the whole report, line by line."""
        for row in self.rows:
            yield from row.lines()
        yield from map(visible, self.problems)


class Tally(Stored):
    """The same thing said about many rows."""

    rows: int
    what: str
    file: str
    field: str
    column: str
    message: str
    first: int


def tally(rows: Iterable[RowReport]) -> list[Tally]:
    """Counts what is said about values, most frequent first; refusals are not values."""
    counts: Counter[tuple[str, str, str, str, str]] = Counter()
    first: dict[tuple[str, str, str, str, str], int] = {}
    for row in rows:
        for found in row.findings:
            if found.what == "refused":
                continue
            key = (found.what, row.file, _any_item(found.field), found.column, found.message)
            counts[key] += 1
            first.setdefault(key, row.line)
    return [
        Tally(
            rows=count,
            what=key[0],
            file=key[1],
            field=key[2],
            column=key[3],
            message=key[4],
            first=first[key],
        )
        for key, count in counts.most_common()
    ]


def _any_item(field: str) -> str:
    """Returns a field's path without the numbers of items: kpis.3.result is kpis.result."""
    return ".".join(part for part in field.split(".") if not part.isdigit())
