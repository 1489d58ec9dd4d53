"""`sluice apply`: documents from files into the engine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.exits import Exit
from console.options import AsPerson, Output
from console.output import Form
from console.running import finish, run

if TYPE_CHECKING:
    from console.applying import Applied
    from console.reading import Reading
    from console.session import Place


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command(epilog="Example: sluice apply -f plans/ --dry-run")(apply)


def apply(
    file: Annotated[
        list[Path],
        typer.Option("-f", "--file", metavar="FILE|DIR", help="What to apply; again for more."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check; needs no running engine.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Apply the good ones even if others are refused.")
    ] = False,
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Create or change people, tree, pools, measures, rule packs and delegations."""
    from console.reading import files_under, read_files
    from console.session import check_documents, find_place

    try:
        reading = read_files(files_under(file))
    except FileNotFoundError as error:
        raise typer.BadParameter(f"there is no file or folder {error}") from None
    place = find_place()
    if dry_run:
        results = check_documents(place, reading.documents, place.foreseen(as_person))
        finish(_show(reading, results, output, dry_run=True))
    run(_apply(place, reading, as_person, output, partial=partial))


async def _apply(
    place: "Place", reading: "Reading", as_person: str | None, output: Form, *, partial: bool
) -> Exit:
    from console.session import check_documents, open_applier
    from measures.people import OPERATOR

    by = place.acting(as_person, otherwise=OPERATOR)
    if reading.faults and not partial:
        results = [
            result.model_copy(update={"outcome": "held-back"})
            if result.outcome in ("created", "changed")
            else result
            for result in check_documents(place, reading.documents, by)
        ]
        return _show(reading, results, output)
    async with open_applier(place) as (applier, _, _):
        results = await applier.apply(reading.documents, by, partial=partial)
    return _show(reading, results, output)


def _show(
    reading: "Reading", results: "list[Applied]", output: Form, *, dry_run: bool = False
) -> Exit:
    """Prints the report of one call."""
    from console.output import aside, people, print_data, print_table
    from console.pool_showing import print_uncovered
    from rules.source import render

    refused = [result for result in results if result.outcome == "refused"]
    if output in (Form.JSON, Form.YAML):
        print_data({"results": results, "faults": reading.faults, "dry_run": dry_run}, output)
        return ending(results, faulty=bool(reading.faults))
    if output is Form.NAME:
        for result in results:
            people().print(f"{result.kind}/{result.id}", markup=False)
    else:
        print_table(
            ("kind", "id", "outcome", "where"),
            [(r.kind, r.id, r.outcome, f"{r.file}:{r.line}") for r in results],
        )
        for result in results:
            print_uncovered(result.id, result.uncovered)
    faults = [*reading.faults, *(fault for result in refused for fault in result.faults)]
    for fault in faults:
        aside().print(render(fault, reading.texts.get(fault.file, "")), markup=False)
    _advise(results, bool(faults), dry_run=dry_run)
    return ending(results, faulty=bool(faults))


def ending(results: "list[Applied]", *, faulty: bool) -> Exit:
    """Returns how a call ends: a right that is lacking weighs more than a document's faults."""
    if any(result.code == "not-entitled" for result in results):
        return Exit.NOT_ALLOWED
    refused = any(result.outcome == "refused" for result in results)
    return Exit.FAILED if faulty or refused else Exit.DONE


def _advise(results: "list[Applied]", faulty: bool, *, dry_run: bool) -> None:
    from console.output import aside

    held = sum(1 for result in results if result.outcome == "held-back")
    if held:
        words = "1 good document was" if held == 1 else f"{held} good documents were"
        what = "it" if held == 1 else "them"
        aside().print(f"{words} held back; --partial applies {what}", markup=False)
    elif dry_run and not faulty:
        aside().print("nothing was changed: this was a dry run", markup=False)
