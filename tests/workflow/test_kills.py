"""Real processes die in the middle of updates: every request is answered, once."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.memory import MemoryConnector
from ledger.store import Ledger
from measures.documents import document_content
from measures.people import Person
from measures.requests import ReasonInput
from workflows.client import SluiceClient
from workflows.client.connecting import connect
from workflows.settings import TemporalSettings
from workflows.stackfile import Stack, read_stack

pytestmark = pytest.mark.temporal

Engine = Any


SAID = "supervisor.log"
"""What the supervisor told, beside the state that it keeps."""


class Place:
    """A stack of real processes and a client of it."""

    def __init__(self, folder: Path, client: SluiceClient, ledger: Ledger) -> None:
        self.folder = folder
        self.client = client
        self.ledger = ledger

    def stack(self) -> Stack:
        """What runs now."""
        stack = read_stack(self.folder)
        assert stack is not None
        return stack

    def kill(self, *who: str) -> None:
        """Ends processes without a word."""
        stack = self.stack()
        for name in who:
            child = stack.server if name == "server" else stack.worker
            assert child is not None
            os.kill(child.pid, signal.SIGKILL)


async def until_ready(folder: Path) -> Stack:
    """Waits until everything answers."""
    for _ in range(2000):
        stack = read_stack(folder)
        if stack is not None and stack.ready:
            return stack
        await asyncio.sleep(0.02)
    pytest.fail("the stack did not start")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A stack in a folder of its own."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("SLUICE_")}
    with (tmp_path / SAID).open("wb") as told:
        supervisor = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
            [
                sys.executable,
                "-m",
                "worker.stack",
                "--state",
                str(tmp_path),
                f"--with-parent={os.getpid()}",
            ],
            env=own,
            stderr=told,
        )
    try:
        stack = await until_ready(tmp_path)
        settings = TemporalSettings.load(temporal_address=stack.address)
        with Ledger.open(stack.ledger_url) as ledger:
            person = Person(id="olga", name="Olga", roles=("owner",))
            ledger.append_document(
                "Person", "olga", document_content(person), "x", stack.server.started, "p"
            )
            yield Place(tmp_path, SluiceClient(await connect(settings)), ledger)
    finally:
        supervisor.terminate()
        await asyncio.to_thread(supervisor.wait, 30)


@pytest.mark.parametrize("who", [("worker",), ("server",), ("worker", "server")], ids="+".join)
async def test_no_request_and_no_hold_is_lost_or_doubled(
    place: Place, engine: Engine, who: tuple[str, ...]
) -> None:
    """Ten measures are asked all the time and a campaign is to be held while processes die.

    The campaign's system is down until they are dead; once it is back, the hold is done.
    """
    crm = MemoryConnector(place.folder)
    crm.set_by_hand("CMP-1", "released")
    crm.take_down()
    campaign = {**engine.campaign(), "ref": "CMP-1"}
    plan = engine.plan(campaign=campaign).model_copy(update={"id": "spring"})
    await place.client.define(plan, "operator")
    await until(lambda: (one := place.ledger.launch("CMP-1")) and one.unconfirmed_since)

    measures = [f"m{n}" for n in range(10)]
    plans = [engine.plan().model_copy(update={"id": name}) for name in measures]
    await asyncio.gather(*(place.client.define(plan, "operator") for plan in plans))
    asked: dict[str, list[str]] = {name: [] for name in measures}
    stop = asyncio.Event()

    async def ask(name: str) -> None:
        while not stop.is_set():
            for move in (place.client.hold, place.client.resume):
                key = f"{name}-{len(asked[name])}"
                answer = await move(name, ReasonInput(by="olga"), key=key)
                assert answer.accepted, answer
                asked[name].append(key)

    asking = [asyncio.create_task(ask(name)) for name in measures]
    await some(asked, 2)
    place.kill(*who)
    crm.take_down(down=False)
    await some(asked, 4)
    stop.set()
    await asyncio.gather(*asking)

    for name in measures:
        entries = list(place.ledger.entries(f"measure:{name}"))
        assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
        assert [entry.command for entry in entries[1:]] == asked[name]
    await until(lambda: (one := place.ledger.launch("CMP-1")) and one.confirmed)
    shown = await crm.look("CMP-1")
    assert shown is not None
    assert shown.state == "held"
    place.ledger.verify()
    generations = {"server": place.stack().server.generation}
    worker = place.stack().worker
    assert worker is not None
    generations["worker"] = worker.generation
    # A worker that is back before its server may end by itself; each process but the first
    # stands for a death that was told, and just one of each was ours.
    said = (place.folder / SAID).read_text()
    for name in who:
        told = "Temporal server" if name == "server" else name
        assert said.count(f"↻ {told} was killed (signal 9): starting it again") == 1, said
        deaths = [line for line in said.splitlines() if line.startswith(f"↻ {told} ")]
        assert generations[name] == 1 + len(deaths), said


async def until(condition: Callable[[], object]) -> None:
    """Waits until something is so."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def some(asked: dict[str, list[str]], more: int) -> None:
    """Waits until every measure was answered some more times."""
    wanted = {name: len(keys) + more for name, keys in asked.items()}
    async with asyncio.timeout(60):
        while any(len(asked[name]) < wanted[name] for name in wanted):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
