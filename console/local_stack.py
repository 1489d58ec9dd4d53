"""A local stack as a child of this command: started, killed in parts, and ended with it.

It is the stack of `sluice up`: a supervisor with a Temporal server and a worker. Processes are
killed with SIGKILL; the supervisor starts them again on the same ports.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from measures.errors import EngineError
from workflows.client import SluiceClient
from workflows.client.connecting import connect
from workflows.settings import TemporalSettings
from workflows.stackfile import Child, Stack, read_stack

START_SECONDS = 60.0


class LocalStack:
    """A running stack.

    Attributes:
        stack: where its parts are now.
        client: asks its measures and pools.
    """

    def __init__(self, state_dir: Path, stack: Stack, client: SluiceClient) -> None:
        self.stack = stack
        self.client = client
        self._state_dir = state_dir

    async def kill(self, who: str) -> float:
        """Kills ``worker``, ``server`` or ``both`` and waits until they are back.

        Returns:
            The seconds it took.
        """
        began = time.monotonic()
        before = self.stack
        victims: list[Child] = [before.server] if who in ("server", "both") else []
        if who in ("worker", "both") and before.worker is not None:
            victims.append(before.worker)
        for victim in victims:
            os.kill(victim.pid, signal.SIGKILL)
        dead = {victim.pid for victim in victims}
        self.stack = await _until_up(self._state_dir, lambda stack: not dead & _pids(stack))
        if who in ("server", "both"):
            self.client = await _client(self.stack)
        return time.monotonic() - began


@asynccontextmanager
async def start_stack(
    state_dir: Path,
    *options: str,
    progress: IO[bytes] | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[LocalStack]:
    """Starts a stack on a folder and ends it, leaving no process.

    Args:
        state_dir: made when it is not there.
        options: further ones of `worker.stack`.
        progress: where the supervisor tells what it does; a log in the folder when None.
        environment: settings for the stack, on top of this process's own without SLUICE_ ones:
            the stack is its own, whatever the user's settings point to.

    Raises:
        EngineError: the stack does not start.
    """
    supervisor = _start(state_dir, options, progress, environment or {})
    try:
        stack = await _until_up(state_dir, lambda _: True, supervisor)
        yield LocalStack(state_dir, stack, await _client(stack))
    finally:
        supervisor.terminate()
        await asyncio.to_thread(supervisor.wait)


def _start(
    state_dir: Path,
    options: tuple[str, ...],
    progress: IO[bytes] | None,
    environment: Mapping[str, str],
) -> "subprocess.Popen[bytes]":
    state_dir.mkdir(parents=True, exist_ok=True)
    own = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    with contextlib.ExitStack() as files:
        told = progress or files.enter_context((state_dir / "stack.log").open("wb"))
        return subprocess.Popen(
            # With its parent: a command that is killed leaves no process behind.
            [
                *(sys.executable, "-P", "-m", "worker.stack"),
                *("--state", str(state_dir), f"--with-parent={os.getpid()}", *options),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=told,
            env={**own, **environment},
            # Ctrl-C is for the command; it ends its stack in order.
            start_new_session=True,
        )


async def _client(stack: Stack) -> SluiceClient:
    settings = TemporalSettings.load(temporal_address=stack.address)
    return SluiceClient(await connect(settings), settings.task_queue)


def _pids(stack: Stack) -> set[int]:
    return {stack.server.pid} | ({stack.worker.pid} if stack.worker else set())


async def _until_up(
    state_dir: Path,
    changed: Callable[[Stack], bool],
    supervisor: "subprocess.Popen[bytes] | None" = None,
) -> Stack:
    """Waits until a stack answers and has changed as wanted; it says so in a file, so polled."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        stack = read_stack(state_dir)
        if stack is not None and stack.ready and changed(stack):
            return stack
        if supervisor is not None and supervisor.poll() is not None:
            break
        await asyncio.sleep(0.02)
    log = state_dir / "stack.log"
    told = log.read_text(errors="replace").strip()[-2000:] if log.exists() else ""
    raise EngineError(f"the stack in {state_dir} does not start\n{told}".rstrip())
