"""`sluice schema`: JSON Schema of what people write, for editors and other programs."""

from pathlib import Path
from typing import Annotated

import typer

from console.exits import Exit
from console.running import finish


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: sluice schema RulePack > rulepack.schema.json")(schema)


def schema(
    kind: Annotated[
        str | None, typer.Argument(metavar="[KIND]", help="Without one, the names are listed.")
    ] = None,
    everything: Annotated[
        Path | None,
        typer.Option("--all", metavar="DIR", help="Write every schema into a folder."),
    ] = None,
) -> None:
    """Print the JSON Schema (2020-12) of a kind of document, of packs, cases, stories or maps."""
    from console.output import Form, print_data, print_table
    from console.schemas import names, schema_named

    known = names()
    if kind is not None and everything is not None:
        raise typer.BadParameter("give either a KIND or --all DIR")
    if everything is not None:
        write_schemas(everything)
        typer.echo(f"{len(known)} schemas written to {everything}")
    elif kind is None:
        print_table(("kind", "what it describes"), list(known.items()))
    else:
        print_data(schema_named(_known(kind, list(known))), Form.JSON)
    finish(Exit.DONE)


def write_schemas(folder: Path) -> list[Path]:
    """Writes every schema into a folder, which is made when it is not there.

    Raises:
        ConfigurationError: the folder cannot be written.
    """
    from console.schemas import file_name, names, schema_text
    from measures.errors import ConfigurationError

    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names():
            file = folder / file_name(name)
            file.write_text(schema_text(name), encoding="utf-8")
            written.append(file)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}") from None
    return written


def _known(given: str, known: list[str]) -> str:
    from rules.faults import did_you_mean

    for name in known:
        if given.casefold() == name.casefold():
            return name
    raise typer.BadParameter(f"there is no kind {given!r}; {did_you_mean(given, known)}")
