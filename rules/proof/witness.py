"""From a model of the solver to real facts, judged by the real conditions."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from fractions import Fraction
from typing import Any

import z3
from pydantic import ValidationError

from measures.facts import FACT_KINDS, Fact
from measures.verdict import Blocker
from rules.fields import fields_of
from rules.matcher import TooManyMatchesError, match
from rules.outcome import Outcome
from rules.plan import gate_plan
from rules.proof.texts import number_in
from rules.proof.translation import Truth
from rules.proof.world import OpenFact, World
from rules.schema import Rule

_EXAMPLES = {
    "period": "2031-01",
    "due": "2031-01-15",
    "sha256": "0" * 64,
    "latest_period": "2031-01",
}
_SHOWN = 8


def facts_of(model: Any, world: World, words: Mapping[Fraction, str], day: date) -> list[Fact]:
    """Returns the facts that a model describes; what no rule looks at is filled in.

    Args:
        words: the text of every number of the model, see `Texts.read`.

    Raises:
        LookupError: the model describes something that is no fact.
    """
    now = moment_of(day)
    facts: list[Fact] = []
    for fact in world.every():
        if not z3.is_true(model.eval(fact.present, model_completion=True)):
            continue
        content = {name: _example(fact, name) for name in _required(fact.kind)}
        content |= _known(model, fact, words)
        try:
            facts.append(FACT_KINDS[fact.kind](seen_at=now, source="example", **content))
        except ValidationError as error:
            raise LookupError(f"{fact.kind}: {error.errors()[0]['msg']}") from None
    return facts


def judge_example(
    rules: Sequence[Rule], gate: str, facts: Sequence[Fact], day: date
) -> list[Blocker]:
    """Returns what the real rules say against facts; nothing when the gate opens."""
    plan = gate_plan(gate, rules)
    outcome = Outcome(plan, facts, moment_of(day))
    kept, seen = plan.world(facts)
    try:
        outcome.weigh(kept, match(plan.queries, seen))
    except TooManyMatchesError as error:
        outcome.inconclusive(str(error))
    return outcome.blockers


def in_words(facts: Sequence[Fact], fields: set[tuple[str, str]]) -> str:
    """Writes the fields of facts that matter, for people."""
    parts: list[str] = []
    for fact in facts:
        shown = [
            f"{fact.kind}.{name} {_value(getattr(fact, name))}"
            for name in fields_of(fact.kind)
            if (fact.kind, name) in fields and getattr(fact, name) is not None
        ]
        parts += shown or ([f"a {fact.kind}"] if any(k == fact.kind for k, _ in fields) else [])
    more = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
    return ", ".join(parts[:_SHOWN]) + more


def moment_of(day: date) -> datetime:
    """Returns the moment at which examples of a day are judged."""
    return datetime.combine(day, time(12), UTC)


def _known(model: Any, fact: OpenFact, words: Mapping[Fraction, str]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name, (term, there) in fact.terms.items():
        if not z3.is_true(model.eval(there, model_completion=True)):
            content.pop(name, None)
            continue
        if isinstance(term, Truth):
            content[name] = z3.is_true(model.eval(term.true, model_completion=True))
        elif term.sort == "whole":
            content[name] = model.eval(term.value, model_completion=True).as_long()
        elif term.sort == "text":
            content[name] = words[number_in(model, term.value)]
        else:
            number = number_in(model, term.value)
            content[name] = int(number) if number.denominator == 1 else float(number)
    return content


def _required(kind: str) -> list[str]:
    fields = FACT_KINDS[kind].model_fields
    return [name for name in fields_of(kind) if name in fields and fields[name].is_required()]


def _example(fact: OpenFact, name: str) -> Any:
    field = fields_of(fact.kind)[name]
    if field.values:
        return field.values[0]
    kind = field.type
    if kind == "boolean":
        return False
    if kind in ("whole", "number"):
        return 0
    return _EXAMPLES.get(name, f"{fact.kind.replace('_', '-')}-{fact.name.split()[-1]}")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}"
    return f"'{value}'"
