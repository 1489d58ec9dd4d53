"""Judging with two sets of packs at once: what is in force, and what would be.

Both sets mostly share their rules, so each gate has one plan with every rule once. What is matched
and weighed there is dealt out to both sides. That gives exactly what a `Judge` of each set would
say; where it might not, because a bound is met or an engine fails, two judges are asked instead.

Mostly few rules of a gate change, and for most measures they say the same before and after. So
the changed rules are judged first, for many measures in one request to the engine, and all rules
only where they tell the sides apart.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Self

from measures.facts import Fact
from measures.lifecycle import Lifecycle
from measures.verdict import Blocker, Verdict
from rules.blockers import blockers_of
from rules.child import engine_command
from rules.children import Children
from rules.judge import Judge, agree
from rules.matcher import MATCHES, STEPS, TooManyMatchesError, match
from rules.outcome import Outcome, weigh_rules
from rules.patterns import Match, World
from rules.plan import GatePlan, PackSet, gate_plan
from rules.schema import Pack, Rule

MANY = 20
"""If something changes for so many measures at once, it does for nearly all at their gate."""

Gate = tuple[str, str]
"""A lifecycle's id and one of its gates."""


@dataclass(frozen=True, slots=True)
class _SharedGate:
    """A gate that the change is about, with the rules of both sides, each once.

    Attributes:
        before, after: the plans of the two sides; None where no rule guards the gate.
        places_before, places_after: where the rules of each side stand in `shared`.
        only_before, only_after, either: the rules that stand on one side alone, and all of those.
    """

    before: GatePlan | None
    after: GatePlan | None
    shared: GatePlan
    places_before: tuple[int, ...]
    places_after: tuple[int, ...]
    only_before: GatePlan
    only_after: GatePlan
    either: GatePlan

    def may_meet_a_bound(self, facts: Sequence[Fact]) -> bool:
        """Tells whether judging all rules may meet a bound that judging some does not."""
        many = Counter[str](fact.kind for fact in facts)
        steps, matches = 0, []
        for query in self.shared.queries:
            partial = 1
            for pattern in query:
                partial *= many[pattern.kind]
                steps += partial
            matches.append(partial)
        asked = (*self.shared.when_query, *self.shared.full_query)
        evaluations = sum(matches[query] for query in asked if query is not None)
        return steps > STEPS or max(sum(matches), evaluations) > MATCHES


class Asked(NamedTuple):
    """One gate to be judged by both sides.

    Attributes:
        facts: everything known about the measure, with exactly one measure fact.
        now: the time of the judgement, with its zone.
        lifecycle: where the gates and those that open without rules come from.
    """

    gate: str
    facts: Sequence[Fact]
    now: datetime
    lifecycle: Lifecycle


class Preview:
    """Judges gates with two sets of packs on the same facts at the same moment.

    Use as an asynchronous context manager: it starts the child processes and ends them.

    Attributes:
        started: whether it was entered.
    """

    def __init__(
        self,
        before: Sequence[Pack],
        after: Sequence[Pack],
        *,
        deadline_ms: int = 2000,
        command: Sequence[str] | None = None,
    ) -> None:
        """Prepares both sides.

        Args:
            before: the packs in force.
            after: the packs as they would be.
            deadline_ms: how long a child may take for one judgement before it is killed.
            command: what to start as a child; the real engine by default.
        """
        self._deadline_ms = deadline_ms
        self._command = tuple(command) if command else engine_command()
        self._before, self._after = PackSet(before), PackSet(after)
        self._gates = _shared_gates(self._before, self._after)
        plans = [plan for gate in self._gates.values() for plan in (gate.shared, gate.either)]
        gates = {plan.key: plan.as_json() for plan in plans}
        self._children = Children(gates, self._command, 1)
        self._stack = AsyncExitStack()
        # Gates at which looking first whether anything changes has proved useless.
        self._always_apart: set[Gate] = set()
        self.started = False
        self._judges: tuple[Judge, Judge] | None = None

    @property
    def gates(self) -> frozenset[Gate]:
        """The gates at which the rules of the two sides differ; at all others nothing changes."""
        return frozenset(self._gates)

    @property
    def digests(self) -> tuple[str, str]:
        """The content addresses of the two sets."""
        return self._before.digest, self._after.digest

    async def __aenter__(self) -> Self:
        self.started = True
        if self._gates:
            await self._children.warm_up()
            self._stack.push_async_callback(self._children.close)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def judge_all(self, asked: Sequence[Asked]) -> list[tuple[Verdict, Verdict] | None]:
        """Judges many gates with both sides.

        Returns:
            For each both verdicts, without digests of the facts, or None where both sides
            certainly say the same.
        """
        by_gate: dict[Gate, list[int]] = {}
        for number, one in enumerate(asked):
            by_gate.setdefault((one.lifecycle.id, one.gate), []).append(number)
        verdicts: list[tuple[Verdict, Verdict] | None] = [None] * len(asked)
        for gate, numbers in by_gate.items():
            shared = self._gates.get(gate)
            if shared is None:
                continue
            left = numbers
            if gate not in self._always_apart:
                some = [asked[number] for number in numbers]
                told_apart = await self._told_apart(shared, some)
                left = [number for number, apart in zip(numbers, told_apart, strict=True) if apart]
                if len(numbers) >= MANY and len(left) == len(numbers):
                    self._always_apart.add(gate)
            found = await self._judged(shared, [asked[number] for number in left])
            for number, both in zip(left, found, strict=True):
                verdicts[number] = both
        return verdicts

    async def _told_apart(self, shared: _SharedGate, asked: Sequence[Asked]) -> list[bool]:
        """Tells for each case whether all rules must be judged to know what changes."""
        apart = [True] * len(asked)
        worlds: list[World] = []
        found: list[list[set[Match]]] = []
        alike: list[int] = []
        plan = shared.either
        for number, one in enumerate(asked):
            sides = _sides(shared, one)
            shut = [side.is_unguarded(one.gate, one.lifecycle) for side in sides]
            if shut[0] != shut[1] or shared.may_meet_a_bound(one.facts):
                continue
            kept, world = plan.world(one.facts)
            matches = match(plan.queries, world)
            if _say_the_same(shared, one, kept, matches):
                alike.append(number)
                worlds.append(world)
                found.append(matches)
        if alike:
            agreed = await agree(plan, worlds, found, self._children, self._deadline_ms)
            for number, same in zip(alike, agreed, strict=True):
                apart[number] = not same
        return apart

    async def _judged(
        self, shared: _SharedGate, asked: Sequence[Asked]
    ) -> list[tuple[Verdict, Verdict]]:
        """Judges all rules of one gate, for many measures."""
        worlds: list[World] = []
        found: list[list[set[Match]]] = []
        verdicts: list[tuple[Verdict, Verdict] | None] = [None] * len(asked)
        for number, one in enumerate(asked):
            kept, world = shared.shared.world(one.facts)
            try:
                matches = match(shared.shared.queries, world)
            except TooManyMatchesError:
                continue
            if shared.shared.evaluations(matches) > MATCHES:
                continue
            verdicts[number] = self._dealt_out(shared, one, kept, matches)
            worlds.append(world)
            found.append(matches)
        agreed = iter(
            await agree(shared.shared, worlds, found, self._children, self._deadline_ms)
            if worlds
            else ()
        )
        # Bounds count all matches of a set, and both sides together meet them sooner.
        return [
            both if both is not None and next(agreed) else await self._apart(one)
            for one, both in zip(asked, verdicts, strict=True)
        ]

    def _dealt_out(
        self,
        shared: _SharedGate,
        asked: Asked,
        kept: Sequence[Fact],
        found: Sequence[set[Match]],
    ) -> tuple[Verdict, Verdict]:
        """Returns what both sides say, given the matches of all rules."""
        gate, facts, now, lifecycle = asked
        weighed = weigh_rules(shared.shared, facts, now, kept, found)
        # Most rules stand on both sides, and words are dear: each rule says its own once.
        said = [blockers_of(one) for one in weighed.findings]
        before, after = _sides(shared, asked)
        for side, places in ((before, shared.places_before), (after, shared.places_after)):
            side.hear([said[place] for place in places])
            side.shut_if_unguarded(gate, lifecycle)
        return (
            before.verdict(gate, self._before.digest, self._before.versions(lifecycle.id)),
            after.verdict(gate, self._after.digest, self._after.versions(lifecycle.id)),
        )

    async def _apart(self, asked: Asked) -> tuple[Verdict, Verdict]:
        """Has each set judge by itself."""
        if self._judges is None:
            first, second = (
                Judge(one.packs, deadline_ms=self._deadline_ms, command=self._command)
                for one in (self._before, self._after)
            )
            self._judges = (
                await self._stack.enter_async_context(first),
                await self._stack.enter_async_context(second),
            )
        before, after = [await judge.judge(**asked._asdict()) for judge in self._judges]
        return before, after


def changed_gates(before: Sequence[Pack], after: Sequence[Pack]) -> frozenset[Gate]:
    """Returns the gates whose rules differ in anything but their order and place."""
    return frozenset(_shared_gates(PackSet(before), PackSet(after)))


def _shared_gates(before: PackSet, after: PackSet) -> dict[Gate, _SharedGate]:
    """Returns the gates at which the rules differ in anything but their order and place."""
    shared: dict[Gate, _SharedGate] = {}
    for gate in before.plans.keys() | after.plans.keys():
        old, new = before.plans.get(gate), after.plans.get(gate)
        old_rules, new_rules = _rules(old), _rules(new)
        if set(map(_content, old_rules)) == set(map(_content, new_rules)):
            continue
        rules: dict[str, Rule] = {}
        for rule in (*old_rules, *new_rules):
            rules.setdefault(_content(rule), rule)
        places = {content: place for place, content in enumerate(rules)}
        gone = [rule for rule in old_rules if _content(rule) not in set(map(_content, new_rules))]
        new_ones = [
            rule for rule in new_rules if _content(rule) not in set(map(_content, old_rules))
        ]
        shared[gate] = _SharedGate(
            old,
            new,
            gate_plan("/".join(gate), tuple(rules.values())),
            tuple(places[_content(rule)] for rule in old_rules),
            tuple(places[_content(rule)] for rule in new_rules),
            gate_plan("", gone),
            gate_plan("", new_ones),
            gate_plan("/".join((*gate, "changed")), [*gone, *new_ones]),
        )
    return shared


def _sides(shared: _SharedGate, asked: Asked) -> tuple[Outcome, Outcome]:
    return (
        Outcome(shared.before, asked.facts, asked.now),
        Outcome(shared.after, asked.facts, asked.now),
    )


def _say_the_same(
    shared: _SharedGate, asked: Asked, kept: Sequence[Fact], found: Sequence[set[Match]]
) -> bool:
    """Tells whether the rules that differ come to the same, word for word, on both sides."""
    findings = weigh_rules(shared.either, asked.facts, asked.now, kept, found).findings
    if not any(findings):
        return True
    before = Outcome(shared.only_before, asked.facts, asked.now)
    after = Outcome(shared.only_after, asked.facts, asked.now)
    said = [blockers_of(one) for one in findings]
    before.hear(said[: len(shared.only_before.rules)])
    after.hear(said[len(shared.only_before.rules) :])
    return _unplaced(before) == _unplaced(after)


def _unplaced(outcome: Outcome) -> list[Blocker | None]:
    """Returns blockers, then warnings, without where their rules stand."""
    nowhere = {"pack": "", "line": 0}
    some = (*outcome.blockers, None, *outcome.warnings)
    return [one and one.model_copy(update=nowhere) for one in some]


def _rules(plan: GatePlan | None) -> tuple[Rule, ...]:
    return plan.rules if plan else ()


def _content(rule: Rule) -> str:
    """Returns what a rule says, without the gates it stands at: at this one, it stands."""
    return rule.text.model_dump_json(exclude={"gate"})
