"""`sluice rules diff`: what differs between two versions of a pack, in files or in the ledger."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.exits import Exit
from console.rules_files import Form, Output, load_packs, print_json, refuse

if TYPE_CHECKING:
    from measures.documents import RulePack
    from rules.pack_diff import Change, PackDiff

_Version = typer.Argument(help="A pack file, or NAME or NAME@DIGEST of a pack in the ledger.")


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: sluice rules diff launch packs/launch.yaml")(diff)


def diff(
    before: Annotated[str, _Version],
    after: Annotated[str, _Version],
    output: Output = Form.PRETTY,
) -> None:
    """Say which rules of a pack were added, removed or changed; exit 3 when they differ."""
    from rules.pack_diff import compare

    found = compare(_pack(before, output), _pack(after, output))
    if output is Form.JSON:
        print_json(found.model_dump(mode="json"))
    else:
        for line in _lines(found) or ["no difference"]:
            typer.echo(line)
    raise typer.Exit(Exit.DONE if found.same else Exit.BLOCKED)


def _pack(text: str, output: Form) -> "RulePack":
    path = Path(text)
    if path.is_file() or path.suffix in (".yaml", ".yml"):
        packs, faults, texts = load_packs([path])
        if faults:
            refuse(faults, texts, output)
        return packs[0][1].document
    from console.pack_versions import find_version
    from console.session import find_place, open_ledger
    from measures.errors import ConfigurationError

    try:
        with open_ledger(find_place()) as ledger:
            return find_version(ledger, text).document
    except ConfigurationError:
        return find_version(None, text).document


def _lines(found: "PackDiff") -> list[str]:
    lines = [_line("pack", change) for change in found.fields]
    lines += [f"- {name}" for name in found.removed]
    lines += [f"+ {name}" for name in found.added]
    for rule in found.changed:
        lines.append(f"~ {rule.id}")
        lines += [_line("   ", change) for change in rule.changes]
    if found.reordered:
        lines.append("~ the rules stand in another order")
    return lines


def _line(where: str, change: "Change") -> str:
    return f"{where} {change.field}: {_shown(change.before)} -> {_shown(change.after)}"


def _shown(value: Any) -> str:
    if value is None:
        return "(not there)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
