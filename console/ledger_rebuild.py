"""`sluice ledger rebuild`: every workflow again on a Temporal server that has lost them."""

from typing import TYPE_CHECKING

import typer

from console.exits import Exit
from console.options import Output
from console.output import Form
from console.running import run

if TYPE_CHECKING:
    from console.rebuilding import Rebuilt


def add_to(app: typer.Typer) -> None:
    """Adds the command of this module to `sluice ledger`."""
    app.command("rebuild", epilog="Example: sluice ledger rebuild -o json")(rebuild)


def rebuild(output: Output = Form.TABLE) -> None:
    """Start every workflow again from the ledger alone; those that run are left alone."""
    run(_rebuild(output))


async def _rebuild(output: Form) -> Exit:
    from console.output import aside, people, print_data
    from console.rebuilding import rebuild as start_again
    from console.session import find_place, open_client, open_ledger

    place = find_place()

    def tell(done: int, of: int) -> None:
        if aside().is_terminal and (done % 50 == 0 or done == of):
            aside().print(f"{done} of {of}", end="\r")

    async with open_client(place) as client:
        with open_ledger(place) as ledger:
            report = ledger.verify()
            rebuilt: Rebuilt = await start_again(ledger, client, tell)
    if output is not Form.TABLE:
        print_data({**rebuilt.model_dump(), "entries": report.entries}, output)
        return Exit.DONE
    people().print(
        f"the ledger verifies ({report.entries:,} entries);"
        f" started {rebuilt.measures:,} measures, {rebuilt.pools:,} pools,"
        f" {rebuilt.launches:,} launches and {rebuilt.remotes:,} remote objects,"
        f" {rebuilt.running:,} ran already",
        markup=False,
    )
    return Exit.DONE
