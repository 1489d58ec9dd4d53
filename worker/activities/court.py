"""The court: gathers what is known, has the right packs judge it, never opens a gate in doubt."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ledger.writer import AsyncLedger
from measures.assessment import Assessment, assess
from measures.capacity_facts import waits_at
from measures.directory import Directory
from measures.documents import RulePack
from measures.facts import WaitFact
from measures.gathering import gather
from measures.judging import waivers_for
from measures.places import as_if_plenty
from measures.rollout import versions_for
from measures.signers import signers_of
from measures.state import MeasureState
from measures.supposing import supposing
from measures.verdict import Blocker, Verdict
from measures.waivers import covers
from rules.archive import Archive, LostVersionError
from rules.faults import FaultsFound
from rules.judge import Judge, cannot_judge
from rules.loader import packs_in_force
from rules.schema import Pack


@dataclass(frozen=True)
class Judgement:
    """A verdict and the ledger's position before its facts were gathered.

    Attributes:
        assessment: what the plan came to at the pools.
    """

    verdict: Verdict
    position: int
    assessment: Assessment


class Court:
    """Judges measures by the packs that are in force, or by older versions that they keep.

    A pack document replaces the built-in pack of the same name.
    """

    def __init__(self, ledger: AsyncLedger, judge: Judge) -> None:
        self._ledger = ledger
        self._judge = judge
        self._archive = Archive(ledger.ledger.pack_version)
        self._applied: dict[str, RulePack] | None = None
        self._newest: tuple[Pack, ...] = ()
        self._changing = asyncio.Lock()

    async def judge(
        self,
        state: MeasureState,
        gate: str,
        now: datetime,
        directory: Directory,
        position: int,
        *,
        by: str,
        plenty: bool = False,
    ) -> Judgement:
        """Returns the verdict on a measure at a gate.

        Args:
            state: the asking measure.
            gate: what it asks for.
            now: the time of the judgement.
            directory: people, tree and packs.
            position: the ledger's when the measure was read, before all other facts.
            by: who asks; what waivers set aside for them need not be unblocked.
            plenty: judge as if every pool had room for all; tells what waits for capacity alone.
        """
        around = await self._ledger.surroundings(state)
        waits: list[WaitFact] = []
        if plenty:
            # Who waits too long as things are keeps no capacity from others by a place in line.
            needs = assess(state, around.pools, directory).needs
            waits = list(waits_at(state, around.pools, needs))
            around = around._replace(pools=as_if_plenty(state, around.pools, now))
        known = gather(
            state, now, around.pools, around.others, directory, around.scene, around.linked
        )
        facts = [*known, *waits]
        try:
            # Named even where they are the newest: others may become so at any moment.
            packs = newest = await self.newest(directory)
            versions = versions_for(state, newest)
            if any(versions[pack.id] != pack.digest for pack in newest):
                packs = await asyncio.to_thread(
                    self._archive.packs, versions, newest, state.lifecycle.id
                )
        except LostVersionError as error:
            verdict = cannot_judge(
                str(error), gate=gate, facts=facts, now=now, versions=state.packs
            )
        else:
            verdict = await self._judge.judge(
                gate=gate,
                facts=facts,
                now=now,
                lifecycle=state.lifecycle,
                packs=packs,
                signers=signers_of(state, gate, directory, now),
                set_aside=_set_aside(state, gate, now, by),
                suppose=supposing(state, now, around, directory),
            )
        return Judgement(verdict, position, assess(state, around.pools, directory))

    async def newest(self, directory: Directory) -> tuple[Pack, ...]:
        """Returns the newest version of every pack in force, by which the judge judges.

        Raises:
            LostVersionError: this release cannot read one of them.
        """
        if directory.packs != self._applied:
            async with self._changing:
                if directory.packs != self._applied:
                    newest = _compiled(directory)
                    await self._judge.replace(newest)
                    self._newest, self._applied = newest, directory.packs
        return self._newest

    async def version(self, pack: str, digest: str) -> Pack:
        """Returns one version of a pack.

        Raises:
            LostVersionError: it is not recorded, or this release cannot read it.
        """
        return await asyncio.to_thread(self._archive.pack, pack, digest)

    async def is_stale(self, state: MeasureState, judgement: Judgement) -> bool:
        """Tells whether anything that the measure watches was recorded since it was judged.

        Asked after a blocked request is recorded: whoever changes a fact later finds the request
        waiting and wakes it, so no change falls between the two.
        """
        return await self._ledger.changed_since([*state.watches, "documents"], judgement.position)


def _compiled(directory: Directory) -> tuple[Pack, ...]:
    try:
        return packs_in_force(directory.packs)
    except FaultsFound as found:
        fault = found.faults[0]
        raise LostVersionError(
            f"{fault.file} is not accepted by this release: {fault.message};"
            " correct it: sluice rules check, then sluice apply"
        ) from found


def _set_aside(
    state: MeasureState, gate: str, now: datetime, by: str
) -> Callable[[Blocker], bool] | None:
    """Returns what tells which blockers waivers set aside; None where there is no waiver."""
    waivers = [one for one in waivers_for(state, gate, by) if one.in_force(now)]
    return (lambda blocker: covers(waivers, gate, blocker, now)) if waivers else None


def unsettled(verdict: Verdict, why: str) -> Verdict:
    """Returns a pass turned into inconclusive: what it stood on did not hold."""
    blocker = Blocker(
        rule="engine",
        answer="inconclusive",
        message=f"capacity changed while it was being reserved: {why}",
        wanted="capacity that stays free until it is reserved",
        subject="reservation",
    )
    return verdict.model_copy(update={"verdict": "inconclusive", "blockers": (blocker,)})
