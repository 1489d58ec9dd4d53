"""The tasks of a worker that keep up with connected systems, for as long as it works."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from ledger.writer import AsyncLedger
from worker.connections import Connections
from worker.inbound.desk import Desk
from worker.inbound.hearing import Hearing
from worker.inbound.poll import Poller
from worker.repeating import repeating
from workflows.client import SluiceClient

LOOK_SECONDS = 0.2
"""Between two looks into the inbox: webhooks come into another process."""

_TIDY_SECONDS = 3600.0


@asynccontextmanager
async def keeping_up(
    ledger: AsyncLedger, connections: Connections, client: SluiceClient, every: timedelta
) -> AsyncIterator[None]:
    """Acts on news and polls while the block runs; before it, notes which systems went unheard.

    Args:
        ledger: where news, links and observations are.
        connections: the systems.
        client: how measures, launches and remote objects are told.
        every: how long to wait between two polls of a system.
    """
    desk = Desk(ledger, connections, client)
    poller = Poller(ledger, connections, every)
    hearing = Hearing(ledger, client, every)
    await hearing.note()
    await hearing.tell_again()
    async with AsyncExitStack() as stack:
        soon = min(1.0, every.total_seconds() / 4)
        for do, seconds in (
            (desk.work, LOOK_SECONDS),
            (desk.fit_to_links, soon),
            (poller.work, soon),
            (hearing.note, soon),
            (desk.prune, _TIDY_SECONDS),
        ):
            await stack.enter_async_context(repeating(do, seconds))
        yield
