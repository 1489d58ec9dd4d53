"""Polling: asks systems what has changed, so that nothing is missed that no webhook told.

What has changed and concerns somebody goes into the inbox, and only then the cursor moves on: who
dies in between reads the same once more, and the inbox knows it already. All workers share the
cursors, so a system is asked once in an interval however many there are.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from connectors.contract import Connector, Remote
from connectors.cursor import cursor_from
from connectors.failures import ConnectorError, NotFound, Rejected, RetryLater, Unsupported
from ledger.inbox import Inbox, News
from ledger.linking import Targets
from ledger.polls import Poll, Polls
from ledger.writer import AsyncLedger
from measures.entry import object_stream
from measures.errors import ConfigurationError
from worker.connections import Connections

_log = logging.getLogger("sluicegate.worker.inbound")

LEASE = timedelta(seconds=45)
"""How long a dead worker keeps others from polling; longer than one page may take."""

PATIENCE = 30
"""The seconds a system may take to list one page."""

LOOK_BACK = timedelta(hours=1)
"""How far the first poll looks back: clocks of connected systems may be that far behind ours."""

_Failures = (ConnectorError, ConfigurationError, TimeoutError)


class Poller:
    """Reads what has changed in every connection in which somebody waits for something.

    Args:
        ledger: where the links, the cursors and the inbox are.
        connections: the systems.
        every: how long to wait between two polls.
    """

    def __init__(self, ledger: AsyncLedger, connections: Connections, every: timedelta) -> None:
        database = ledger.ledger.database
        self._ledger = ledger
        self._inbox = Inbox(database)
        self._polls = Polls(database)
        self._targets = Targets(database)
        self._connections = connections
        self._every = every

    async def work(self) -> int:
        """Polls what is due and returns how much news that brought.

        Raises:
            LedgerError: the inbox or the cursors cannot be read or written.
        """
        kinds = await asyncio.to_thread(self._targets.kinds)
        return sum(await asyncio.gather(*(self._poll(*kind) for kind in kinds)))

    async def _poll(self, connection: str, kind: str) -> int:
        began = datetime.now(UTC)
        first = cursor_from(began - LOOK_BACK)
        poll = await asyncio.to_thread(self._polls.take, connection, kind, first, began, LEASE)
        if poll is None:
            return 0
        again_at = began + self._every
        try:
            return await self._read(poll, began, again_at)
        except asyncio.CancelledError:
            # A worker that is told to end must not keep the others from polling.
            await asyncio.to_thread(self._polls.fail, poll, poll.fault, began)
            raise

    async def _read(self, poll: Poll, began: datetime, again_at: datetime) -> int:
        connection, kind = poll.connection, poll.kind
        try:
            connector = await self._connections.get(connection)
            manifest = connector.manifest
            if "changes" in manifest.can and poll.kind in manifest.kinds:
                found = await self._read_changes(connector, poll)
            else:
                found = await self._read_each(connector, poll)
        except _Failures as failure:
            why = str(failure) or f"it did not answer within {PATIENCE} s"
            _log.warning("%s: what has changed of %s is not known: %s", connection, kind, why)
            if isinstance(failure, RetryLater) and failure.after is not None:
                again_at = max(again_at, began + failure.after)
            await asyncio.to_thread(self._polls.fail, poll, why, again_at)
            return 0
        await asyncio.to_thread(self._polls.complete, poll, began, again_at)
        return found

    async def _read_changes(self, connector: Connector, poll: Poll) -> int:
        cursor, found, more = poll.cursor, 0, True
        while more:
            async with asyncio.timeout(PATIENCE):
                try:
                    page = await connector.changes(poll.kind, cursor)
                except Rejected:
                    # The connection was moved to another connector, whose cursors differ.
                    page = await connector.changes(poll.kind, cursor_from(poll.complete_at))
            found += await self._keep(poll, page.items)
            until = datetime.now(UTC) + LEASE
            newest = _newest(page.items)
            await asyncio.to_thread(self._polls.advance, poll, page.cursor, newest, until)
            cursor, more = page.cursor, page.more
        return found

    async def _read_each(self, connector: Connector, poll: Poll) -> int:
        """Reads every linked object: for systems that do not tell what has changed.

        A kind that a system does not have is read so too: what it showed while it had it must not
        be believed for ever, and whoever waits for other things there must not suffer.
        """
        found: list[Remote] = []
        refused: list[str] = []
        for ref in sorted(await asyncio.to_thread(self._targets.refs, poll.connection, poll.kind)):
            async with asyncio.timeout(PATIENCE):
                try:
                    found.append(await connector.get(poll.kind, ref))
                except NotFound:
                    continue
                except (Rejected, Unsupported):
                    refused.append(ref)
        return await self._keep(poll, found) + await self._keep_refused(poll, refused)

    async def _keep_refused(self, poll: Poll, refs: Iterable[str]) -> int:
        """Puts into the inbox what its system refuses to show from now on."""
        news = []
        for ref in refs:
            state = await self._ledger.object_state(object_stream(poll.connection, poll.kind, ref))
            if state is not None and state.known and not state.shown.refused:
                delivery = f"refused:{poll.kind}/{ref}@{poll.complete_at.isoformat()}"
                news.append(News(poll.connection, poll.kind, ref, delivery))
        return await self._put(news)

    async def _keep(self, poll: Poll, items: Iterable[Remote]) -> int:
        """Puts those changes into the inbox that concern somebody."""
        wanted = await asyncio.to_thread(self._targets.refs, poll.connection, poll.kind)
        news = [
            News(poll.connection, poll.kind, one.ref, _delivery(one), one.version, one.updated_at)
            for one in items
            if one.ref in wanted
        ]
        return await self._put(news)

    async def _put(self, news: Sequence[News]) -> int:
        """Returns how much of it is new."""
        if not news:
            return 0
        return len(await asyncio.to_thread(self._inbox.put, news, datetime.now(UTC)))


def _delivery(one: Remote) -> str:
    """Names a change: a version may come back, but not at the same time."""
    at = one.updated_at.isoformat() if one.updated_at else ""
    return f"poll:{one.kind}/{one.ref}@{one.version}@{at}"


def _newest(items: Iterable[Remote]) -> datetime | None:
    return max((one.updated_at for one in items if one.updated_at is not None), default=None)
