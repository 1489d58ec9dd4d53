"""`sluice ledger`: look at the record, verify it, hand it to an auditor.

What is not needed to show a help text is loaded inside the commands, so that help is quick.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.exits import Exit
from console.options import Output
from console.output import Form, plain, print_data
from console.running import finish
from measures.errors import LedgerError, LedgerTamperedError

if TYPE_CHECKING:
    from ledger.store import Ledger
    from measures.entry import Entry

app = typer.Typer(help="Look at the record of all decisions and prove it.", no_args_is_help=True)

_LedgerOption = Annotated[
    str | None,
    typer.Option("--ledger", metavar="URL", help="Another ledger than the engine's."),
]


@app.command(epilog="Example: sluice ledger verify --checkpoint 1204:9f86d08188...")
def verify(
    ledger: _LedgerOption = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(metavar="POSITION:HASH", help="What an earlier verify or export printed."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help="An exported record instead.")
    ] = None,
    output: Output = Form.TABLE,
) -> None:
    """Recompute every hash and state; exit 6 and name the first bad entry if one does not fit."""
    from ledger.database import LedgerDamagedError
    from ledger.verify import verify_file

    known = None if checkpoint is None else _checkpoint(checkpoint)
    progress = _progress if sys.stderr.isatty() and output is Form.TABLE else None
    began = time.monotonic()
    try:
        if file is not None:
            report = verify_file(file, progress, known)
        else:
            try:
                with _open(ledger) as record:
                    report = record.verify(progress, known)
            except LedgerDamagedError as damage:
                # It breaks before its first entry can be read.
                raise LedgerTamperedError(1, str(damage)) from damage
    except LedgerTamperedError as error:
        if output is Form.TABLE:
            raise
        print_data({"ok": False, "position": error.position, "reason": error.reason}, output)
        finish(Exit.LEDGER_BROKEN)
    seconds = round(time.monotonic() - began, 3)
    if output is Form.TABLE:
        typer.echo(f"The ledger verifies: {report.entries:,} entries in {seconds} s")
    _say({**plain(report), "seconds": seconds}, output)


@app.command(epilog="Example: sluice ledger show --stream measure:spring-signups --kind signed_off")
def show(
    ledger: _LedgerOption = None,
    stream: Annotated[
        str | None, typer.Option(help="One life: measure:ID, pool:ID or document:KIND/ID.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only this kind of entry; may be given again.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Show entries in the order in which they were recorded."""
    kinds = None if kind is None else _known_kinds(kind)
    with _open(ledger) as record:
        entries = record.entries(stream, kinds=kinds, limit=limit)
        match output:
            case Form.TABLE:
                _show_table(entries)
            case Form.JSON:
                _show_json(entries)
            case Form.YAML:
                print_data(list(entries), output)
            case Form.NAME:
                for entry in entries:
                    typer.echo(_printable(f"{entry.stream} {entry.number}"))


@app.command(epilog="Example: sluice ledger export ledger-2031-03.jsonl")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Where to write it.")],
    ledger: _LedgerOption = None,
    output: Output = Form.TABLE,
) -> None:
    """Write the record to a file that `sluice ledger verify --file` checks without a database."""
    with _open(ledger) as record:
        try:
            entries, head = record.export(file)
        except OSError as error:
            msg = f"{file} cannot be written: {error.strerror}"
            raise LedgerError(msg) from error
    if output is Form.TABLE:
        typer.echo(f"{file}: {entries:,} entries")
    _say({"file": str(file), "entries": entries, "head": head}, output)


@contextmanager
def _open(url: str | None) -> Iterator["Ledger"]:
    """Opens the ledger that the option names, else the engine's."""
    from console.session import find_place
    from ledger.store import Ledger

    with Ledger.open(url or find_place().ledger_url, create=False) as record:
        yield record


def _say(told: dict[str, Any], output: Form) -> None:
    """Prints the outcome: as data, or the checkpoint that people are to note elsewhere."""
    if output in {Form.JSON, Form.YAML}:
        print_data(told, output)
        return
    label = "checkpoint  " if output is Form.TABLE else ""
    typer.echo(f"{label}{told['entries']}:{told['head']}")


def _checkpoint(words: str) -> tuple[int, str]:
    position, _, head = words.partition(":")
    if not position.isdigit() or len(head) != 64 or set(head) - set("0123456789abcdef"):
        msg = "write the position, a colon and the 64 letters of the hash"
        raise typer.BadParameter(msg, param_hint="--checkpoint")
    return int(position), head


def _known_kinds(kinds: list[str]) -> list[str]:
    from difflib import get_close_matches
    from typing import get_args

    from measures.entry import EntryKind

    known = get_args(EntryKind)
    for kind in kinds:
        if kind not in known:
            close = get_close_matches(kind, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
            raise typer.BadParameter(f"there is no kind {kind!r}; {hint}", param_hint="--kind")
    return kinds


def _progress(entries: int) -> None:
    typer.echo(f"\r{entries:,} entries\r", nl=False, err=True)


def _show_json(entries: "Iterator[Entry]") -> None:
    """Writes one list, entry by entry, so that a long record needs no memory."""
    before = "["
    for entry in entries:
        typer.echo(f"{before}{entry.model_dump_json()}", nl=False)
        before = ",\n "
    typer.echo("[]" if before == "[" else "]")


def _show_table(entries: "Iterator[Entry]") -> None:
    line = "{:>8}  {:<20}  {:<36}  {:<20}  {}"
    typer.echo(line.format("POSITION", "AT", "STREAM AND NUMBER", "KIND", "BY"))
    for entry in entries:
        at = entry.at.strftime("%Y-%m-%dT%H:%M:%SZ")
        where = _printable(f"{entry.stream} {entry.number}")
        typer.echo(line.format(entry.position, at, where, entry.kind, _printable(entry.by)))


def _printable(words: str) -> str:
    """Shows control characters instead of letting them steer the terminal."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in words)
