"""From matches to findings: what holds, what does not, what cannot be known."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from measures.facts import FACT_KINDS, Fact
from rules.conditions import Bound, Condition, Unknown
from rules.fields import identity, values_for_conditions
from rules.patterns import Match
from rules.plan import GatePlan
from rules.schema import FieldPath, Rule

SECONDS = 2.0
"""How long the conditions of one judgement may take: as long as the other engine by default."""
CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead the clock of a source may be before its facts count as stale."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One match of a rule that does not hold.

    Attributes:
        bound: the facts by name, with the `expect` fact that tells most, where there is one.
        values: the same as conditions see them.
        why: why it cannot be known.
        uncounted: the matches that do not fulfil the requirement, or may not; where nothing of
            `expect` was found, the match of `when`.
        missing: how many more of them must.
    """

    rule: Rule
    answer: Literal["block", "inconclusive"]
    bound: Mapping[str, Fact]
    values: Bound
    subject: str
    why: str = ""
    uncounted: tuple[Match, ...] = ()
    missing: int = 1


class Scene:
    """The facts of one judgement, made ready once for all rules.

    Evaluating conditions on them beyond `until` (processor time of this thread; `SECONDS` from now
    by default) raises `TooLongError`. `values_of` tells how conditions see a fact.
    """

    def __init__(
        self,
        facts: Sequence[Fact],
        measures: Sequence[Fact],
        now: datetime,
        until: float | None = None,
        values_of: Callable[[Fact], dict[str, Any]] = values_for_conditions,
    ) -> None:
        self.now = now
        self._values_of = values_of
        self._until = time.thread_time() + SECONDS if until is None else until
        self._facts = facts
        self._values: dict[int, dict[str, Any]] = {}
        self._bound: dict[tuple[tuple[str, ...], Match], Bound] = {}
        self._names: dict[int, str] = {}
        self.measure = measures[0] if len(measures) == 1 else None
        self._measure_values = values_of(self.measure) if self.measure else None

    def bound(self, rule: Rule, match: Match) -> dict[str, Fact]:
        """Returns the facts of a match by the names that the rule gives them."""
        named: dict[str, Fact] = {"measure": self.measure} if self.measure else {}
        named.update(
            (name, self._facts[place]) for name, place in zip(rule.names, match, strict=False)
        )
        return named

    def values(self, rule: Rule, match: Match) -> Bound:
        """Returns the facts of a match as conditions see them."""
        known = self._bound.get((rule.names, match))
        if known is not None:
            return known
        named = Bound()
        named.until = self._until
        if self._measure_values is not None:
            named["measure"] = self._measure_values
        for name, place in zip(rule.names, match, strict=False):
            if place not in self._values:
                self._values[place] = self._values_of(self._facts[place])
            named[name] = self._values[place]
        self._bound[rule.names, match] = named
        return named

    def subject(self, match: Match) -> str:
        """Names the facts of a match, the same way every time."""
        return " ".join(map(self._name, match))

    def _name(self, place: int) -> str:
        name = self._names.get(place)
        if name is None:
            name = self._names[place] = identity(self._facts[place])
        return name

    def stale(self, rule: Rule, match: Match) -> str:
        """Says which fact of a match is older than its rule accepts, or nothing."""
        if rule.fresh:
            for _, why in self.stale_facts(rule, match):
                return why
        return ""

    def stale_facts(self, rule: Rule, match: Match) -> Iterator[tuple[Fact, str]]:
        """Yields each fact of a match that is older than its rule accepts, and why."""
        for name, place in zip(rule.names, match, strict=False):
            span = rule.fresh.get(name)
            if span is None:
                continue
            fact = self._facts[place]
            age = self.now - fact.seen_at
            if age > span:
                why = f"{identity(fact)} was last stated at {fact.seen_at:%Y-%m-%d %H:%M} UTC"
                yield fact, why
            elif age < -CLOCK_SKEW:
                yield fact, f"{identity(fact)} is dated in the future"

    def oldest_accepted(self, rule: Rule, match: Match, fact: Fact) -> datetime | None:
        """Returns before when what a fact of a match rests on is too old; None when age is free."""
        spans = (
            rule.fresh.get(name)
            for name, place in zip(rule.names, match, strict=False)
            if self._facts[place] is fact
        )
        return next((self.now - span for span in spans if span is not None), None)


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the rules of a gate come to on some facts.

    Attributes:
        kept: the facts that matches point to.
        found: the matches of each query of the plan.
        scene: the facts as the rules saw them.
        findings: per rule of the plan what it finds in its matches; nothing where it holds.
    """

    kept: Sequence[Fact]
    found: Sequence[set[Match]]
    scene: Scene
    findings: Sequence[list[Finding]]


def weigh(
    rule: Rule, when: Sequence[Match], full: Sequence[Match] | None, scene: Scene
) -> list[Finding]:
    """Judges one rule on its matches; an empty list means that it holds."""
    if scene.measure is None:
        # Without the measure nothing shows that the facts were gathered at all.
        return [
            Finding(
                rule, "inconclusive", {}, Bound(), "measure", why="there is not one measure fact"
            )
        ]
    if full is None:
        findings = (_weigh_match(rule, match, scene) for match in when)
    else:
        width = len(rule.when)
        by_when: dict[Match, list[Match]] = {match: [] for match in when}
        for match in full:
            by_when[match[:width]].append(match)
        findings = (_weigh_expected(rule, one, found, scene) for one, found in by_when.items())
    return [finding for finding in findings if finding is not None]


def failing_rules(
    plan: GatePlan, numbers: Iterable[int], found: Mapping[int, set[Match]], scene: Scene
) -> Iterator[tuple[int, list[Finding]]]:
    """Yields the rules that do not hold, by their number in the plan, with their findings.

    Args:
        found: the matches of each query that these rules use, by its number in the plan.
    """
    ordered: dict[int, list[Match]] = {}

    def matches(query: int) -> list[Match]:
        if query not in ordered:
            ordered[query] = sorted(found[query])
        return ordered[query]

    for number in numbers:
        whole = plan.full_query[number]
        findings = weigh(
            plan.rules[number],
            matches(plan.when_query[number]),
            None if whole is None else matches(whole),
            scene,
        )
        if findings:
            yield number, findings


def holds(require: Condition | None, values: Bound) -> bool | Unknown:
    """Evaluates a requirement: true, false, or unknown with the reason."""
    if require is None:
        return True
    value = require.value(values)
    return value if isinstance(value, bool | Unknown) else Unknown("the condition gave no answer")


def read_path(path: FieldPath, values: Bound) -> Any:
    """Returns the value of a field, or None when it is unknown."""
    return values.get(path.name, {}).get(path.field)


def _weigh_match(rule: Rule, match: Match, scene: Scene) -> Finding | None:
    values = scene.values(rule, match)
    stale = scene.stale(rule, match)
    answer = Unknown(stale) if stale else holds(rule.require, values)
    if answer is True:
        return None
    unknown = isinstance(answer, Unknown)
    return Finding(
        rule,
        _missing_or(rule, "inconclusive") if unknown and not stale else _answer(unknown=unknown),
        scene.bound(rule, match),
        values,
        scene.subject(match),
        why=answer.why if isinstance(answer, Unknown) else "",
        uncounted=(match,),
    )


def _weigh_expected(
    rule: Rule, when: Match, found: Sequence[Match], scene: Scene
) -> Finding | None:
    needed = _needed(rule, scene.values(rule, when))
    if isinstance(needed, Unknown):
        return Finding(
            rule,
            "inconclusive",
            scene.bound(rule, when),
            scene.values(rule, when),
            scene.subject(when),
            why=needed.why,
        )
    tally = _Tally(rule, scene)
    stale_when = scene.stale(rule, when)
    for match in found:
        tally.count(match, stale_when)
    if len(tally.true) >= needed and not stale_when:
        return None
    shown = tally.false_match or tally.unknown_match or when
    why = ""
    answer: Literal["block", "inconclusive"]
    if len(tally.true | tally.unknown) >= needed and tally.unknown:
        answer, why = "inconclusive", tally.why
        shown = tally.unknown_match or shown
    elif stale_when:
        answer, why = "inconclusive", stale_when
    elif not found and any(FACT_KINDS[pattern.kind].OUTSIDE for pattern in rule.expect):
        answer = _missing_or(rule, "inconclusive")
        why = "nobody has stated a " + " and a ".join(pattern.kind for pattern in rule.expect)
    else:
        answer = _missing_or(rule, "block") if not found else "block"
        why = "nothing of the kind was found" if answer == "inconclusive" else ""
    return Finding(
        rule,
        answer,
        scene.bound(rule, shown),
        scene.values(rule, shown),
        scene.subject(when),
        why=why if answer == "inconclusive" else "",
        uncounted=tuple(tally.uncounted) or (when,),
        missing=needed - len(tally.true),
    )


class _Tally:
    """Counts the facts of `expect` for which the requirement is true, or may be."""

    def __init__(self, rule: Rule, scene: Scene) -> None:
        self._rule = rule
        self._scene = scene
        self.true: set[Any] = set()
        self.unknown: set[Any] = set()
        self.uncounted: list[Match] = []
        self.false_match: Match | None = None
        self.unknown_match: Match | None = None
        self.why = ""

    def count(self, match: Match, stale_when: str) -> None:
        rule, values = self._rule, self._scene.values(self._rule, match)
        stale = stale_when or self._scene.stale(rule, match)
        answer = Unknown(stale) if stale else holds(rule.require, values)
        distinct: Any = match
        if rule.distinct is not None:
            distinct = read_path(rule.distinct, values)
            if distinct is None and answer is True:
                answer = Unknown(f"{rule.distinct} is not known")
        if answer is True:
            self.true.add(distinct)
            return
        self.uncounted.append(match)
        if answer is False:
            self.false_match = self.false_match or match
        elif isinstance(answer, Unknown):
            # Unknown facts that may be the same one count apart: they only ever hold the gate.
            self.unknown.add(match if distinct is None else distinct)
            self.unknown_match = self.unknown_match or match
            self.why = self.why or answer.why


def _needed(rule: Rule, values: Bound) -> int | Unknown:
    if isinstance(rule.at_least, int):
        return rule.at_least
    value = rule.at_least.value(values)
    if isinstance(value, Unknown):
        return value
    # A count computed as 0, say the majority of nobody, would open the gate; one is the least.
    return max(1, int(value))


def _answer(*, unknown: bool) -> Literal["block", "inconclusive"]:
    return "inconclusive" if unknown else "block"


def _missing_or(
    rule: Rule, otherwise: Literal["block", "inconclusive"]
) -> Literal["block", "inconclusive"]:
    return rule.text.missing or otherwise
