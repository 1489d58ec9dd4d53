"""`sluice rules plan`: what a change of packs would do, before it is applied."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from console.exits import Exit
from console.rules_files import Form, Output, load_packs, print_json, refuse

_FILES = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE...", help="Packs as they would be applied.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: sluice rules plan packs/launch.yaml --exit-code")(plan)


def plan(
    files: _FILES = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="PACK", help="A pack that would be taken away.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Only the measures that live.")] = False,
    past: Annotated[bool, typer.Option("--past", help="Only the decisions of the past.")] = False,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Only decisions of that day (UTC) and later."),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DAY",
            help="Judge live measures as of that day (UTC midnight), on the facts of now.",
        ),
    ] = None,
    gate: Annotated[str | None, typer.Option(help="Only this gate.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Examples of each rule.")] = 3,
    output: Output = Form.PRETTY,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 3 when an answer would change.")
    ] = False,
) -> None:
    """Show what changed packs would do to every live measure and every past decision.

    Rules that start to be enforced later are judged on that day too, on the facts of now.
    Nothing is written: applying the packs is `sluice apply`, and what was decided stays decided.
    """
    from console.plan_report import show
    from console.planning import Look, prepare, preview
    from console.session import find_place, open_ledger
    from rules.files import read
    from rules.lifecycle_files import lifecycles_in_force

    if not files and not remove:
        raise typer.BadParameter("name a pack file, or a pack to --remove", param_hint="FILE...")
    if at and past and not live:
        raise typer.BadParameter(
            "past decisions are judged as of their own day; leave out --at", param_hint="--at"
        )
    look = Look(
        live=live or not past,
        past=past or not live,
        since=since.replace(tzinfo=UTC) if since else None,
        limit=limit,
        at=at.replace(tzinfo=UTC) if at else None,
    )
    with open_ledger(find_place()) as ledger:
        directory = ledger.directory()
        lifecycles = dict(lifecycles_in_force(directory.lifecycles))
        packs, faults, texts = load_packs(files, applied=lifecycles) if files else ([], [], {})
        if faults:
            refuse(faults, texts, output)
        contents = tuple((read(file), str(file)) for file, _ in packs)
        # One that lies beside a pack counts as well, as it would be applied with it.
        lifecycles |= {p.lifecycle: p.checked_against for _, p in packs if p.checked_against}
        change = prepare(directory.packs, contents, frozenset(remove or []), gate, lifecycles)
        report = preview(ledger, change, look)
    if output is Form.JSON:
        print_json(report.as_data())
    else:
        show(report)
    raise typer.Exit(Exit.BLOCKED if exit_code and report.changes_something else Exit.DONE)
