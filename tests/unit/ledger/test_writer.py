"""Asyncio workers share one writing thread, and none of them waits for another's fault."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ledger.store import Ledger
from ledger.writer import AsyncLedger
from measures.errors import LedgerConflictError, LedgerError


@pytest.fixture
async def shared(url: str) -> AsyncIterator[AsyncLedger]:
    """An empty ledger on each database."""
    async with await AsyncLedger.open(url) as opened:
        yield opened


async def test_many_lives_at_once(shared: AsyncLedger, lives: Any) -> None:
    """Each gets its own entries back, in order, and the chain is one."""

    async def live(name: str) -> None:
        await shared.append([lives.defined(name)])
        for number in range(2, 12):
            entries = await shared.append([lives.judged(name, number, "r.one")])
            assert [(e.stream, e.number) for e in entries] == [(f"measure:{name}", number)]

    await asyncio.gather(*(live(f"m{n}") for n in range(30)))
    assert shared.ledger.verify().entries == 330
    assert await shared.position() == 330


async def test_appends_that_wait_share_a_transaction(
    shared: AsyncLedger, lives: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one transaction is under way, all that comes goes into the next one together."""
    sizes: list[int] = []
    under_way, go_on = threading.Event(), threading.Event()
    real = shared.ledger.append_all

    def held_up(batches: Any, bounds: Any) -> Any:
        sizes.append(len(batches))
        under_way.set()
        assert go_on.wait(10)
        return real(batches, bounds)

    monkeypatch.setattr(shared.ledger, "append_all", held_up)
    first = asyncio.create_task(shared.append([lives.defined("first")]))
    await asyncio.to_thread(under_way.wait, 10)
    rest = [asyncio.create_task(shared.append([lives.defined(f"m{n}")])) for n in range(20)]
    await asyncio.sleep(0)  # every task has now put its append into the queue
    go_on.set()
    await asyncio.gather(first, *rest)
    assert sizes == [1, 20]


async def test_bad_append_fails_alone(shared: AsyncLedger, lives: Any) -> None:
    """What shares a transaction with a faulty append is recorded all the same."""
    good, gap, faulty, also_good = await asyncio.gather(
        shared.append([lives.pool("kyc")]),
        shared.append([lives.capacity("kyc", 5, 1)]),
        shared.append([lives.draft("m1", 1, "hold_released")]),
        shared.append([lives.defined("m2")]),
        return_exceptions=True,
    )
    assert isinstance(gap, LedgerConflictError)
    assert isinstance(faulty, LedgerError)
    assert isinstance(good, list)
    assert isinstance(also_good, list)
    assert {e.stream for e in shared.ledger.entries()} == {"pool:kyc", "measure:m2"}


async def test_who_is_not_recorded_is_told(shared: AsyncLedger, lives: Any) -> None:
    """The same request again is recorded already; one that came out otherwise is not."""
    await shared.append([lives.defined("m1")])
    held = lives.draft("m1", 2, "hold_placed", reason="because", weights=(1.0, 2))
    assert await shared.record([held])
    assert await shared.record([held])
    otherwise = held.model_copy(update={"body": {"reason": "for fun"}})
    assert not await shared.record([otherwise])
    assert not await shared.record([held, lives.draft("m1", 3, "hold_released")])


async def test_reads_see_what_was_acknowledged(shared: AsyncLedger, lives: Any) -> None:
    """Whoever awaited an append finds it in everything that can be read."""
    await shared.append([lives.pool("kyc")])
    await shared.append([lives.defined("m1"), lives.judged("m1", 2, "r.one")])
    seen = await shared.position()
    body = {"kind": "Person", "id": "olga", "name": "Olga"}
    entry = await shared.append_document("Person", "olga", body, "root", lives.now, "c")
    assert entry is not None
    measure = await shared.measure("m1")
    assert measure is not None
    assert measure.number == 2
    assert set(await shared.pools(["kyc", "none"])) == {"kyc"}
    assert await shared.waiting() == await shared.waiting_on("pool:kyc") == ["m1"]
    assert set((await shared.directory()).people) == {"olga"}
    assert await shared.changed_since(["documents"], seen)
    assert not await shared.changed_since(["measure:m1"], seen)


async def test_cancelled_caller_disturbs_nobody(
    shared: AsyncLedger, lives: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An append that nobody waits for any more is dropped before it is written, others go on."""
    under_way, go_on = threading.Event(), threading.Event()
    real = shared.ledger.append_all

    def held_up(batches: Any, bounds: Any) -> Any:
        under_way.set()
        assert go_on.wait(10)
        return real(batches, bounds)

    monkeypatch.setattr(shared.ledger, "append_all", held_up)
    first = asyncio.create_task(shared.append([lives.defined("first")]))
    await asyncio.to_thread(under_way.wait, 10)
    dropped = asyncio.create_task(shared.append([lives.defined("dropped")]))
    kept = asyncio.create_task(shared.append([lives.defined("kept")]))
    await asyncio.sleep(0)
    first.cancel()
    dropped.cancel()
    await asyncio.sleep(0)
    go_on.set()
    assert (await kept)[0].stream == "measure:kept"
    # The first was being written when its caller left: it is there, asking again tells.
    assert [e.stream for e in shared.ledger.entries()] == ["measure:first", "measure:kept"]


async def test_trouble_is_told_to_all_who_wait_and_heals(
    shared: AsyncLedger, lives: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that does not answer fails the appends of the moment, not the writer."""

    def refuse(*_: Any) -> Any:
        msg = "the database does not answer"
        raise LedgerError(msg)

    with monkeypatch.context() as patch:
        patch.setattr(shared.ledger, "append_all", refuse)
        told = await asyncio.gather(
            *(shared.append([lives.defined(f"m{n}")]) for n in range(5)), return_exceptions=True
        )
        assert [type(outcome) for outcome in told] == [LedgerError] * 5
    assert (await shared.append([lives.defined("m0")]))[0].position == 1


async def test_closing_writes_what_waits(url: str, lives: Any) -> None:
    """Nothing that was taken is lost at the end; afterwards nothing more is taken."""
    shared = await AsyncLedger.open(url)
    waiting = [asyncio.create_task(shared.append([lives.defined(f"m{n}")])) for n in range(10)]
    await asyncio.sleep(0)
    await shared.close()
    assert len(await asyncio.gather(*waiting)) == 10
    with pytest.raises(LedgerError, match="the ledger is closed"):
        await shared.append([lives.defined("late")])
    with pytest.raises(LedgerError, match="the ledger is closed"):
        await shared.measure("m1")
    await shared.close()
    with Ledger.open(url) as ledger:
        assert ledger.position() == 10
