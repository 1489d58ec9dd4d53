"""`sluice rules migrate`: moving measures to another version of a pack, on record."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.exits import Exit
from console.options import AsPerson, Output, Reason
from console.output import Form
from console.running import run

if TYPE_CHECKING:
    from console.pack_versions import KnownVersion
    from ledger.store import Ledger


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog='Example: sluice rules migrate launch --all --reason "tried for a month"')(
        migrate
    )


def migrate(
    pack: Annotated[str, typer.Argument(metavar="PACK", help="The pack's name.")],
    measures: Annotated[
        list[str] | None, typer.Argument(metavar="[MEASURE]...", help="The measures to move.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every measure that keeps another version.")
    ] = False,
    to: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="The version; the newest by default.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would move.")] = False,
    reason: Reason = "",
    as_person: AsPerson = None,
    output: Output = Form.TABLE,
) -> None:
    """Move measures to another version of a pack; waiting requests are judged again at once."""
    if bool(measures) == every:
        raise typer.BadParameter("name the measures to move, or say --all")
    run(_migrate(pack, measures, to, reason, as_person, output, dry_run=dry_run))


async def _migrate(
    pack: str,
    measures: list[str] | None,
    to: str | None,
    reason: str,
    as_person: str | None,
    output: Form,
    *,
    dry_run: bool,
) -> Exit:
    import asyncio

    from console.answering import refusals_as_data
    from console.exits import exit_for
    from console.output import people, print_data, print_table
    from console.pack_versions import find_version
    from console.session import find_place, open_client, open_ledger
    from measures.people import OPERATOR
    from measures.requests import MigrateInput
    from measures.rollout import SHORT, refuse_unless_may_migrate
    from workflows.client.speaking import AT_ONCE

    place = find_place()
    with refusals_as_data(output), open_ledger(place) as ledger:
        by = place.foreseen(as_person) if dry_run else place.acting(as_person, OPERATOR)
        refuse_unless_may_migrate(by, ledger.directory())
        newest = find_version(ledger, pack)
        wanted = find_version(ledger, f"{newest.id}@{to}") if to else newest
        moves = _moves(ledger, newest, wanted, measures)
        if dry_run and moves:
            await _foresee(ledger, wanted, moves)
    code = Exit.DONE
    if not dry_run and moves:
        ask = MigrateInput(by=by, pack=newest.id, to=wanted.digest, reason=reason)
        turns = asyncio.Semaphore(AT_ONCE)

        async with open_client(place) as client:

            async def move(one: dict[str, Any]) -> None:
                async with turns:
                    answer = await client.migrate(one["measure"], ask)
                one["outcome"] = "moved" if answer.accepted else "refused"
                one["stage"], one["verdict"] = answer.stage, answer.verdict
                one["refused"], one["message"] = answer.refused, answer.message

            await asyncio.gather(*map(move, moves))
        refused = [one["refused"] for one in moves if one["refused"]]
        code = exit_for(refused[0]) if refused else Exit.DONE
    if output is not Form.TABLE:
        print_data({"pack": newest.id, "to": wanted.digest, "measures": moves}, output)
        return code
    if not moves:
        people().print(f"no measure keeps another version than {wanted.name}", markup=False)
        return code
    if dry_run:
        _show_foreseen(moves)
        return code
    print_table(
        ("measure", "from", "to", "outcome", "stage", "verdict", "message"),
        [
            (
                one["measure"],
                one["from"][:SHORT],
                one["to"][:SHORT],
                one["outcome"],
                one["stage"],
                one["verdict"],
                one["message"],
            )
            for one in moves
        ],
    )
    return code


async def _foresee(ledger: "Ledger", to: "KnownVersion", moves: list[dict[str, Any]]) -> None:
    """Adds what the gate of each waiting request would answer."""
    from console.migrate_foreseeing import foresee

    foreseen = await foresee(ledger, to, [one["measure"] for one in moves])
    for one in moves:
        then = foreseen.get(one["measure"])
        one["gate"] = then.gate if then else ""
        one["verdict_then"] = then.verdict.verdict if then else ""
        one["blockers_then"] = list(then.verdict.blocking_rules) if then else []


def _show_foreseen(moves: list[dict[str, Any]]) -> None:
    from console.output import aside, print_table
    from measures.rollout import SHORT

    def then(one: dict[str, Any]) -> str:
        if not one["gate"]:
            return "nothing waits; judged when it asks"
        if one["verdict_then"] == "pass":
            return f"pass: {one['gate']} opens at once"
        return f"{one['verdict_then']}: {', '.join(one['blockers_then'])}"

    print_table(
        ("measure", "from", "to", "stage", "gate", "now", "then"),
        [
            (
                one["measure"],
                one["from"][:SHORT],
                one["to"][:SHORT],
                one["stage"],
                one["gate"],
                one["verdict"],
                then(one),
            )
            for one in moves
        ],
    )
    aside().print(
        "nothing was moved: this was a dry run, on the facts of now; to move them, leave out"
        " --dry-run",
        markup=False,
    )


def _moves(
    ledger: "Ledger",
    newest: "KnownVersion",
    to: "KnownVersion",
    names: list[str] | None,
) -> list[dict[str, Any]]:
    """Returns the measures that would move, each with where it stands now.

    Raises:
        RefusedError: a measure that is named cannot move, or none can.
    """
    from datetime import UTC, datetime

    from measures.directory import Directory
    from measures.errors import RefusedError
    from measures.people import OPERATOR
    from measures.requests import MigrateInput
    from measures.rollout import kept_version, migrate

    ask = MigrateInput(by=OPERATOR, pack=newest.id, to=to.digest)
    moves: list[dict[str, Any]] = []
    for name in names or ledger.judged_by(newest.id):
        state = ledger.measure(name)
        if state is None:
            raise RefusedError("not-found", f"there is no measure {name!r}: sluice get measures")
        try:
            drafts = migrate(state, ask, Directory(), newest, to, datetime.now(UTC), "")
        except RefusedError as error:
            if names or error.code != "nothing-kept":
                raise
            continue
        if drafts:
            moves.append(
                {
                    "measure": name,
                    "from": kept_version(state, newest) or "",
                    "to": to.digest,
                    "outcome": "would move",
                    "stage": state.stage,
                    "verdict": state.request.verdict.verdict if state.request else "",
                    "refused": "",
                    "message": "",
                }
            )
    return moves
