"""What commands on pack files share: their arguments, reading packs, showing faults."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from console.exits import Exit
from console.walking import files_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from measures.lifecycle import Lifecycle
    from rules.casebook import Case
    from rules.faults import Fault
    from rules.schema import Pack

UNREADABLE = "S112"
ENDINGS = (".yaml", ".yml")
OWN = Path("packs")
"""Where `sluice init` puts packs; commands without a file look there."""

_CASES = "_cases"
"""How the name of a file of cases ends; the rest is that of its pack."""


class Form(StrEnum):
    """What ``-o`` takes here."""

    PRETTY = "pretty"
    JSON = "json"


Files = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[FILE|DIR]...",
        help="Pack files, or folders of them; without one, ./packs, else the built-in packs.",
        show_default=False,
    ),
]
LifecycleFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--lifecycle",
        metavar="FILE",
        help="A lifecycle that packs may be for; one that lies beside a pack is found by itself.",
        show_default=False,
    ),
]
Output = Annotated[Form, typer.Option("-o", "--output", help="pretty or json.")]


def load_packs(
    files: list[Path] | None,
    lifecycle_files: list[Path] | None = None,
    applied: "Mapping[str, Lifecycle] | None" = None,
) -> "tuple[list[tuple[Path, Pack]], list[Fault], dict[str, str]]":
    """Reads pack files; returns the good ones, every fault, and the texts by file name.

    Args:
        files: the packs; the built-in ones when there is none.
        lifecycle_files: lifecycles that packs may be for, beside the built-in ones and those that
            lie beside a pack.
        applied: lifecycles that the ledger holds.
    """
    from rules.lifecycle_files import (
        holds_lifecycle,
        lifecycle_at,
        lifecycles_for,
        load_lifecycle,
    )
    from rules.loader import builtin_pack_files, pack_at, pack_source
    from rules.source import FaultsFound

    packs: list[tuple[Path, Pack]] = []
    texts: dict[str, str] = {}
    chosen, faults = _pack_files(files)
    texts |= {fault.file: "" for fault in faults}
    lifecycles: dict[str, Lifecycle] = dict(applied or {})
    for file in lifecycle_files or ():
        try:
            lifecycle = load_lifecycle(_content(file, texts), str(file))
            lifecycles[lifecycle.id] = lifecycle
        except FaultsFound as found:
            faults.extend(found.faults)
    if files is None:
        chosen = [Path(str(one)) for one in builtin_pack_files()]
    for file in chosen:
        try:
            source = pack_source(_content(file, texts), str(file))
            if holds_lifecycle(source):
                lifecycle_at(source)  # one that lies in a folder beside the packs for it
                continue
            known = lifecycles_for(source, file, lifecycles)
            packs.append((file, pack_at(source, (0,), known)))
        except FaultsFound as found:
            faults.extend(found.faults)
    return packs, faults, texts


def load_cases_beside(
    packs: "list[tuple[Path, Pack]]", faults: "list[Fault]", texts: dict[str, str]
) -> "list[tuple[Path, Pack, tuple[Case, ...]]]":
    """Reads the cases of packs; a pack that has none is left out.

    Args:
        packs: the packs and their files.
        faults: gets every fault of the cases.
        texts: gets their texts by file name.
    """
    from rules.casebook import cases_file, load_cases
    from rules.source import FaultsFound

    found = []
    for file, pack in packs:
        beside = cases_file(file)
        if not beside.exists():
            continue
        try:
            content = _content(beside, texts, beside_of=file)
            found.append((file, pack, load_cases(content, str(beside), pack)))
        except FaultsFound as wrong:
            faults.extend(wrong.faults)
    return found


def files_or_own(given: list[Path] | None) -> list[Path] | None:
    """Returns what is named, else the folder `packs` where it is; None for the built-in packs."""
    if given:
        return given
    if OWN.is_dir():
        typer.echo(f"looking at {OWN}/, the packs of this folder", err=True)
        return [OWN]
    typer.echo(f"looking at the built-in packs: there is no {OWN}/ here", err=True)
    return None


def _pack_files(given: list[Path] | None) -> "tuple[list[Path], list[Fault]]":
    """Returns the packs that are named, of a folder every YAML file that holds no cases.

    With them come the faults of folders that hold no pack.

    A file of cases, as a shell finds it for `packs/*.yaml`, stands for the pack that it belongs to.
    """
    from rules.files import unreadable

    found: list[Path] = []
    faults: list[Fault] = []
    for path in given or ():
        if not path.is_dir():
            pack = path.with_stem(path.stem.removesuffix(_CASES))
            found.append(pack if pack.exists() else path)
            continue
        inside = [file for file in files_in(path, ENDINGS) if not file.stem.endswith(_CASES)]
        if not inside:
            help_ = "sluice init begins a folder with a pack that passes"
            faults.append(unreadable(path, f"there is no pack in {path}", help_))
        found += inside
    return list(dict.fromkeys(found)), faults


def _content(file: Path, texts: dict[str, str], beside_of: Path | None = None) -> bytes:
    """Reads a file, and keeps its text for showing faults.

    Raises:
        FaultsFound: it cannot be read.
    """
    from rules.files import read, read_beside

    texts[str(file)] = ""
    content = read_beside(file, beside_of) if beside_of else read(file)
    texts[str(file)] = content.decode("utf-8", errors="replace")
    return content


def print_faults(faults: "list[Fault]", texts: dict[str, str]) -> None:
    """Prints each fault with its source line."""
    from rules.source import render

    for fault in faults:
        typer.echo(render(fault, texts.get(fault.file, "")) + "\n", err=True)


def error_in(faults: "Sequence[Fault]") -> dict[str, str]:
    """Returns what a program is told when something cannot even be read; else nothing."""
    unread = [fault.message for fault in faults if fault.code == UNREADABLE]
    return {"error": "; ".join(unread)} if unread else {}


def exit_for_faults(faults: "Sequence[Fault]") -> Exit:
    """Returns wrong usage when all that is wrong is that something cannot be read."""
    unread = all(fault.code == UNREADABLE for fault in faults)
    return Exit.USAGE if unread else Exit.FAILED


def refuse(
    faults: "Sequence[Fault]", texts: dict[str, str], output: Form = Form.PRETTY
) -> NoReturn:
    """Prints faults and ends the command, which cannot go on with them."""
    print_faults(list(faults), texts)
    if output is Form.JSON:
        error = error_in(faults) or {"error": "the packs have faults"}
        print_json({**error, "faults": [fault.model_dump() for fault in faults]})
    raise typer.Exit(exit_for_faults(faults))


def print_json(content: Any) -> None:
    """Prints an answer for a program."""
    import json

    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
