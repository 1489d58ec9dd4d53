"""An import from its files to its report: map and tables in, documents and findings out."""

import fnmatch
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from console.applying import Applied
from console.import_building import Builder
from console.import_columns import Usage, fit
from console.import_map import ImportMap, read_map
from console.import_report import FileReport, Finding, ImportReport, RowOutcome, RowReport
from console.import_rows import Imported, RowNotes, Rows
from console.import_table import Row, Table, read_table
from console.reading import Located, read_one
from measures.errors import ConfigurationError
from measures.plan import Measure
from rules.source import Fault, FaultsFound, Source, did_you_mean


@dataclass(frozen=True)
class Prepared:
    """Everything that was read, and the documents it makes; nothing is applied yet.

    Attributes:
        standing: the documents that the map itself holds.
        imported: the documents that rows became.
    """

    mapping: ImportMap
    tables: dict[str, Table]
    usage: Usage
    rows: Rows
    standing: tuple[Located, ...]
    imported: tuple[Imported, ...]

    @property
    def documents(self) -> tuple[Located, ...]:
        """All documents, as `Applier` takes them."""
        return (*self.standing, *self.imported)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The measures among the documents that rows became."""
        return tuple(
            located.document for located in self.imported if isinstance(located.document, Measure)
        )


def prepare(map_path: Path, csv_paths: Sequence[Path]) -> Prepared:
    """Reads map and tables and builds the documents.

    Raises:
        ConfigurationError: files and inputs do not match each other.
        FaultsFound: the map is wrong, or a file is no table.
    """
    mapping, source = read_map(map_path)
    standing = _standing(mapping, source)
    tables = _read_tables(mapping, assign(mapping, csv_paths))
    usage = fit(mapping, source, tables)
    rows = Rows(mapping, tables, usage)
    imported = Builder(mapping, source, rows).build()
    return Prepared(mapping, tables, usage, rows, standing, tuple(imported))


def assign(mapping: ImportMap, csv_paths: Sequence[Path]) -> dict[str, Path]:
    """Finds the file of each input by its name.

    Raises:
        ConfigurationError: a file is there twice, missing, or meant for no input.
    """
    wanted = {name: how.file for name, how in mapping.inputs.items()}
    found: dict[str, Path] = {}
    wrong: list[str] = []
    for path in csv_paths:
        roles = [name for name, file in wanted.items() if fnmatch.fnmatchcase(path.name, file)]
        if not path.is_file():
            wrong.append(f"there is no file {path}")
        elif not roles:
            hint = did_you_mean(path.name, wanted.values())
            wrong.append(f"the map has no input for {path.name}; {hint}")
        for role in roles:
            if role in found:
                wrong.append(f"{found[role]} and {path} are both meant for the input {role}")
            found[role] = path
    for name, file in wanted.items():
        if name not in found:
            wrong.append(f"the input {name} needs a file named {file}")
    if wrong:
        raise ConfigurationError("; ".join(wrong))
    return found


def report(
    prepared: Prepared, results: Sequence[Applied], seconds: float, *, dry_run: bool
) -> ImportReport:
    """Says what came of every row.

    Args:
        results: what came of `Prepared.documents`, in their order.
    """
    outcomes = dict(zip(map(id, prepared.documents), results, strict=True))
    standing = [outcomes[id(located)] for located in prepared.standing]
    kinds: dict[str, Counter[str]] = {}
    for result in results:
        kinds.setdefault(result.kind, Counter())[result.outcome] += 1
    files: list[FileReport] = []
    rows: list[RowReport] = []
    for name, table in prepared.tables.items():
        own = [
            _row_report(prepared.rows, row, prepared.rows.notes[row], outcomes)
            for row in table.rows
        ]
        own += [_odd_report(table, *odd) for odd in table.odd]
        own.sort(key=lambda row: row.line)
        rows += own
        counts = Counter(row.outcome for row in own)
        how = prepared.mapping.inputs[name]
        files.append(
            FileReport(
                file=table.name,
                input=name,
                sha256=table.sha256,
                delimiter=table.delimiter,
                rows=len(own),
                imported=counts["imported"],
                skipped=counts["skipped"],
                refused=counts["refused"],
                columns=table.columns,
                ignored=how.ignore,
                unused=prepared.usage.unused(table, how),
            )
        )
    return ImportReport(
        title=prepared.mapping.title,
        dry_run=dry_run,
        seconds=round(seconds, 3),
        files=tuple(files),
        documents={kind: dict(counts) for kind, counts in kinds.items()},
        standing=tuple(f"{result.kind}/{result.id} {result.outcome}" for result in standing),
        problems=tuple(_told(result) for result in standing if result.outcome == "refused"),
        rows=tuple(rows),
    )


def _standing(mapping: ImportMap, source: Source) -> tuple[Located, ...]:
    """Reads the documents that the map itself holds.

    Raises:
        FaultsFound: with every fault of all of them.
    """
    found: list[Located] = []
    faults: list[Fault] = []
    for number in range(len(mapping.documents)):
        try:
            found.append(read_one(source, (0, "documents", number)))
        except FaultsFound as error:
            faults += error.faults
    if faults:
        raise FaultsFound(faults)
    return tuple(found)


def _read_tables(mapping: ImportMap, files: dict[str, Path]) -> dict[str, Table]:
    tables: dict[str, Table] = {}
    faults: list[Fault] = []
    for name, how in mapping.inputs.items():
        try:
            tables[name] = read_table(name, files[name], how)
        except FaultsFound as error:
            faults += error.faults
    if faults:
        raise FaultsFound(faults)
    return tables


def _row_report(rows: Rows, row: Row, notes: RowNotes, outcomes: dict[int, Applied]) -> RowReport:
    findings = list(notes.findings)
    for located in notes.documents:
        result = outcomes[id(located)]
        if result.outcome == "refused":
            findings.append(_refusal(row, located, result))
    for located in notes.inside:
        if outcomes[id(located)].outcome == "refused":
            name = f"{located.kind}/{located.id}"
            findings.append(
                Finding(what="refused", message="what it is part of was refused", document=name)
            )
    outcome: RowOutcome = "imported"
    reason = ""
    if any(finding.what == "refused" for finding in findings):
        outcome = "refused"
    elif notes.skipped:
        outcome, reason = "skipped", notes.skipped
    elif not notes.documents and not notes.inside:
        if notes.looked_up:
            reason = "other rows are looked up in it"
        else:
            lost, reason = rows.why_left_over(row)
            outcome = "refused" if lost else "skipped"
    return RowReport(
        file=row.table.name,
        line=row.line,
        input=row.table.input,
        outcome=outcome,
        documents=tuple(
            f"{located.kind}/{located.id} {outcomes[id(located)].outcome}"
            for located in notes.documents
        ),
        inside=tuple(f"{located.kind}/{located.id}" for located in notes.inside),
        reason=reason,
        findings=tuple(findings),
    )


def _refusal(row: Row, located: Imported, result: Applied) -> Finding:
    """Says of a row why its document was refused when it was checked or applied."""
    where = f"{result.file}:{result.line}"
    here = where == f"{row.table.name}:{row.line}"
    column = row.table.columns[result.column - 1] if here and result.column > 1 else ""
    return Finding(
        what="refused",
        message=result.message,
        document=f"{located.kind}/{located.id}",
        column=column,
        value=row.cells.get(column, "")[:80],
        help=result.help,
        source="" if here else f"{where}:{result.column}",
    )


def _odd_report(table: Table, line: int, fault: bool, why: str) -> RowReport:
    findings = (Finding(what="refused", message=why),) if fault else ()
    return RowReport(
        file=table.name,
        line=line,
        input=table.input,
        outcome="refused" if fault else "skipped",
        reason="" if fault else why,
        findings=findings,
    )


def _told(result: Applied) -> str:
    help_ = f"; {result.help}" if result.help else ""
    return (
        f"{result.file}:{result.line}:{result.column}:"
        f" {result.kind} {result.id}: {result.message}{help_}"
    )
