"""`sluice import`: spreadsheets into documents, checked first, every row accounted for."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.exits import Exit
from console.options import AsPerson
from console.output import Form
from console.running import finish, run

if TYPE_CHECKING:
    from console.importing import Prepared
    from console.session import Place
    from measures.plan import Measure


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("import", epilog="Example: sluice import plans.csv --map map.yaml --apply")(
        import_tables
    )


def import_tables(
    tables: Annotated[
        list[Path], typer.Argument(metavar="CSV...", help="The files; the map says which is which.")
    ],
    map_file: Annotated[
        Path, typer.Option("--map", metavar="FILE", help="What becomes of rows and columns.")
    ],
    apply: Annotated[
        bool, typer.Option("--apply", help="Create and change; without it everything is checked.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Apply the good rows even if others are refused.")
    ] = False,
    ask: Annotated[
        bool, typer.Option("--ask", help="Then ask each imported measure for its next gate.")
    ] = False,
    until_blocked: Annotated[
        bool, typer.Option("--until-blocked", help="Ask on as long as gates open.")
    ] = False,
    report_file: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Every row's fate; .json for programs."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the documents as YAML, too.")
    ] = None,
    as_person: AsPerson = None,
    output: Annotated[Form, typer.Option("-o", "--output", help="table, json or yaml.")] = (
        Form.TABLE
    ),
) -> None:
    """Turn rows of CSV files into people, tree, pools and measures; a dry run unless --apply."""
    from console.import_showing import show_faults, write_documents
    from console.importing import prepare
    from console.session import find_place
    from rules.source import FaultsFound

    if (ask or until_blocked) and not apply:
        raise typer.BadParameter("--ask and --until-blocked go with --apply")
    if output is Form.NAME:
        raise typer.BadParameter("an import is shown as table, json or yaml")
    if not map_file.is_file():
        raise typer.BadParameter(f"there is no file {map_file}", param_hint="--map")
    try:
        prepared = prepare(map_file, tables)
    except FaultsFound as found:
        finish(show_faults(found, output))
    if out is not None:
        write_documents(prepared, out)
    if not apply:
        finish(_checked(find_place(), prepared, as_person, report_file, output))
    run(
        _applied(
            find_place(),
            prepared,
            as_person,
            report_file,
            output,
            partial=partial,
            ask=ask or until_blocked,
            until_blocked=until_blocked,
        )
    )


def _checked(
    place: "Place",
    prepared: "Prepared",
    as_person: str | None,
    report_file: Path | None,
    output: Form,
) -> Exit:
    from console.import_showing import show
    from console.importing import report
    from console.session import check_documents

    began = time.monotonic()
    results = check_documents(place, prepared.documents, place.foreseen(as_person))
    told = report(prepared, results, time.monotonic() - began, dry_run=True)
    return show(told, None, report_file, output)


async def _applied(
    place: "Place",
    prepared: "Prepared",
    as_person: str | None,
    report_file: Path | None,
    output: Form,
    *,
    partial: bool,
    ask: bool,
    until_blocked: bool,
) -> Exit:
    from console.import_asking import ask_all
    from console.import_showing import show
    from console.importing import report
    from console.output import aside
    from console.session import check_documents, open_applier, system_clock
    from measures.people import OPERATOR
    from rules.loader import packs_in_force

    by = place.acting(as_person, otherwise=OPERATOR)
    began = time.monotonic()
    results = check_documents(place, prepared.documents, by)
    told = report(prepared, results, time.monotonic() - began, dry_run=False)
    if told.refused and not partial:
        # Rows that became no document are refused too, of which the applier knows nothing.
        held = [
            result.model_copy(update={"outcome": "held-back"})
            if result.outcome in ("created", "changed")
            else result
            for result in results
        ]
        return show(report(prepared, held, told.seconds, dry_run=False), None, report_file, output)
    asked = None
    async with open_applier(place) as (applier, ledger, client):
        with aside().status(f"applying {len(prepared.documents):,} documents"):
            began = time.monotonic()
            results = await applier.apply(prepared.documents, by, partial=partial)
            told = report(prepared, results, time.monotonic() - began, dry_run=False)
        if ask:
            there = {r.id for r in results if r.kind == "Measure" and r.outcome != "refused"}
            askers = [
                (plan, _asker(place, prepared, as_person, plan))
                for plan in prepared.measures
                if plan.id in there
            ]
            with aside().status(f"asking {len(askers):,} measures for their gates"):
                asked = await ask_all(
                    client.advance,
                    askers,
                    packs_in_force(ledger.directory().packs),
                    system_clock().date(),
                    until_blocked=until_blocked,
                )
    return show(told, asked, report_file, output)


def _asker(place: "Place", prepared: "Prepared", as_person: str | None, plan: "Measure") -> str:
    """Returns who asks for a measure's gate; away from the local stack nobody asks for others."""
    from measures.people import OPERATOR

    if as_person is not None or not place.embedded:
        return place.acting(as_person)
    return prepared.mapping.asker or plan.owner or OPERATOR
