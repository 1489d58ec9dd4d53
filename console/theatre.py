"""Where stories are played: a stack of real processes whose server skips time.

It is the stack that `sluice up` runs, with the time-skipping server in place of the dev server.
That server forgets everything when it dies, so killing it is total loss of Temporal.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from temporalio.api.testservice.v1 import SleepRequest
from temporalio.service import RPCError

from console.local_stack import LocalStack, start_stack
from console.rebuilding import rebuild
from ledger.store import Ledger
from measures.errors import EngineError
from workflows.client import SluiceClient

NO_STICKY_QUEUE = {"SLUICE_MAX_CACHED_WORKFLOWS": "0"}
"""The time-skipping server never takes a task back that it gave to a dead worker's own (sticky)
queue, so its workers keep nothing cached and have no such queue."""


PATIENCE = timedelta(minutes=2)
"""How long time may take to pass; by default 30 s, which a busy machine can need."""


class Theatre:
    """A running stack with a clock that can be moved on."""

    def __init__(self, local: LocalStack, ledger: Ledger) -> None:
        self.ledger = ledger
        self._local = local
        self._now = datetime.now(UTC)

    @property
    def client(self) -> SluiceClient:
        """Asks the measures and pools of the story."""
        return self._local.client

    def now(self) -> datetime:
        """Returns the story's time as of the last move."""
        return self._now

    async def move_to(self, moment: datetime) -> None:
        """Lets time pass until a moment; timers on the way fire in their order.

        Raises:
            EngineError: the moment has passed, or the server does not get there.
        """
        current = await self._server_time()
        span = moment - current
        if span < -timedelta(seconds=60):
            raise EngineError(f"time only goes on: it is {current:%Y-%m-%d %H:%M} already")
        if span > timedelta(0):
            duration = Duration()
            duration.FromTimedelta(span)
            service = self.client.temporal.test_service
            try:
                await service.unlock_time_skipping_with_sleep(
                    SleepRequest(duration=duration), timeout=PATIENCE
                )
            except RPCError as error:
                raise EngineError(
                    f"the server that skips time did not get to {moment:%Y-%m-%d %H:%M} within"
                    f" {PATIENCE.total_seconds():.0f} s ({error}); play the story again"
                ) from error
        self._now = max(moment, await self._server_time())

    async def kill(self, who: str) -> None:
        """Kills worker, server or both; after a server's death the ledger starts everything again.

        Time does not pass meanwhile: an empty server is taken to the story's time first.
        """
        moment = self._now
        await self._local.kill(who)
        if who in ("server", "both"):
            await self.move_to(moment)
            await rebuild(self.ledger, self.client)

    async def _server_time(self) -> datetime:
        answer = await self.client.temporal.test_service.get_current_time(Empty())
        return answer.time.ToDatetime(tzinfo=UTC)


@asynccontextmanager
async def open_theatre(state_dir: Path, *, keep: bool = False) -> AsyncIterator[Theatre]:
    """Starts a stack on an empty folder and ends it, leaving no process; no folder unless kept.

    Raises:
        EngineError: the stack does not start.
    """
    async with start_stack(state_dir, "--time-skipping", environment=NO_STICKY_QUEUE) as local:
        with Ledger.open(local.stack.ledger_url) as ledger:
            yield Theatre(local, ledger)
    if not keep:
        await asyncio.to_thread(shutil.rmtree, state_dir)
