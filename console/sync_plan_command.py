"""`sluice connectors plan`: what mappings would write, before they are applied or taken away."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.exits import Exit
from console.known_connections import named_connection, state_folder
from console.options import Output
from console.output import Form
from console.running import finish

if TYPE_CHECKING:
    from console.mapping_checks import Unfit
    from console.sync_planning import Preview
    from ledger.store import Ledger
    from measures.mapping import Mapping


def plan(
    name: Annotated[
        str | None, typer.Argument(metavar="[MAPPING]", help="A mapping that was applied.")
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option("-f", "--file", metavar="FILE|DIR", help="Mappings that are not applied yet."),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="What would become of objects without it.")
    ] = False,
    output: Output = Form.TABLE,
) -> None:
    """Say whether mappings fit their systems, and what they would write; writes nothing.

    Ends with 1 when one does not fit.
    """
    import asyncio

    from console.output import print_data
    from console.session import find_place, open_ledger
    from console.sync_planning import faults_of, preview, preview_removal

    if (name is None) == (file is None):
        raise typer.BadParameter("name a mapping, or files: sluice connectors plan -f FILE")
    if remove and name is None:
        raise typer.BadParameter("--remove is for a mapping that was applied: name it")
    code = Exit.DONE
    data = []
    with open_ledger(find_place()) as ledger:
        for mapping in _applied(ledger, name) if name is not None else _read(file or []):
            faults: list[Unfit] = []
            if remove:
                # Its system may be gone for good, and that is why.
                foreseen = preview_removal(ledger, mapping)
            else:
                connection = named_connection(mapping.connection)
                faults = asyncio.run(faults_of(mapping, connection, state_folder()))
                foreseen = preview(ledger, mapping)
            if any(one.level == "error" for one in faults):
                code = Exit.FAILED
            data.append(
                {
                    "mapping": mapping.id,
                    "version": mapping.version,
                    "connection": mapping.connection,
                    "faults": [one._asdict() for one in faults],
                    **foreseen.model_dump(mode="json"),
                }
            )
            if output is Form.TABLE:
                _print_plan(mapping, None if remove else faults, foreseen)
    if output is not Form.TABLE:
        print_data(data, output)
    finish(code)


def _applied(ledger: "Ledger", name: str) -> "list[Mapping]":
    from measures.errors import RefusedError

    mapping = ledger.directory().mappings.get(name)
    if mapping is None:
        raise RefusedError("not-found", f"there is no mapping {name!r}: sluice get mappings")
    return [mapping]


def _read(file: list[Path]) -> "list[Mapping]":
    from console.reading import files_under, read_files
    from console.rules_files import print_faults
    from measures.mapping import Mapping

    try:
        reading = read_files(files_under(file))
    except FileNotFoundError as error:
        raise typer.BadParameter(f"there is no file or folder {error}") from None
    if reading.faults:
        print_faults(list(reading.faults), reading.texts)
        finish(Exit.FAILED)
    found = [one.document for one in reading.documents if isinstance(one.document, Mapping)]
    if not found:
        raise typer.BadParameter("there is no document of kind Mapping in these files")
    return found


def _print_plan(mapping: "Mapping", faults: "list[Unfit] | None", foreseen: "Preview") -> None:
    from console.output import people, print_table

    out = people()
    out.print(f"{mapping.id} version {mapping.version} in {mapping.connection}:", markup=False)
    if faults is None:
        out.print(
            f"  to remove it: sluice connectors remove {mapping.id} --reason WHY", markup=False
        )
    for one in faults or ():
        helps = f"; {one.help}" if one.help else ""
        out.print(f"  {one.level}: {one.place}: {one.message}{helps}", markup=False)
    if faults == []:
        out.print("  fits what the system describes")
    out.print(
        f"  concerns {foreseen.concerned} live measures; would touch {len(foreseen.objects)}"
        " objects"
    )
    for measure, version in foreseen.kept.items():
        out.print(
            f"  {measure} keeps version {version}; to move it: sluice connectors sync --mapping"
            f" {mapping.id} --move {measure}",
            markup=False,
        )
    if foreseen.objects:
        rows = [
            [one.measure, one.does, one.object, one.status, _fields_shown(one.fields)]
            for one in foreseen.objects
        ]
        print_table(["measure", "does", mapping.object, "status", "fields"], rows)


def _fields_shown(fields: dict[str, str | int | float | bool | None]) -> list[str]:
    return [f"{name}: {value}" for name, value in fields.items()]
