"""`sluice connectors sync`: brings what is shown in other systems in step now."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from console.exits import Exit
from console.options import AsPerson, Output, Reason
from console.output import Form
from console.remote_asks import Asked, Forget, Resume, Settle
from console.running import run
from console.sync_explain_command import explain
from console.sync_plan_command import plan

if TYPE_CHECKING:
    from ledger.store import Ledger
    from measures.remote import RemoteState
    from workflows.client import SluiceClient


def add_to(app: typer.Typer) -> None:
    """Adds the commands about what is shown in other systems to `sluice connectors`."""
    app.command(epilog="Example: sluice connectors plan -f blockers.yaml")(plan)
    app.command(epilog="Example: sluice connectors sync tracker --measure spring-signups")(sync)
    app.command(epilog="Example: sluice connectors explain spring-signups")(explain)


def sync(
    name: Annotated[
        str | None, typer.Argument(metavar="[CONNECTION]", help="Only objects of this one.")
    ] = None,
    measure: Annotated[str | None, typer.Option(help="Only objects of this measure.")] = None,
    mapping: Annotated[
        str | None, typer.Option(help="With --move: the mapping whose newest version counts.")
    ] = None,
    move: Annotated[
        str | None,
        typer.Option(metavar="MEASURE", help="The measure that takes a mapping's newest version."),
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="OBJECT", help="Write an object again that came to rest.")
    ] = None,
    settle: Annotated[
        str | None,
        typer.Option(metavar="OBJECT", help="Decide what its mapping leaves to a person."),
    ] = None,
    side: Annotated[
        Literal["engine", "remote"] | None,
        typer.Option("--with", help="With --settle: whose value counts."),
    ] = None,
    field: Annotated[
        list[str] | None, typer.Option(help="With --settle: only this field; again for more.")
    ] = None,
    forget: Annotated[
        str | None,
        typer.Option(metavar="OBJECT", help="Leave an object as it is, whatever it shows."),
    ] = None,
    reason: Reason = "",
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Bring objects in other systems in step now, and say what was done.

    Ends with 1 when an object could not be brought in step.
    """
    if (mapping is None) != (move is None):
        raise typer.BadParameter("--mapping and --move go together")
    if resume is not None and not reason:
        raise typer.BadParameter("--resume needs a --reason: why may it be written again?")
    if (settle is None) != (side is None):
        raise typer.BadParameter("--settle OBJECT and --with engine|remote go together")
    if field and settle is None:
        raise typer.BadParameter("--field goes with --settle")
    if forget is not None and not reason:
        raise typer.BadParameter("--forget needs a --reason: why is it left as it is?")
    if sum(one is not None for one in (resume, settle, forget)) > 1:
        raise typer.BadParameter("one at a time: --resume, --settle or --forget")
    asked: Asked | None = None
    if resume is not None:
        asked = Resume(resume, reason)
    elif forget is not None:
        asked = Forget(forget, reason)
    elif settle is not None and side is not None:
        asked = Settle(settle, side, tuple(field or ()), reason)
    run(_sync(name, move or measure, mapping or "", asked, as_person, output))


async def _sync(
    connection: str | None,
    measure: str | None,
    mapping: str,
    asked: Asked | None,
    as_person: str | None,
    output: Form,
) -> Exit:
    from console.output import people, print_data
    from console.remote_showing import said_of, view_of
    from console.session import find_place, open_client, open_ledger
    from measures.entry import remote_stream
    from measures.errors import RefusedError
    from measures.people import OPERATOR
    from measures.remote_words import settle_command

    place = find_place()
    # Only who has a part in a measure decides about its objects; that is never the operator.
    by = place.acting(as_person, otherwise=None if asked is not None else OPERATOR)
    with open_ledger(place) as ledger:
        before = ledger.position()
        async with open_client(place) as client:
            if asked is not None:
                answer = await asked.put(client, by)
                if not answer.accepted:
                    raise RefusedError(answer.refused, answer.message)
                brought = await _bring(client, [asked.remote])
            else:
                told = await _tell(ledger, client, connection, measure, mapping, by)
                live = _live(ledger, connection, measure)
                brought = await _bring(client, [*dict.fromkeys([*told, *live])])
        done = [
            entry
            for remote in brought
            for entry in ledger.entries(remote_stream(remote), after=before)
        ]
        states = [state for one in brought if (state := ledger.remote(one)) is not None]
    views = [view_of(one) for one in states]
    if output is not Form.TABLE:
        entries = [{"object": one.stream, "kind": one.kind, "said": said_of(one)} for one in done]
        print_data(
            {"objects": [one.model_dump(mode="json") for one in views], "done": entries}, output
        )
    else:
        for entry in done:
            people().print(f"{entry.stream.partition(':')[2]}: {said_of(entry)}", markup=False)
        late = [one for one in views if one.standing not in ("in step", "ended")]
        for one in late:
            people().print(f"{one.id}: {one.standing}: {one.why}", markup=False)
        for one in views:
            if one.questions:
                fields = ", ".join(one.questions)
                people().print(
                    f"{one.id}: decide about {fields}: {settle_command(one.id)}", markup=False
                )
        people().print(f"{len(views)} objects, {len(views) - len(late)} in step")
    in_step = all(one.standing in ("in step", "ended") for one in views)
    return Exit.DONE if in_step else Exit.FAILED


async def _tell(
    ledger: "Ledger",
    client: "SluiceClient",
    connection: str | None,
    measure: str | None,
    mapping: str,
    by: str,
) -> list[str]:
    """Has measures tell their objects what they want; returns the objects that had news."""
    from measures.errors import RefusedError
    from workflows.remote_contract import RemotesTelling

    told: list[str] = []
    for name in [measure] if measure is not None else _mapped(ledger, connection):
        telling = RemotesTelling(measure=name, move=mapping, by=by)
        try:
            told += (await client.sync_remotes(telling)).told
        except RefusedError as error:
            if error.code != "already-ended" or mapping:
                raise
    return told


def _mapped(ledger: "Ledger", connection: str | None) -> list[str]:
    """Returns the live measures that have objects by any mapping of a connection, or of all."""
    from measures.mapping import concern

    mappings = [
        one
        for one in ledger.directory().mappings.values()
        if connection is None or one.connection == connection
    ]
    # Objects of a mapping that no longer counts are told so, too.
    shown = {one.measure for one in _live_remotes(ledger, connection, None)}
    found = []
    for row in ledger.find_measures() if mappings or shown else []:
        state = ledger.measure(row.id)
        if state is None or state.ended:
            continue
        if row.id in shown or concern(mappings, state.plan):
            found.append(row.id)
    return found


def _live(ledger: "Ledger", connection: str | None, measure: str | None) -> list[str]:
    return [one.id for one in _live_remotes(ledger, connection, measure)]


def _live_remotes(
    ledger: "Ledger", connection: str | None, measure: str | None
) -> "list[RemoteState]":
    equal = {"connection": connection, "measure": measure}
    only = {name: value for name, value in equal.items() if value is not None}
    return ledger.remotes(live=True, **only)


async def _bring(client: "SluiceClient", remotes: list[str]) -> list[str]:
    """Has objects brought in step; one that has ended meanwhile is in step."""
    from measures.errors import RefusedError

    for remote in remotes:
        try:
            await client.bring_remote_now(remote)
        except RefusedError as error:
            if error.code not in ("already-ended", "unknown-remote"):
                raise
    return remotes
