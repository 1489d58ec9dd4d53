"""`sluice connectors plan|sync|explain`: what is shown in other systems, now and to be."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from console.exits import Exit
from console.known_connections import named_connection, state_folder
from console.options import AsPerson, Output, Reason
from console.output import Form
from console.running import finish, run

if TYPE_CHECKING:
    from console.mapping_checks import Unfit
    from console.session import Place
    from console.sync_planning import Preview
    from ledger.store import Ledger
    from measures.mapping import Mapping
    from measures.remote import RemoteState, Side
    from workflows.client import SluiceClient
    from workflows.remote_contract import RemoteAnswer


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module to `sluice connectors`."""
    app.command(epilog="Example: sluice connectors plan -f blockers.yaml")(plan)
    app.command(epilog="Example: sluice connectors sync tracker --measure spring-signups")(sync)
    app.command(epilog="Example: sluice connectors explain spring-signups")(explain)


def plan(
    name: Annotated[
        str | None, typer.Argument(metavar="[MAPPING]", help="A mapping that was applied.")
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option("-f", "--file", metavar="FILE|DIR", help="Mappings that are not applied yet."),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="What would become of objects without it.")
    ] = False,
    output: Output = Form.TABLE,
) -> None:
    """Say whether mappings fit their systems, and what they would write; writes nothing.

    Ends with 1 when one does not fit.
    """
    import asyncio

    from console.output import print_data
    from console.session import find_place, open_ledger
    from console.sync_planning import faults_of, preview, preview_removal

    if (name is None) == (file is None):
        raise typer.BadParameter("name a mapping, or files: sluice connectors plan -f FILE")
    if remove and name is None:
        raise typer.BadParameter("--remove is for a mapping that was applied: name it")
    code = Exit.DONE
    data = []
    with open_ledger(find_place()) as ledger:
        for mapping in _applied(ledger, name) if name is not None else _read(file or []):
            faults: list[Unfit] = []
            if remove:
                # Its system may be gone for good, and that is why.
                foreseen = preview_removal(ledger, mapping)
            else:
                connection = named_connection(mapping.connection)
                faults = asyncio.run(faults_of(mapping, connection, state_folder()))
                foreseen = preview(ledger, mapping)
            if any(one.level == "error" for one in faults):
                code = Exit.FAILED
            data.append(
                {
                    "mapping": mapping.id,
                    "version": mapping.version,
                    "connection": mapping.connection,
                    "faults": [one._asdict() for one in faults],
                    **foreseen.model_dump(mode="json"),
                }
            )
            if output is Form.TABLE:
                _print_plan(mapping, None if remove else faults, foreseen)
    if output is not Form.TABLE:
        print_data(data, output)
    finish(code)


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
    if settle is not None and resume is not None:
        raise typer.BadParameter("one at a time: --resume, then --settle")
    asked: _Asked | None = None
    if resume is not None:
        asked = _Resume(resume, reason)
    elif settle is not None and side is not None:
        asked = _Settle(settle, side, tuple(field or ()), reason)
    run(_sync(name, move or measure, mapping or "", asked, as_person, output))


class _Resume(NamedTuple):
    """An object that is to be written again."""

    remote: str
    reason: str

    async def ask(self, client: "SluiceClient", by: str) -> "RemoteAnswer":
        from workflows.remote_contract import RemoteResume

        return await client.resume_remote(self.remote, RemoteResume(by=by, reason=self.reason))


class _Settle(NamedTuple):
    """An object about which a person decides."""

    remote: str
    side: "Side"
    fields: tuple[str, ...]
    reason: str

    async def ask(self, client: "SluiceClient", by: str) -> "RemoteAnswer":
        from workflows.remote_contract import RemoteSettle

        ask = RemoteSettle(by=by, side=self.side, fields=self.fields, reason=self.reason)
        return await client.settle_remote(self.remote, ask)


_Asked = _Resume | _Settle


async def _sync(
    connection: str | None,
    measure: str | None,
    mapping: str,
    asked: _Asked | None,
    as_person: str | None,
    output: Form,
) -> Exit:
    from console.output import people, print_data
    from console.remote_showing import said_of, view_of
    from console.session import find_place, open_client, open_ledger
    from measures.entry import remote_stream
    from measures.errors import RefusedError
    from measures.people import OPERATOR

    place = find_place()
    by = place.acting(as_person, otherwise=OPERATOR)
    with open_ledger(place) as ledger:
        before = ledger.position()
        async with open_client(place) as client:
            if asked is not None:
                answer = await asked.ask(client, by)
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

    place: Place = find_place()
    with open_ledger(place) as ledger:
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


def _applied(ledger: "Ledger", name: str) -> "list[Mapping]":
    from measures.errors import RefusedError

    mapping = ledger.directory().mappings.get(name)
    if mapping is None:
        raise RefusedError("not-found", f"there is no mapping {name!r}: sluice get mappings")
    return [mapping]


def _read(file: list[Path]) -> "list[Mapping]":
    from console.reading import files_under, read_files
    from console.rules_files import print_faults
    from measures.mapping import Mapping

    try:
        reading = read_files(files_under(file))
    except FileNotFoundError as error:
        raise typer.BadParameter(f"there is no file or folder {error}") from None
    if reading.faults:
        print_faults(list(reading.faults), reading.texts)
        finish(Exit.FAILED)
    found = [one.document for one in reading.documents if isinstance(one.document, Mapping)]
    if not found:
        raise typer.BadParameter("there is no document of kind Mapping in these files")
    return found


def _print_plan(mapping: "Mapping", faults: "list[Unfit] | None", foreseen: "Preview") -> None:
    from console.output import people, print_table

    out = people()
    out.print(f"{mapping.id} version {mapping.version} in {mapping.connection}:", markup=False)
    if faults is None:
        out.print(
            f"  to remove it: sluice connectors remove {mapping.id} --reason WHY", markup=False
        )
    for one in faults or ():
        helps = f"; {one.help}" if one.help else ""
        out.print(f"  {one.level}: {one.place}: {one.message}{helps}", markup=False)
    if faults == []:
        out.print("  fits what the system describes")
    out.print(
        f"  concerns {foreseen.concerned} live measures; would touch {len(foreseen.objects)}"
        " objects"
    )
    for measure, version in foreseen.kept.items():
        out.print(
            f"  {measure} keeps version {version}; to move it: sluice connectors sync --mapping"
            f" {mapping.id} --move {measure}",
            markup=False,
        )
    if foreseen.objects:
        rows = [
            [one.measure, one.does, one.object, one.status, _fields_shown(one.fields)]
            for one in foreseen.objects
        ]
        print_table(["measure", "does", mapping.object, "status", "fields"], rows)


def _fields_shown(fields: dict[str, str | int | float | bool | None]) -> list[str]:
    return [f"{name}: {value}" for name, value in fields.items()]
