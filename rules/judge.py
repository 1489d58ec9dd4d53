"""The judge: facts in, verdict out; two engines must agree, and trouble never opens a gate."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import structlog
from prometheus_client import Counter, Histogram

from measures.errors import EngineError
from measures.facts import Fact, facts_digest
from measures.lifecycle import Lifecycle
from measures.signers import Signers
from measures.supposing import Suppose
from measures.verdict import Blocker, Verdict
from rules.child import engine_command
from rules.children import Children
from rules.conditions import TooLongError
from rules.matcher import MATCHES, TooManyMatchesError, match
from rules.outcome import ENGINE, Outcome
from rules.panels import Panel, Panels
from rules.patterns import Match, World
from rules.plan import GatePlan, PackSet, set_digest
from rules.schema import Pack
from rules.weighing import SECONDS

__all__ = [
    "ENGINE",
    "Judge",
    "cannot_judge",
    "facts_digest",
    "oracle_disagreements_total",
]

_log = structlog.get_logger("rules.judge")


oracle_disagreements_total = Counter(
    "oracle_disagreements_total",
    "How often the two matchers found different matches; anything above 0 needs a person.",
)
rule_eval_seconds = Histogram(
    "rule_eval_seconds",
    "How long a judgement takes, the child process and the second matcher included.",
    buckets=(0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0),
)


class Judge:
    """Judges gates with one set of packs, or with another where a measure keeps other versions.

    Use as an asynchronous context manager: it starts the child processes and ends them.

    Attributes:
        deadline_ms: how long a child may take for one judgement before it is killed.
    """

    def __init__(
        self,
        packs: Sequence[Pack],
        *,
        deadline_ms: int = 2000,
        processes: int = 1,
        command: Sequence[str] | None = None,
    ) -> None:
        """Prepares the judge.

        Args:
            packs: the packs that usually judge together.
            deadline_ms: how long a child may take for one judgement before it is killed.
            processes: how many children of one set judge at the same time.
            command: what to start as a child; the real engine by default.
        """
        self.deadline_ms = deadline_ms
        self._command = tuple(command) if command else engine_command()
        self._processes = processes
        self._panels = Panels(self._panel(PackSet(packs)), self._children)

    @property
    def digest(self) -> str:
        """The content address of the usual set of packs."""
        return self._panels.usual.packs.digest

    @property
    def packs(self) -> tuple[Pack, ...]:
        """The packs that usually judge."""
        return self._panels.usual.packs.packs

    async def __aenter__(self) -> Self:
        await self._panels.usual.children.warm_up()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._panels.close()

    async def replace(self, packs: Sequence[Pack]) -> None:
        """Judges with other packs from now on; judgements under way finish with the old ones."""
        fresh = self._panel(PackSet(packs))
        await fresh.children.warm_up()
        old, self._panels.usual = self._panels.usual, fresh
        await old.children.close()

    def _panel(self, packs: PackSet) -> Panel:
        return Panel(packs, self._children(packs))

    def _children(self, packs: PackSet) -> Children:
        return Children(packs.as_json(), self._command, self._processes)

    async def judge(
        self,
        *,
        gate: str,
        facts: Sequence[Fact],
        now: datetime,
        lifecycle: Lifecycle,
        packs: Sequence[Pack] | None = None,
        signers: Signers | None = None,
        set_aside: Callable[[Blocker], bool] | None = None,
        suppose: Suppose | None = None,
    ) -> Verdict:
        """Judges one gate.

        Args:
            gate: the gate that is asked for.
            facts: everything known about the measure, with exactly one measure fact.
            now: the time of the judgement, with its zone.
            lifecycle: where the gates and those that open without rules come from.
            packs: what judges; the usual packs when None.
            signers: who could sign, for the ways to unblock; by default those whom the facts name,
                and nameless members of the committee.
            set_aside: tells of a blocker whether a waiver sets it aside, so that the ways to
                unblock leave it; the verdict itself names every blocker.
            suppose: tells the facts as if the plan were amended, so that no way to unblock asks
                for what would be refused; without it, ways are judged on these facts alone.

        Returns:
            The verdict. Trouble with an engine is a verdict too, inconclusive with the reason.
        """
        panel = self._panels.of(packs)
        plan = panel.packs.plans.get((lifecycle.id, gate))
        outcome = Outcome(plan, facts, now)
        trouble = ""
        if plan is not None:
            # Also where no rule is enforced yet: who rolls a rule out wants to see its warnings.
            with rule_eval_seconds.time():
                trouble = await match_twice(
                    plan, facts, outcome.weigh, panel.children, self.deadline_ms
                )
        if trouble:
            outcome.inconclusive(trouble)
        elif not outcome.shut_if_unguarded(gate, lifecycle):
            outcome.look_for_ways(lifecycle, signers, set_aside, suppose)
        return outcome.verdict(gate, panel.packs.digest, panel.packs.versions(lifecycle.id))


async def match_twice(
    plan: GatePlan,
    facts: Sequence[Fact],
    weigh: Callable[[Sequence[Fact], Sequence[set[Match]]], None],
    children: Children,
    deadline_ms: int,
) -> str:
    """Matches with both engines, and weighs meanwhile.

    Args:
        plan: the rules of the gate.
        facts: everything known.
        weigh: is told the facts that matches point to, and the matches of each query.
        children: the first engine.
        deadline_ms: how long a child may take.

    Returns:
        What makes the outcome unreliable, or nothing.
    """
    kept, world = plan.world(facts)
    try:
        found = match(plan.queries, world)
    except TooManyMatchesError as error:
        return f"the rules of this gate multiply the facts: {error}"
    if plan.evaluations(found) > MATCHES:
        return f"the rules of this gate need more than {MATCHES} evaluations"
    request = {"gate": plan.key, "world": world}
    try:
        async with children.child() as child:
            # The child works on the same world while conditions are evaluated here.
            reply = child.ask(request)
            late = False
            try:
                weigh(kept, found)
            except TooLongError:
                late = True
            async with asyncio.timeout(deadline_ms / 1000):
                answer = await reply
    except TimeoutError:
        return f"the rule engine gave no answer within {deadline_ms} ms and was stopped"
    except EngineError as error:
        return str(error)
    if "error" in answer:
        return f"the rule engine failed: {answer['error']}"
    if late:
        return f"the conditions of this gate take longer than {SECONDS:.0f} s to compute"
    return _compare(plan, world, found, answer.get("matches"))


async def agree(
    plan: GatePlan,
    worlds: Sequence[World],
    found: Sequence[Sequence[set[Match]]],
    children: Children,
    deadline_ms: int,
) -> list[bool]:
    """Tells for each of many worlds whether the first engine finds what the second one found.

    Args:
        plan: the rules of the gate.
        worlds: facts as patterns see them.
        found: what the second matcher found in each.
        children: the first engine; it is asked once for all worlds.
        deadline_ms: how long a child may take for each.
    """
    try:
        async with children.child() as child, asyncio.timeout(deadline_ms * len(worlds) / 1000):
            answer = await child.ask({"gate": plan.key, "worlds": worlds})
    except (TimeoutError, EngineError):
        return [False] * len(worlds)
    replies = answer.get("matches", [None] * len(worlds))
    return [
        not _compare(plan, world, one, reply)
        for world, one, reply in zip(worlds, found, replies, strict=True)
    ]


def cannot_judge(
    reason: str, *, gate: str, facts: Sequence[Fact], now: datetime, versions: Mapping[str, str]
) -> Verdict:
    """Returns the verdict where the rules that should judge cannot be had: inconclusive.

    Args:
        versions: pack to digest, of what should have judged.
    """
    outcome = Outcome(None, facts, now)
    outcome.inconclusive(reason)
    return outcome.verdict(gate, set_digest(versions), versions)


def _compare(plan: GatePlan, world: World, found: Sequence[set[Match]], replied: Any) -> str:
    """Compares what both engines found; a missing match would open a gate."""
    try:
        other = [{tuple(one) for one in query} for query in replied]
        same = other == list(found) and all(
            len(query) == len(unique) for query, unique in zip(replied, other, strict=True)
        )
    except TypeError:
        return "the rule engine answered garbage"
    if same:
        return ""
    oracle_disagreements_total.inc()
    _log.error(
        "oracle_disagreement",
        gate=plan.key,
        queries=[[pattern.as_json() for pattern in query] for query in plan.queries],
        world=world,
        durable_rules=[sorted(query) for query in other],
        second_matcher=[sorted(query) for query in found],
    )
    return "the two rule engines disagree; the case is in the log as oracle_disagreement"
