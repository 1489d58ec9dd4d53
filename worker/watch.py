"""Looking at connected systems, so that a campaign that somebody changed there is found.

The worker looks, not the launch's workflow: a look that finds nothing leaves no event in any
history and no entry in the ledger, however many campaigns there are and however long they run.
Several workers look in turn; the launch decides, so finding a thing twice changes nothing.
"""

import asyncio
import logging

from ledger.writer import AsyncLedger
from measures.launch import LaunchState
from worker.connections import Connections
from workflows.client import SluiceClient

_log = logging.getLogger("sluicegate.worker.watch")

AT_ONCE = 10
"""Campaigns looked at side by side."""

PATIENCE = 30
"""The seconds a system may take to answer."""


class Watch:
    """Compares what systems show with what launches want.

    Args:
        ledger: where the launches are read.
        connections: the systems.
        client: how a launch is told to look for itself.
    """

    def __init__(self, ledger: AsyncLedger, connections: Connections, client: SluiceClient) -> None:
        self._ledger = ledger
        self._connections = connections
        self._client = client

    async def look(self) -> tuple[str, ...]:
        """Looks once at every campaign whose launch has not ended.

        Returns:
            The launches that were told to look.
        """
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(launch: LaunchState) -> str | None:
            async with gate:
                if await self._is_as_known(launch):
                    return None
                await self._client.look_now(launch.ref)
                return launch.ref

        launches = await self._ledger.live_launches()
        told = await asyncio.gather(*map(one, launches))
        return tuple(ref for ref in told if ref is not None)

    async def _is_as_known(self, launch: LaunchState) -> bool:
        """Tells whether there is nothing that the launch does not know or try to mend already."""
        try:
            connector = await self._connections.get(launch.campaign.connector)
            seen = await asyncio.wait_for(connector.look(launch.ref), PATIENCE)
        except Exception as error:
            _log.warning("%s does not show %s: %r", launch.campaign.connector, launch.ref, error)
            return not launch.confirmed
        return launch.confirmed == launch.desire.shown_by(seen)
