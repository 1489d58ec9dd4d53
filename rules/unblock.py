"""What would unblock a gate: the smallest sets of changes that open it, each one tried out.

Candidates that can influence each other form one group, which is searched from the cheapest set of
changes upwards; groups are independent, so their answers combine. A set counts when the changed
facts, sign-offs that an amendment voids taken away, satisfy every rule of the group: judged by the
second matcher and the conditions that judge the gate itself. The search is exact until `TRIALS`
judgements are spent; after that it still returns only sets that open the gate.
"""

import dataclasses
import heapq
import itertools
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from measures.facts import Fact, MeasureFact
from measures.lifecycle import Lifecycle
from measures.signers import Signers
from measures.supposing import Suppose
from measures.verdict import Blocker, Proposal
from rules.blockers import blockers_of
from rules.candidates import Candidate, Suggestions
from rules.conditions import TooLongError
from rules.edits import edited, voidable
from rules.fields import identity, values_for_conditions
from rules.grouping import ALL, SIGNOFF, Group, Node, Reach, grouped
from rules.matcher import TooManyMatchesError, match
from rules.patterns import Match, World
from rules.plan import MEASURE, GatePlan
from rules.weighing import SECONDS, Finding, Scene, Weighed, failing_rules
from rules.wording import plain

PROPOSALS = 5
"""The cheapest sets that are shown; the one with the fewest people is shown beside them."""
TRIALS = 100
"""Sets of changes that are judged for one verdict."""
GROUP_TRIALS = 60
"""Sets that are judged for one group of changes."""
WAYS = 12
"""Sets that are kept per group."""
COMBINATIONS = 100
"""Combinations of groups that are compared."""
CHANGES = 60
"""Changes in all proposals together: a verdict is kept for ever, so it stays small."""

SURGE = "surge"

Way = tuple[int, ...]
"""The numbers of candidates, ascending."""
Rank = tuple[float, int, int, Way]
"""What orders sets of changes: cost, then people, then the number of changes; with the set."""


class Search:
    """The search for what would open one gate.

    Args:
        plan: the rules of the gate.
        enforced: the numbers of those that hold it.
        facts: the facts as they are.
        weighed: what the rules came to on them.
        lifecycle: which gate the realised value is bound to, and when the plan is frozen.
        signers, set_aside, suppose: see `rules.judge.Judge.judge`.

    Attributes:
        candidates: the changes that were tried; sets of them hold their positions.
        chosen: the sets that are proposed.
    """

    def __init__(
        self,
        plan: GatePlan,
        enforced: Sequence[int],
        facts: Sequence[Fact],
        weighed: Weighed,
        lifecycle: Lifecycle,
        signers: Signers | None = None,
        set_aside: Callable[[Blocker], bool] | None = None,
        suppose: Suppose | None = None,
    ) -> None:
        self._plan = plan
        self._gate = plan.key.partition("/")[2]
        self._enforced = tuple(enforced)
        self._facts = facts
        self._unchanged = frozenset(map(id, facts))
        self._as_is = weighed
        self._now = weighed.scene.now
        self._lifecycle = lifecycle
        self._signers = signers
        self._set_aside = set_aside
        self._suppose = suppose
        self._voidable = voidable(facts, self._gate, lifecycle)
        self._signed_rules = [
            number
            for number in self._enforced
            if any(
                pattern.kind == SIGNOFF
                for pattern in (*plan.rules[number].when, *plan.rules[number].expect)
            )
        ]
        self._until: float | None = None
        self._trials = 0
        self._asked_by: dict[tuple[int, ...], tuple[set[str], list[int]]] = {}
        self._matched: dict[tuple[int, ...], tuple[World, dict[int, set[Match]]]] = {}
        self._values: dict[int, dict[str, Any]] = {}
        self._blocked: dict[int, list[Finding]] = {}
        self.candidates: list[Candidate] = []
        self.chosen: list[Way] = []
        self._costs: list[float] = []
        self._asked_for: list[tuple[str, ...]] = []
        self._touched: list[frozenset[Node]] = []
        self._amending: set[int] = set()

    def proposals(self) -> tuple[tuple[Proposal, ...], tuple[str, ...]]:
        """Returns the sets of changes that open the gate, and the rules that nothing satisfies."""
        # All trials together have the time that one judgement has.
        self._until = time.thread_time() + SECONDS
        try:
            return self._proposals()
        except (TooManyMatchesError, TooLongError):
            return (), ()
        finally:
            self._until = None

    def opens(self, way: Iterable[int]) -> bool:
        """Tells whether some changes open the gate."""
        way = tuple(way)
        failing, _ = self._weighed(self._enforced, self.after(way))
        return next(failing, None) is None

    def _stands(self, way: Way) -> bool:
        """Tells whether some changes open the gate also once the plan is really amended."""
        edits = [self.candidates[number].edit for number in way]
        amends = {path: value for edit in edits for path, value in edit.amends}
        if self._suppose is None or not amends:
            return True
        facts = self._suppose(amends)
        if facts is None or _names(facts) != _names(self._facts):
            return False
        gone = () if self._amending.isdisjoint(way) else self._voidable
        places = {identity(fact): place for place, fact in enumerate(facts)}
        # A surge that is gone with the amendment needs no confirmation.
        others = [
            dataclasses.replace(edit, place=None if edit.place is None else places[edit.name])
            for edit in edits
            if not edit.amends and (edit.place is None or edit.name in places)
        ]
        failing, _ = self._weighed(self._enforced, edited(facts, others, self._now, gone))
        return next(failing, None) is None

    def _refused(self, candidate: Candidate) -> bool:
        """Tells whether a change of the plan would be refused whatever else changes."""
        amends = candidate.edit.amends
        return bool(self._suppose and amends and self._suppose(dict(amends)) is None)

    def clash(self, way: Iterable[int]) -> bool:
        """Tells whether two of the changes give one field different values."""
        edits = [self.candidates[number].edit for number in way]
        return any(one.clashes(other) for one, other in itertools.combinations(edits, 2))

    def rank(self, way: Way) -> Rank:
        """Returns what orders sets of changes."""
        people = set().union(*[self._asked_for[number] for number in way])
        return self._cost(way), len(people), len(way), way

    def _proposals(self) -> tuple[tuple[Proposal, ...], tuple[str, ...]]:
        blocked = self._suggest()
        if not blocked:
            return (), ()
        groups = grouped(
            {(rule, one.subject) for rule, found in blocked.items() for one in found},
            self._signed_rules,
            self._touched,
            self._reach,
        )
        ways = {False: [self._ways(group, voided=False) for group in groups]}
        if self._amending:
            # Only rules about sign-offs see that some were voided.
            signed = set(self._signed_rules)
            ways[True] = [
                known if signed.isdisjoint(group.rules) else self._ways(group, voided=True)
                for group, known in zip(groups, ways[False], strict=True)
            ]
        found = sorted(set(self._combined(ways)))
        if not found:
            return (), self._stuck(blocked, groups, ways)
        standing = (rank for rank in found if self._stands(rank[-1]))
        cheapest = list(itertools.islice(standing, PROPOSALS))
        by_people = sorted(found, key=lambda rank: (rank[1], rank))
        fewest = itertools.islice((one for one in by_people if self._stands(one[-1])), 1)
        chosen = dict.fromkeys(rank[-1] for rank in (*cheapest, *fewest))
        room = CHANGES
        for way in chosen:
            room -= len(way)
            if room >= 0 or not self.chosen:
                self.chosen.append(way)
        return tuple(map(self._proposal, self.chosen)), ()

    def _suggest(self) -> dict[int, list[Finding]]:
        """Gathers candidates and what each can influence; returns what holds the gate now."""
        findings = self._as_is.findings
        blocked = dict(self._left((rule, findings[rule]) for rule in self._enforced))
        self._blocked = blocked
        self._take((), blocked, self._as_is.scene)
        if self._amending and self._voidable:
            # An amendment voids sign-offs: those who gave them would have to sign again.
            anew, scene = self._weighed(self._signed_rules, self.after((), voided=True))
            self._take(self._voidable, dict(anew), scene)
        self._costs = [one.change.cost for one in self.candidates]
        self._asked_for = [one.change.by for one in self.candidates]
        self._reach = Reach(self._plan, self._enforced, self._facts, self._as_is)
        self._touched = [self._reach.of(one.edit) for one in self.candidates]
        return blocked

    def _take(
        self,
        gone: Collection[int],
        blocked: Mapping[int, Sequence[Finding]],
        scene: Scene,
    ) -> None:
        suggestions = Suggestions(self._facts, gone, self._now, self._signers)
        known = {one.edit.key: number for number, one in enumerate(self.candidates)}
        stage = scene.measure.stage if isinstance(scene.measure, MeasureFact) else ""
        lifecycle = self._lifecycle
        frozen = stage in lifecycle.order and lifecycle.reached(stage, lifecycle.frozen_from)
        for finding in itertools.chain.from_iterable(blocked.values()):
            for candidate in suggestions.of(finding, scene):
                if frozen and candidate.edit.amends_plan:
                    continue
                number = known.get(candidate.edit.key)
                if number is not None:
                    self.candidates[number] = _merged(self.candidates[number], candidate)
                    continue
                if self._refused(candidate):
                    continue
                number = known[candidate.edit.key] = len(self.candidates)
                self.candidates.append(candidate)
                if candidate.edit.voids(self._gate, lifecycle):
                    self._amending.add(number)

    def _weighed(
        self, rules: Sequence[int], facts: Sequence[Fact]
    ) -> tuple[Iterator[tuple[int, list[Finding]]], Scene]:
        """Judges some rules of the gate on some facts, as the gate itself is judged.

        Rules are weighed one by one, as the caller asks for the next that does not hold.
        """
        plan = self._plan
        kinds, queries = self._asked(tuple(rules))
        facts = [fact for fact in facts if fact.kind in kinds]
        kept, world = plan.world(facts)
        before, found = self._matched.get(tuple(rules), (None, {}))
        if world != before:
            # Most changes touch nothing that patterns look at: the same world, the same matches.
            matches = match([plan.queries[query] for query in queries], world)
            found = dict(zip(queries, matches, strict=True))
            self._matched[tuple(rules)] = world, found
        measures = [fact for fact in facts if fact.kind == MEASURE]
        scene = Scene(kept, measures, self._now, self._until, self._known_values)
        return self._left(failing_rules(plan, rules, found, scene)), scene

    def _known_values(self, fact: Fact) -> dict[str, Any]:
        """Returns a fact as conditions see it, which for one that stays is found out once."""
        if id(fact) not in self._unchanged:
            return values_for_conditions(fact)
        known = self._values.get(id(fact))
        if known is None:
            known = self._values[id(fact)] = values_for_conditions(fact)
        return known

    def _asked(self, rules: tuple[int, ...]) -> tuple[set[str], list[int]]:
        """Returns the kinds of facts that some rules look at, and their queries."""
        known = self._asked_by.get(rules)
        if known is None:
            plan = self._plan
            queries = {plan.when_query[rule] for rule in rules}
            queries |= {query for rule in rules if (query := plan.full_query[rule]) is not None}
            kinds = {pattern.kind for query in queries for pattern in plan.queries[query]}
            known = self._asked_by[rules] = kinds | {MEASURE}, sorted(queries)
        return known

    def _left(
        self, failing: Iterable[tuple[int, list[Finding]]]
    ) -> Iterator[tuple[int, list[Finding]]]:
        """Yields the rules that do not hold, without findings that a waiver sets aside."""
        aside = self._set_aside
        for rule, findings in failing:
            left = [one for one in findings if aside is None or not aside(blockers_of([one])[0])]
            if left:
                yield rule, left

    def after(
        self, way: Iterable[int], *, voided: bool = False, only: Collection[int] | None = None
    ) -> list[Fact]:
        """Returns the facts after some changes.

        Args:
            way: the changes, by number.
            voided: whether other changes amend what sign-offs are bound to.
            only: the places of the facts that matter; all by default.
        """
        way = tuple(way)
        gone = self._voidable if voided or not self._amending.isdisjoint(way) else ()
        edits = [self.candidates[number].edit for number in way]
        return edited(self._facts, edits, self._now, gone, only)

    def _failing(self, group: Group, way: Way, *, voided: bool) -> Node | None:
        """Returns the first requirement of a group that does not hold after some changes."""
        failing: Iterable[tuple[int, list[Finding]]]
        if way or voided:
            self._trials += 1
            after = self.after(way, voided=voided, only=group.facts)
            failing, _ = self._weighed(group.rules, after)
        else:
            failing = [(rule, self._blocked.get(rule, [])) for rule in group.rules]
        for rule, findings in failing:
            nodes = {(rule, finding.subject) for finding in findings}
            if (rule, ALL) not in group.nodes:
                nodes &= group.nodes
            if nodes:
                return min(nodes)
        return None

    def _helps(self, number: int, failing: Node) -> bool:
        """Tells whether a change can influence what fails."""
        rule, subject = failing
        if rule in self._signed_rules:
            return True
        # What came to be with another change may be influenced by all that concerns its rule.
        new = subject not in self._reach.subjects[rule]
        return any(
            other == rule and (new or about in (ALL, subject))
            for other, about in self._touched[number]
        )

    def _ways(self, group: Group, *, voided: bool) -> list[Way]:
        """Returns the smallest sets of a group's changes after which it holds, cheapest first.

        A set that contains another one is not among them. Every set that helps contains a change
        that touches what fails without it, so only those are tried.
        """
        ways: list[Way] = []
        heap = [self.rank(())]
        met: set[Way] = {()}
        trials = min(GROUP_TRIALS, TRIALS - self._trials)
        while heap and len(ways) < WAYS and trials > 0:
            way = heapq.heappop(heap)[-1]
            if any(set(one) <= set(way) for one in ways):
                continue
            trials -= 1
            failing = self._failing(group, way, voided=voided)
            if failing is None:
                ways.append(way)
                continue
            for number in group.candidates:
                longer = tuple(sorted({*way, number}))
                helps = self._helps(number, failing)
                if helps and longer not in met and not self.clash(longer):
                    met.add(longer)
                    heapq.heappush(heap, self.rank(longer))
        if not ways and heap:
            ways.extend(self._greedy(group, voided=voided))
        return ways

    def _greedy(self, group: Group, *, voided: bool) -> Iterator[Way]:
        """Yields one set that helps: every change, less those that can be left out."""
        way: list[int] = []
        for number in sorted(group.candidates, key=lambda one: self.rank((one,))):
            if not self.clash((*way, number)):
                way.append(number)
        if self._failing(group, tuple(sorted(way)), voided=voided) is not None:
            return
        for number in sorted(way, key=lambda one: self.rank((one,)), reverse=True):
            fewer = [one for one in way if one != number]
            if self._failing(group, tuple(sorted(fewer)), voided=voided) is None:
                way = fewer
        yield tuple(sorted(way))

    def _combined(self, ways: Mapping[bool, Sequence[Sequence[Way]]]) -> Iterator[Rank]:
        """Yields sets for the whole gate: one of each group, the cheapest combinations first."""
        calm = [[way for way in group if self._amending.isdisjoint(way)] for group in ways[False]]
        yield from self._cheapest(calm)
        if True in ways:
            for rank in self._cheapest(ways[True]):
                if not self._amending.isdisjoint(rank[-1]):
                    yield rank

    def _cheapest(self, groups: Sequence[Sequence[Way]]) -> Iterator[Rank]:
        if not all(groups):
            return
        costs = [[self._cost(way) for way in group] for group in groups]
        heap = [(sum(group[0] for group in costs), (0,) * len(groups), 0)]
        for _ in range(COMBINATIONS):
            if not heap:
                return
            cost, picks, last = heapq.heappop(heap)
            picked = [group[pick] for group, pick in zip(groups, picks, strict=True)]
            yield self.rank(tuple(sorted(itertools.chain.from_iterable(picked))))
            # Going on only from the place that went on last leads to each combination once.
            for place in range(last, len(costs)):
                known, pick = costs[place], picks[place]
                if pick + 1 < len(known):
                    following = (*picks[:place], pick + 1, *picks[place + 1 :])
                    more = known[pick + 1] - known[pick]
                    heapq.heappush(heap, (cost + more, following, place))

    def _stuck(
        self,
        blocked: Mapping[int, Sequence[Finding]],
        groups: Sequence[Group],
        ways: Mapping[bool, Sequence[Sequence[Way]]],
    ) -> tuple[str, ...]:
        """Returns the rules that hold the gate and that no known change satisfies."""
        for found in ways.values():
            hopeless = {
                rule
                for group, some in zip(groups, found, strict=True)
                if not some
                for rule in group.rules
            }
            stuck = [self._plan.rules[rule].id for rule in blocked if rule in hopeless]
            if stuck:
                return tuple(stuck)
        return ()

    def _cost(self, way: Iterable[int]) -> float:
        return round(sum([self._costs[number] for number in way]), 6)

    def _people(self, way: Iterable[int]) -> tuple[str, ...]:
        everybody = (person for one in way for person in self.candidates[one].change.by)
        return tuple(dict.fromkeys(everybody))

    def _proposal(self, way: Way) -> Proposal:
        return Proposal(
            changes=tuple(self.candidates[number].change for number in way),
            people=self._people(way),
            cost=plain(self._cost(way)),
        )


def _names(facts: Iterable[Fact]) -> list[str]:
    """Returns the names of facts in their order, without surges: those come and go with demands."""
    return [identity(fact) for fact in facts if fact.kind != SURGE]


def _merged(one: Candidate, other: Candidate) -> Candidate:
    """Returns one change that helps the rules of both, at the higher of both costs."""
    change = one.change.model_copy(
        update={
            "rules": tuple(dict.fromkeys((*one.change.rules, *other.change.rules))),
            "cost": max(one.change.cost, other.change.cost),
        }
    )
    return Candidate(change, one.edit)
