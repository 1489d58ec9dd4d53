"""`sluice rules record`: the situation of a real measure becomes a case that anybody can run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.rules_case import PackFile, Write

if TYPE_CHECKING:
    from ledger.store import Ledger
    from measures.directory import Directory
    from measures.facts import Fact
    from measures.state import MeasureState
    from rules.case_writing import Defaults, NewCase
    from rules.schema import Pack


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: sluice rules record spring-signups packs/launch.yaml --write")(
        record
    )


@dataclass(frozen=True)
class _Moment:
    """A measure as it is or was.

    Attributes:
        gate: the gate that was or would be asked for.
        digest: of the facts that were judged then; empty when none were.
    """

    state: "MeasureState"
    directory: "Directory"
    facts: "Sequence[Fact]"
    now: datetime
    gate: str | None
    digest: str = ""


def record(
    measure: Annotated[str, typer.Argument(metavar="MEASURE", help="The measure's id.")],
    file: PackFile = None,
    gate: Annotated[
        str | None, typer.Option(help="The gate; the one asked for, or the next, by default.")
    ] = None,
    at: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="ENTRY", help="As it was when this entry of the ledger was decided."
        ),
    ] = None,
    pack: Annotated[
        str | None, typer.Option(help="Of the packs in force this one; needs no FILE.")
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Replace people and words for people.")
    ] = False,
    write: Write = False,
) -> None:
    """Write what the rules say of a measure, now or at an entry of the ledger, as a case.

    The case holds the facts of the kinds that the rules of its gate look at, their ages, and the
    answer of one pack: that of FILE, or the one in force.
    """
    import asyncio

    from console.casefiles import Casefile
    from console.session import find_place, open_ledger
    from rules.judge import facts_digest

    with open_ledger(find_place()) as ledger:
        moment = _now(ledger, measure) if at is None else _then(ledger, measure, at)
        wanted = _gate(moment, gate)
        judging = _of_file(file, moment, pack) if file else _in_force(ledger, moment, wanted, pack)
    if moment.digest and moment.digest != facts_digest(moment.facts):
        typer.echo(
            f"note: what was known before entry {at} is not exactly what was judged then;"
            " look at the case before you rely on it",
            err=True,
        )
    name = f"{measure} at the gate {wanted}, {moment.now:%Y-%m-%d %H:%M}"
    with Casefile(file, judging, moment.now, write=write) as casefile:
        case = asyncio.run(_recorded(name, judging, wanted, moment, casefile.defaults, anonymous))
        casefile.add([case])


async def _recorded(
    name: str, pack: "Pack", gate: str, moment: _Moment, defaults: "Defaults", anonymous: bool
) -> "NewCase":
    from rules.case_recording import record_case
    from rules.judge import Judge

    async with Judge([pack]) as judge:
        return await record_case(
            name,
            pack,
            judge,
            gate,
            moment.facts,
            moment.now,
            lifecycle=moment.state.lifecycle,
            defaults=defaults,
            anonymous=anonymous,
        )


def _now(ledger: "Ledger", measure: str) -> _Moment:
    from console.session import system_clock
    from measures.errors import RefusedError

    state, directory = ledger.measure(measure), ledger.directory()
    if state is None:
        raise RefusedError("not-found", f"there is no Measure {measure!r}: sluice get measures")
    now = system_clock().replace(microsecond=0)
    gate = state.request.gate if state.request else state.next_gate
    return _Moment(state, directory, ledger.facts(state, directory, now), now, gate)


def _then(ledger: "Ledger", measure: str, position: int) -> _Moment:
    from ledger.past import situation_at
    from measures.lifecycle import LAUNCH

    found = situation_at(ledger, measure, position)
    entry, state = found.entry, found.state
    asks_to_launch = entry.kind in ("permit_granted", "permit_denied")
    gate = LAUNCH if asks_to_launch else entry.body.get("gate") or state.next_gate
    return _Moment(state, found.directory, found.facts, entry.at, gate, entry.facts_digest)


def _gate(moment: _Moment, wanted: str | None) -> str:
    from rules.faults import did_you_mean

    gates = moment.state.lifecycle.gates
    if wanted is not None and wanted not in gates:
        raise typer.BadParameter(f"there is no gate '{wanted}'; {did_you_mean(wanted, gates)}")
    if wanted is None and moment.gate is None:
        raise typer.BadParameter(
            f"measure {moment.state.id} has ended: name a gate with --gate, or an entry of its life"
            " with --at"
        )
    return wanted or str(moment.gate)


def _of_file(file: Path, moment: _Moment, pack: str | None) -> "Pack":
    from console.rules_files import load_packs, refuse

    if pack is not None:
        raise typer.BadParameter("name either FILE or --pack")
    packs, faults, texts = load_packs([file], applied=moment.directory.lifecycles)
    if faults:
        refuse(faults, texts)
    [(_, found)] = packs
    if found.lifecycle != moment.state.plan.lifecycle:
        raise typer.BadParameter(
            f"{file} guards the lifecycle {found.lifecycle};"
            f" measure {moment.state.id} moves through {moment.state.plan.lifecycle}"
        )
    return found


def _in_force(ledger: "Ledger", moment: _Moment, gate: str, wanted: str | None) -> "Pack":
    """Returns the pack that judges the measure at a gate, in the version that it keeps."""
    from measures.rollout import versions_for
    from rules.archive import Archive
    from rules.faults import did_you_mean
    from rules.loader import packs_in_force

    newest = packs_in_force(moment.directory.packs)
    versions = versions_for(moment.state, newest)
    lifecycle = moment.state.plan.lifecycle
    packs = Archive(ledger.pack_version).packs(versions, newest, lifecycle)
    guarding = {
        pack.id: pack
        for pack in packs
        if pack.lifecycle == lifecycle and any(gate in rule.gates for rule in pack.rules)
    }
    if wanted is None and len(guarding) == 1:
        return next(iter(guarding.values()))
    if wanted in guarding:
        return guarding[wanted]
    if not guarding:
        raise typer.BadParameter(f"no pack in force guards the gate {gate}")
    if wanted is None:
        names = ", ".join(sorted(guarding))
        raise typer.BadParameter(
            f"several packs guard the gate {gate}, and a case is about one: --pack {names}"
        )
    raise typer.BadParameter(
        f"the pack '{wanted}' does not guard the gate {gate}; {did_you_mean(wanted, guarding)}"
    )
