"""What rules can never do at a gate: contradict each other, never hold, or ask for nothing."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from measures.facts import Fact
from measures.lifecycle import LAUNCH, Lifecycle
from rules.patterns import Query
from rules.plan import MEASURE
from rules.proof.claims import Claim, claim
from rules.proof.question import Answer, Impossible, Open, Possible, Question
from rules.proof.ruling import STEPS
from rules.schema import Pack, Rule

_MOST_CONTRADICTIONS = 5


class GateProof:
    """The proof of one gate on one day.

    Attributes:
        opens: whether the gate can open; None when that is not known.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        gate: str,
        packs: Sequence[Pack],
        day: date,
        *,
        opens: Mapping[str, bool | None] | None = None,
    ) -> None:
        """Prepares the proof; `opens` tells of the gates before whether they can open."""
        self._lifecycle, self.gate, self._day = lifecycle, gate, day
        known = opens or {}
        self._launches = known.get(LAUNCH) is not False
        self.rules = enforced_at(packs, lifecycle, gate, day)
        self._seeds = tuple(dict.fromkeys(r.when for r in self.rules if not _only_measure(r.when)))
        passed = {one: enforced_at(packs, lifecycle, one, day) for one in _before(lifecycle, gate)}
        # Of a gate that never opens its own claim has told.
        self._passed = {
            one: rules for one, rules in passed.items() if rules and known.get(one) is not False
        }
        frozen = frozen_before(lifecycle, gate)
        self._frozen = {one: rules for one, rules in self._passed.items() if one in frozen}
        self._questions: dict[tuple[str, ...], Question] = {}
        self._question = self._asking({}, STEPS[0])
        self.opens: bool | None = None

    def claims(self) -> list[Claim]:
        """Returns every claim about the gate."""
        found = [*self.can_open()]
        if self.opens:
            found += [*self._when_it_applies()]
        return [*found, *self._rule_by_rule(), *self._twice()]

    def _about(self, rules: Sequence[Rule], seeds: Sequence[Query]) -> Question:
        return Question(
            self._lifecycle, self.gate, rules, self._day, seeds, launches=self._launches
        )

    def _asking(self, before: Mapping[str, Sequence[Rule]], few: int) -> Question:
        key = (str(few), *before)
        if key not in self._questions:
            self._questions[key] = Question(
                self._lifecycle,
                self.gate,
                self.rules,
                self._day,
                self._seeds,
                launches=self._launches,
                before=before,
                few=few,
            )
        return self._questions[key]

    def _asked(
        self,
        before: Mapping[str, Sequence[Rule]],
        rules: Sequence[Rule],
        seed: Query | None,
    ) -> Answer:
        """Asks, looking at more facts as long as these are too few."""
        for few in STEPS:
            answer = self._asking(before, few).together(rules, seed)
            if not isinstance(answer, Open) or not answer.wider:
                break
        return answer

    def _together(self, rules: Sequence[Rule], seed: Query | None = None) -> Answer:
        """Returns whether rules can hold together for a measure that got to the gate.

        Gates before the plan is frozen bind nothing, for it may be amended after them; but an
        example that passes them as well is the better one.
        """
        alone = self._asked({}, rules, seed)
        if not isinstance(alone, Possible):
            return alone
        whole = self._asked(self._passed, rules, seed) if self._passed else alone
        if isinstance(whole, Possible) or not self._frozen:
            return whole if isinstance(whole, Possible) else alone
        return whole if self._frozen == self._passed else self._asked(self._frozen, rules, seed)

    def can_open(self) -> Iterator[Claim]:
        """Claims that the gate can open for some measure."""
        name = "gate-can-open"
        if not self.rules:
            self.opens = self.gate in self._lifecycle.open_gates
            text = "the lifecycle lets it open without rules"
            if not self.opens:
                before = _stage_before(self._lifecycle, self.gate)
                text = (
                    f"no enforced rule guards it, so it stays shut: a measure that is {before}"
                    " stays there"
                )
            yield claim(name, self.gate, "proved" if self.opens else "defect", text)
            return
        rules = list(self.rules)
        for _ in range(_MOST_CONTRADICTIONS):
            match self._together(rules):
                case Possible(facts):
                    if self.opens is None:
                        self.opens = True
                        text = self._opening(facts, rules)
                        yield claim(name, self.gate, "proved", text, self.rules)
                    return
                case Open(why):
                    if self.opens is None:
                        yield claim(name, self.gate, "not-proved", why)
                    return
                case Impossible(core, passed):
                    self.opens = False
                    yield self._contradiction(name, core, passed, None)
                    if not core:
                        return
                    rules.remove(core[-1])

    def _when_it_applies(self) -> Iterator[Claim]:
        """Claims that measures with the facts that `when` looks for can pass too."""
        for seed in self._seeds:
            asking = [rule for rule in self.rules if rule.when == seed]
            subject = f"{self.gate} with {_kinds(seed)}"
            answer = self._together(self.rules, seed)
            if not isinstance(answer, Possible) and self._never_met(seed):
                for rule in asking:
                    text = (
                        f"at {self.gate} there is never {_kinds(seed)} as {rule.id} looks for,"
                        " so it asks for nothing there"
                    )
                    yield claim("rule-applies", rule.id, "warning", text, [rule])
                continue
            match answer:
                case Possible(facts):
                    text = self._opening(facts, asking)
                    yield claim("gate-can-open", subject, "proved", text, asking)
                case Open(why):
                    yield claim("gate-can-open", subject, "not-proved", why, asking)
                case Impossible(core, passed):
                    yield self._contradiction("gate-can-open", core, passed, seed)

    def _never_met(self, seed: Query) -> bool:
        """Tells whether no measure that got to the gate has what a seed looks for."""
        alone = self._asked({}, (), seed)
        if isinstance(alone, Possible) and self._frozen:
            # An example that passes all gates would tell nothing more: it passes these too.
            return isinstance(self._asked(self._frozen, (), seed), Impossible)
        return isinstance(alone, Impossible)

    def _contradiction(
        self,
        name: str,
        core: tuple[Rule, ...],
        before: tuple[tuple[str, Rule], ...],
        seed: Query | None,
    ) -> Claim:
        whose = f"a measure with {_kinds(seed)}" if seed else "a measure"
        gate = self.gate
        if before:
            return self._frozen_out(name, core, before, seed, whose)
        if not core:
            return claim(name, gate, "defect", f"no measure can ever ask for the gate {gate}")
        if len(core) == 1:
            return self._never_holds(name, core[0], seed, whose)
        *others, last = core
        names = " and ".join(rule.id for rule in others)
        text = f"{whose} never passes {gate}: {' and '.join(r.id for r in core)} exclude each other"
        match self._together(others, seed):
            case Possible(facts):
                text += self._against(facts, names, others, last)
            case _:
                pass
        return claim(name, gate, "defect", text, core)

    def _frozen_out(
        self,
        name: str,
        core: tuple[Rule, ...],
        before: tuple[tuple[str, Rule], ...],
        seed: Query | None,
        whose: str,
    ) -> Claim:
        """Says that a plan which passed the gates before, and is frozen, never passes this one."""
        rules = [*(rule for _, rule in before), *core]
        frozen = f"the plan is frozen from {self._lifecycle.frozen_from} on"
        passed = " and ".join(f"{rule.id} at {gate}" for gate, rule in before)
        if not core:
            text = f"{whose} that passes {passed} never passes {self.gate}: {frozen}, and "
            text += (
                f"{self.gate} needs a controller who is neither owner nor sponsor"
                if self._lifecycle.confirms_value(self.gate)
                else f"such a plan is never asked about at {self.gate}"
            )
            return claim(name, self.gate, "defect", text, rules)
        own = " and ".join(rule.id for rule in core)
        text = f"{whose} never passes {self.gate}: {passed} and {own} exclude each other,"
        text += f" and {frozen}"
        match self._asked(self._frozen, core[:-1], seed):
            case Possible(facts):
                names = " and ".join(rule.id for rule in rules[:-1])
                text += self._against(facts, names, rules[:-1], core[-1])
            case _:
                pass
        return claim(name, self.gate, "defect", text, rules)

    def _opening(self, facts: Sequence[Fact], rules: Sequence[Rule]) -> str:
        example = self._question.words(facts, rules)
        return f"it opens with {example}" if example else "it opens without what its rules look for"

    def _against(
        self, facts: Sequence[Fact], names: str, others: Sequence[Rule], last: Rule
    ) -> str:
        """Says with an example that some rules hold and what the last one says then."""
        said = self._question.against(last, facts)
        example = self._question.words(facts, [*others, last])
        hold = "hold" if others[1:] else "holds"
        text = f"; with {example}, {names} {hold}" if example else f"; where {names} {hold},"
        return f"{text} and {last.id} says: {said}" if example else f"{text} {last.id} says: {said}"

    def _never_holds(self, name: str, rule: Rule, seed: Query | None, whose: str) -> Claim:
        if seed is not None and _forbids(rule):
            text = f"{rule.id} forbids it: {whose} never passes {self.gate}"
            return claim(name, self.gate, "note", text, [rule])
        text = f"{rule.id} can never hold, so {whose} never passes {self.gate}"
        facts: Possible | Impossible | Open = self._question.together((), seed)
        if rule.expect and self._nothing_like(rule):
            text += f": before {self.gate} nothing in the engine states {_patterns(rule.expect)}"
        elif isinstance(facts, Possible):
            said = self._question.against(rule, facts.facts)
            example = self._question.words(facts.facts, [rule])
            text += f"; e.g. with {example}: {said}" if example else f": {said}"
        return claim(name, self.gate, "defect", text, [rule])

    def _nothing_like(self, rule: Rule) -> bool:
        whole = (*rule.when, *rule.expect)
        if any(join for pattern in whole for join in pattern.joins):
            return False
        question = self._about((), [whole])
        return isinstance(question.together((), whole), Impossible)

    def _rule_by_rule(self) -> Iterator[Claim]:
        for rule in self.rules:
            if _forbids(rule):
                continue
            question = self._about([rule], [rule.when])
            if not question.fails(rule, (), rule.when):
                text = f"{rule.id} always holds at {self.gate}, so it asks for nothing"
                yield claim("rule-asks", rule.id, "warning", text, [rule])
            late = [g for g in _signed_gates(rule) if _is_later(self._lifecycle, g, self.gate)]
            if late:
                text = (
                    f"{rule.id} at {self.gate} waits for a sign-off of the later gate {late[0]}:"
                    " who signs there has not seen this one decided"
                )
                yield claim("signed-in-order", rule.id, "warning", text, [rule])

    def _twice(self) -> Iterator[Claim]:
        """Notes rules that say nothing which another does not say already."""
        said: set[str] = set()
        for rule in self.rules:
            for other in self.rules:
                same = rule is not other and rule.when == other.when and rule.expect == other.expect
                if not same or other.id in said or _always(rule) or _always(other):
                    continue
                pair = [rule, other]
                question = self._about(pair, [rule.when])
                if not question.fails(rule, [other]):
                    equal = not question.fails(other, [rule])
                    how = "say the same" if equal else f"whatever passes {other.id} passes it"
                    text = f"{rule.id} adds nothing to {other.id} at {self.gate}: {how}"
                    yield claim("rule-adds", rule.id, "note", text, pair)
                    said.add(rule.id)
                    break


def enforced_at(
    packs: Sequence[Pack], lifecycle: Lifecycle, gate: str, day: date
) -> tuple[Rule, ...]:
    """Returns the rules that hold a gate on a day."""
    return tuple(
        rule
        for pack in packs
        if pack.lifecycle == lifecycle.id
        for rule in pack.rules
        if gate in rule.gates and rule.mode_on(day) == "enforce"
    )


def frozen_before(lifecycle: Lifecycle, gate: str) -> tuple[str, ...]:
    """Returns the gates that a measure at a gate has passed with the very plan that it has now.

    From `frozen_from` on no plan is amended; a step back leads through each gate again. The launch
    is none of them: it is not on everybody's way, and a campaign stays launched after a step back.
    """
    return tuple(
        one for one in _before(lifecycle, gate) if lifecycle.reached(one, lifecycle.frozen_from)
    )


def _before(lifecycle: Lifecycle, gate: str) -> tuple[str, ...]:
    """Returns the gates to stages that come before a gate."""
    gates = lifecycle.gates
    return tuple(one for one in gates[: gates.index(gate)] if one != LAUNCH)


def days_of_change(packs: Sequence[Pack], today: date) -> list[date]:
    """Returns today and every later day on which a rule begins to be enforced."""
    days = {rule.text.enforce_from for pack in packs for rule in pack.rules}
    return [today, *sorted(day for day in days if day is not None and day > today)]


def _only_measure(query: Query) -> bool:
    return all(pattern.kind == MEASURE for pattern in query)


def _forbids(rule: Rule) -> bool:
    """Tells whether a rule is written to forbid what its `when` finds."""
    return rule.require is not None and rule.require.text.strip() == "false"


def _always(rule: Rule) -> bool:
    return rule.require is None and not rule.expect


def _kinds(query: Query | None) -> str:
    return " and ".join(
        ("an " if pattern.kind[0] in "aeio" else "a ") + pattern.kind.replace("_", " ")
        for pattern in query or ()
    )


def _patterns(query: Query) -> str:
    parts = []
    for pattern in query:
        tests = ", ".join(f"{name} {value}" for name, value in pattern.equals)
        parts.append(f"a {pattern.kind}" + (f" with {tests}" if tests else ""))
    return " and ".join(parts)


def _signed_gates(rule: Rule) -> list[str]:
    return [
        str(value)
        for pattern in rule.expect
        if pattern.kind == "signoff"
        for name, value in pattern.equals
        if name == "gate"
    ]


def _is_later(lifecycle: Lifecycle, gate: str, than: str) -> bool:
    gates = lifecycle.gates
    return gate in gates and gates.index(gate) > gates.index(than)


def _stage_before(lifecycle: Lifecycle, gate: str) -> str:
    if gate == LAUNCH and lifecycle.launch_from is not None:
        return lifecycle.launch_from
    return lifecycle.previous_stage(gate) or lifecycle.first
