"""How an import is shown: tables for people, data for programs, a file with every row."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.exits import Exit
from console.import_asking import Asked
from console.import_report import ImportReport, tally, visible
from console.importing import Prepared
from console.output import Form, aside, people, plain, print_data, print_table
from measures.errors import ConfigurationError
from measures.model import Model
from rules.source import FaultsFound, render

_REFUSED_SHOWN = 30
_TALLIES_SHOWN = 40
_TABLE_CODE = "C301"
_DOCUMENTS_PER_FILE = 2_000


def show(told: ImportReport, asked: Asked | None, report_file: Path | None, output: Form) -> Exit:
    """Shows what came of an import; returns how the command ends.

    Raises:
        ConfigurationError: the report's file cannot be written.
    """
    if report_file is not None:
        with _writing(report_file):
            _write_report(told, asked, report_file)
    if output is not Form.TABLE:
        print_data({"import": told, "asked": asked}, output)
    else:
        _show_tables(told, report_file)
        if asked is not None:
            _show_asked(asked)
    return Exit.FAILED if told.refused else Exit.DONE


def show_faults(found: FaultsFound, output: Form) -> Exit:
    """Shows why nothing could be read: a table that is none, or a map that does not fit."""
    if output is not Form.TABLE:
        print_data({"faults": found.faults}, output)
    texts: dict[str, str] = {}
    for fault in found.faults:
        if fault.code == _TABLE_CODE:
            # The line of a broken table may be anything, so it is named and not repeated.
            aside().print(visible(f"sluice: {fault}"), markup=False)
            continue
        if fault.file not in texts:
            texts[fault.file] = Path(fault.file).read_bytes()[:1_000_000].decode("utf-8", "replace")
        aside().print(render(fault, texts[fault.file]), markup=False)
    broken = any(fault.code == _TABLE_CODE for fault in found.faults)
    return Exit.FAILED if broken else Exit.USAGE


def write_documents(prepared: Prepared, folder: Path) -> None:
    """Writes the documents as YAML, one set of files per kind, as `sluice apply -f` takes them.

    Raises:
        ConfigurationError: the folder cannot be written.
    """
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)  # keeps the order in which people read: kind, id, ...
    yaml.default_flow_style = False
    yaml.width = 100
    kinds: dict[str, list[Model]] = {}
    for located in prepared.documents:
        kinds.setdefault(located.kind, []).append(located.document)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for kind, documents in kinds.items():
            for number, start in enumerate(range(0, len(documents), _DOCUMENTS_PER_FILE), start=1):
                part = [
                    document.model_dump(mode="json", by_alias=True, exclude_unset=True)
                    for document in documents[start : start + _DOCUMENTS_PER_FILE]
                ]
                with (folder / f"{kind.lower()}-{number}.yaml").open("w", encoding="utf-8") as file:
                    yaml.dump(part, file)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error


def _write_report(told: ImportReport, asked: Asked | None, file: Path) -> None:
    import json

    if file.suffix == ".json":
        text = json.dumps(plain({"import": told, "asked": asked}), indent=1, ensure_ascii=False)
    else:
        text = "\n".join(told.lines())
    file.write_text(text + "\n", encoding="utf-8")


def _show_tables(told: ImportReport, report_file: Path | None) -> None:
    print_table(
        ("file", "rows", "imported", "skipped", "refused"),
        [(f.file, f.rows, f.imported, f.skipped, f.refused) for f in told.files],
    )
    outcomes = list(dict.fromkeys(name for counts in told.documents.values() for name in counts))
    people().print()
    print_table(
        ("documents", *outcomes),
        [
            (kind, *(counts.get(name, 0) for name in outcomes))
            for kind, counts in told.documents.items()
        ],
    )
    _show_values(told)
    _show_columns(told)
    _show_refused(told, report_file)
    done = "checked; nothing was changed, --apply applies" if told.dry_run else "applied"
    held = any("held-back" in counts for counts in told.documents.values())
    if held:
        done = "nothing was applied, because rows were refused; --partial applies the others"
    aside().print(f"{told.title}: {done} ({told.seconds:.1f} s)", markup=False)


def _show_values(told: ImportReport) -> None:
    tallies = tally(told.rows)
    if not tallies:
        return
    people().print()
    print_table(
        ("rows", "value", "field", "why", "first"),
        [
            (t.rows, t.what, t.field, visible(t.message), f"{Path(t.file).name}:{t.first}")
            for t in tallies[:_TALLIES_SHOWN]
        ],
    )
    if len(tallies) > _TALLIES_SHOWN:
        people().print(f"... and {len(tallies) - _TALLIES_SHOWN} more; --report FILE names all")


def _show_columns(told: ImportReport) -> None:
    ignored = [
        (Path(file.file).name, column, why)
        for file in told.files
        for column, why in file.ignored.items()
    ]
    unused = [
        (Path(file.file).name, column, "the map says nothing about it")
        for file in told.files
        for column in file.unused
    ]
    if ignored or unused:
        people().print()
        print_table(("file", "column not imported", "why"), [*unused, *ignored])


def _show_refused(told: ImportReport, report_file: Path | None) -> None:
    refused = [row for row in told.rows if row.outcome == "refused"]
    for row in refused[:_REFUSED_SHOWN]:
        for line in row.lines():
            aside().print(line, markup=False)
    if len(refused) > _REFUSED_SHOWN:
        where = f"all are in {report_file}" if report_file else "--report FILE names all"
        aside().print(f"... and {len(refused) - _REFUSED_SHOWN:,} more rows; {where}", markup=False)
    for problem in told.problems:
        aside().print(visible(problem), markup=False)


def _show_asked(asked: Asked) -> None:
    out = people()
    out.print()
    print_table(
        ("gate", "rule", "pass", "block", "inconclusive"),
        [(c.gate, c.rule, c.passed, c.block, c.inconclusive) for c in asked.rules],
    )
    verdicts = ", ".join(f"{count:,} {name}" for name, count in asked.verdicts.items())
    stages = ", ".join(f"{count:,} {name}" for name, count in asked.stages.items())
    out.print(
        f"\n{asked.measures:,} measures asked for {asked.gates:,} gates in {asked.seconds:.1f} s:"
        f" {verdicts or 'no verdict'}; they are now: {stages or 'unknown'}",
        markup=False,
    )
    for code, count in asked.refused.items():
        out.print(f"{count:,} could not ask: {code}", markup=False)
