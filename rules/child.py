"""The parent's end of the engine's child process: start it, ask it, and outlive it."""

import asyncio
import contextlib
import json
import os
import signal
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measures.errors import EngineError

_HOUSE = str(Path(__file__).resolve().parent.parent)
START_SECONDS = 15.0
"""How long a child may take to import durable_rules and compile every gate."""
MAX_REPLY = 64 * 1024 * 1024


def engine_command() -> tuple[str, ...]:
    """Returns the command that starts the real engine."""
    # -P: a folder named `rules` where the user happens to stand is not meant.
    return (sys.executable, "-P", "-m", "rules.engine")


class Child:
    """One child process that answers one request at a time.

    Requests carry numbers, so that an answer nobody waits for any more is never taken for
    another's.
    """

    def __init__(self, command: Sequence[str], gates: dict[str, Any]) -> None:
        self._command = command
        self._gates = gates
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0

    @property
    def alive(self) -> bool:
        """Tells whether the process runs and can be asked."""
        running = self._process is not None and self._process.returncode is None
        return running and self._reader is not None and not self._reader.done()

    @property
    def pid(self) -> int | None:
        """The process id, while there is a process."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Starts the process and has it compile the gates.

        Raises:
            EngineError: when it does not get ready.
        """
        paths = [_HOUSE, *filter(None, [os.environ.get("PYTHONPATH")])]
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                # Its own session: Ctrl-C in the terminal reaches only us, and we end it.
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )
            self._reader = asyncio.create_task(self._read(self._process))
            async with asyncio.timeout(START_SECONDS):
                reply = await self.ask({"gates": self._gates})
        except (OSError, TimeoutError) as error:
            await self.stop()
            raise EngineError(f"the rule engine does not start: {error}") from error
        except BaseException:
            await self.stop()
            raise
        if not reply.get("ready"):
            await self.stop()
            raise EngineError(f"the rule engine cannot compile the packs: {reply.get('error')}")

    def ask(self, request: dict[str, Any]) -> asyncio.Future[dict[str, Any]]:
        """Sends a request now; the answer comes through the future, or an `EngineError`."""
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        process = self._process
        if process is None or process.stdin is None or not self.alive:
            future.set_exception(EngineError("the rule engine does not run"))
            return future
        self._number += 1
        body = json.dumps({**request, "id": self._number}, separators=(",", ":")).encode()
        self._waiting[self._number] = future
        process.stdin.write(struct.pack(">I", len(body)) + body)
        return future

    async def stop(self) -> None:
        """Ends the process and waits until it is gone."""
        process, reader = self._process, self._reader
        if process is not None:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()
        if reader is not None and reader is not asyncio.current_task():
            await asyncio.gather(reader, return_exceptions=True)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        reason = ""
        try:
            while True:
                (length,) = struct.unpack(">I", await process.stdout.readexactly(4))
                if length > MAX_REPLY:
                    reason = "it wrote garbage"
                    break
                reply = json.loads(await process.stdout.readexactly(length))
                future = self._waiting.pop(reply["id"], None)
                if future is not None and not future.done():
                    future.set_result(reply)
        except asyncio.IncompleteReadError:
            pass
        except (ValueError, KeyError, TypeError):
            reason = "it wrote garbage"
        except OSError as error:
            reason = str(error)
        if reason and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        code = await process.wait()
        self._fail(f"the rule engine ended: {reason or _ending(code)}")

    def _fail(self, reason: str) -> None:
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(EngineError(reason))


def _ending(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
