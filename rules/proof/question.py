"""Asks the solver whether rules can hold together, and trusts only what the real rules confirm.

That something is possible is believed when real facts were judged and passed. That something is
impossible is believed without any of the assumptions that a search for examples makes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import z3

from measures.facts import Fact
from measures.lifecycle import Lifecycle
from rules.patterns import Query
from rules.proof.ruling import (
    STEPS,
    Rulebook,
    fields_of_rule,
    looked_at,
    numbers_needed,
    prefixes_of_rule,
    texts_of_rule,
)
from rules.proof.texts import Texts
from rules.proof.translation import Translator
from rules.proof.witness import facts_of, in_words, judge_example
from rules.proof.world import World, law_texts, planned_fields
from rules.schema import Rule

TIMEOUT_MS = 3000
"""How long the solver may think about one question."""
_EXAMPLES_TRIED = 4
_FEW = "no rule needs more facts than are looked at"


@dataclass(frozen=True, slots=True)
class Possible:
    """It can be: these facts were judged by the real rules and passed."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Impossible:
    """It can never be: these rules, of which none can be left out, exclude it.

    Attributes:
        rules: those of the gate itself.
        before: those of the gates before it, each with its gate.
    """

    rules: tuple[Rule, ...]
    before: tuple[tuple[str, Rule], ...] = ()


@dataclass(frozen=True, slots=True)
class Open:
    """It was not decided, and why.

    Attributes:
        wider: whether looking at more facts may decide it.
    """

    why: str
    wider: bool = False


Answer = Possible | Impossible | Open


class Question:
    """What can be at a gate on a day, as far as some rules go.

    Args:
        rules: every rule that may be asked about.
        seeds: patterns that examples may have to fulfil.
        launches: whether any campaign can have been launched.
        before: the rules of gates that the measure has passed with the plan that it has now.
        few: how many facts are looked at for a rule that reckons how many it needs.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        gate: str,
        rules: Sequence[Rule],
        day: date,
        seeds: Sequence[Query] = (),
        *,
        launches: bool = True,
        before: Mapping[str, Sequence[Rule]] | None = None,
        few: int = STEPS[0],
    ) -> None:
        self._gate, self._day, self._few = gate, day, few
        self._before = before or {}
        every = [*rules, *(rule for passed in self._before.values() for rule in passed)]
        numbers, self._short = numbers_needed(every, seeds, few)
        written = set().union(*(texts_of_rule(rule) for rule in every))
        written |= {
            value for q in seeds for p in q for _, value in p.equals if isinstance(value, str)
        }
        prefixes = set().union(*(prefixes_of_rule(rule) for rule in every))
        self._texts = Texts(written, {*law_texts(lifecycle), day.isoformat()}, prefixes)
        self._translator = Translator(self._texts)
        planned = {kind: number for kind, number in numbers.items() if planned_fields(kind)}
        own, _ = numbers_needed(rules, seeds, few, planned)
        self._world = World(lifecycle, gate, own | planned, self._texts, day, launches=launches)
        earlier = [
            World(
                lifecycle,
                one,
                numbers_needed(passed, (), few, planned)[0] | planned,
                self._texts,
                day,
                launches=launches,
                later=self._world,
            )
            for one, passed in self._before.items()
        ]
        self._books = {
            world.gate: Rulebook(world, self._translator, few) for world in (self._world, *earlier)
        }
        self._worlds = [self._world, *earlier]
        self._formulas: dict[tuple[str, str], Any] = {}
        self._laws: tuple[int, Any] | None = None

    def together(self, rules: Sequence[Rule], seed: Query | None = None) -> Answer:
        """Returns whether these rules can hold together, on a match of the seed if there is one."""
        extra = [] if seed is None else [self._books[self._gate].finds(seed)]
        return self._decided(rules, extra)

    def fails(self, rule: Rule, while_holding: Sequence[Rule], seed: Query | None = None) -> bool:
        """Tells whether a rule may fail while others hold; only a no is certain."""
        extra = [z3.Not(self._formula(self._gate, rule))]
        if seed is not None:
            extra.append(self._books[self._gate].finds(seed))
        solver, named = self._solver(while_holding, extra)
        return bool(self._short) or solver.check(*named) != z3.unsat

    def words(self, facts: Sequence[Fact], rules: Sequence[Rule]) -> str:
        """Writes an example, as far as these rules look at it."""
        return in_words(facts, set().union(*(fields_of_rule(rule) for rule in rules)))

    def against(self, rule: Rule, facts: Sequence[Fact]) -> str:
        """Returns what a rule says against an example; nothing when it holds."""
        said = judge_example([rule], self._gate, facts, self._day)
        return said[0].message if said else ""

    def _decided(self, rules: Sequence[Rule], extra: Sequence[Any]) -> Answer:
        solver, named = self._solver(rules, extra)
        assumed = self._assumed(solver)
        why = ""
        for _ in range(_EXAMPLES_TRIED):
            found = solver.check(*named, *assumed)
            if found != z3.sat:
                break
            example = self._example(solver.model(), rules)
            if isinstance(example, Possible):
                return example
            why = example.why
            solver.add(self._different(solver.model()))
        if why:
            return Open(why)
        if found == z3.unknown:
            return Open(f"the solver gave up after {TIMEOUT_MS / 1000:g} seconds")
        reasons = {str(one): reason for one, reason in assumed.items()}
        blamed = [reasons[str(one)] for one in solver.unsat_core() if str(one) in reasons]
        return self._impossible(rules, extra, blamed)

    def _impossible(self, rules: Sequence[Rule], extra: Sequence[Any], blamed: list[str]) -> Answer:
        solver, named = self._solver(rules, extra)
        if solver.check(*named) != z3.unsat:
            if _FEW in blamed:
                return Open(f"no example was found with {self._bounds(rules)}", wider=True)
            looked = "; ".join(dict.fromkeys(blamed)) or "few facts"
            return Open(f"no example was found, though none was excluded (it assumed: {looked})")
        core = set(solver.unsat_core())
        for literal in list(core):
            if solver.check(*(core - {literal})) == z3.unsat:
                core.remove(literal)
        excluding = [found for literal, found in named.items() if literal in core]
        kinds = {p.kind for _, rule in excluding for p in (*rule.when, *rule.expect)}
        if self._short & kinds:
            which = ", ".join(sorted(self._short & kinds))
            return Open(f"more facts of the kind {which} would have to be looked at")
        return Impossible(
            tuple(rule for gate, rule in excluding if gate == self._gate),
            tuple((gate, rule) for gate, rule in excluding if gate != self._gate),
        )

    def _bounds(self, rules: Sequence[Rule]) -> str:
        """Names the rules that may need more facts than are looked at, and how many these are."""
        bounds = [
            f"at most {number} {rule.expect[0].kind.replace('_', ' ')} facts for {rule.id}"
            for rule in (*rules, *(one for passed in self._before.values() for one in passed))
            if rule.expect
            for number in [looked_at(rule, self._few)]
            if number != rule.at_least
        ]
        return " and ".join(dict.fromkeys(bounds)) or "few facts"

    def _example(self, model: Any, rules: Sequence[Rule]) -> Possible | Open:
        found: list[tuple[Fact, ...]] = []
        try:
            words = self._texts.read(model)
        except LookupError as error:
            return _unlike_any_fact(error)
        for world in self._worlds:
            asked = self._before.get(world.gate, rules)
            try:
                facts = facts_of(model, world, words, self._day)
            except LookupError as error:
                return _unlike_any_fact(error)
            found.append(tuple(facts))
            said = judge_example(asked, world.gate, facts, self._day) if asked else []
            if said:
                why = f"the solver's example does not pass {said[0].rule}: {said[0].message}"
                return Open(self._beyond(asked) or why)
        return Possible(found[0])

    def _beyond(self, rules: Sequence[Rule]) -> str:
        for rule in rules:
            for condition in (rule.require, rule.at_least):
                text = getattr(condition, "text", "")
                if text in self._translator.beyond:
                    return f"{rule.id}: {self._translator.beyond[text]}"
        return ""

    def _different(self, model: Any) -> Any:
        """Returns a formula that another example must fulfil."""
        same = [
            term.value == model.eval(term.value, model_completion=True)
            for world in self._worlds
            for fact in world.every()
            for term, _ in fact.terms.values()
            if hasattr(term, "value") and z3.is_const(term.value)
        ]
        return z3.Not(z3.And(same))

    def _formula(self, gate: str, rule: Rule) -> Any:
        key = (gate, f"{rule.pack}/{rule.id}")
        if key not in self._formulas:
            self._formulas[key] = self._books[gate].holds(rule)
        return self._formulas[key]

    def _solver(
        self, rules: Sequence[Rule], extra: Sequence[Any]
    ) -> tuple[Any, dict[Any, tuple[str, Rule]]]:
        """Returns a solver that knows the laws, and per rule the literal that switches it on."""
        solver = z3.Solver()
        solver.set("timeout", TIMEOUT_MS)
        named: dict[Any, tuple[str, Rule]] = {}
        for gate, asked in {**self._before, self._gate: rules}.items():
            for number, rule in enumerate(asked):
                literal = z3.Bool(f"rule {number} at {gate}")
                solver.add(z3.Implies(literal, self._formula(gate, rule)))
                named[literal] = gate, rule
        laws = [law for world in self._worlds for law in world.all_laws()]
        laws += [*self._translator.axioms, *self._texts.axioms]
        if self._laws is None or len(laws) != self._laws[0]:
            # Laws are only ever added. As one formula they are handed over at once.
            self._laws = len(laws), z3.And(laws)
        solver.add(*extra, self._laws[1])
        return solver, named

    def _assumed(self, solver: Any) -> dict[Any, str]:
        assumed = {self._translator.exact: "no rounding"}
        # One and the same for all gates.
        assumed[self._books[self._gate].few] = _FEW
        reasons = [one for world in self._worlds for one in world.assumed.items()]
        reasons.append(("texts look as they usually do", z3.And(self._texts.usual)))
        for number, (reason, formula) in enumerate(reasons):
            literal = z3.Bool(f"assumed {number}")
            solver.add(z3.Implies(literal, formula))
            assumed[literal] = reason
        return assumed


def _unlike_any_fact(error: LookupError) -> Open:
    return Open(f"no real fact looks like what the solver found ({error})")
