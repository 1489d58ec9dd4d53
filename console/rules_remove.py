"""`sluice rules remove`: taking an applied pack out of force, on record."""

from typing import Annotated

import typer

from console.exits import Exit
from console.options import AsPerson, Output, Reason
from console.output import Form
from console.running import run


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog='Example: sluice rules remove launch --reason "the trial is over"')(remove)


def remove(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="The pack's name.")],
    reason: Reason = "",
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Take an applied pack out of force; waiting requests are judged again at once.

    Its versions stay in the ledger, a built-in pack of its name counts again, and applying it
    puts it back. What it would do: sluice rules plan --remove PACK.
    """
    run(_remove(pack, reason, as_person, output))


async def _remove(pack: str, reason: str, as_person: str | None, output: Form) -> Exit:
    import uuid

    from console.answering import refusals_as_data
    from console.output import people, print_data
    from console.pack_versions import known_versions
    from console.session import find_place, open_client, open_ledger, system_clock
    from measures.authority import refuse_unless_may_apply
    from measures.errors import RefusedError
    from measures.people import OPERATOR

    place = find_place()
    with refusals_as_data(output), open_ledger(place) as ledger:
        by = place.acting(as_person, OPERATOR)
        versions = known_versions(ledger, pack)
        if not versions:
            raise RefusedError("not-found", f"there is no pack {pack!r}: sluice get rulepacks")
        refuse_unless_may_apply(versions[0].document, by, ledger.directory())
        # Connected first: a removal that those who wait are not told of would only half count.
        async with open_client(place) as client:
            entry = ledger.remove_document(
                "RulePack", pack, reason, by, system_clock(), str(uuid.uuid4())
            )
            # Also when it was removed before: whoever did may have been cut off before this.
            await client.tell_facts_changed(ledger.waiting())
        counts = next((one for one in known_versions(ledger, pack) if one.newest), None)
    if output is not Form.TABLE:
        outcome = "unchanged" if entry is None else "removed"
        in_force = counts.digest if counts else None
        print_data({"pack": pack, "outcome": outcome, "in_force": in_force}, output)
        return Exit.DONE
    done = "was not applied, so nothing changed" if entry is None else "is no longer in force"
    then = f"; the built-in {counts.name} counts" if counts else ""
    people().print(f"pack {pack} {done}{then}", markup=False)
    if entry is not None:
        people().print("to put it back: sluice apply -f FILE", markup=False)
    return Exit.DONE
