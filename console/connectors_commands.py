"""`sluice connectors`: which there are, whether connections work, what they prove."""

from typing import Annotated

import typer

from console import connectors_new, mapping_removal
from console.exits import Exit
from console.known_connections import (
    known_connections,
    known_installation,
    named_connection,
    state_folder,
)
from console.options import Output
from console.output import Form
from console.running import finish
from console.sync_commands import add_to

app = typer.Typer(help="Connected systems: list, check, examine, sync.", no_args_is_help=True)
add_to(app)

connectors_new.add_to(app)
mapping_removal.add_to(app)

Name = Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection's id.")]


@app.command("list", epilog="Example: sluice connectors list -o json")
def list_connectors(output: Output = Form.TABLE) -> None:
    """List the installed connectors, what each can do, and how the connections that use it fare."""
    from connectors.registry import connector_class, connector_names
    from console.connection_health import print_health, views_of
    from console.output import people, print_data, print_table
    from console.session import find_place

    using = {one.id: one.connector for one in known_connections().values()}
    called = views_of(find_place(), using)
    # A connector without settings is a connection too, once it was called.
    using |= {name: name for name in called if name not in using and name in connector_names()}
    views = {name: called[name] for name in using}
    rows = []
    for name in connector_names():
        manifest = connector_class(name).manifest
        used = sorted(one for one, connector in using.items() if connector == name)
        connections = [views[one] for one in used]
        more = {"can": sorted(manifest.can), "used": used, "connections": connections}
        rows.append({**manifest.model_dump(mode="json"), **more})
    if output in (Form.JSON, Form.YAML):
        print_data(rows, output)
        return
    shown = [[r["name"], r["title"], r["kinds"], r["hold"], r["can"], r["used"]] for r in rows]
    print_table(["name", "system", "kinds", "hold", "can", "connections"], shown)
    if views:
        people().print()
        print_health(views, using)
    name = known_installation()
    if name:
        people().print(
            f"This installation is {name}: SLUICE_INSTALLATION=NAME of its workers names it"
            " otherwise.",
            markup=False,
        )


@app.command(epilog="Example: sluice connectors check crm")
def check(name: Name, output: Output = Form.TABLE) -> None:
    """Ask a connected system who it takes us for; ends with 1 when it does not answer well.

    When it does, workers call it again at once, whatever went wrong before.
    """
    import asyncio

    from console.connection_health import check as check_and_note
    from console.connection_health import print_health, views_of, words_of
    from console.output import people, plain, print_data
    from console.session import find_place

    connection, place = named_connection(name), find_place()
    health = asyncio.run(check_and_note(connection, place))
    view = views_of(place, [name])[name]
    if output in (Form.JSON, Form.YAML):
        who = {"connection": name, "connector": connection.connector, **plain(health)}
        print_data({**who, "health": view}, output)
        return
    for line in words_of(name, health):
        people().print(line, markup=False)
    print_health({name: view}, {name: connection.connector})


@app.command(
    "test", epilog="Example: sluice connectors test desk --kind issue --move resolved --yes"
)
def examine_connection(
    name: Name,
    kind: Annotated[str, typer.Option(help="The kind of object to write.")] = "",
    move: Annotated[
        list[str] | None, typer.Option(help="A status that a new object can be moved to.")
    ] = None,
    campaign: Annotated[
        str | None, typer.Option(help="A campaign that may be held and released.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Write to the system: test systems only.")
    ] = False,
    output: Output = Form.TABLE,
) -> None:
    """Put a connection through the conformance kit and tell the tier that it reaches.

    With `--kind` and `--campaign` it writes objects and holds a campaign, which `--yes` must allow.
    """
    import asyncio
    from dataclasses import replace

    from connectors.conformance.connection import subject_of
    from connectors.conformance.examination import examine
    from connectors.conformance.results import tier_of
    from console.output import people, print_data, print_table
    from measures.errors import RefusedError

    if (kind or campaign) and not yes:
        raise RefusedError(
            "writes", f"this writes test objects into {name}; say --yes if that may be"
        )
    connection = named_connection(name)
    connected = subject_of(connection.connector, connection.settings, state_folder())
    subject = replace(connected, kind=kind, moves=tuple(move or ()), campaign=campaign)
    results = asyncio.run(examine(subject))
    tier = tier_of(results)
    reached = tier.name.casefold() if tier else "none"
    rows = [(r.check.tier.name.casefold(), r.check.name, r.outcome, r.detail) for r in results]
    if output in (Form.JSON, Form.YAML):
        keys = ("tier", "check", "outcome", "detail")
        found = [dict(zip(keys, row, strict=True)) for row in rows]
        print_data({"connection": name, "tier": reached, "checks": found}, output)
    else:
        print_table(["tier", "check", "outcome", "why"], rows)
        passed = sum(r.outcome == "passed" for r in results)
        exempt = sum(r.outcome == "exempt" for r in results)
        people().print(
            f"{passed} of {len(results) - exempt} checks passed, {exempt} do not apply;"
            f" tier: {reached}"
        )
    finish(Exit.FAILED if any(r.outcome == "failed" for r in results) else Exit.DONE)
