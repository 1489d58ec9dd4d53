"""Taking turns at a database that lets one process write at a time and makes the others guess.

SQLite has who finds it locked sleep, up to 0.1 s, and look again. A process that writes without
much pause is therefore seldom seen at rest, and who has slept longest gets nothing for it: beside a
busy worker a single write waited until its patience ended. Here only one waits at the database
itself, in the turnstile, and whoever has just written stands behind it like everybody else.

Threads of one process queue before that, where each is called as soon as the one before is done:
only one of them at a time waits for other processes.

It is a courtesy: the database alone sees to it that nobody writes beside another. So who cannot
stand in the turnstile, or not in time, writes as if there were none.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_SECONDS = 0.002


class Turnstile:
    """A file whose lock is held by the process that writes next.

    Args:
        file: which; made where there is none.
        patience: for how many seconds it is waited for, since who holds it may be frozen.
    """

    def __init__(self, file: Path, patience: float) -> None:
        self._file = file
        self._patience = patience
        self._thread = threading.Lock()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other threads of this process from writing while the block runs."""
        is_alone = self._thread.acquire(timeout=self._patience)
        try:
            yield
        finally:
            if is_alone:
                self._thread.release()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Is next to write while the block runs, which ends when the writing has begun."""
        try:
            # Opened each time: the lock belongs to the opening, and threads must not share it.
            opened = os.open(self._file, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:
            yield  # the database will say better what is wrong with the place
            return
        try:
            self._enter(opened)
            yield
        finally:
            os.close(opened)

    def _enter(self, opened: int) -> None:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    return
                time.sleep(_LOOK_SECONDS)
            else:
                return
