"""Asking every measure for its gates: who is asked how often, and what is counted."""

import asyncio
from datetime import UTC, date, datetime

from console.import_asking import Asked, ask_all
from measures.answers import Answer
from measures.errors import RefusedError
from measures.plan import Measure
from measures.status import Reason
from rules.loader import builtin_packs
from workflows.client.speaking import AT_ONCE

STAGES = ("defined", "identified", "detailed", "decided", "implemented", "closed")


class Engine:
    """Answers as an engine would whose measures reach a stage each and block there."""

    def __init__(self, reach: dict[str, str], rule: str = "detailed.plan-has-money") -> None:
        self._reach = reach
        self._rule = rule
        self._stage = dict.fromkeys(reach, "defined")
        self._running = 0
        self.most_at_once = 0
        self.asked_by: list[str] = []

    async def advance(self, measure: str, by: str) -> Answer:
        """Asks for the next gate."""
        self.asked_by.append(by)
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        await asyncio.sleep(0)
        self._running -= 1
        if measure not in self._reach:
            raise RefusedError("unknown-measure", "there is none")
        stage = self._stage[measure]
        if stage == STAGES[-1]:
            return Answer(measure=measure, accepted=False, refused="already-ended", stage=stage)
        gate = STAGES[STAGES.index(stage) + 1]
        if stage == self._reach[measure]:
            reasons = tuple(self._reason(answer) for answer in ("inconclusive", "block"))
            return Answer(
                measure=measure,
                accepted=True,
                gate=gate,
                verdict="block",
                stage=stage,
                reasons=reasons,
            )
        self._stage[measure] = gate
        return Answer(measure=measure, accepted=True, gate=gate, verdict="pass", stage=gate)

    def _reason(self, answer: str) -> Reason:
        return Reason(
            rule=self._rule,
            answer=answer,
            message="",
            wanted="",
            seen={},
            subject="",
            since=datetime(2031, 1, 1, tzinfo=UTC),
            who=(),
            command="",
            pack="standard",
            line=1,
        )


def ask(engine: Engine, measures: list[str], *, until_blocked: bool) -> Asked:
    """Asks measures, each as its owner."""
    plans = [
        (Measure(id=name, title=name, type="campaign", package="p"), f"owner-of-{name}")
        for name in measures
    ]
    return asyncio.run(
        ask_all(
            engine.advance, plans, builtin_packs(), date(2031, 1, 1), until_blocked=until_blocked
        )
    )


def test_each_measure_is_asked_once_and_its_rules_are_counted() -> None:
    """Rules that had nothing to say are counted as passed; one verdict per rule and measure."""
    engine = Engine({"a": "defined", "b": "closed"}, rule="identified.governance-complete")
    asked = ask(engine, ["a", "b"], until_blocked=False)
    assert (asked.measures, asked.gates) == (2, 2)
    assert asked.verdicts == {"block": 1, "pass": 1}
    assert asked.stages == {"defined": 1, "identified": 1}
    assert {(c.rule, c.gate): (c.passed, c.block, c.inconclusive) for c in asked.rules} == {
        ("identified.governance-complete", "identified"): (1, 1, 0),
        ("identified.kpi-has-baseline-and-target", "identified"): (2, 0, 0),
    }
    assert sorted(engine.asked_by) == ["owner-of-a", "owner-of-b"]


def test_until_blocked_shows_how_far_each_gets() -> None:
    """Gates are asked for until one stays shut or the last stage is reached."""
    engine = Engine({"a": "identified", "b": "closed", "c": "defined"})
    asked = ask(engine, ["a", "b", "c"], until_blocked=True)
    assert asked.stages == {"identified": 1, "closed": 1, "defined": 1}
    assert asked.verdicts == {"block": 2, "pass": 1}
    assert asked.gates == 2 + 5 + 1
    assert asked.refused == {}
    shut = {(c.gate, c.block) for c in asked.rules if c.block}
    assert shut == {("detailed", 1), ("identified", 1)}


def test_a_measure_that_cannot_be_asked_is_counted_and_the_others_go_on() -> None:
    """One refusal is no reason to leave the rest unasked."""
    asked = ask(Engine({"a": "defined"}), ["a", "gone"], until_blocked=True)
    assert asked.refused == {"unknown-measure": 1}
    assert asked.verdicts == {"block": 1}


def test_not_too_many_are_asked_at_a_time() -> None:
    """Beyond the limit the tail grows faster than the rate."""
    names = [f"m{number}" for number in range(5 * AT_ONCE)]
    engine = Engine(dict.fromkeys(names, "defined"))
    assert ask(engine, names, until_blocked=False).measures == len(names)
    assert engine.most_at_once == AT_ONCE
