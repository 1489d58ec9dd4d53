"""Telling Temporal how a connected system failed, and that an activity is still alive."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from connectors.failures import ConnectorError, RetryLater
from measures.errors import ConfigurationError

UNTIL_SOMEBODY_ACTED = timedelta(minutes=1)
"""How often to try what only a person can mend: it must go on by itself once they have."""

_BEAT = 2.0


@contextmanager
def told_to_temporal() -> Iterator[None]:
    """Has Temporal try again when a system asked for it; what a person must mend, less often."""
    try:
        yield
    except RetryLater as failure:
        # Secrets were taken out of its words; what it came from might still show one, for ever.
        raise ApplicationError(
            str(failure), type="RetryLater", next_retry_delay=failure.after
        ) from None
    except (ConnectorError, ConfigurationError) as failure:
        raise ApplicationError(
            str(failure), type=type(failure).__name__, next_retry_delay=UNTIL_SOMEBODY_ACTED
        ) from None


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """Shows signs of life while the block runs, so that a death is found before its time is up."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(_BEAT)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
