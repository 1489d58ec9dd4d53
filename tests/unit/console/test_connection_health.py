"""Who looks after connected systems sees how far behind our knowledge of each is."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from connectors.memory import MemoryConnector
from console.connection_health import check, print_health, views_of
from console.session import find_place
from ledger import tables
from ledger.polls import Polls
from ledger.store import Ledger
from measures.circuit import Outcome, note_call
from measures.documents import Connection


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """An empty ledger that commands find."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv("SLUICE_LEDGER_URL", url)
    monkeypatch.setenv("SLUICE_STATE_DIR", str(tmp_path))
    return Ledger.open(url)


def test_lag_is_how_long_ago_everything_that_matters_was_known(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    """The kind of object that is furthest behind counts; one that concerns nobody does not."""
    now = datetime.now(UTC)
    ages = {"issue": 20, "user": 90, "old": 9000}
    with ledger:
        polls = Polls(ledger.database)
        for kind, age in ages.items():
            at = now - timedelta(seconds=age)
            poll = polls.take("desk", kind, "first", at, timedelta(seconds=1))
            assert poll is not None
            polls.complete(poll, at, now)
        with ledger.database.writing() as connection:
            for kind in ("issue", "user"):
                row = {
                    "measure": "m",
                    "connection": "desk",
                    "kind": kind,
                    "ref": "1",
                    "object": kind,
                }
                connection.execute(insert(tables.links), row)
    views = views_of(find_place(), ["crm"])
    assert views["crm"].lag is None
    desk = views_of(find_place(), ["desk"])["desk"]
    assert desk.polled_at == now - timedelta(seconds=90)
    assert desk.lag is not None
    assert desk.lag >= 90
    print_health({"desk": desk}, {"desk": "roundup"})
    assert f"{desk.lag:.0f} s" in capsys.readouterr().out


def test_where_nothing_has_run_all_is_as_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And looking makes no ledger."""
    monkeypatch.setenv("SLUICE_LEDGER_URL", f"sqlite:///{tmp_path / 'none' / 'ledger.db'}")
    assert views_of(find_place(), ["crm"])["crm"].circuit == "closed"
    assert not (tmp_path / "none").exists()


async def test_who_gives_up_waiting_for_a_check_closes_no_circuit(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only an answer does."""
    with ledger:
        outcome = Outcome(datetime.now(UTC), "unknown-to-it", why="401", tried_with="x")
        opened = ledger.connections.change("memory", lambda state: note_call(state, outcome)).after
    assert opened.circuit == "needs-person"

    async def hangs(self: MemoryConnector) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(MemoryConnector, "check", hangs)
    checking = asyncio.create_task(check(Connection(id="memory", connector="memory"), find_place()))
    await asyncio.sleep(0)
    checking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await checking
    assert views_of(find_place(), ["memory"])["memory"].circuit == "needs-person"
