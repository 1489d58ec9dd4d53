"""`sluice connectors`: which there are, whether connections work, what they prove."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.exits import Exit
from console.options import Output
from console.output import Form
from console.running import finish

if TYPE_CHECKING:
    from pathlib import Path

    from connectors.contract import Connector
    from measures.documents import Connection

app = typer.Typer(help="Connected systems: list, check, examine.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="CONNECTION", help="The connection's id.")]


@app.command("list", epilog="Example: sluice connectors list -o json")
def list_connectors(output: Output = Form.TABLE) -> None:
    """List the installed connectors, what each can do, and the connections that use it."""
    from connectors.registry import connector_class, connector_names
    from console.output import print_data, print_table

    connections = _connections()
    rows = []
    for name in connector_names():
        manifest = connector_class(name).manifest
        used = sorted(one.id for one in connections.values() if one.connector == name)
        rows.append({**manifest.model_dump(mode="json"), "can": sorted(manifest.can), "used": used})
    if output in (Form.JSON, Form.YAML):
        print_data(rows, output)
        return
    shown = [[r["name"], r["title"], r["kinds"], r["hold"], r["can"], r["used"]] for r in rows]
    print_table(["name", "system", "kinds", "hold", "can", "connections"], shown)


@app.command(epilog="Example: sluice connectors check crm")
def check(name: Name, output: Output = Form.TABLE) -> None:
    """Ask a connected system who it takes us for; ends with 1 when it does not answer well."""
    import asyncio

    from console.output import people, plain, print_data

    connection = _named(name)

    async def ask() -> Any:
        connector = _connect(connection)
        try:
            return await connector.check()
        finally:
            await connector.aclose()

    health = asyncio.run(ask())
    if output in (Form.JSON, Form.YAML):
        print_data({"connection": name, "connector": connection.connector, **plain(health)}, output)
        return
    version = f", version {health.version}" if health.version else ""
    people().print(f"{name}: answers, we are {health.account}{version}", markup=False)


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
    connection = _named(name)
    connected = subject_of(connection.connector, connection.settings, _folder())
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


def _connections() -> dict[str, "Connection"]:
    from console.session import find_place, open_ledger
    from measures.errors import ConfigurationError

    try:
        with open_ledger(find_place()) as ledger:
            return ledger.directory().connections
    except ConfigurationError:
        return {}  # nothing has run here yet, so nothing is connected


def _named(name: str) -> "Connection":
    from connectors.registry import connector_names, needs_no_settings
    from measures.documents import Connection
    from measures.errors import RefusedError

    found = _connections().get(name)
    if found is not None:
        return found
    if name in connector_names() and needs_no_settings(name):
        return Connection(id=name, connector=name)
    raise RefusedError(
        "not-found",
        f"there is no connection {name!r}; `sluice get connections` lists them, and a document of"
        " kind Connection makes one",
    )


def _connect(connection: "Connection") -> "Connector":
    from connectors.registry import connect

    return connect(connection.connector, connection.settings, _folder())


def _folder() -> "Path":
    from console.session import find_place

    return find_place().settings.state_dir
