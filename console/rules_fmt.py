"""`sluice rules fmt`: one layout for all packs and cases, with every comment in its place."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from console.exits import Exit
from console.rules_files import ENDINGS, OWN, exit_for_faults, files_or_own
from console.walking import files_in

STDIN = Path("-")


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("fmt", epilog="Example: sluice rules fmt packs/ --check")(fmt)


def fmt(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE|DIR|-]...",
            help="Packs, cases, documents; - is the input; without one, ./packs.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 if a file would change.")
    ] = False,
) -> None:
    """Lay out files: keys in one order, two spaces, comments kept, the meaning unchanged."""
    from rules.faults import FaultsFound, render

    if not files and not OWN.is_dir():
        raise typer.BadParameter(f"there is no {OWN}/ here: name the files to lay out")
    code = Exit.DONE
    for file in _all_files(files_or_own(files) or []):
        before = ""
        try:
            before = _read(file)
            after = _formatted(before, str(file))
        except FaultsFound as found:
            for fault in found.faults:
                typer.echo(render(fault, before) + "\n", err=True)
            code = max(code, exit_for_faults(found.faults))
            continue
        if file == STDIN and not check:
            typer.echo(after, nl=False)
        elif after != before:
            typer.echo(f"{'would change' if check else 'changed'}: {file}")
            if check:
                code = max(code, Exit.FAILED)
            else:
                file.write_text(after, encoding="utf-8", newline="\n")
    raise typer.Exit(code)


def _all_files(given: list[Path]) -> list[Path]:
    found: list[Path] = []
    for path in given:
        if path.is_dir():
            found += files_in(path, ENDINGS)
        else:
            found.append(path)
    return found


def _read(file: Path) -> str:
    """Returns the text of a file.

    Raises:
        FaultsFound: it cannot be read, or is no text.
    """
    from rules.faults import FaultsFound
    from rules.files import read, unreadable
    from rules.source import MAX_BYTES

    content = sys.stdin.buffer.read(MAX_BYTES + 1) if file == STDIN else read(file)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        if len(content) > MAX_BYTES:  # cut inside a character: it is refused for its length
            return content.decode("utf-8", errors="replace")
        message = f"{file} is not UTF-8"
        raise FaultsFound([unreadable(file, message, "save it as UTF-8")]) from None


def _formatted(text: str, name: str) -> str:
    from rules.formatting import formatted

    return formatted(text, name, _model_of)


def _model_of(content: Any) -> Any:
    """Returns the model of a document, by what it says of itself."""
    from measures.documents import KINDS
    from rules.casebook import CasebookText
    from rules.schema import PackText

    if not isinstance(content, dict):
        return None
    if "cases" in content:
        return CasebookText
    if "rules" in content:
        return PackText
    return KINDS.get(str(content.get("kind")))
