"""`sluice rules stats`: per rule, how many live measures it blocks or would block now."""

from typing import Annotated, Any

import typer

from console.options import Output
from console.output import Form
from console.running import finish


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: sluice rules stats --pack launch")(stats)


def stats(
    pack: Annotated[str | None, typer.Option(help="Only the rules of this pack.")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Say per rule in which mode it is, and how many live measures it blocks or would block."""
    from console.answering import refusals_as_data
    from console.exits import Exit
    from console.output import print_data, print_table
    from console.session import find_place, open_ledger, system_clock
    from measures.errors import RefusedError
    from rules.loader import packs_in_force

    with refusals_as_data(output), open_ledger(find_place()) as ledger:
        packs = packs_in_force(ledger.directory().packs)
        if pack is not None and pack not in {one.id for one in packs}:
            raise RefusedError("not-found", f"there is no pack {pack!r}: sluice get rulepacks")
        found = ledger.found_by_rule()
    today = system_clock().date()
    rows: list[dict[str, Any]] = [
        {
            "pack": rule.pack,
            "rule": rule.id,
            "gates": list(rule.gates),
            "mode": rule.mode_on(today),
            "enforce_from": str(rule.text.enforce_from) if rule.text.enforce_from else None,
            "blocks": found.blocks.get(rule.id, 0),
            "would_block": found.would_block.get(rule.id, 0),
        }
        for one in packs
        if pack in (None, one.id)
        for rule in one.rules
    ]
    if output is Form.TABLE:
        columns = ("pack", "rule", "gates", "mode", "enforce_from", "blocks", "would_block")
        print_table(columns, [[row[column] for column in columns] for row in rows])
    else:
        print_data(rows, output)
    finish(Exit.DONE)
