"""Doing something again and again while a worker works, whatever goes wrong."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from measures.errors import SluicegateError

_log = logging.getLogger("sluicegate.worker.repeating")


@asynccontextmanager
async def repeating(do: Callable[[], Awaitable[object]], seconds: float) -> AsyncIterator[None]:
    """Does something every so many seconds while the block runs; never for 0 seconds."""
    if not seconds:
        yield
        return
    task = asyncio.create_task(_for_ever(do, seconds))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _for_ever(do: Callable[[], Awaitable[object]], seconds: float) -> None:
    while True:
        # Workers that started together must not act together for ever.
        await asyncio.sleep(seconds * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
        try:
            await do()
        except SluicegateError as error:
            _log.warning("%s: %s", do.__qualname__, error)
        except Exception:
            _log.exception("%s", do.__qualname__)
