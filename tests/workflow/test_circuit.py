"""A system that is down or does not know us is left alone; what waits is done when it is back."""

from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from connectors import registry
from connectors.memory import MemoryConnector
from measures.circuit import ConnectionState, Outcome, note_check
from measures.documents import Connection, document_content
from measures.launch import LaunchState
from measures.requests import ReasonInput
from tests.workflow import test_remotes as tickets


def launch(engine: Any, name: str = "CMP") -> LaunchState:
    """What the ledger says of a launch."""
    state = engine.ledger.launch(engine.id(name))
    assert state is not None
    return state


def unconfirmed_why(engine: Any, name: str = "CMP") -> str:
    """Why a launch is not confirmed; empty while it is, or does not exist yet."""
    state = engine.ledger.launch(engine.id(name))
    return "" if state is None else str(state.unconfirmed_why)


def fares(engine: Any, name: str = "memory") -> ConnectionState:
    """How a connection fares."""
    known = engine.ledger.connections.all()
    return known.get(name) or ConnectionState(id=name)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What reached this test's campaign system, whether or not it was down."""
    reached: list[str] = []
    for name in ("check", "hold", "release", "throttle", "look"):

        def counted(self: Any, *args: Any, name: str = name, **kwargs: Any) -> Any:
            if self._path.is_relative_to(tmp_path):  # other tests' workers may still be at work
                reached.append(name)
            return getattr(MemoryConnector, f"_real_{name}")(self, *args, **kwargs)

        real = getattr(MemoryConnector, name)
        monkeypatch.setattr(MemoryConnector, f"_real_{name}", real, raising=False)
        monkeypatch.setattr(MemoryConnector, name, counted)
    return reached


async def test_a_launch_stays_shut_while_its_hold_cannot_be_done(
    own_engine: Any, calls: list[str]
) -> None:
    """Five calls open the circuit; then checks only, and the hold with the first that works."""
    async with own_engine(circuit=0.5) as engine:
        crm = MemoryConnector(engine.settings.state_dir)
        crm.take_down()
        measure = await engine.define(campaign=engine.campaign())
        await engine.until(lambda: fares(engine).circuit != "closed")
        assert calls == ["hold"] * 5
        await engine.reach(measure, "decided")
        answer = await engine.client.launch(measure, "olga")
        assert answer.verdict == "block"
        assert answer.blockers == ("launch.hold-is-confirmed",)

        await engine.until(lambda: fares(engine).openings >= 3)
        assert set(calls[5:]) == {"check"}
        assert not launch(engine).confirmed
        while_down = len(calls)
        crm.take_down(down=False)
        await engine.until(lambda: launch(engine).confirmed)
        since = calls[while_down:]
        # A check that was under way when it came back may have failed still.
        assert since[since.index("hold") - 1] == "check"
        assert since[: since.index("hold")].count("check") <= 2
        assert fares(engine).circuit == "closed"
        await engine.until(lambda: engine.state(measure).permit is not None)
        await engine.until(lambda: fares(engine).wake_at is None)


async def test_all_that_wait_are_tried_at_once_when_a_check_succeeds(own_engine: Any) -> None:
    """Long before the circuit would have been looked at again."""
    async with own_engine(circuit=3600) as engine:
        crm = MemoryConnector(engine.settings.state_dir)
        crm.take_down()
        names = [f"CMP-{n}" for n in range(4)]
        for name in names:
            campaign = {**engine.campaign(), "ref": engine.id(name)}
            await engine.define(name.lower(), campaign=campaign)
        await engine.until(lambda: fares(engine).circuit == "open")
        crm.take_down(down=False)
        answered = Outcome(datetime.now(UTC), "answered")
        engine.ledger.connections.change("memory", lambda state: note_check(state, answered))
        await engine.until(lambda: all(launch(engine, name).confirmed for name in names))


async def test_tickets_that_wait_are_written_at_once_when_a_check_succeeds(own_engine: Any) -> None:
    """As campaigns are."""
    async with own_engine(circuit=3600) as engine:
        crm = MemoryConnector(engine.settings.state_dir)
        crm.take_down()
        tickets.apply(engine, tickets.mapping(engine))
        await tickets.blocked(engine)
        await engine.until(lambda: fares(engine).circuit == "open")
        [remote] = tickets.remotes(engine)
        assert remote.unreachable_since is not None
        crm.take_down(down=False)
        answered = Outcome(datetime.now(UTC), "answered")
        engine.ledger.connections.change("memory", lambda state: note_check(state, answered))
        await tickets.in_step(engine)
        assert len(tickets.tickets(engine)) == 1


async def test_a_release_that_waits_is_not_done_any_more_after_a_hold(
    own_engine: Any, calls: list[str]
) -> None:
    """What is wanted last is done when the system is back, not what was wanted first."""
    async with own_engine(circuit=3600) as engine:
        crm = MemoryConnector(engine.settings.state_dir)
        measure = await engine.define(campaign=engine.campaign())
        await engine.reach(measure, "decided")
        await engine.until(lambda: launch(engine).confirmed)
        crm.take_down()
        assert (await engine.client.launch(measure, "olga")).permit == "granted"
        await engine.until(lambda: fares(engine).circuit == "open")
        await engine.client.hold(measure, ReasonInput(by="olga", reason="bad press"))
        await engine.until(lambda: launch(engine).desire.state == "held")
        crm.take_down(down=False)
        answered = Outcome(datetime.now(UTC), "answered")
        engine.ledger.connections.change("memory", lambda state: note_check(state, answered))
        await engine.until(lambda: fares(engine).wake_at is None and launch(engine).confirmed)
        assert (await crm.look(engine.id("CMP"))).state == "held"
        assert not {"release", "throttle"} & set(calls)


async def test_expired_credentials_wait_for_a_person(
    own_engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call; then none until the secret has changed, and the words never show it."""
    locked = EntryPoint("locked", "tests.workflow.locked:LockedConnector", registry.GROUP)
    points = {**registry._points(), "locked": locked}
    monkeypatch.setattr(registry, "_points", lambda: points)
    key, lock, calls = (tmp_path / name for name in ("key", "lock", "calls"))
    key.write_text("hush-old")
    lock.write_text("hush-new")
    async with own_engine(circuit=0.2) as engine:
        settings = {"key": f"file:{key}"}
        document = Connection(id="crm", connector="locked", settings=settings)
        engine.ledger.append_document(
            "Connection", "crm", document_content(document), "operator", engine.now(), "crm"
        )
        campaign = {**engine.campaign(), "connector": "crm"}
        await engine.define(campaign=campaign)
        await engine.until(lambda: fares(engine, "crm").circuit == "needs-person")
        await engine.until(lambda: unconfirmed_why(engine))
        other = {**campaign, "ref": engine.id("OTHER")}
        await engine.define("other", campaign=other)
        await engine.until(lambda: "mend them" in unconfirmed_why(engine, "OTHER"))
        assert calls.read_text().split() == ["hold"]
        key.write_text("hush-new")
        await engine.until(lambda: launch(engine).confirmed and launch(engine, "OTHER").confirmed)
        assert sorted(calls.read_text().split()) == ["check", "hold", "hold", "hold"]
        told = f"{fares(engine, 'crm')}{list(engine.ledger.entries())}"
        assert "*** is no key" in told
        assert "hush" not in told
