"""From a change in a connected system to the fact: by webhooks, and while its server dies."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import httpx

from bench.acknowledging import acknowledgements
from bench.engine import HOUSE, PEOPLE, Engine, open_engine, small_measure
from bench.results import Section, table
from bench.tracker import Tickets
from connectors.signatures import standard_signature
from measures.documents import Connection
from measures.links import Link
from worker.keeper import until
from worker.ports import free_port, is_free

LINKS = 50
"""So many links a measure may have."""

AT_ONCE = 20
"""Webhooks in flight."""

_SECRET = "whsec_" + base64.b64encode(b"only for this benchmark.").decode()
_SECRET_NAME = "BENCH_TRACKER_SECRET"
_PATIENCE = 300.0


@dataclass
class _Round:
    """What came of the changes of one round: when each was made, and when it was a fact."""

    made: dict[str, datetime] = field(default_factory=dict)
    known: dict[str, datetime] = field(default_factory=dict)
    duplicates: int = 0

    @property
    def lags(self) -> list[float]:
        """Seconds from each change until it was recorded."""
        return sorted((at - self.made[ref]).total_seconds() for ref, at in self.known.items())

    @property
    def rate(self) -> float:
        """Changes a second, from the first to the last fact."""
        first, last = min(self.made.values()), max(self.known.values())
        return len(self.known) / (last - first).total_seconds()


async def bench_inbox(*, quick: bool) -> Section:
    """Changes tickets in a system and looks when the measures that wait for them know."""
    many, kills = (100, 3) if quick else (500, 20)
    settings = {
        "SLUICE_POLL_SECONDS": "5",
        "SLUICE_CIRCUIT_SECONDS": "0.5",
        "SLUICE_WEBHOOK_RATE": "10000",
        _SECRET_NAME: _SECRET,
    }
    async with open_engine("--webhooks", environment=settings) as engine:
        tracker = _Server(engine.folder / "tracker.db")
        async with tracker.running():
            await _linked(engine, tracker, many)
            rows, misses = [], []
            for state, what, pace, deaths in (
                ("working", "as fast as they come", 0.0, 0),
                ("done", "12 a second", 12.0, 0),
                ("open", f"12 a second, server killed {kills} times", 12.0, kills),
            ):
                found = await _round(engine, tracker, many, state, pace, deaths)
                lost = many - len(found.known)
                lags = found.lags
                p50, p95 = median(lags), lags[round(0.95 * (len(lags) - 1))]
                rows.append(
                    [what, str(many), f"{found.rate:.0f}", f"{p50:.2f}", f"{p95:.2f}",
                     f"{lags[-1]:.2f}", str(found.duplicates), str(lost)]
                )  # fmt: skip
                if lost or found.duplicates:
                    misses.append(f"{lost} lost and {found.duplicates} doubled, {what}")
            url = f"{engine.stack.webhooks_url}tracker"
            rounds = 5 if quick else 25
            acknowledged, late = await acknowledgements(url, _named, _signed, rounds=rounds)
    head = ["changes come", "changes", "a second", "lag p50 s", "p95", "worst", "doubled", "lost"]
    text = (
        f"{table(head, rows)}\n\nEach change is made in a ticket system of its own process,"
        " which sends a signed webhook; *lag* is from the change until the fact is in the ledger,"
        " looked at every 50 ms. In between: the webhook server verifies and keeps the delivery, a"
        " worker reads the ticket anew through the connector `rest` and records what it shows."
        " Killed means `kill -9` of the ticket system, which is then started again; what is missed"
        " waits for its circuit (0.5 s at first) and for the inbox's own patience (2 s, doubling)."
    )
    text += (
        f"\n\n{acknowledged}\n\nFrom the connection to the last byte of the answer, while the"
        " worker reads each ticket anew; a delivery is acknowledged when the disk has it."
    )
    return Section(text, (*misses, *late))


class _Server:
    """The ticket system's process."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.tickets = Tickets(file)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs it for a while."""
        await self.start()
        try:
            yield
        finally:
            self.kill()

    async def start(self) -> None:
        """Starts it and waits until it answers."""
        command = [sys.executable, "-P", "-m", "bench.tracker", str(self.file), str(self.port)]
        own = {**os.environ, "PYTHONPATH": str(HOUSE)}
        self._process = subprocess.Popen(command, env=own)  # noqa: ASYNC220 - it returns at once
        async with httpx.AsyncClient() as asker:
            while True:
                with suppress(httpx.TransportError):
                    await asker.get(f"{self.url}/me")
                    return
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """Ends it without a word."""
        assert self._process is not None, "it was started"
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


async def _linked(engine: Engine, tracker: _Server, many: int) -> None:
    """Has measures wait for all tickets, and waits until each was read."""
    for ref in range(1, many + 1):
        tracker.tickets.change(ref, "open")
    settings = {
        "title": "Tracker",
        "url": tracker.url,
        "account": {"path": "me", "name": "name"},
        "kinds": {
            "ticket": {
                "object": {"ref": "id", "title": "title", "status": "state",
                           "updated": "changed", "version": "version"},
                "statuses": {"open": "open", "working": "working", "done": "done"},
                "closed": ["done"],
                "get": {"path": "tickets/{ref}", "row": "ticket"},
                "changes": {
                    "path": "tickets",
                    "query": {"since": "{since}"},
                    "rows": "tickets",
                    "paging": {"by": "offset", "parameter": "offset", "size_parameter": "limit"},
                },
            }
        },
        "webhook": {
            "scheme": "standard", "secret": f"env:{_SECRET_NAME}", "kind": "kind", "ref": "ref",
            # Bodies that name only the object repeat themselves.
            "delivery": "webhook-id",
        },
    }  # fmt: skip
    desk = Connection(id="tracker", connector="rest", settings=settings, calls_a_second=1000)
    engine.apply(*PEOPLE, desk)
    for first in range(1, many + 1, LINKS):
        refs = range(first, min(first + LINKS, many + 1))
        links = tuple(
            Link(id=f"t{ref}", connection="tracker", object="ticket", ref=str(ref)) for ref in refs
        )
        plan = small_measure(f"m{first}").model_copy(update={"links": links})
        await engine.client.define(plan, "olga")
    deadline = time.monotonic() + _PATIENCE
    while len(list(engine.ledger.entries(kinds=["object_observed"]))) < many:
        assert time.monotonic() < deadline, "not all tickets were read"
        await asyncio.sleep(0.1)


async def _round(
    engine: Engine, tracker: _Server, many: int, state: str, pace: float, deaths: int
) -> _Round:
    """Changes every ticket once and waits until all of it is known."""
    found = _Round()
    noting = asyncio.create_task(_note(engine, found, many, state))
    dying = asyncio.create_task(_die(tracker, deaths))
    gate = asyncio.Semaphore(AT_ONCE)
    url = f"{engine.stack.webhooks_url}tracker"
    async with httpx.AsyncClient(timeout=30) as sender:

        async def change(ref: str) -> None:
            async with gate:
                found.made[ref] = await asyncio.to_thread(tracker.tickets.change, int(ref), state)
                body = _named(int(ref))
                answer = await sender.post(
                    url, content=body, headers=_signed(f"{state}{ref}", body)
                )
                assert answer.status_code == 202, answer.text

        changing = []
        for number in range(1, many + 1):
            changing.append(asyncio.create_task(change(str(number))))
            if pace:
                await asyncio.sleep(1 / pace)
        await asyncio.gather(*changing)
    await dying
    with suppress(TimeoutError):
        await asyncio.wait_for(noting, _PATIENCE)
    return found


async def _note(engine: Engine, found: _Round, many: int, state: str) -> None:
    """Notes when each change is in the ledger, until all are."""
    position = engine.ledger.position()
    while len(found.known) < many:
        for entry in engine.ledger.entries(after=position, kinds=["object_observed"]):
            position = entry.position
            ref = entry.stream.rpartition("/")[2]
            if entry.body["status"] != state or ref in found.known:
                found.duplicates += 1
            else:
                found.known[ref] = datetime.now(UTC)
        await asyncio.sleep(0.05)


async def _die(tracker: _Server, deaths: int) -> None:
    """Kills the system again and again; each time it is away for as long as it takes to start."""
    for _ in range(deaths):
        await asyncio.sleep(1.0)
        tracker.kill()
        await until(lambda: is_free(tracker.port))
        await tracker.start()


def _named(number: int) -> bytes:
    """A delivery's body that names a ticket."""
    return f'{{"kind": "ticket", "ref": "{number}"}}'.encode()


def _signed(name: str, body: bytes) -> dict[str, str]:
    sent = str(int(time.time()))
    return {
        "webhook-id": name,
        "webhook-timestamp": sent,
        "webhook-signature": standard_signature(_SECRET, name, sent, body),
    }
