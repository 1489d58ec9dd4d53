"""`sluice connectors explain`: what was wanted of an object, written and seen."""

from typing import TYPE_CHECKING, Annotated

import typer

from console.options import Output
from console.output import Form

if TYPE_CHECKING:
    from ledger.store import Ledger
    from measures.remote import RemoteState


def explain(
    what: Annotated[
        str, typer.Argument(metavar="MEASURE|REF", help="A measure, or an object's name there.")
    ],
    output: Output = Form.TABLE,
) -> None:
    """Say what was wanted of objects, what was written and seen, and why one is not in step."""
    from console.output import people, print_data
    from console.remote_showing import print_remote, said_of, view_of
    from console.session import find_place, open_ledger
    from measures.entry import remote_stream

    with open_ledger(find_place()) as ledger:
        found = _named_objects(ledger, what)
        lives = {one.id: list(ledger.entries(remote_stream(one.id))) for one in found}
    if output is not Form.TABLE:
        data = [
            {
                **view_of(one).model_dump(mode="json"),
                "life": [
                    {"at": entry.at.isoformat(), "by": entry.by, "kind": entry.kind,
                     "said": said_of(entry)}
                    for entry in lives[one.id]
                ],
            }
            for one in found
        ]  # fmt: skip
        print_data(data, output)
        return
    for one in found:
        print_remote(view_of(one))
        for entry in lives[one.id][-_SHOWN:]:
            people().print(f"    {entry.at:%Y-%m-%d %H:%M:%S} {said_of(entry)}", markup=False)


_SHOWN = 10


def _named_objects(ledger: "Ledger", what: str) -> "list[RemoteState]":
    from measures.errors import RefusedError

    found = ledger.remotes(measure=what) or ledger.remotes(ref=what)
    one = ledger.remote(what)
    if one is not None and not found:
        found = [one]
    if not found:
        raise RefusedError(
            "not-found",
            f"nothing in other systems stands for {what!r}: `sluice get mappings` lists what would"
            " be shown there",
        )
    return found
