"""`sluice init`: a folder for rules in which everything is there and passes."""

from pathlib import Path
from typing import Annotated

import typer

from console.exits import Exit
from console.running import finish

_STARTER_PACK = "house-rules"


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: sluice init gates --pack bank-rules")(init)


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Made when it is not there.")] = (
        Path()
    ),
    pack: Annotated[str, typer.Option(metavar="NAME", help="The pack's name.")] = _STARTER_PACK,
) -> None:
    """Begin a folder of rules: a pack, its cases, schemas for the editor and a CI job."""
    from console.new_files import write_new

    files = {folder / name: text for name, text in _files(pack).items()}
    write_new(files)
    _tell(folder, files, pack)
    finish(Exit.DONE)


def _files(pack: str) -> dict[str, str]:
    """Returns the text of each file by its place in the folder."""
    from importlib import resources
    from importlib.metadata import version

    from pydantic import TypeAdapter, ValidationError

    from console.schemas import file_name, names, schema_text
    from measures.model import Id

    try:
        TypeAdapter(Id).validate_python(pack)
    except ValidationError:
        raise typer.BadParameter(
            f"{pack!r} is no name: small letters, digits, dot, dash or underscore",
            param_hint="--pack",
        ) from None

    def starter(name: str) -> str:
        return resources.files("console.starter").joinpath(name).read_text(encoding="utf-8")

    return {
        f"packs/{pack}.yaml": starter("pack.yaml").replace(_STARTER_PACK, pack),
        f"packs/{pack}_cases.yaml": starter("pack_cases.yaml").replace(_STARTER_PACK, pack),
        **{f"schemas/{file_name(name)}": schema_text(name) for name in names()},
        ".github/workflows/rules.yaml": starter("ci.yaml").replace(
            "VERSION", version("sluicegate")
        ),
    }


def _tell(folder: Path, files: dict[Path, str], pack: str) -> None:
    packs = folder / "packs"
    schemas = [file for file in files if file.parent.name == "schemas"]
    for file in files:
        if file not in schemas:
            typer.echo(f"wrote {file}")
    typer.echo(f"wrote {folder / 'schemas'} ({len(schemas)} schemas for the editor)")
    typer.echo("\nTry next:")
    for command in (
        f"sluice rules check {packs}",
        f"sluice rules test {packs} --coverage",
        "sluice explain facts --gate decided",
        f"sluice apply -f {packs}",
    ):
        typer.echo(f"  {command}")
