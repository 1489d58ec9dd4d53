"""Acting on news: the object is read again, what it shows is recorded, who waits for it is woken.

News is only a hint, so it may come twice, late, or in any order: what counts is what the system
shows when it is asked. Two workers may act on the same object at once; the ledger takes one entry
after the other, and who comes second reads again.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from connectors.contract import Connector, Remote
from connectors.failures import NotFound, Rejected, RetryLater, Unsupported
from ledger.inbox import Inbox, News, Taken
from ledger.linking import Targets
from ledger.writer import AsyncLedger
from measures.entry import object_stream
from measures.errors import SluicegateError
from measures.objects import Observed, forget, observe
from worker.connections import Connections
from workflows.client import SluiceClient
from workflows.remote_contract import RemoteNews

_log = logging.getLogger("sluicegate.worker.inbound")

CAMPAIGN = "campaign"
"""The kind of object whose news concerns launches."""

PATIENCE = 20
"""The seconds a system may take to show one object."""

AT_ONCE = 10
"""Objects read side by side."""

BATCH = 20
"""News taken at once."""

LEASE = timedelta(seconds=45)
"""How long a dead worker keeps news from the others; longer than a batch may take."""

TOLD_AGAIN = 3
"""So many tries of an object that its system refuses wake those who wait for it."""

_KNOWN_FOR = timedelta(minutes=10)
_LONGEST_WAIT = timedelta(minutes=5)

_Object = tuple[str, str, str]


class _Done(NamedTuple):
    connector: Connector
    until: datetime
    statuses: frozenset[str]


class Desk:
    """Takes news out of the inbox and acts on it.

    Args:
        ledger: where observations are recorded.
        connections: the systems.
        client: how measures and launches are woken.
    """

    def __init__(self, ledger: AsyncLedger, connections: Connections, client: SluiceClient) -> None:
        database = ledger.ledger.database
        self._ledger = ledger
        self._inbox = Inbox(database)
        self._targets = Targets(database)
        self._connections = connections
        self._client = client
        self._done: dict[tuple[str, str], _Done] = {}
        self._said: dict[str, str] = {}

    async def work(self) -> None:
        """Acts on all that is due.

        Raises:
            LedgerError: the inbox does not answer.
        """
        while await self._work_once():
            pass

    async def _work_once(self) -> bool:
        taken = await asyncio.to_thread(self._inbox.take, _now(), LEASE, BATCH)
        try:
            await self._act_on(taken)
        except asyncio.CancelledError:
            # A worker that is told to end leaves the rest to the others at once.
            ids = [one.id for one in taken]
            await asyncio.to_thread(self._inbox.postpone, ids, _now(), "")
            raise
        return bool(taken)

    async def _act_on(self, taken: Sequence[Taken]) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(target: _Object, rows: Sequence[Taken]) -> list[int]:
            async with gate:
                acted = await self._settle(target, rows)
            return [row.id for row in rows] if acted else []

        by_object = sorted(taken, key=_object_of)
        done = await asyncio.gather(
            *(one(key, list(rows)) for key, rows in groupby(by_object, key=_object_of))
        )
        await asyncio.to_thread(self._inbox.finish, [row for ids in done for row in ids], _now())

    async def fit_to_links(self) -> None:
        """Puts linked objects that nobody has read into the inbox; forgets what nobody links.

        Raises:
            LedgerError: the ledger or the inbox does not answer.
        """
        unread = await asyncio.to_thread(self._targets.unread)
        news = [
            News(*target, delivery=f"first:{target.kind}/{target.ref}#{number}")
            for target, number in unread
        ]
        if news:
            await asyncio.to_thread(self._inbox.put, news, _now())
        for target in await asyncio.to_thread(self._targets.unwanted):
            state = await self._ledger.object_state(object_stream(*target))
            drafts = forget(state, _now(), "nobody waits for it")
            if drafts:
                # Should somebody link it just now, it is read anew.
                await self._ledger.append(drafts)

    async def prune(self) -> None:
        """Forgets what was acted on long ago."""
        await asyncio.to_thread(self._inbox.prune, _now())

    async def _settle(self, target: _Object, rows: Sequence[Taken]) -> bool:
        """Acts on all news of one object; False when it is left for later."""
        tries = max(row.tries for row in rows)
        try:
            await self._act(target, [row.news for row in rows], tries)
        except RetryLater as failure:
            wait, why = failure.after or _backoff(tries), str(failure)
        except (SluicegateError, TimeoutError) as failure:
            wait, why = _backoff(tries), str(failure) or f"no answer within {PATIENCE} s"
        except Exception as error:
            _log.exception("fault while acting on news of %s", "/".join(target))
            wait, why = _backoff(tries), repr(error)
        else:
            self._said.pop(target[0], None)
            return True
        if self._said.get(target[0]) != why:
            # Once for all that waits for the same reason.
            _log.warning("%s: news waits, it is tried again: %s", "/".join(target), why)
            self._said[target[0]] = why
        ids = [row.id for row in rows]
        await asyncio.to_thread(self._inbox.postpone, ids, _now() + wait, why)
        return False

    async def _act(self, target: _Object, news: Sequence[News], tries: int) -> None:
        connection, kind, ref = target
        if kind == CAMPAIGN:
            await self._tell_launch(connection, ref)
        concern = await asyncio.to_thread(self._targets.concern, *target)
        await self._tell_own(concern.own, {one.version for one in news})
        if concern.linked:
            seen, changed = await self._observe(target, news[-1].delivery)
            # Who acted before may have died between the record and the telling. What is refused is
            # tried for ever, and then nobody is to be woken each time.
            again = tries > 1 and not (seen.refused and tries > TOLD_AGAIN)
            if changed or again:
                await self._wake(object_stream(connection, kind, ref))
            if seen.refused:
                # What is mended there, a right for instance, may be no change that anybody tells.
                raise Rejected(seen.refused)

    async def _tell_launch(self, connection: str, ref: str) -> None:
        launch = await self._ledger.launch(ref)
        if launch is None or launch.ended_at is not None:
            return
        if launch.campaign.connector == connection:
            await self._client.look_now(ref)

    async def _tell_own(self, ids: Sequence[str], versions: set[str]) -> None:
        """Tells the objects that stand for measures; each reads for itself what has changed."""
        # One version that all news agrees on may be what the engine wrote itself.
        version = versions.pop() if len(versions) == 1 else ""
        for name in ids:
            await self._client.remote_changed(name, RemoteNews(version=version, seen_at=_now()))

    async def _observe(self, target: _Object, command: str) -> tuple[Observed, bool]:
        """Records what the object shows; returns that, and whether it is news."""
        stream = object_stream(*target)
        while True:
            state = await self._ledger.object_state(stream)
            at = _now()
            seen = await self._read(*target)
            drafts = observe(state, *target, seen, at, command)
            if not drafts:
                return seen, False
            recorded = await self._ledger.append(drafts)
            if (recorded[0].at, recorded[0].body) == (drafts[0].at, drafts[0].body):
                return seen, True
            # Another worker was quicker; what it saw may be older than what we saw.

    async def _read(self, connection: str, kind: str, ref: str) -> Observed:
        connector = await self._connections.get(connection)
        async with asyncio.timeout(PATIENCE):
            try:
                remote = await connector.get(kind, ref)
            except NotFound:
                return Observed(gone=True)
            except (Rejected, Unsupported) as failure:
                # Only this object: whoever waits for others must not suffer for its name.
                return Observed(refused=str(failure)[:500] or "it gives no reason")
            done = await self._done_statuses(connection, kind, connector)
        return _shown(remote, done)

    async def _done_statuses(self, name: str, kind: str, connector: Connector) -> frozenset[str]:
        known = self._done.get((name, kind))
        if known is None or known.connector is not connector or known.until < _now():
            try:
                schema = await connector.describe(kind)
                # A lost opportunity is closed too.
                statuses = frozenset(schema.won or schema.closed)
            except Unsupported:
                statuses = frozenset()
            known = self._done[name, kind] = _Done(connector, _now() + _KNOWN_FOR, statuses)
        return known.statuses

    async def _wake(self, stream: str) -> None:
        await self._client.tell_facts_changed(await self._ledger.watching(stream))


def _shown(remote: Remote, done: frozenset[str]) -> Observed:
    return Observed(
        status=remote.status,
        done=remote.status in done,
        title=remote.title[:500],
        version=remote.version,
        actor=remote.actor,
        url=remote.url,
        updated_at=remote.updated_at,
    )


def _object_of(taken: Taken) -> _Object:
    return taken.news.connection, taken.news.kind, taken.news.ref


def _backoff(tries: int) -> timedelta:
    return min(timedelta(seconds=2 ** min(tries, 10)), _LONGEST_WAIT)


def _now() -> datetime:
    return datetime.now(UTC)
