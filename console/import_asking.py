"""Asking every imported measure for its gate, and counting what the rules say."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

from measures.answers import Answer
from measures.errors import RefusedError
from measures.model import Stored
from measures.plan import Measure
from rules.schema import Pack
from workflows.client.speaking import AT_ONCE


class RuleCount(Stored):
    """How many measures a rule let through and how many it held, at one gate."""

    rule: str
    gate: str
    passed: int
    block: int
    inconclusive: int


class Asked(Stored):
    """The summary of asking.

    Attributes:
        measures: how many were asked.
        gates: how many gates were asked for; more than measures when asking until blocked.
        verdicts: how many measures got which latest answer.
        stages: in which stage how many measures stand now.
        rules: per rule that was judged, the most blocking first.
        refused: per error code how many requests could not be asked at all.
    """

    measures: int
    gates: int
    seconds: float
    verdicts: dict[str, int]
    stages: dict[str, int]
    rules: tuple[RuleCount, ...]
    refused: dict[str, int] = {}


class Asker(Protocol):
    """Asks one measure for its next gate."""

    async def __call__(self, measure: str, by: str, /) -> Answer:
        """Returns the answer."""


async def ask_all(
    ask: Asker,
    measures: Sequence[tuple[Measure, str]],
    packs: Iterable[Pack],
    today: date,
    *,
    until_blocked: bool,
) -> Asked:
    """Asks measures for their next gate, not too many at a time.

    Args:
        measures: each with the person who asks.
        packs: what is in force, to count the rules that had nothing to say against.
        until_blocked: ask on as long as gates open.

    Raises:
        EngineError: the engine does not answer.
    """
    turns = asyncio.Semaphore(AT_ONCE)
    answers: list[tuple[Measure, list[Answer]]] = []
    refused: Counter[str] = Counter()

    async def one(plan: Measure, by: str) -> None:
        given: list[Answer] = []
        answers.append((plan, given))
        async with turns:
            while not given or (until_blocked and _goes_on(given)):
                try:
                    answer = await ask(plan.id, by)
                except RefusedError as error:
                    refused[error.code] += 1
                    return
                if answer.refused:
                    # Reaching the last stage ends a measure; asking once more is no fault.
                    if not given:
                        refused[answer.refused] += 1
                    return
                given.append(answer)

    began = time.monotonic()
    await asyncio.gather(*(one(plan, by) for plan, by in measures))
    seconds = time.monotonic() - began
    latest = [given[-1] for _, given in answers if given]
    return Asked(
        measures=len(measures),
        gates=sum(len(given) for _, given in answers),
        seconds=round(seconds, 1),
        verdicts=dict(Counter(answer.verdict for answer in latest).most_common()),
        stages=dict(Counter(answer.stage for answer in latest).most_common()),
        rules=_count(answers, packs, today),
        refused=dict(refused),
    )


def _goes_on(given: list[Answer]) -> bool:
    """Tells whether the latest gate opened and led somewhere new."""
    before = given[-2].stage if len(given) > 1 else ""
    return given[-1].verdict == "pass" and given[-1].stage != before


def _count(
    answers: Sequence[tuple[Measure, list[Answer]]], packs: Iterable[Pack], today: date
) -> tuple[RuleCount, ...]:
    judged: Counter[tuple[str, str]] = Counter()
    held: Counter[tuple[str, str, str, str]] = Counter()
    for plan, given in answers:
        for answer in given:
            judged[plan.lifecycle, answer.gate] += 1
            said: dict[str, str] = {}
            for reason in answer.reasons:
                # A rule that blocks one KPI and cannot judge another one blocks the measure.
                if said.get(reason.rule) != "block":
                    said[reason.rule] = reason.answer
            for rule, verdict in said.items():
                held[plan.lifecycle, answer.gate, rule, verdict] += 1
    spoke = dict.fromkeys((lifecycle, gate, rule) for lifecycle, gate, rule, _ in held)
    silent = {
        (pack.lifecycle, gate, rule.id): None
        for pack in packs
        for rule in pack.rules
        for gate in rule.gates
        if judged[pack.lifecycle, gate] and rule.mode_on(today) == "enforce"
    }
    counts = []
    for lifecycle, gate, rule in silent | spoke:
        block = held[lifecycle, gate, rule, "block"]
        unsure = held[lifecycle, gate, rule, "inconclusive"]
        counts.append(
            RuleCount(
                rule=rule,
                gate=gate,
                passed=judged[lifecycle, gate] - block - unsure,
                block=block,
                inconclusive=unsure,
            )
        )
    return tuple(sorted(counts, key=lambda c: (-c.block - c.inconclusive, c.gate, c.rule)))
