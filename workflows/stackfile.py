"""The file in which a running local stack says where it is: `stack.json` in its state folder.

The supervisor (`worker.stack`) writes it, the commands read it. Whether it still holds is not
told by the file but by a lock: the supervisor keeps `supervisor.lock` for as long as it lives,
and the system lets go of it however it dies, `kill -9` included.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

STACK_FILE = "stack.json"
LOCK_FILE = "supervisor.lock"
TOKEN_FILE = "token"  # noqa: S105 - a file name


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Child(_Frozen):
    """One process of the stack.

    Attributes:
        pid: Its process id; it changes with every restart.
        started: When it was started.
        generation: 1 for the first process, one more with every restart.
        ready: Whether it answers; False between its death and its successor's first answer.
    """

    pid: int
    started: datetime
    generation: int
    ready: bool


class Stack(_Frozen):
    """A running local stack.

    Attributes:
        token: The state folder's own mark, also kept by the dev server in its namespace.
        generation: One more with every change of this file.
        address: host:port of the Temporal frontend; stays the same over restarts.
        ui_url: Temporal's Web UI; the time-skipping server has none.
        ledger_url: The ledger's address without its password.
        state_dir: The absolute path of the state folder.
        supervisor_pid: The process to send SIGTERM to.
        server: The Temporal server.
        worker: The worker, None when it was not asked for.
        webhooks: The webhook server, None when it was not asked for.
        webhooks_url: Where webhooks come in.
        time_skipping: Whether the server skips time and forgets everything when it dies.
    """

    token: str
    generation: int
    address: str
    ui_url: str | None
    ledger_url: str
    state_dir: Path
    supervisor_pid: int
    server: Child
    worker: Child | None
    webhooks: Child | None = None
    webhooks_url: str | None = None
    time_skipping: bool

    @property
    def ready(self) -> bool:
        """Whether everything that was asked for answers."""
        asked_for = (self.server, self.worker, self.webhooks)
        return all(child is None or child.ready for child in asked_for)


def read_stack(state_dir: Path) -> Stack | None:
    """Return the stack that runs on a state folder.

    None when no supervisor is alive, when it has not started everything yet, or when the file
    was written by or for another folder (copied, or left from an earlier stack).
    """
    if not supervisor_alive(state_dir):
        return None
    try:
        stack = Stack.model_validate_json((state_dir / STACK_FILE).read_text())
        token = (state_dir / TOKEN_FILE).read_text().strip()
    except (OSError, ValidationError):
        return None
    own = stack.token == token and stack.state_dir == state_dir.resolve()
    return stack if own else None


def write_stack(stack: Stack) -> None:
    """Replace the file in one step, readable only by its owner because of the token."""
    path = stack.state_dir / STACK_FILE
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(stack.model_dump(mode="json"), indent=1) + "\n")
    draft.replace(path)


def supervisor_alive(state_dir: Path) -> bool:
    """Tell whether some process holds the state folder's lock."""
    try:
        with (state_dir / LOCK_FILE).open() as lock:
            # Shared, so that any number of commands may look at the same time.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def supervisor_lock(state_dir: Path) -> Iterator[IO[str]]:
    """Hold the state folder as its one supervisor.

    Raises:
        BlockingIOError: Another process holds it, or is just looking: try again to be sure.
    """
    with (state_dir / LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield lock
