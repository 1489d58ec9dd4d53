"""Readings of pools' numbers: none waits for another system, and how each went can be seen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.contract import Remote
from connectors.failures import Rejected, RetryLater
from ledger.feeds import FeedStates
from ledger.writer import AsyncLedger
from measures.documents import Pool
from measures.feeds import Feed, FeedState
from measures.pool import open_pool
from worker import feeding as feedings
from worker.feeding import AT_ONCE, Feeding

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)


class Systems:
    """Connections to two systems: `quick` answers, `slow` hangs until it is let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failure: Exception | None = None
        self.let_go = asyncio.Event()

    async def get(self, connection: str) -> Any:
        """Returns a connection."""

        async def show(kind: str, ref: str) -> Remote:
            self.asked.append(f"{connection}:{ref}")
            if connection == "slow":
                await self.let_go.wait()
            if self.failure is not None:
                raise self.failure
            return Remote(kind=kind, ref=ref, title="", version="1", status="", fields={"n": 7})

        return SimpleNamespace(get=show)


class Told:
    """What pools are told."""

    def __init__(self) -> None:
        self.loads: list[tuple[str, float]] = []
        self.came = asyncio.Event()

    async def report_load(self, pool: str, load: Any, *, key: str) -> Any:
        """Takes a report."""
        self.loads.append((pool, load.value))
        self.came.set()
        return SimpleNamespace(message="")


@asynccontextmanager
async def fed(folder: Path, **pools: str) -> AsyncIterator[tuple[Any, Systems, Told, FeedStates]]:
    """Pools that are fed by a connection each; gives what reads them."""
    async with await AsyncLedger.open(f"sqlite:///{folder / 'ledger.db'}") as ledger:
        for name, connection in pools.items():
            feed = Feed(gives="load", connection=connection, object="queue", ref=name, field="n")
            pool = Pool(id=name, title=name, unit="checks", owner="kim", feeds=(feed,))
            ledger.ledger.append([open_pool(pool, "kim", NOW, name)])
        systems, told = Systems(), Told()
        feeding = Feeding(ledger, systems, told, lambda: NOW)  # type: ignore[arg-type]
        try:
            yield feeding, systems, told, FeedStates(ledger.ledger.database)
        finally:
            await feeding.aclose()


async def over(feeding: Feeding) -> None:
    """Returns when nothing is being read."""
    await asyncio.gather(*feeding._under_way.values())


async def test_a_system_that_hangs_holds_up_nobody_else(tmp_path: Path) -> None:
    """Not even when it has more pools than are read side by side; it is asked no more than that."""
    slow = {f"s{number}": "slow" for number in range(AT_ONCE + 8)}
    async with fed(tmp_path, **slow, kyc="quick") as (feeding, systems, told, states):
        await feeding.look()
        async with asyncio.timeout(20):
            await told.came.wait()
        assert told.loads == [("kyc", 7)]
        await feeding.look()
        assert len([one for one in systems.asked if one.startswith("slow")]) == AT_ONCE
        systems.let_go.set()
        await over(feeding)
        assert sorted(told.loads) == sorted((name, 7) for name in (*slow, "kyc"))
        assert len(states.of()) == len(slow) + 1


async def test_how_a_reading_went_is_noted(tmp_path: Path) -> None:
    """The last good one stays beside the last error."""
    async with fed(tmp_path, kyc="quick") as (feeding, systems, _, states):
        await feeding.look()
        await over(feeding)
        good = FeedState(pool="kyc", gives="load", source="quick:queue/kyc.n", last_success=NOW)
        assert states.of("kyc") == [good]
        feeding._now = lambda: NOW + timedelta(minutes=1)
        systems.failure = Rejected("there is no such queue")
        await feeding.look()
        await over(feeding)
        [bad] = states.of()
        assert (bad.last_success, bad.last_error, bad.last_error_at) == (
            NOW, "there is no such queue", NOW + timedelta(minutes=1),
        )  # fmt: skip
        assert states.of("another") == []


@pytest.mark.parametrize("failure", [RetryLater("it is down"), None], ids=["down", "hangs"])
async def test_what_may_go_better_is_tried_again_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception | None
) -> None:
    """In the same turn; what was refused waits for the next one."""
    monkeypatch.setattr(feedings, "PATIENCE", 0.05)
    connection = "quick" if failure else "slow"
    async with fed(tmp_path, kyc=connection) as (feeding, systems, told, states):
        systems.failure = failure
        for _ in range(2):
            await feeding.look()
            await over(feeding)
        assert len(systems.asked) == 2
        [state] = states.of()
        assert state.last_error == ("it is down" if failure else "it did not answer within 0.05 s")
        systems.failure = None
        systems.let_go.set()
        for _ in range(2):
            await feeding.look()
            await over(feeding)
        assert (len(systems.asked), told.loads) == (3, [("kyc", 7)])
        [state] = states.of()
        assert (state.last_success, state.last_error_at) == (NOW, NOW)
