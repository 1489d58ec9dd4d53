"""Workers call a system only when its circuit lets them, no faster than it allows, holds first."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.failures import AuthFailed, Conflict, NotFound, Rejected, RetryLater, Unsupported
from connectors.memory import MemoryConnector
from ledger.writer import AsyncLedger
from measures.circuit import ConnectionState
from measures.documents import Connection, document_content
from measures.errors import LedgerError
from worker.circuits import Circuits
from worker.connections import Connections
from worker.pace import Pace

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)


class Worker:
    """The connections of one worker, with a clock of the test's."""

    def __init__(self, ledger: AsyncLedger, place: Path) -> None:
        self.now = NOW
        self.ledger = ledger
        self.circuits = Circuits(ledger, timedelta(seconds=30), lambda: self.now)
        self.connections = Connections(ledger, place, self.circuits)

    async def look(self) -> Any:
        """Looks at a campaign."""
        return await (await self.connections.get("memory")).look("CMP")

    async def fares(self) -> ConnectionState:
        """How the connection fares."""
        return (await self.circuits.read())["memory"]


@pytest.fixture
def worker(tmp_path: Path) -> Callable[[], Any]:
    """Starts workers on one ledger."""

    @asynccontextmanager
    async def start() -> AsyncIterator[Worker]:
        async with await AsyncLedger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
            started = Worker(ledger, tmp_path)
            yield started
            await started.connections.aclose()

    return start


def failing(monkeypatch: pytest.MonkeyPatch, failure: Exception | None) -> list[str]:
    """Has every look at a campaign fail; returns the calls that were sent."""
    sent: list[str] = []

    async def look(self: MemoryConnector, ref: str) -> None:
        sent.append(ref)
        if failure is not None:
            raise failure

    monkeypatch.setattr(MemoryConnector, "look", look)
    return sent


async def test_what_one_worker_finds_out_the_other_knows(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second sends nothing, and says the same."""
    sent = failing(monkeypatch, RetryLater("no answer"))
    async with worker() as one, worker() as other:
        for _ in range(3):
            with pytest.raises(RetryLater, match=r"^no answer$"):
                await one.look()
        for _ in range(2):
            with pytest.raises(RetryLater, match=r"^no answer$"):
                await other.look()
        await one.circuits.read()
        for each in (one, other):
            with pytest.raises(RetryLater, match="memory is not called until 2031-01-12 09:00:30"):
                await each.look()
        assert len(sent) == 5


async def test_a_worker_that_is_killed_takes_nothing_with_it(
    worker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it found out stays found out."""
    script = """
import os, signal, sys
from datetime import UTC, datetime
from ledger.store import Ledger
from measures.circuit import Outcome, note_call
ledger = Ledger.open(sys.argv[1])
for _ in range(5):
    down = Outcome(datetime(2031, 1, 12, 9, tzinfo=UTC), "down", "no answer")
    ledger.connections.change("memory", lambda state: note_call(state, down))
os.kill(os.getpid(), signal.SIGKILL)
"""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", script, url)
    assert await killed.wait() == -9
    sent = failing(monkeypatch, None)
    async with worker() as later:
        with pytest.raises(RetryLater, match="memory is not called"):
            await later.look()
        assert sent == []


async def test_as_long_as_it_is_open_whoever_asks_is_told_how_long(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporal tries again then; nothing is sent until a check has succeeded."""
    sent = failing(monkeypatch, RetryLater("no answer"))
    async with worker() as one:
        for _ in range(5):
            with pytest.raises(RetryLater):
                await one.look()
        one.now += timedelta(seconds=10)
        with pytest.raises(RetryLater) as told:
            await one.look()
        assert told.value.after == timedelta(seconds=20)
        one.now += timedelta(hours=1)
        with pytest.raises(RetryLater):
            await one.look()
        assert len(sent) == 5


@pytest.mark.parametrize(
    "failure", [Rejected("no such value"), Conflict("c"), NotFound("n"), Unsupported("u")]
)
async def test_who_answers_is_not_down(
    worker: Any, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """Whatever the answer is; only what is wrong for good is shown."""
    sent = failing(monkeypatch, failure)
    async with worker() as one:
        for _ in range(7):
            with pytest.raises(type(failure)):
                await one.look()
        assert len(sent) == 7
        assert (await one.circuits.state("memory")).circuit == "closed"
        shown = (await one.circuits.state("memory")).last_error
        assert shown == ("no such value" if isinstance(failure, Rejected) else "")


async def test_refused_credentials_cost_one_call(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the fingerprint of what was tried is kept, nothing that leads to the secret."""
    sent = failing(monkeypatch, AuthFailed("401"))
    async with worker() as one:
        for _ in range(3):
            with pytest.raises(AuthFailed):
                await one.look()
        assert len(sent) == 1
        assert (await one.fares()).circuit == "needs-person"
        assert len((await one.fares()).tried_with) == 64


async def test_that_all_is_well_is_written_now_and_then(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy connection does not keep the ledger's database busy."""
    failing(monkeypatch, None)
    written: list[str] = []
    async with worker() as one:
        change = one.ledger.change_connection

        async def counted(name: str, decide: Any) -> Any:
            written.append(name)
            return await change(name, decide)

        monkeypatch.setattr(one.ledger, "change_connection", counted)
        for _ in range(100):
            await one.look()
        # One draw of calls, one success.
        assert len(written) == 2
        one.now += timedelta(seconds=11)
        await one.look()
        assert (await one.fares()).last_success == one.now


async def test_a_note_that_cannot_be_written_takes_nothing_back(
    worker: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What the system did counts."""
    failing(monkeypatch, None)
    async with worker() as one:

        async def broken(name: str, outcome: Any) -> Any:
            raise LedgerError("the disk is full")

        monkeypatch.setattr(one.circuits, "change", broken)
        assert await one.look() is None
        assert "was not noted: the disk is full" in caplog.text


async def test_a_changed_document_counts_at_once(worker: Any) -> None:
    """The next call goes out as the document now says."""
    async with worker() as one:
        first = await one.connections.get("memory")
        assert await one.connections.get("memory") is first
        slow = Connection(id="memory", connector="memory", calls_a_second=2)
        await one.ledger.append_document(
            "Connection", "memory", document_content(slow), "operator", NOW, "c"
        )
        second = await one.connections.get("memory")
        assert second is not first
        assert await second.look("CMP") is None


class TestPace:
    async def test_two_workers_share_what_may_be_sent(self, worker: Any) -> None:
        """Turns of both together are as far apart as the system asks."""
        async with worker() as one, worker() as other:
            paces = [
                Pace(each.ledger, "crm", 20.0, lambda: datetime.now(UTC)) for each in (one, other)
            ]
            turns: list[datetime] = []

            async def take(pace: Pace) -> None:
                await pace.turn(urgent=False)
                turns.append(datetime.now(UTC))

            await asyncio.gather(*(take(pace) for pace in paces for _ in range(12)))
            # 24 calls in draws of 4: the last draw may be sent 5 draws after the first.
            assert max(turns) - min(turns) >= timedelta(seconds=0.95)

    async def test_a_hold_goes_before_all_that_waits(self, worker: Any) -> None:
        """Whenever it comes."""
        async with worker() as one:
            pace = Pace(one.ledger, "crm", 10.0, lambda: datetime.now(UTC))
            order: list[str] = []
            under_way = asyncio.Event()

            async def take(name: str, *, urgent: bool) -> None:
                await pace.turn(urgent=urgent)
                order.append(name)
                under_way.set()

            polls = [asyncio.create_task(take(f"poll{n}", urgent=False)) for n in range(9)]
            await under_way.wait()
            await take("hold", urgent=True)
            await asyncio.gather(*polls)
            assert order.index("hold") <= 4  # behind draws of two calls that were out already
            assert order[-1] == "poll8"

    async def test_who_would_wait_too_long_is_sent_away(self, worker: Any) -> None:
        """Temporal waits for them; a hold is never sent away."""
        async with worker() as one:
            pace = Pace(one.ledger, "crm", 0.1, lambda: datetime.now(UTC))
            await pace.turn(urgent=False)
            waiting = [asyncio.create_task(pace.turn(urgent=False)) for _ in range(3)]
            await asyncio.sleep(0)
            with pytest.raises(RetryLater, match="3 calls wait for crm") as told:
                await pace.turn(urgent=False)
            assert told.value.after == timedelta(seconds=30)
            hold = asyncio.create_task(pace.turn(urgent=True))
            await asyncio.sleep(0)
            assert not hold.done()
            await pace.aclose()
            ends = await asyncio.gather(*waiting, hold, return_exceptions=True)
            assert all(isinstance(end, asyncio.CancelledError) for end in ends)

    async def test_who_gave_up_takes_no_turn(self, worker: Any) -> None:
        """The next in line has it."""
        async with worker() as one:
            pace = Pace(one.ledger, "crm", 5.0, lambda: datetime.now(UTC))
            await pace.turn(urgent=False)
            gave_up = asyncio.create_task(pace.turn(urgent=False))
            await asyncio.sleep(0)
            gave_up.cancel()
            await pace.turn(urgent=False)
            spent = (await one.ledger.connection_states())["crm"].spent_until
            await pace.turn(urgent=False)
            after = (await one.ledger.connection_states())["crm"].spent_until
            assert spent is not None
            assert after is not None
            assert after - spent == timedelta(seconds=0.2)

    async def test_a_bucket_that_cannot_be_read_lets_nobody_through(
        self, worker: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And everybody who waits hears of it; later ones try anew."""
        async with worker() as one:
            pace = Pace(one.ledger, "crm", 5.0, lambda: datetime.now(UTC))

            async def broken(name: str, decide: Any) -> Any:
                raise LedgerError("the disk is full")

            with monkeypatch.context() as patched:
                patched.setattr(one.ledger, "change_connection", broken)
                ends = await asyncio.gather(
                    *(pace.turn(urgent=False) for _ in range(3)), return_exceptions=True
                )
            assert all(isinstance(end, LedgerError) for end in ends)
            await pace.turn(urgent=False)
