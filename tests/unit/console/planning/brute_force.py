"""Judging everything again by hand, by the packs of before and after."""

import asyncio
from datetime import datetime
from typing import Any

from measures.facts import Fact
from measures.judging import only_with_controller
from measures.state import MeasureState
from measures.verdict import Verdict
from rules.comparing import Difference, compare
from rules.judge import Judge
from rules.schema import Pack


async def judged_by_hand(
    before: tuple[Pack, ...],
    after: tuple[Pack, ...],
    cases: list[tuple[MeasureState, str, list[Fact], datetime]],
) -> list[tuple[Verdict, Verdict]]:
    """Judges every case by both complete sets of packs."""
    async with Judge(before) as one, Judge(after) as other:
        found = []
        for state, gate, facts, now in cases:
            verdicts = [
                await judge.judge(gate=gate, facts=facts, now=now, lifecycle=state.lifecycle)
                for judge in (one, other)
            ]
            old, new = (only_with_controller(state, verdict) for verdict in verdicts)
            found.append((old, new))
        return found


Told = set[tuple[str, str, int, str, str, str]]
"""Of each change: measure, gate, position of the decision, effect, rule and its part, reasons."""


def told(tally: Any) -> Told:
    """What a plan says of each rule, with every example."""
    return {
        _one(change.measure, change.gate, change.position, change.difference, rule)
        for (rule, _), found in tally.rules.items()
        for change in found.examples
    }


def as_told(expected: list[tuple[str, str, int, Difference]]) -> Told:
    """What a plan should say of these differences."""
    return {
        _one(measure, gate, position, difference, rule)
        for measure, gate, position, difference in expected
        for rule in difference.rules
    }


def _one(
    measure: str, gate: str, position: int, difference: Difference, rule: str
) -> tuple[str, str, int, str, str, str]:
    reasons = [
        (kind, one.answer, one.subject, one.message, one.clear_by)
        for kind in ("added", "gone", "warned", "silenced")
        for one in getattr(difference, kind)
        if one.rule == rule
    ]
    return (
        measure,
        gate,
        position,
        f"{difference.effect} {difference.before} {difference.after}",
        f"{rule} {difference.rules[rule]}",
        repr(sorted(map(repr, reasons))),
    )


def changes_by_hand(
    cases: list[tuple[MeasureState, str, list[Fact], datetime]],
    before: tuple[Pack, ...],
    after: tuple[Pack, ...],
) -> Told:
    """What a plan should say of these cases."""
    found = asyncio.run(judged_by_hand(before, after, cases))
    return as_told(
        [
            (case[0].id, case[1], 0, compare(*both))
            for case, both in zip(cases, found, strict=True)
            if compare(*both).effect != "same"
        ]
    )
