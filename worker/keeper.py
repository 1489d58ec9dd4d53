"""One child process kept alive: started, awaited, started again when it dies, ended in order."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from measures.errors import SluicegateError
from workflows.stackfile import Child

_READY_SECONDS = 60
_QUICK_SECONDS = 1.0  # a death so soon after the first answer counts as a failed start
_QUICK_DEATHS = 5
_LEASH = Path(__file__).with_name("leash.py")


class KeepsDyingError(SluicegateError):
    """A child died again and again without ever serving."""


class Keeper:
    """Keeps one child process alive.

    Args:
        name: What to call it in messages.
        command: The program with its arguments.
        log: The file that takes what it prints.
        until_ready: Returns once the process with the given id answers.
        grace_seconds: How long it may take to end by itself.
        environment: Its environment, the supervisor's own by default.
        where: What to say about its place when it is ready.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        until_ready: Callable[[int], Awaitable[None]],
        grace_seconds: float,
        environment: Mapping[str, str] | None = None,
        where: str = "",
    ) -> None:
        self.was_ready = asyncio.Event()
        self.on_change: Callable[[], None] = lambda: None
        self._name = name
        self._command = command
        self._log = log
        self._until_ready = until_ready
        self._grace_seconds = grace_seconds
        self._environment = environment
        self._where = where
        self._process: Process | None = None
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The present process; there is one from the first start on."""
        assert self._child is not None
        return self._child

    async def keep(self) -> None:
        """Run the child until cancelled.

        Raises:
            KeepsDyingError: It died several times in a row right at its start.
        """
        self._log.write_bytes(b"")
        quick_deaths = 0
        while True:
            began = time.monotonic()
            process = await self._start()
            answered = await self._answers(process)
            if answered:
                self._note(ready=True)
                self._tell_ready(time.monotonic() - began)
            ready_at = time.monotonic()
            code = await process.wait()
            self._note(ready=False)

            served = answered and time.monotonic() - ready_at > _QUICK_SECONDS
            quick_deaths = 0 if served else quick_deaths + 1
            if quick_deaths == _QUICK_DEATHS:
                raise KeepsDyingError(self._last_words(code))
            _say(f"↻ {self._name} {_manner(code)}: starting it again")
            # At once the first time; after that give the cause a moment to pass.
            if quick_deaths > 1:
                await asyncio.sleep(0.05 * 2**quick_deaths)

    async def end(self) -> None:
        """Ask the child to end, and make it when it takes too long."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        for number, patience in ((signal.SIGTERM, self._grace_seconds), (signal.SIGKILL, 5)):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), patience)
                return

    async def _start(self) -> Process:
        """Start the next process of this child."""
        leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid())]
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *leash,
                *self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                # Ctrl-C is for the supervisor alone, which then ends its children in order.
                start_new_session=True,
            )
        self._child = Child(
            pid=self._process.pid,
            started=datetime.now(UTC),
            generation=self._child.generation + 1 if self._child else 1,
            ready=False,
        )
        self.on_change()
        return self._process

    async def _answers(self, process: Process) -> bool:
        """Wait for the first answer; end a process that lives but never gives one."""
        ready = asyncio.ensure_future(self._until_ready(process.pid))
        death = asyncio.create_task(process.wait())
        try:
            await asyncio.wait(
                {ready, death}, timeout=_READY_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if ready.done() and not death.done() and ready.exception() is None:
                return True
            if not death.done():
                cause = ready.exception() if ready.done() else f"silent for {_READY_SECONDS} s"
                _say(f"✗ {self._name} is not usable ({cause})")
                await self.end()
            return False
        finally:
            ready.cancel()
            death.cancel()

    def _note(self, *, ready: bool) -> None:
        """Publish a change of the present process."""
        self._child = self.child.model_copy(update={"ready": ready})
        if ready:
            self.was_ready.set()
        self.on_change()

    def _tell_ready(self, seconds: float) -> None:
        again = " is back" if self.child.generation > 1 else ""
        where = f"  {self._where}" if self._where else ""
        _say(f"✓ {self._name}{again}  {seconds:.1f} s{where}")

    def _last_words(self, code: int) -> str:
        """Say that it is hopeless, with what the child itself said last."""
        lines = self._log.read_text(errors="replace").strip().splitlines()[-15:]
        tail = "\n".join(f"    {line}" for line in lines) or "    (it printed nothing)"
        return (
            f"{self._name} {_manner(code)}, {_QUICK_DEATHS} times in a row. "
            f"It said:\n{tail}\nAll of it is in {self._log}."
        )


async def until(condition: Callable[[], bool], *, every: float = 0.03) -> None:
    """Return once something outside this process, which sends no event, is so."""
    while not condition():  # noqa: ASYNC110 - a file, a port or a parent gives no event
        await asyncio.sleep(every)


def _manner(code: int) -> str:
    """Say how a process ended."""
    return f"was killed (signal {-code})" if code < 0 else f"ended with exit code {code}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
