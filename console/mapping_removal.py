"""`sluice connectors remove`: taking a mapping away, and with it what it keeps in other systems."""

from typing import Annotated

import typer

from console.exits import Exit
from console.options import AsPerson, Output, Reason
from console.output import Form
from console.running import run


def add_to(app: typer.Typer) -> None:
    """Adds the command to `sluice connectors`."""
    app.command(epilog='Example: sluice connectors remove blockers --reason "a new tracker"')(
        remove
    )


def remove(
    mapping: Annotated[str, typer.Argument(metavar="MAPPING", help="The mapping's id.")],
    reason: Reason = "",
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Remove a mapping; its objects get a comment, those of blockers the status for cleared.

    Its versions stay in the ledger, and applying it again takes the same objects up again. What it
    would do: sluice connectors plan MAPPING --remove.
    """
    if not reason:
        raise typer.BadParameter("say why: --reason; it is told on every object")
    run(_remove(mapping, reason, as_person, output))


async def _remove(name: str, reason: str, as_person: str | None, output: Form) -> Exit:
    import uuid

    from console.answering import refusals_as_data
    from console.output import people, print_data
    from console.session import find_place, open_client, open_ledger, system_clock
    from measures.authority import refuse_unless_may_apply
    from measures.errors import RefusedError
    from measures.mapping import Mapping
    from measures.model import restore
    from measures.people import OPERATOR

    place = find_place()
    with refusals_as_data(output), open_ledger(place) as ledger:
        by = place.acting(as_person, OPERATOR)
        versions = list(ledger.versions("Mapping", name))
        if not versions:
            raise RefusedError("not-found", f"there is no mapping {name!r}: sluice get mappings")
        refuse_unless_may_apply(restore(Mapping, versions[-1].body), by, ledger.directory())
        # Connected first: a removal that the measures are not told of would only half count.
        async with open_client(place) as client:
            entry = ledger.remove_document(
                "Mapping", name, reason, by, system_clock(), str(uuid.uuid4())
            )
            shown = ledger.remotes(mapping=name, live=True)
            # Also when it was removed before: whoever did may have been cut off before this.
            await client.tell_mappings_changed(sorted({one.measure for one in shown}))
    outcome = "unchanged" if entry is None else "removed"
    if output is not Form.TABLE:
        print_data(
            {"mapping": name, "outcome": outcome, "objects": [one.id for one in shown]}, output
        )
        return Exit.DONE
    done = "was removed before" if entry is None else "is removed"
    people().print(
        f"mapping {name} {done}; {len(shown)} objects in other systems are let go with a comment",
        markup=False,
    )
    if shown:
        people().print("to see them through: sluice connectors sync", markup=False)
    people().print("to put it back: sluice apply -f FILE", markup=False)
    return Exit.DONE
