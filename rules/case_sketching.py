"""A first case per answer for a rule, found by trying values: it holds before anybody edits it.

The facts are those that the patterns need, the values those that decide the conditions. What is
found is a start, not a proof: the author makes the values real.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, product
from typing import Any

from pydantic import ValidationError

from measures.facts import FACT_KINDS, Fact
from measures.verdict import Answer
from rules.case_writing import Defaults, NewCase, written_fact
from rules.conditions import Condition
from rules.fields import FieldInfo, blank, fields_of
from rules.matcher import match
from rules.patterns import Pattern
from rules.plan import MEASURE
from rules.schema import FieldPath, Rule
from rules.weighing import Scene, weigh

TRIES = 4000
"""Worlds tried per answer; together well below a second."""
_TITLES = {"pass": "holds", "block": "does not hold", "inconclusive": "cannot be known"}
_WORDS = {"pass": "pass", "block": "block", "inconclusive": "leave it open"}
SOMEBODY = "somebody"
"""A text that two fields may share."""


@dataclass(frozen=True)
class _World:
    """The facts of a case by the names of the rule, before they are made.

    Attributes:
        aged: the fact that is older than its rule accepts.
    """

    facts: Mapping[str, Mapping[str, Any]]
    note: str = ""
    aged: str = ""
    without_measure: bool = False
    copies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class Sketch:
    """Looks for a pass, a block and an inconclusive of one rule.

    Args:
        rule: the rule.
        now: the moment of the cases.
        defaults: those of the file that the cases are for.
    """

    def __init__(self, rule: Rule, now: datetime, defaults: Defaults) -> None:
        self._rule = rule
        self._now = now
        self._defaults = defaults
        self._patterns = dict(zip(rule.names, (*rule.when, *rule.expect), strict=True))
        self._choices = self._fields_to_vary()

    def cases(self) -> list[NewCase]:
        """Returns one case per answer; where none was found, one that says what to fill in."""
        passing = self._first("pass", self._any())
        start = passing or next(self._any())
        blocking = self._first("block", self._one_changed(start))
        if blocking is None:
            blocking = self._first("block", self._any())
        unknown = self._first("inconclusive", self._one_unknown(start))
        found: dict[Answer, _World | None] = {
            "pass": passing,
            "block": blocking,
            "inconclusive": unknown,
        }
        return [self._case(answer, world or start, world) for answer, world in found.items()]

    # --- the worlds to try ---------------------------------------------------------------------

    def _any(self) -> Iterator[_World]:
        """Yields worlds with every field filled first, then in a fixed shuffled order."""
        paths, choices = list(self._choices), list(self._choices.values())
        size = 1
        for one in choices:
            size *= len(one)
        if size <= TRIES:
            every: Iterator[tuple[Any, ...]] = product(*choices)
        else:
            chance = random.Random(0)  # noqa: S311  the same sketch every time
            every = (tuple(map(chance.choice, choices)) for _ in range(TRIES))
            yield self._world(dict(zip(paths, (one[0] for one in choices), strict=True)))
        for values in every:
            yield self._world(dict(zip(paths, values, strict=True)))

    def _one_changed(self, start: _World) -> Iterator[_World]:
        """Yields the world with one field changed, then without each fact that is expected."""
        for path, choices in self._choices.items():
            for value in choices:
                fields = {**start.facts[path.name], path.field: value}
                yield _World(
                    {**start.facts, path.name: fields},
                    f"with {path} {'empty' if value == '' else str(value).lower()}",
                    copies=start.copies,
                )
        yield from self._one_left_out(start)

    def _one_unknown(self, start: _World) -> Iterator[_World]:
        """Yields the world with something unknown: a fact, its age, a field, the measure."""
        yield from self._one_left_out(start)
        for name in self._rule.fresh:
            yield _World(start.facts, f"with a stale {name}", aged=name, copies=start.copies)
        for path in self._choices:
            fields = {**start.facts[path.name], path.field: None}
            yield _World({**start.facts, path.name: fields}, f"without {path}", copies=start.copies)
        facts = {name: one for name, one in start.facts.items() if name != MEASURE}
        yield _World(facts, "without the measure", without_measure=True, copies=start.copies)

    def _one_left_out(self, start: _World) -> Iterator[_World]:
        for name in self._rule.names[len(self._rule.when) :]:
            facts = {other: one for other, one in start.facts.items() if other != name}
            yield _World(facts, f"without {name}")

    def _world(self, values: Mapping[FieldPath, Any]) -> _World:
        facts: dict[str, dict[str, Any]] = {MEASURE: {}}
        for name, pattern in self._patterns.items():
            facts[name] = dict(pattern.equals)
        for path, value in values.items():
            facts[path.name][path.field] = value
        self._join(facts)
        return _World(facts, copies=self._copies(facts))

    def _join(self, facts: dict[str, dict[str, Any]]) -> None:
        for name, pattern in self._patterns.items():
            for join in pattern.joins:
                other = self._rule.names[join.position]
                told = self._stated(self._patterns[other].kind, facts[other])
                facts[name][join.field] = told.get(join.other)

    def _copies(self, facts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """Returns the further facts of `expect` that a fixed `at_least` needs."""
        rule = self._rule
        wanted = rule.at_least if isinstance(rule.at_least, int) else 1
        copies: dict[str, dict[str, Any]] = {}
        if wanted > 1 and rule.expect:
            name = rule.distinct.name if rule.distinct else rule.names[-1]
            kind = self._patterns[name].kind
            by = [rule.distinct.field] if rule.distinct else list(FACT_KINDS[kind].NAMED_BY)
            for number in range(2, wanted + 1):
                told = self._stated(kind, facts[name])
                apart = {one: f"{told.get(one) or one}-{number}" for one in by}
                copies[f"{name} {number}"] = {**facts[name], **apart}
        return copies

    def _fields_to_vary(self) -> dict[FieldPath, tuple[Any, ...]]:
        rule = self._rule
        conditions = [one for one in (rule.require, rule.at_least) if isinstance(one, Condition)]
        literals = [one for condition in conditions for one in condition.literals()]
        paths: dict[FieldPath, tuple[Any, ...]] = {}
        for condition in conditions:
            for name, field_name in condition.fields_read(rule.kinds):
                path = FieldPath(name, field_name)
                if not self._is_fixed(path):
                    info = fields_of(rule.kinds[name])[field_name]
                    paths[path] = _choices(field_name, info, literals)
        return paths

    def _is_fixed(self, path: FieldPath) -> bool:
        pattern = self._patterns.get(path.name, Pattern(MEASURE))
        fixed = {name for name, _ in pattern.equals} | {join.field for join in pattern.joins}
        return path.field in fixed

    # --- judging them --------------------------------------------------------------------------

    def _first(self, wanted: Answer, worlds: Iterator[_World]) -> _World | None:
        """Returns the first world that gives the answer."""
        for world in islice(worlds, TRIES):
            facts = self._facts(world)
            if facts is not None and self._answer(facts) == wanted:
                return world
        return None

    def _answer(self, facts: list[Fact]) -> Answer | None:
        rule = self._rule
        world = [fact.model_dump(exclude_none=True) for fact in facts]
        queries = [rule.when, *([(*rule.when, *rule.expect)] if rule.expect else [])]
        found = [sorted(one) for one in match(queries, world)]
        measures = [fact for fact in facts if fact.kind == MEASURE]
        findings = weigh(
            rule, found[0], found[1] if rule.expect else None, Scene(facts, measures, self._now)
        )
        if any(finding.answer == "block" for finding in findings):
            return "block"
        if findings:
            return "inconclusive"
        return "pass" if found[0] else None

    def _facts(self, world: _World) -> list[Fact] | None:
        """Makes the facts of a world, or nothing when a value does not fit its field."""
        try:
            return [
                self._fact(name, fields, world)
                for name, fields in (*world.facts.items(), *world.copies.items())
            ]
        except ValidationError:
            return None

    def _fact(self, name: str, fields: Mapping[str, Any], world: _World) -> Fact:
        kind = self._rule.kinds[name.partition(" ")[0]]
        told = {"kind": kind, "seen_at": self._now, **self._stated(kind, fields)}
        told.pop("age", None)
        if name == world.aged:
            told["seen_at"] = self._now - self._rule.fresh[name] - timedelta(hours=1)
        known = {name: value for name, value in told.items() if value is not None}
        made: Fact = FACT_KINDS[kind].model_validate(known)
        return made

    def _stated(self, kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        said = {**blank(kind, self._now), **self._defaults.get(kind, {}), **fields}
        for name, info in fields_of(kind).items():
            if (
                info.values
                and name not in said
                and FACT_KINDS[kind].model_fields[name].is_required()
            ):
                said[name] = info.values[0]
        return said

    # --- writing -------------------------------------------------------------------------------

    def _case(self, answer: Answer, world: _World, found: _World | None) -> NewCase:
        facts = zip([*world.facts, *world.copies], self._facts(world) or (), strict=False)
        given = [
            written_fact(fact, self._now, self._defaults, self._fields_shown(name))
            for name, fact in facts
        ]
        return NewCase(
            case=" ".join(filter(None, [_TITLES[answer], world.note if found else ""])),
            rule=self._rule.id,
            verdict=answer,
            without=(MEASURE,) if found and world.without_measure else (),
            given=tuple(fact for fact in given if fact != {"kind": MEASURE}),
            comment="" if found else f"no values were found that {_WORDS[answer]}: fill them in",
        )

    def _fields_shown(self, name: str) -> set[str]:
        """Returns the fields that patterns and conditions look at, which an author will edit."""
        name = name.partition(" ")[0]
        pattern = self._patterns.get(name, Pattern(MEASURE))
        fixed = {field for field, _ in pattern.equals} | {join.field for join in pattern.joins}
        joined = {
            join.other
            for one in self._patterns.values()
            for join in one.joins
            if self._rule.names[join.position] == name
        }
        return fixed | joined | {path.field for path in self._choices if path.name == name}


def _choices(name: str, info: FieldInfo, literals: list[Any]) -> tuple[Any, ...]:
    """Returns values to try in a field, a filled one first."""
    if info.values:
        return info.values
    if info.type == "boolean":
        return (True, False)
    if info.type == "text":
        texts = [one for one in literals if isinstance(one, str)]
        return tuple(dict.fromkeys([name.replace("_", "-"), SOMEBODY, *texts, ""]))
    numbers = [one for one in literals if isinstance(one, int | float)]
    if info.type == "whole":
        numbers = [int(one) for one in numbers]
    around = [
        round(near, 9) for one in numbers for near in (one, one + 1, one - 1, -one, -one - 1)
    ]  # 1.1 - 1 is 0.1 to everybody but a computer
    return tuple(dict.fromkeys([1, *around, 0, 10]))
