"""Which changes can influence which requirements, and so each other."""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from measures.facts import Fact
from rules.edits import Edit
from rules.patterns import Pattern
from rules.plan import MEASURE, GatePlan
from rules.weighing import Weighed

SIGNOFF = "signoff"
ALL = ""
"""In a node: every subject of the rule."""

Node = tuple[int, str]
"""One requirement: a rule, by its number in the plan, and the facts of `when` that it is about."""

_MEASURE = re.compile(rf"\b{MEASURE}\b")


@dataclass
class Group:
    """Requirements and the changes that can influence them, apart from all others.

    Attributes:
        nodes: the requirements.
        candidates: the changes, by number.
        facts: the places of the facts that decide about it; None when any fact may.
    """

    nodes: set[Node] = field(default_factory=set)
    candidates: list[int] = field(default_factory=list)
    facts: frozenset[int] | None = None

    @property
    def rules(self) -> list[int]:
        """The rules that it has a part in, by number."""
        return sorted({rule for rule, _ in self.nodes})


class Reach:
    """Tells which requirements of a gate a change can influence.

    Attributes:
        subjects: what each rule is about in these facts.
    """

    def __init__(
        self, plan: GatePlan, rules: Sequence[int], facts: Sequence[Fact], weighed: Weighed
    ) -> None:
        """Looks at the matches.

        Args:
            plan: the rules of the gate.
            rules: the numbers of those that count.
            facts: the facts as they are.
            weighed: what the rules came to on them.
        """
        self._plan = plan
        self._rules = rules
        self._facts = facts
        self.subjects: dict[int, set[str]] = defaultdict(set)
        self._about: dict[int, set[Node]] = defaultdict(set)
        self._needed: dict[Node, set[int]] = defaultdict(set)
        self._tested: dict[str, defaultdict[str, set[Node]]] = {}
        self._patterns = {
            number: (*plan.rules[number].when, *plan.rules[number].expect) for number in rules
        }
        places = {id(fact): place for place, fact in enumerate(facts)}
        place_of = [places[id(fact)] for fact in weighed.kept]
        self._measures = {place for place, fact in enumerate(facts) if fact.kind == MEASURE}
        for number in rules:
            width = len(plan.rules[number].when)
            whole = plan.full_query[number]
            found = (
                weighed.found[plan.when_query[number]],
                () if whole is None else weighed.found[whole],
            )
            for one in itertools.chain(*found):
                node = (number, weighed.scene.subject(one[:width]))
                self.subjects[number].add(node[1])
                for place in one:
                    self._about[place_of[place]].add(node)
                    self._needed[node].add(place_of[place])

    def of(self, edit: Edit) -> frozenset[Node]:
        """Returns what a change can influence, sign-offs that it voids aside."""
        if edit.place is None:
            return frozenset(
                (number, ALL)
                for number in self._rules
                if any(_could_fit(one, edit.fact) for one in self._patterns[number])
            )
        touched: set[Node] = set()
        for place, fields in ((edit.place, edit.fields), *edit.also):
            touched |= self._about[place]
            kind = self._facts[place].kind
            tested = self._tested.get(kind)
            if tested is None:
                tested = self._tested[kind] = self._rules_by_field(kind)
            for name, _ in fields:
                touched |= tested[name]
            if kind == MEASURE:
                touched |= {(number, ALL) for number in self._rules if self._reads_measure(number)}
        return frozenset(touched)

    def _rules_by_field(self, kind: str) -> defaultdict[str, set[Node]]:
        """Returns by field of a kind the rules for which it decides which facts match."""
        rules: defaultdict[str, set[Node]] = defaultdict(set)
        for number in self._rules:
            for name in _tested(self._patterns[number], kind):
                rules[name].add((number, ALL))
        return rules

    def _reads_measure(self, number: int) -> bool:
        rule = self._plan.rules[number]
        counted = "" if isinstance(rule.at_least, int) else rule.at_least.text
        condition = rule.require.text if rule.require else ""
        return bool(_MEASURE.search(condition) or _MEASURE.search(counted))

    def facts_for(self, nodes: Iterable[Node]) -> frozenset[int] | None:
        """Returns the places of the facts that decide about requirements; None when any may."""
        needed = set(self._measures)
        for node in nodes:
            if node[1] == ALL:
                return None
            needed |= self._needed[node]
        return frozenset(needed)


def grouped(
    failing: Iterable[Node], signed: Iterable[int], touched: Sequence[frozenset[Node]], reach: Reach
) -> list[Group]:
    """Parts requirements and changes into groups that no change connects.

    Args:
        failing: what does not hold now.
        signed: the rules about sign-offs, which any amendment may make fail.
        touched: per change, what it can influence.
    """
    above: dict[Node, Node] = {}

    def root(node: Node) -> Node:
        above.setdefault(node, node)
        while above[node] != node:
            above[node] = above[above[node]]
            node = above[node]
        return node

    def join(nodes: Iterable[Node]) -> None:
        roots = {root(node) for node in nodes}
        for one in roots:
            above[one] = min(roots)

    for nodes in touched:
        join(nodes)
    for node in (*failing, *((number, ALL) for number in signed)):
        root(node)
    for number in {number for number, subject in above if subject == ALL}:
        known = {subject for rule, subject in above if rule == number}
        join((number, subject) for subject in known | reach.subjects[number])
    groups: dict[Node, Group] = defaultdict(Group)
    for node in sorted(above):
        groups[root(node)].nodes.add(node)
    for number, nodes in enumerate(touched):
        if nodes:
            groups[root(min(nodes))].candidates.append(number)
    for group in groups.values():
        group.facts = reach.facts_for(group.nodes)
    return [groups[node] for node in sorted(groups)]


def _could_fit(pattern: Pattern, fact: Fact) -> bool:
    """Tells whether a new fact may match; a new decision may also replace one that did."""
    return pattern.kind == fact.kind and all(
        getattr(fact, name) == value
        for name, value in pattern.equals
        if not (fact.kind == SIGNOFF and name == "decision")
    )


def _tested(patterns: Sequence[Pattern], kind: str) -> set[str]:
    """Returns the fields of a kind that decide which facts match."""
    tested: set[str] = set()
    for pattern in patterns:
        for join in pattern.joins:
            if patterns[join.position].kind == kind:
                tested.add(join.other)
            if pattern.kind == kind:
                tested.add(join.field)
        if pattern.kind == kind:
            tested.update(name for name, _ in pattern.equals)
    return tested
