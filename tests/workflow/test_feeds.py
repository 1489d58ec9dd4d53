"""A pool's numbers come from a connected system by themselves, and throttle what runs on it."""

from typing import Any

import pytest

from connectors.memory import MemoryConnector
from measures.documents import Pool
from measures.entry import pool_stream
from measures.model import restore

pytestmark = pytest.mark.temporal


async def fed(engine: Any, *feeds: dict[str, Any]) -> str:
    """A pool that is fed from a ticket, whose priority is what it counts."""
    desk = MemoryConnector(engine.settings.state_dir)
    made = await desk.upsert(
        "ticket", engine.id("gauge"), {"title": "Checks", "priority": "12500"}, key="k"
    )
    rest = {"connection": "memory", "object": "ticket", "ref": made.ref, "field": "priority"}
    pool = {
        "id": engine.id("kyc"),
        "title": "Checks",
        "unit": "checks",
        "owner": "kim",
        "capacity": {f"{engine.today:%Y-%m}": 11_000},
        "feeds": [{**rest, "every": "10s", **one} for one in feeds],
    }
    await engine.client.open_pool(restore(Pool, pool), "operator")
    return str(made.ref)


async def test_live_load_is_read_and_decided_upon(own_engine: Any) -> None:
    """In the owner's name, with where it came from; what changes there is read again."""
    async with own_engine() as engine:
        await fed(engine, {"gives": "load"})
        await engine.until(lambda: engine.ledger.pool(engine.id("kyc")).load is not None)
        load = engine.ledger.pool(engine.id("kyc")).load
        assert (load.load, load.by, load.source) == (12_500, "kim", "connector:memory")
        desk = MemoryConnector(engine.settings.state_dir)
        await desk.upsert("ticket", engine.id("gauge"), {"priority": "9000"}, key="k2")
        await engine.until(lambda: engine.ledger.pool(engine.id("kyc")).load.load == 9000)


async def test_capacity_is_stated_and_nonsense_is_not(own_engine: Any) -> None:
    """A number that is none leaves what was stated before."""
    async with own_engine() as engine:
        await fed(engine, {"gives": "capacity"}, {"gives": "load", "field": "title"})
        period = f"{engine.today:%Y-%m}"
        await engine.until(
            lambda: engine.ledger.pool(engine.id("kyc")).capacity[period].amount == 12_500
        )
        stated = engine.ledger.pool(engine.id("kyc")).capacity[period]
        assert (stated.by, stated.source) == ("kim", "connector:memory")
        reports = engine.ledger.entries(pool_stream(engine.id("kyc")), kinds=["load_reported"])
        assert list(reports) == []
