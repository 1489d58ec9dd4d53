"""A rule gates on how long people wait: the engine plays the queue, and again when it changed."""

from pathlib import Path
from typing import Any

import pytest

from measures.model import period_bounds
from measures.queueing.asking import PlayAsk
from rules.loader import load_pack

pytestmark = pytest.mark.temporal

Engine = Any
RULE = "decided.wait-is-bearable"
PACK = Path(__file__).parents[2] / "examples" / "queues" / "waits.yaml"


async def rush(engine: Engine) -> str:
    """A month's demand that the month's capacity covers, all of it on three days."""
    await engine.pool("kyc", 10_000)
    first, _ = period_bounds(engine.period())
    window = {"launch_on": first.replace(day=3), "ends_on": first.replace(day=5)}
    campaign = engine.campaign() | {day: when.isoformat() for day, when in window.items()}
    measure: str = await engine.define(demands=[engine.demand("kyc", 9_000)], campaign=campaign)
    await engine.reach(measure, "detailed")
    await engine.approve(measure)
    return measure


async def test_a_wait_blocks_and_the_measure_moves_on_when_it_is_short(own_engine: Any) -> None:
    """Unknown, then too long, then short: simulated again without anybody asking for it."""
    async with own_engine() as engine:
        content = load_pack(PACK.read_text(), PACK.name).document
        engine.ledger.append_document(
            "RulePack", "waits", content.model_dump(mode="json"), "x", engine.now(), "applied"
        )
        measure = await rush(engine)
        unknown = await engine.client.advance(measure, "olga")
        assert unknown.verdict == "inconclusive"
        assert unknown.blockers == (RULE,)

        refused = await engine.report(measure, "eve", queue={"replications": 5})
        assert (refused.accepted, refused.refused) == (False, "unknown-person")
        played = await engine.report(measure, "olga", queue={"replications": 5})
        assert played.accepted
        assert played.verdict == "block"
        assert played.blockers == (RULE,)
        [first] = engine.entries(measure, "queue_simulated")
        [wait] = engine.state(measure).queue.pools
        assert first.by == "olga"
        assert wait.p90_days > 20
        [blocker] = engine.state(measure).request.verdict.blockers
        assert blocker.seen["p90_days"] == wait.p90_days

        again = await engine.report(measure, "olga", queue={"replications": 5})
        assert again.accepted
        assert engine.entries(measure, "queue_simulated") == [first], "nothing new was said"

        await engine.capacity("kyc", 200_000)
        await engine.until_stage(measure, "decided")
        second = engine.entries(measure, "queue_simulated")[-1]
        assert second.by == "engine"
        state = engine.state(measure)
        assert state.queue.pools[0].p90_days < 3
        assert state.queue.ask == PlayAsk(replications=5), "played as it was asked for"


async def test_what_cannot_be_played_is_refused(engine: Engine) -> None:
    """Nothing is recorded, and the answer says what to do."""
    silent: str = await engine.define("silent")
    answer = await engine.report(silent, "olga", queue={})
    assert (answer.accepted, answer.refused) == (False, "no-demands")
    await engine.pool("mute")
    mute: str = await engine.define("mute", demands=[engine.demand("mute", 5)])
    answer = await engine.report(mute, "olga", queue={})
    assert answer.refused == "no-capacity"
    assert "sluice capacity" in answer.message
    assert engine.entries(mute, "queue_simulated") == []
