"""A live situation becomes a case: the facts its gate looks at, and what the rules say of them."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from measures.errors import EngineError, RefusedError
from measures.facts import FACT_KINDS, Fact
from measures.lifecycle import Lifecycle
from measures.verdict import Verdict
from rules.case_writing import Defaults, NewCase, written_fact
from rules.fields import fields_of
from rules.judge import ENGINE, Judge
from rules.plan import MEASURE, PackSet
from rules.schema import Pack

_NOBODY = ("", "plan", "clock")
"""What stands in the source of a fact that no person stated."""


async def record_case(
    name: str,
    pack: Pack,
    judge: Judge,
    gate: str,
    facts: Sequence[Fact],
    now: datetime,
    *,
    lifecycle: Lifecycle,
    defaults: Defaults,
    anonymous: bool = False,
) -> NewCase:
    """Returns the case that a situation makes, as one pack judges it at one gate.

    Args:
        name: what the case is called.
        judge: judges with this pack alone, as `sluice rules test` does.
        facts: everything that is known.
        now: the moment of the judgement.
        lifecycle: the measure's.
        defaults: those of the file that the case is for.
        anonymous: whether people and words for people are replaced.

    Raises:
        EngineError: the engines could not judge.
        RefusedError: ``names-matter`` when the rules answer otherwise for other names.
    """
    kept = facts_read(pack, gate, facts)
    judged = [kept, without_names(kept)] if anonymous else [kept]
    verdicts = [
        await judge.judge(gate=gate, facts=one, now=now, lifecycle=lifecycle) for one in judged
    ]
    for verdict in verdicts:
        _refuse_trouble(verdict)
    if _answers(verdicts[0]) != _answers(verdicts[-1]):
        different = ", ".join(
            sorted(set(verdicts[0].blocking_rules) ^ set(verdicts[-1].blocking_rules))
        )
        raise RefusedError(
            "names-matter",
            f"rules look at names: without them {different or 'the gate'} would answer otherwise;"
            " record it without --anonymous",
        )
    return NewCase(
        case=name,
        gate=gate,
        now=now,
        without=() if any(fact.kind == MEASURE for fact in kept) else (MEASURE,),
        given=tuple(written_fact(fact, now, defaults) for fact in judged[-1]),
        verdict=verdicts[-1].verdict,
        blockers=verdicts[-1].blocking_rules,
    )


def facts_read(pack: Pack, gate: str, facts: Iterable[Fact]) -> list[Fact]:
    """Returns the facts of the kinds that a pack's rules look at, and the measure."""
    plan = PackSet([pack]).plans.get((pack.lifecycle, gate))
    kinds: Collection[str] = plan.kinds if plan else {MEASURE}
    return [fact for fact in facts if fact.kind in kinds]


def without_names(facts: Sequence[Fact]) -> list[Fact]:
    """Returns facts in which each person has another name, the same one everywhere.

    The names are given in the order in which people appear, so that the same situation gives the
    same names. Words for people, which may name somebody, become the name of their field.
    """
    names: dict[str, str] = {}

    def name_of(person: str) -> str:
        return names.setdefault(person, f"person-{len(names) + 1}")

    changed = []
    for fact in facts:
        new: dict[str, Any] = {
            field: name_of(person) for field in fact.PERSONS if (person := getattr(fact, field))
        }
        new |= {field: field for field in _words(fact.kind) if getattr(fact, field)}
        if fact.source not in _NOBODY and ":" not in fact.source:
            new["source"] = name_of(fact.source)
        changed.append(fact.model_copy(update=new))
    return changed


def _words(kind: str) -> list[str]:
    """Returns the fields that hold words for people, of which no fact is told apart."""
    named_by = FACT_KINDS[kind].NAMED_BY
    return [
        name
        for name, info in fields_of(kind).items()
        if info.type == "text" and not info.keyed and name not in named_by
    ]


def _refuse_trouble(verdict: Verdict) -> None:
    for blocker in verdict.blockers:
        if blocker.rule == ENGINE and blocker.answer == "inconclusive":
            raise EngineError(f"this cannot be recorded: {blocker.message}")


def _answers(verdict: Verdict) -> tuple[str, tuple[str, ...]]:
    return verdict.verdict, verdict.blocking_rules
