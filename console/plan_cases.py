"""What `sluice rules plan` judges and what comes of it, in one process or in several."""

import asyncio
import gc
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from multiprocessing import get_context
from multiprocessing.util import Finalize
from typing import NamedTuple

from measures.directory import Directory
from measures.documents import RulePack
from measures.facts import Fact
from measures.gathering import gather
from measures.judging import only_with_controller, with_waivers
from measures.launch import LaunchState
from measures.launch_facts import LaunchScene, scene_of
from measures.lifecycle import Lifecycle
from measures.money import benefit_of
from measures.pool import PoolState
from measures.rollout import kept_version, versions_for
from measures.state import MeasureState
from measures.surroundings import LivePage
from measures.verdict import Verdict
from rules.archive import Archive, LostVersionError
from rules.comparing import Difference, compare
from rules.loader import load_pack, packs_in_force
from rules.preview import Asked, Gate, Preview, changed_gates
from rules.schema import Pack

FEW = 300
"""Up to so many cases, starting further processes takes longer than judging here."""


@dataclass(frozen=True)
class PackChange:
    """The packs in force and what is to become of them, in a form that travels.

    Attributes:
        gate: the only gate that is asked about; None for all.
        lifecycles: those that the files may be for, by id; the built-in ones by default.
        applied: the pack documents in force.
        files: the packs as they would be applied: text and name of each file.
        removed: the packs that would be taken away; a built-in one of that name counts again.
        recorded: every version of the packs that measures may keep, by name and digest.
        starting: None to compare with the packs in force; a day to compare the packs as they
            would be with themselves while the rules enforced from that day on still only warn.
    """

    applied: Mapping[str, RulePack]
    files: tuple[tuple[bytes, str], ...] = ()
    removed: frozenset[str] = frozenset()
    gate: str | None = None
    recorded: Mapping[tuple[str, str], RulePack] = field(default_factory=dict)
    lifecycles: Mapping[str, Lifecycle] | None = None
    starting: date | None = None

    def compiled(self) -> "Sides":
        """Returns the packs of both sides.

        Raises:
            FaultsFound: when a file holds no good pack.
        """
        left = {name: pack for name, pack in self.applied.items() if name not in self.removed}
        packs = {pack.id: pack for pack in packs_in_force(left)}
        packs |= {
            pack.id: pack for pack in (load_pack(*file, self.lifecycles) for file in self.files)
        }
        after = tuple(packs.values())
        if self.starting is not None:
            return Sides(tuple(_on_the_eve(one, self.starting) for one in after), after, self.gate)
        return Sides(packs_in_force(self.applied), after, self.gate)


def _on_the_eve(pack: Pack, day: date) -> Pack:
    """Returns a pack whose rules that are enforced from a day on still only warn."""
    return replace(
        pack,
        rules=tuple(
            replace(rule, text=rule.text.model_copy(update={"mode": "warn"}))
            if rule.text.mode == "enforce" and rule.text.enforce_from == day
            else rule
            for rule in pack.rules
        ),
    )


class Sides(NamedTuple):
    """The packs in force, and those that would be.

    Attributes:
        gate: the only gate that is asked about; None for all.
    """

    before: tuple[Pack, ...]
    after: tuple[Pack, ...]
    gate: str | None

    def gates(self) -> frozenset[Gate]:
        """Returns the gates that are asked about and whose rules differ in the newest versions."""
        return self.asked_about(changed_gates(self.before, self.after))

    def asked_about(self, gates: Iterable[Gate]) -> frozenset[Gate]:
        """Returns those among some gates that are asked about."""
        return frozenset(one for one in gates if self.gate in (None, one[1]))

    def keepers(self) -> frozenset[str]:
        """Returns the packs of which a measure may keep an older version, before or after."""
        packs = (*self.before, *self.after)
        return frozenset(pack.id for pack in packs if pack.policy != "follow")

    def changed(self) -> list[Pack]:
        """Returns the packs that differ, as they are and as they would be."""
        same = {pack.digest for pack in self.before} & {pack.digest for pack in self.after}
        return [pack for pack in (*self.before, *self.after) if pack.digest not in same]


class Surroundings(NamedTuple):
    """What the facts of all live measures are gathered from, at one moment.

    Attributes:
        now: the moment of the facts.
        at: the moment of the judgements.
    """

    pools: Mapping[str, PoolState]
    directory: Directory
    now: datetime
    at: datetime


class Scenes:
    """What a page's campaigns do, and who is after their audiences."""

    def __init__(self, page: LivePage) -> None:
        launches = [LaunchState.model_validate_json(one, strict=False) for one in page.launches]
        rivals = (MeasureState.model_validate_json(one, strict=False) for one in page.rivals)
        self._own = {launch.ref: launch for launch in launches}
        self._with_audience = [launch for launch in launches if launch.campaign.audience]
        self._rivals = {state.id: state for state in rivals}

    def of(self, state: MeasureState) -> LaunchScene:
        """Returns what a measure's campaign does, and who is after its audience."""
        campaign = state.plan.campaign
        own = self._own.get(campaign.ref) if campaign is not None else None
        if campaign is None or not campaign.audience:
            return LaunchScene(own)
        return scene_of(
            state, [own, *self._with_audience] if own else self._with_audience, self._rivals.get
        )


class Case(NamedTuple):
    """One gate of one measure to be judged by both sides.

    Attributes:
        by: who asks, or asked; waivers do not help whoever gave them.
        recorded: the answer that the ledger holds; None for a live measure.
        position: of the entry that holds it; 0 for a live measure.
    """

    state: MeasureState
    gate: str
    facts: list[Fact]
    now: datetime
    by: str
    recorded: Verdict | None = None
    position: int = 0


class Change(NamedTuple):
    """A case whose answer changes.

    Attributes:
        benefit: what the measure is planned to bring, without its cost; 0 without a plan of money.
        weighted: the benefit times the weight of the measure's stage.
    """

    measure: str
    gate: str
    difference: Difference
    currency: str
    benefit: float
    weighted: float
    at: datetime
    position: int


class PageResult(NamedTuple):
    """What came of a page.

    Attributes:
        subjects: how many measures, or decisions of the past, it held.
        judged: how many of them were judged.
        lost: how many measures keep a version of a pack that cannot be had.
        keeping: how many measures keep an older version, which the change leaves them with.
        launched: how many measures have passed the launch gate already.
    """

    subjects: int
    judged: int
    changes: list[Change]
    lost: int = 0
    keeping: int = 0
    launched: int = 0


Page = LivePage | list[Case]


class Assessor:
    """Judges pages in this process; it ends the engine's processes when it is closed."""

    def __init__(self, packs: PackChange, around: Surroundings) -> None:
        self._around = around
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._previews = _Previews(packs)

    def close(self) -> None:
        """Ends the engine's processes."""
        self._runner.run(self._stack.aclose())
        self._runner.close()

    def assess_all(self, pages: Iterable[Page]) -> Iterator[PageResult]:
        """Yields what comes of each page."""
        return map(self.assess, pages)

    def assess(self, page: Page) -> PageResult:
        """Judges a page."""
        if not isinstance(page, LivePage):
            return PageResult(len(page), len(page), self._changes(self._previews.newest, page))
        states = [MeasureState.model_validate_json(one, strict=False) for one in page.states]
        cases: dict[Preview, list[Case]] = {}
        judged = lost = 0
        scenes = Scenes(page)
        for state in states:
            try:
                preview = self._previews.of(state)
            except LostVersionError:
                lost += 1
                continue
            found = self._cases(preview, state, page, scenes.of(state))
            judged += bool(found)
            cases.setdefault(preview, []).extend(found)
        return PageResult(
            subjects=len(states),
            judged=judged,
            changes=[one for preview in cases for one in self._changes(preview, cases[preview])],
            lost=lost,
            keeping=sum(map(self._previews.leave_out, states)),
            launched=sum(state.permit is not None for state in states),
        )

    def _cases(
        self,
        preview: Preview,
        state: MeasureState,
        page: LivePage,
        scene: LaunchScene,
    ) -> list[Case]:
        pools, directory, now, at = self._around
        asked_about = self._previews.gates(preview)
        gates = [gate for gate in state.gates_ahead if (state.lifecycle.id, gate) in asked_about]
        if not gates:
            return []
        facts = gather(state, now, pools, page.standings, directory, scene, page.linked)
        return [Case(state, gate, facts, at, state.plan.owner or "") for gate in gates]

    def _changes(self, preview: Preview, cases: Sequence[Case]) -> list[Change]:
        return self._runner.run(self._judged(preview, cases))

    async def _judged(self, preview: Preview, cases: Sequence[Case]) -> list[Change]:
        if not preview.started:
            await self._stack.enter_async_context(preview)
        verdicts = await preview.judge_all(
            [Asked(one.gate, one.facts, one.now, one.state.lifecycle) for one in cases]
        )
        changes = []
        for case, both in zip(cases, verdicts, strict=True):
            difference = None if both is None else _difference(case, *both)
            if difference is not None and difference.effect != "same":
                changes.append(_change(case, difference))
        return changes


class _Previews:
    """Which packs judge a measure before and after: the newest, or versions that it keeps.

    Attributes:
        newest: the preview for measures that keep nothing, and for decisions of the past.
    """

    def __init__(self, packs: PackChange) -> None:
        self._sides = packs.compiled()
        self._keeping = bool(self._sides.keepers())
        self._new_versions = [one for one in self._sides.changed() if one in self._sides.after]
        self._archive = Archive(lambda name, digest: packs.recorded.get((name, digest)))
        self.newest = Preview(self._sides.before, self._sides.after)
        self._others: dict[tuple[tuple[str, ...], ...], Preview] = {}

    def of(self, state: MeasureState) -> Preview:
        """Returns the preview for a measure.

        Raises:
            LostVersionError: it keeps a version that cannot be had.
        """
        if not self._keeping:
            return self.newest
        newest = (self._sides.before, self._sides.after)
        sides = tuple(
            self._archive.packs(versions_for(state, side), side, state.lifecycle.id)
            for side in newest
        )
        key = tuple(tuple(pack.digest for pack in side) for side in sides)
        if key not in self._others:
            self._others[key] = self.newest if sides == newest else Preview(*sides)
        return self._others[key]

    def leave_out(self, state: MeasureState) -> bool:
        """Tells whether a measure keeps an older version of a pack that changes."""
        return any(
            kept_version(state, pack) not in (None, pack.digest) for pack in self._new_versions
        )

    def gates(self, preview: Preview) -> frozenset[Gate]:
        """Returns the gates that are asked about and differ."""
        return self._sides.asked_about(preview.gates)


def _difference(case: Case, before: Verdict, after: Verdict) -> Difference:
    """Returns what changes, as it would be at a gate."""
    before, after = _as_at_a_gate(case, before), _as_at_a_gate(case, after)
    foreseen = compare(before, after)
    if case.recorded is None or foreseen.effect == "same":
        # What earlier packs answered otherwise is not the doing of this change.
        return foreseen
    return compare(case.recorded, after)


@contextmanager
def assessing(
    packs: PackChange, around: Surroundings, cases: int
) -> Iterator["Assessor | Assessors"]:
    """Makes ready to judge about so many cases, on every core when there are many."""
    if cases <= FEW:
        assessor = Assessor(packs, around)
        try:
            yield assessor
        finally:
            assessor.close()
        return
    processes = min(8, os.cpu_count() or 1)
    pool = ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=_begin, initargs=(packs, around)
    )
    try:
        yield Assessors(pool, processes)
    finally:
        pool.shutdown(cancel_futures=True)


class Assessors:
    """Judges pages in several processes, in order, with few pages in memory."""

    def __init__(self, pool: ProcessPoolExecutor, processes: int) -> None:
        self._pool = pool
        self._ahead = 3 * processes

    def assess_all(self, pages: Iterable[Page]) -> Iterator[PageResult]:
        """Yields what comes of each page."""
        waiting: deque[Future[PageResult]] = deque()
        for page in pages:
            waiting.append(self._pool.submit(_assess, page))
            if len(waiting) >= self._ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


_assessor: Assessor


def _begin(packs: PackChange, around: Surroundings) -> None:
    """Makes a further process ready; Ctrl-C in the terminal is the first one's to answer."""
    global _assessor
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _assessor = Assessor(packs, around)
    # States, facts and verdicts are many objects without cycles, and looking for some took a
    # quarter of the time.
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    Finalize(None, _assessor.close, exitpriority=1)


def _assess(page: Page) -> PageResult:
    return _assessor.assess(page)


def _as_at_a_gate(case: Case, verdict: Verdict) -> Verdict:
    """Returns a verdict with what follows from it, whatever packs say."""
    return only_with_controller(case.state, with_waivers(case.state, verdict, case.by))


def _change(case: Case, difference: Difference) -> Change:
    finance = case.state.plan.finance
    benefit = float(benefit_of(finance.plan)) if finance else 0.0
    return Change(
        measure=case.state.id,
        gate=case.gate,
        difference=difference,
        currency=finance.currency if finance else "",
        benefit=benefit,
        weighted=benefit * case.state.lifecycle.weight(case.state.stage),
        at=case.now,
        position=case.position,
    )
