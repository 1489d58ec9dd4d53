"""`sluice demo`: one campaign, blocked, crashed, cleared and launched, told to a newcomer."""

import asyncio
import contextlib
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from console.applying import Applier
from console.explaining import print_explanation
from console.local_stack import LocalStack, start_stack
from console.reading import Reading, read_text
from ledger.store import Ledger
from measures.answers import Answer
from measures.errors import ConfigurationError, EngineError
from measures.people import OPERATOR
from measures.requests import CapacityInput, SignInput
from measures.status import Status
from workflows.stackfile import supervisor_alive

MARKER = "this-is-the-demo"
"""The file that says a folder is the demo's own and may be emptied."""
MEASURE = "spring-signups"
CAMPAIGN = "CMP-1"
PATIENCE = 20.0

_T = TypeVar("_T")


@dataclass
class Told:
    """What the demo showed, for programs."""

    verdict: str = ""
    blockers: tuple[str, ...] = ()
    first_blocked_seconds: float = 0.0
    recovered_seconds: float = 0.0
    stage: str = ""
    permit: str = ""
    campaign: str = ""
    ledger_entries: int = 0
    ledger_head: str = ""
    ui_url: str = ""


class Demo:
    """The story of a campaign that operations cannot carry, on a running stack."""

    def __init__(
        self, local: LocalStack, ledger: Ledger, state_dir: Path, out: Console, began: float
    ) -> None:
        self.told = Told()
        self._local = local
        self._ledger = ledger
        self._state_dir = state_dir
        self._began = began
        self._out = out

    async def tell(self) -> None:
        """Plays the story.

        Raises:
            EngineError: it did not go as it must.
        """
        await self._plan()
        await self._stop_at_the_gate()
        await self._crash()
        await self._clear()
        await self._launch()
        self._prove()

    async def _plan(self) -> None:
        self._chapter("A campaign is planned")
        reading = demo_documents(datetime.now(UTC).date())
        applier = Applier(self._ledger, self._local.client, lambda: datetime.now(UTC))
        applied = await applier.apply(reading.documents, OPERATOR)
        _must(all(not result.code for result in applied), f"documents were refused: {applied}")
        self._say(f"{len(applied)} documents applied: people, the tree, a pool, one campaign.")
        self._say("It wants 13,000 sign-ups this month; identity checks can take 11,000.")
        await self._campaign_shows("held")

    async def _stop_at_the_gate(self) -> None:
        self._chapter("It moves through its gates, and stops")
        client = self._local.client
        for _ in range(2):
            answer = await client.advance(MEASURE, "olga")
            self._say(f"[green]✓[/] gate {answer.gate}: {answer.verdict}")
            _must(answer.verdict == "pass", str(answer))
        for role, person in (("sponsor", "sam"), ("committee", "tom"), ("committee", "uma")):
            ask = SignInput(by=person, gate="decided", role=role)
            _must((await client.sign(MEASURE, ask)).accepted, f"{person} could not sign")
            self._say(f"[green]✓[/] {person} signs as {role}")
        blocked = await client.advance(MEASURE, "olga")
        _must(blocked.verdict == "block", str(blocked))
        reason = blocked.reasons[0]
        self._say(f"[red]✗ gate decided: BLOCKED by {reason.rule}[/]")
        self._say(f"  {reason.pack}:{reason.line}: {reason.message}")
        seconds = time.monotonic() - self._began
        self.told.verdict, self.told.blockers = blocked.verdict, blocked.blockers
        self.told.first_blocked_seconds = round(seconds, 3)
        self._say(f"  [dim]first blocked gate {seconds:.1f} s after start[/]")
        self._command(f"sluice explain {MEASURE}")
        status = await client.status(MEASURE)
        print_explanation(status, self._ledger.directory().people, self._out)
        denied = await client.launch(MEASURE, "olga")
        self._command(f"sluice launch {MEASURE} --as olga")
        _must(denied.permit == "denied", str(denied))
        self._say(f"launch permit [red]denied[/]: {denied.message}")
        await self._campaign_shows("held")

    async def _crash(self) -> None:
        self._chapter("Everything dies")
        before = await self._local.client.status(MEASURE)
        stack = self._local.stack
        worker = f" {stack.worker.pid}" if stack.worker else ""
        self._command(f"kill -9{worker} {stack.server.pid}    # worker and Temporal server")
        seconds = await self._local.kill("both")
        self.told.recovered_seconds = round(seconds, 3)
        after = await _eventually(lambda: self._local.client.status(MEASURE), lambda _: True)
        _must(_kept(before) == _kept(after), f"before {before}, after {after}")
        self._say(f"[green]✓[/] both are back after {seconds:.1f} s;")
        self._say(f"  the request of {after.requested_by} still waits for {after.waiting_for[0]}.")

    async def _clear(self) -> None:
        self._chapter("Operations raises the capacity")
        client = self._local.client
        month = f"{datetime.now(UTC):%Y-%m}"
        ask = CapacityInput(by="kim", period=month, amount=13000)
        self._command(f"sluice capacity kyc --period {month} --amount 13000 --as kim")
        answer = await client.report_capacity("kyc", ask)
        freed = await client.freed_by(answer)
        _must(MEASURE in freed, f"freed: {freed}")
        status = await client.status(MEASURE)
        _must(status.stage == "decided", str(status))
        self.told.stage = status.stage
        self._say(f"[green]✓[/] the waiting request went through by itself: {status.stage};")
        self._say(f"  reserved: {status.reserved['kyc'][month]:,} checks in {month}.")

    async def _launch(self) -> None:
        self._chapter("The campaign may launch")
        granted: Answer = await self._local.client.launch(MEASURE, "olga")
        self._command(f"sluice launch {MEASURE} --as olga")
        _must(granted.permit == "granted", str(granted))
        self.told.permit = granted.permit
        self._say("launch permit [green]granted[/]")
        await self._campaign_shows("released")

    def _prove(self) -> None:
        self._chapter("And all of it can be proved")
        self._command("sluice ledger verify")
        report = self._ledger.verify()
        self.told.ledger_entries, self.told.ledger_head = report.entries, report.head
        self._say(f"[green]✓[/] {report.entries} entries, each linked to the one before:")
        self._say(f"  {report.head}")

    async def _campaign_shows(self, state: str) -> None:
        """Reads the campaign back from its system, as a person would look there."""
        from connectors.registry import connect

        crm = connect("memory", {}, self._state_dir)
        shown = await _eventually(lambda: crm.look(CAMPAIGN), lambda p: p and p.state == state)
        assert shown is not None, "waited for above"
        self.told.campaign = shown.state
        colour = "red" if state == "held" else "green"
        self._say(f"the CRM shows campaign {CAMPAIGN}: [{colour}]{shown.state}[/]")

    def _chapter(self, title: str) -> None:
        self._out.print(f"\n[bold]{title}[/]")

    def _say(self, line: str) -> None:
        self._out.print(f"  {line}")

    def _command(self, line: str) -> None:
        self._out.print(f"  [cyan]$ {line}[/]")


async def run_demo(state_dir: Path, out: Console, *, stay: bool) -> Told:
    """Plays the demo on a fresh stack under a folder.

    Args:
        state_dir: the demo's own, emptied first; see `refuse_others`.
        out: where the story is told.
        stay: leave the stack up until Enter or Ctrl-C.

    Returns:
        What it showed.

    Raises:
        ConfigurationError: the folder is not the demo's own.
        EngineError: the stack does not start, or the story did not go as it must.
    """
    began = time.monotonic()
    await asyncio.to_thread(_empty, state_dir)
    try:
        async with start_stack(state_dir, progress=sys.stderr.buffer) as local:
            with Ledger.open(local.stack.ledger_url) as ledger:
                demo = Demo(local, ledger, state_dir, out, began)
                await demo.tell()
            demo.told.ui_url = local.stack.ui_url or ""
            _farewell(local, state_dir, out, stay=stay)
            if stay:
                await _enter()
    except EngineError:
        _end_if_interrupted()
        raise
    return demo.told


def refuse_others(state_dir: Path) -> None:
    """Makes sure that a folder may be emptied: new, empty, or left by an earlier demo.

    Raises:
        ConfigurationError: it is something else.
    """
    other = f"choose another folder: --state, or remove {state_dir} yourself"
    try:
        if state_dir.exists() and supervisor_alive(state_dir):
            raise ConfigurationError(
                f"a stack runs on {state_dir}; end it first, or choose --state"
            )
        if not state_dir.exists() or not any(state_dir.iterdir()):
            return
        if not (state_dir / MARKER).is_file():
            raise ConfigurationError(f"{state_dir} is not the demo's own; {other}")
    except NotADirectoryError:
        raise ConfigurationError(f"{state_dir} is no folder; {other}") from None
    except OSError as error:
        raise ConfigurationError(f"{state_dir} cannot be used: {error.strerror}") from None


def _empty(state_dir: Path) -> None:
    """Empties the demo's folder; the marker stays, so that what is left is always known as its.

    Raises:
        ConfigurationError: it cannot be.
    """
    refuse_others(state_dir)
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        (state_dir / MARKER).touch()
        for entry in state_dir.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != MARKER:
                entry.unlink()
    except OSError as error:
        raise ConfigurationError(f"{state_dir} cannot be used: {error.strerror}") from None


async def _enter() -> None:
    """Waits for Enter; unlike a thread that reads, this can be interrupted."""
    loop = asyncio.get_running_loop()
    pressed = asyncio.Event()
    # Only what can be waited for: a file or nothing has no Enter to come.
    with contextlib.suppress(PermissionError, ValueError):
        loop.add_reader(sys.stdin, pressed.set)
        try:
            await pressed.wait()
        finally:
            loop.remove_reader(sys.stdin)
        sys.stdin.readline()


def _end_if_interrupted() -> None:
    """An interrupted request fails like one that nobody answers, but is no fault.

    Raises:
        asyncio.CancelledError: this task was interrupted.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def demo_documents(today: date) -> Reading:
    """Returns the demo's documents, with days that count from today."""
    text = resources.files("console").joinpath("demo_documents.yaml").read_text()
    for name, value in {
        "{today}": today.isoformat(),
        "{month}": f"{today:%Y-%m}",
        "{ends}": (today + timedelta(days=28)).isoformat(),
        "{ordered}": (today - timedelta(days=41)).isoformat(),
    }.items():
        text = text.replace(name, value)
    return read_text(text, "console/demo_documents.yaml")


def _farewell(local: LocalStack, state_dir: Path, out: Console, *, stay: bool) -> None:
    ui = f"{local.stack.ui_url}/namespaces/default/workflows/measure:{MEASURE}"
    out.print("\n[bold]Look around[/]")
    out.print(f"  Temporal Web UI  {ui}", markup=False)
    out.print(f"  ledger           {state_dir}/ledger.db", markup=False)
    here = f"SLUICE_STATE_DIR={state_dir} .venv/bin/sluice"
    if not stay:
        out.print(f"  start it again   .venv/bin/sluice up --state {state_dir}", markup=False)
    out.print("\n[bold]Try next[/]" + ("  (in another terminal)" if stay else ""))
    for command in (
        f"get measure {MEASURE}",
        f'hold {MEASURE} --reason "too many tickets" --as sam',
        "ledger show",
    ):
        out.print(f"  {here} {command}", markup=False)
    if stay:
        out.print("\nThe stack stays up; Enter or Ctrl-C ends it.", markup=False)


def _kept(status: Status) -> dict[str, object]:
    return status.model_dump(exclude={"history_events"})


async def _eventually(look: Callable[[], Awaitable[_T]], good: Callable[[_T], object]) -> _T:
    """Looks again until it is as wanted; servers that just came back may refuse at first.

    Raises:
        EngineError: it was not within the demo's patience.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        seen: object
        try:
            seen = result = await look()
            if good(result):
                return result
        except EngineError as error:
            _end_if_interrupted()
            seen = error
        if time.monotonic() > deadline:
            raise EngineError(f"the demo went wrong: still {seen} after {PATIENCE:.0f} s")
        await asyncio.sleep(0.05)


def _must(holds: bool, seen: str) -> None:
    if not holds:
        raise EngineError(f"the demo went wrong: {seen}")
