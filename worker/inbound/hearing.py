"""Noticing that a connected system is no longer heard, and that it is again.

Both are recorded, so that every decision of the past can be made again from the ledger alone. A
worker notices it before it takes any work: where nothing ran for days, nobody knows what changed.
"""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

from ledger.linking import Targets
from ledger.polls import Poll, Polls, furthest_behind
from ledger.writer import AsyncLedger
from measures.contact import lose, restore_contact
from measures.entry import Draft, connection_stream
from workflows.client import SluiceClient

LATELY = timedelta(minutes=10)
"""What was recorded so short a time ago may not have been told to everybody."""

MISSED = 3
"""So many intervals may pass without a whole poll before a system counts as lost."""


class Hearing:
    """Compares when systems were last heard with the clock.

    Args:
        ledger: where it is recorded.
        client: how the measures are woken that wait for it.
        every: how long lies between two polls.
    """

    def __init__(self, ledger: AsyncLedger, client: SluiceClient, every: timedelta) -> None:
        self._ledger = ledger
        self._polls = Polls(ledger.ledger.database)
        self._targets = Targets(ledger.ledger.database)
        self._client = client
        self._span = every * MISSED

    async def note(self) -> tuple[str, ...]:
        """Records what has changed since the last time; returns those connections.

        Raises:
            LedgerError: it cannot be recorded.
        """
        linked = await asyncio.to_thread(self._targets.linked_connections)
        kinds = await asyncio.to_thread(self._targets.kinds)
        wanted = {kind for kind in kinds if kind[0] in linked}
        oldest = furthest_behind(await asyncio.to_thread(self._polls.all), wanted)
        changed = [name for name, poll in oldest.items() if await self._compare(poll)]
        for name in changed:
            await self._wake(connection_stream(name))
        return tuple(changed)

    async def tell_again(self) -> None:
        """Wakes those who may not have heard of the latest changes: a worker may have died."""
        for name in await asyncio.to_thread(self._targets.linked_connections):
            state = await self._ledger.contact(name)
            if state is not None and datetime.now(UTC) - state.changed_at < LATELY:
                await self._wake(connection_stream(name))

    async def _compare(self, poll: Poll) -> bool:
        now = datetime.now(UTC)
        while True:
            state = await self._ledger.contact(poll.connection)
            drafts: list[Draft]
            if now - poll.complete_at > self._span:
                why = poll.fault or "no worker asked it"
                since, name = poll.complete_at, poll.connection
                drafts = lose(state, name, since, why, now, str(uuid.uuid4()))
            else:
                drafts = restore_contact(state, poll.connection, now, str(uuid.uuid4()))
            if not drafts:
                return False
            if await self._ledger.record(drafts):
                return True

    async def _wake(self, stream: str) -> None:
        await self._client.tell_facts_changed(await self._ledger.watching(stream))
