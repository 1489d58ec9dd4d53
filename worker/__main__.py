"""`python -m worker`: a worker process, alone or in the local stack."""

import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from worker.assembly import assemble
from worker.process import run_process
from worker.settings import WorkerSettings
from workflows.client.connecting import connect


async def run(settings: WorkerSettings) -> None:
    """Works until it is told to stop, then lets running work finish."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for told in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(told, stop.set)
    client = await connect(settings)
    async with assemble(settings, client) as worker, worker:
        _collect_seldom()
        with _told_ready(settings.state_dir):
            await stop.wait()


def _collect_seldom() -> None:
    """Spares what is loaded from garbage collection, and looks for cycles less often.

    Facts, states and verdicts are many small objects without cycles: by default a tenth of the
    worker's time went into looking for some.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@contextlib.contextmanager
def _told_ready(state_dir: Path) -> Iterator[None]:
    """Leaves a file for the local stack's supervisor while this worker works."""
    state_dir.mkdir(parents=True, exist_ok=True)
    mark = state_dir / f"worker-{os.getpid()}.ready"
    mark.touch()
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(run_process("worker", WorkerSettings.load, run))
