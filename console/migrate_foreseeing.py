"""What moving waiting requests to another version of a pack would do, before anybody is moved."""

from typing import NamedTuple

from console.pack_versions import KnownVersion
from console.session import system_clock
from ledger.store import Ledger
from measures.judging import only_with_controller, with_waivers
from measures.rollout import versions_for
from measures.verdict import Verdict
from rules.archive import Archive, LostVersionError
from rules.judge import Judge, cannot_judge
from rules.loader import packs_in_force


class Foreseen(NamedTuple):
    """What the gate of a waiting request would answer.

    Attributes:
        gate: what the request asks for.
        verdict: by the version that would judge it, on the facts of now.
    """

    gate: str
    verdict: Verdict


async def foresee(ledger: Ledger, to: KnownVersion, measures: list[str]) -> dict[str, Foreseen]:
    """Returns what the waiting requests among some measures would get; writes nothing."""
    directory = ledger.directory()
    newest = packs_in_force(directory.packs)
    archive = Archive(ledger.pack_version)
    now = system_clock()
    found: dict[str, Foreseen] = {}
    async with Judge(newest) as judge:
        for name in measures:
            state = ledger.measure(name)
            if state is None or state.request is None:
                continue
            gate, facts = state.request.gate, ledger.facts(state, directory, now)
            versions = versions_for(state, newest) | {to.id: to.digest}
            try:
                verdict = await judge.judge(
                    gate=gate,
                    facts=facts,
                    now=now,
                    lifecycle=state.lifecycle,
                    packs=archive.packs(versions, newest, state.lifecycle.id),
                )
            except LostVersionError as error:
                verdict = cannot_judge(
                    str(error), gate=gate, facts=facts, now=now, versions=versions
                )
            verdict = with_waivers(state, verdict, state.request.by)
            found[name] = Foreseen(gate, only_with_controller(state, verdict))
    return found
