"""The engine's simulator: once per content, bounded, and not lost with whoever asked."""

import asyncio
import threading
from typing import Any

import pytest

from measures.errors import RefusedError
from measures.queueing import outcome
from measures.queueing.asking import PlayAsk
from measures.queueing.inputs import PoolInputs, QueueInputs
from worker.activities.queues import Simulator


def inputs(pools: int = 1, free: float = 90) -> QueueInputs:
    """A month's rush on some pools."""
    return QueueInputs(
        measure="rush",
        pools=tuple(
            PoolInputs(
                pool=f"p{number}",
                title="Pool",
                unit="calls",
                demands={"2031-03": 100},
                free={"2031-03": free},
            )
            for number in range(pools)
        ),
    )


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes every play."""
    plays: list[str] = []
    real = outcome.simulate

    def noted(inputs: QueueInputs, *rest: Any) -> Any:
        plays.append(inputs.digest)
        return real(inputs, *rest)

    monkeypatch.setattr(outcome, "simulate", noted)
    return plays


async def test_the_same_is_played_once(played: list[str]) -> None:
    """However many ask, at once or later; other content and other asks are played anew."""
    simulator, ask = Simulator(), PlayAsk(replications=2)
    first, second = await asyncio.gather(*(simulator.play(inputs(), ask) for _ in range(2)))
    assert first == second == await simulator.play(inputs(), ask)
    assert len(played) == 1
    await simulator.play(inputs(free=95), ask)
    await simulator.play(inputs(), PlayAsk(replications=3))
    assert len(played) == 3


async def test_a_play_outlives_who_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """An activity that times out finds the figures when it is tried again."""
    begun, may_end, plays = threading.Event(), threading.Event(), []
    real = outcome.simulate

    def slow(*arguments: Any) -> Any:
        plays.append(1)
        begun.set()
        assert may_end.wait(20)
        return real(*arguments)

    monkeypatch.setattr(outcome, "simulate", slow)
    simulator, ask = Simulator(), PlayAsk(replications=1)
    asked = asyncio.create_task(simulator.play(inputs(), ask))
    await asyncio.to_thread(begun.wait, 20)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    may_end.set()
    assert (await simulator.play(inputs(), ask)).measure == "rush"
    assert plays == [1]


@pytest.mark.parametrize(("pools", "replications"), [(1, 201), (21, 100)])
async def test_what_would_take_too_long_is_refused(pools: int, replications: int) -> None:
    """Before anything is played."""
    with pytest.raises(RefusedError, match="fewer --replications") as refused:
        await Simulator().play(inputs(pools), PlayAsk(replications=replications))
    assert refused.value.code == "too-much"


async def test_a_refusal_is_told_to_everybody_who_asks() -> None:
    """It is as true the second time."""
    simulator = Simulator()
    for _ in range(2):
        with pytest.raises(RefusedError, match="has nothing free"):
            await simulator.play(inputs(free=0), PlayAsk())


async def test_a_fault_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered of a machine that had no memory left."""
    real, faults = outcome.simulate, [MemoryError()]

    def faulty(*arguments: Any) -> Any:
        if faults:
            raise faults.pop()
        return real(*arguments)

    monkeypatch.setattr(outcome, "simulate", faulty)
    simulator, ask = Simulator(), PlayAsk(replications=1)
    with pytest.raises(MemoryError):
        await simulator.play(inputs(), ask)
    assert (await simulator.play(inputs(), ask)).measure == "rush"
