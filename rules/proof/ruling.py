"""From a rule to the formula that it holds, on the open facts of a world."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import z3

from rules.conditions import Condition
from rules.patterns import Pattern, Query
from rules.proof.expression import BeyondError
from rules.proof.translation import (
    Term,
    Translator,
    Truth,
    Value,
    fields_of_condition,
    prefixes_of_condition,
    texts_of_condition,
)
from rules.proof.world import ALWAYS_ONE, OpenFact, World
from rules.schema import Rule

MOST_OF_A_KIND = 14
"""Facts of one kind that are looked at together; what needs more is not proved impossible."""
STEPS = (2, 5, 12)
"""How many facts are looked at for a rule that reckons how many it needs; more when these are
too few for an example."""
_USUAL = 5

_SINGLE_ROLES = ("sponsor", "controller", "owner")
Tuple = tuple[OpenFact, ...]


class Rulebook:
    """Translates rules on one world.

    Attributes:
        few: a formula that examples assume: no rule asks for more facts than are looked at.
    """

    def __init__(self, world: World, translator: Translator, few: int) -> None:
        """Takes how many facts are looked at for a rule that reckons how many it needs."""
        self._world = world
        self._few = few
        self._translator = translator
        self.few = z3.Bool("no rule needs more facts than are looked at")

    def holds(self, rule: Rule) -> Any:
        """Returns the formula that a rule holds."""
        each = [
            z3.Implies(fits, self._satisfied(rule, match))
            for match, fits in self._matches(rule.when, (), z3.BoolVal(True))
        ]
        return z3.And(each)

    def finds(self, query: Query) -> Any:
        """Returns the formula that a query finds something."""
        return z3.Or([fits for _, fits in self._matches(query, (), z3.BoolVal(True))])

    def _satisfied(self, rule: Rule, match: Tuple) -> Any:
        if not rule.expect:
            return self._required(rule, match)
        needed, known = self._needed(rule, match)
        good: list[tuple[Tuple, Any]] = []
        for whole, fits in self._matches(rule.expect, match, z3.BoolVal(True)):
            good.append((whole, z3.And(fits, self._required(rule, whole))))
        count = z3.Sum([z3.If(one, 1, 0) for one in self._distinct(rule, good)])
        # Of a rule that asks for many, only so many are looked at; an example must not need more.
        some = looked_at(rule, self._few)
        enough = z3.Or(count >= needed, z3.And(z3.Not(self.few), count >= some, needed > some))
        return z3.And(known, enough, *self._supplied(rule, needed))

    def _distinct(self, rule: Rule, good: Sequence[tuple[Tuple, Any]]) -> Iterator[Any]:
        if rule.distinct is None:
            yield from (holds for _, holds in good)
            return
        seen: list[tuple[Any, Any]] = []
        for whole, holds in good:
            term, there = self._bound(rule, whole)[rule.distinct.name].field(rule.distinct.field)
            key = term.value if isinstance(term, Value) else term.true
            counts = z3.And(holds, there)
            yield z3.And(counts, *(z3.Not(z3.And(c, key == other)) for other, c in seen))
            seen.append((key, counts))

    def _needed(self, rule: Rule, match: Tuple) -> tuple[Any, Any]:
        if isinstance(rule.at_least, int):
            return z3.IntVal(rule.at_least), z3.BoolVal(True)
        try:
            term = self._translator.condition(rule.at_least, self._fields(rule, match))
        except BeyondError as error:
            self._translator.beyond.setdefault(rule.at_least.text, str(error))
            return self._translator.fresh(z3.Int), z3.BoolVal(True)
        assert isinstance(term, Value)
        number = z3.ToInt(term.value) if term.sort == "number" else term.value
        return z3.If(number > 1, number, 1), term.known

    def _supplied(self, rule: Rule, needed: Any) -> Iterator[Any]:
        """Yields that no more is needed than there can ever be, however many are looked at."""
        if len(rule.expect) != 1:
            return
        pattern, measure = rule.expect[0], self._world.measure
        fixed = dict(pattern.equals)
        distinct = rule.distinct.field if rule.distinct is not None else "id"
        if pattern.kind in ALWAYS_ONE or (fixed.get("role") in _SINGLE_ROLES and "gate" in fixed):
            yield needed <= 1
        elif pattern.kind == "signoff" and fixed.get("role") == "committee" and "gate" in fixed:
            yield needed <= measure.value("committee_size")
        elif pattern.kind in ("kpi", "milestone") and distinct == "id":
            yield needed <= measure.value(f"{pattern.kind}s")

    def _required(self, rule: Rule, match: Tuple) -> Any:
        if rule.require is None:
            return z3.BoolVal(True)
        term = self._translator.condition(rule.require, self._fields(rule, match))
        assert isinstance(term, Truth)
        return term.true

    def _fields(self, rule: Rule, match: Tuple) -> Any:
        bound = self._bound(rule, match)

        def field_of(name: str, field: str) -> tuple[Term, Any]:
            return bound[name].field(field)

        return field_of

    def _bound(self, rule: Rule, match: Tuple) -> Mapping[str, OpenFact]:
        return {"measure": self._world.measure, **dict(zip(rule.names, match, strict=False))}

    def _matches(self, query: Query, before: Tuple, so_far: Any) -> Iterator[tuple[Tuple, Any]]:
        """Yields every way to bind facts to patterns, and when it is a match."""
        if not query:
            yield before, so_far
            return
        pattern, *rest = query
        for fact in self._world.facts.get(pattern.kind, ()):
            if fact not in before:
                fits = z3.And(so_far, _fits(pattern, fact, before, self._translator))
                yield from self._matches(tuple(rest), (*before, fact), fits)


def _fits(pattern: Pattern, fact: OpenFact, before: Tuple, translator: Translator) -> Any:
    tests = [fact.present]
    for name, wanted in pattern.equals:
        term, there = fact.field(name)
        if isinstance(term, Truth):
            tests.append(term.true if wanted else term.false)
        else:
            value = translator.texts.constant(wanted) if isinstance(wanted, str) else wanted
            tests += [there, term.value == value]
    for join in pattern.joins:
        (mine, there), (theirs, known) = (
            fact.field(join.field),
            before[join.position].field(join.other),
        )
        tests += [there, known]
        if isinstance(mine, Truth) and isinstance(theirs, Truth):
            tests.append(mine.true == theirs.true)
        elif isinstance(mine, Value) and isinstance(theirs, Value):
            tests.append(mine.value == theirs.value)
    return z3.And(tests)


def numbers_needed(
    rules: Sequence[Rule],
    seeds: Sequence[Query],
    few: int,
    given: Mapping[str, int] | None = None,
) -> tuple[dict[str, int], set[str]]:
    """Returns how many facts of each kind suffice, and the kinds of which more would be needed.

    If there is any example there is one with no more facts than the seeds and what `expect` asks
    for: a fact that no rule asks for can be left out without making a rule fail.

    Args:
        few: how many facts are looked at for a rule that reckons how many it needs.
        given: how many there are at least, because of other gates.
    """
    seeded: dict[str, int] = {**dict.fromkeys(ALWAYS_ONE, 1), **(given or {})}
    for query in seeds:
        for pattern in query:
            seeded[pattern.kind] = max(
                seeded.get(pattern.kind, 0), sum(other.kind == pattern.kind for other in query)
            )
    numbers, short = dict(seeded), set[str]()
    for _ in range(2 * MOST_OF_A_KIND):
        wanted = dict(seeded)
        for rule in rules:
            times = 1
            for pattern in rule.when:
                times *= numbers.get(pattern.kind, 0)
            for pattern in rule.expect:
                more = times * looked_at(rule, few)
                wanted[pattern.kind] = wanted.get(pattern.kind, 0) + more
        short = {kind for kind, number in wanted.items() if number > MOST_OF_A_KIND}
        cut = {
            kind: 1 if kind in ALWAYS_ONE else min(number, MOST_OF_A_KIND)
            for kind, number in wanted.items()
        }
        if cut == numbers:
            break
        numbers = cut
    return numbers, short - set(ALWAYS_ONE)


def looked_at(rule: Rule, few: int) -> int:
    """Returns how many facts for one match of `when` are looked at."""
    if isinstance(rule.at_least, int):
        return min(rule.at_least, max(few, _USUAL))
    return few


def texts_of_rule(rule: Rule) -> set[str]:
    """Returns every text that a rule's patterns and conditions write out."""
    found = {
        value
        for pattern in (*rule.when, *rule.expect)
        for _, value in pattern.equals
        if isinstance(value, str)
    }
    for condition in (rule.require, rule.at_least):
        if condition is not None and not isinstance(condition, int):
            found |= texts_of_condition(condition)
    return found


def prefixes_of_rule(rule: Rule) -> set[str]:
    """Returns every text with which a rule's conditions have another begin."""
    conditions = (rule.require, rule.at_least)
    each = (prefixes_of_condition(one) for one in conditions if isinstance(one, Condition))
    return set().union(*each)


def fields_of_rule(rule: Rule) -> set[tuple[str, str]]:
    """Returns every kind and field that a rule looks at."""
    found: set[tuple[str, str]] = set()
    query = (*rule.when, *rule.expect)
    for pattern in query:
        found |= {(pattern.kind, name) for name, _ in pattern.equals}
        for join in pattern.joins:
            found |= {(pattern.kind, join.field), (query[join.position].kind, join.other)}
    for condition in (rule.require, rule.at_least):
        if condition is not None and not isinstance(condition, int):
            fields = fields_of_condition(condition)
            found |= {(rule.kinds[field.name], field.field) for field in fields}
    return found


__all__ = [
    "STEPS",
    "Rulebook",
    "fields_of_rule",
    "looked_at",
    "numbers_needed",
    "prefixes_of_rule",
    "texts_of_rule",
]
