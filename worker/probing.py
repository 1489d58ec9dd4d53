"""Checking systems whose circuit is open, and telling those who wait when it closes.

One worker of all checks a system; those who wait call nothing. What a person did, a changed
document or secret or `sluice connectors check`, is found here too.
"""

import asyncio
import logging
from functools import partial

from connectors.failures import ConnectorError, RetryLater, Unsupported
from connectors.outcome import outcome_of
from ledger.inbox import Inbox
from ledger.writer import AsyncLedger
from measures.circuit import ConnectionState, claim_check, claim_waking, woken
from measures.errors import ConfigurationError
from worker.circuits import Circuits
from worker.connections import Connections
from worker.guard import GuardedConnector
from workflows.client import SluiceClient

_log = logging.getLogger("sluicegate.worker.probing")

_PATIENCE = 10.0
"""The seconds a system may take to answer a check; a slower one is down."""


class Probing:
    """Looks after the circuits that are open.

    Args:
        ledger: where those who wait are found.
        circuits: how connections fare.
        connections: the systems.
        client: how those who wait are told.
    """

    def __init__(
        self,
        ledger: AsyncLedger,
        circuits: Circuits,
        connections: Connections,
        client: SluiceClient,
    ) -> None:
        self._ledger = ledger
        self._circuits = circuits
        self._connections = connections
        self._client = client

    async def look(self) -> None:
        """Checks every system whose check is due, and tells those who wait for one that answers."""
        states = (await self._circuits.read()).values()
        await asyncio.gather(*map(self._wake, states))
        await asyncio.gather(*(self._check(one) for one in states if one.circuit != "closed"))

    async def _check(self, state: ConnectionState) -> None:
        name = state.id
        try:
            connector = await self._connections.get(name)
        except ConfigurationError as error:
            _log.debug("%s is not checked: %s", name, error)
            return
        tried_with = await asyncio.to_thread(lambda: connector.credentials.fingerprint)
        claim = partial(claim_check, at=self._circuits.now(), tried_with=tried_with)
        if claim(state) == state or not await self._circuits.change(name, claim):
            return
        failure = await _how_it_fails(connector)
        outcome = await outcome_of(failure, self._circuits.now(), connector.credentials)
        assert outcome is not None, "what it cannot be asked is no failure"
        await self._circuits.note_check(name, outcome)
        await self._wake(await self._circuits.state(name))

    async def _wake(self, state: ConnectionState) -> None:
        """Tells all who wait for a system that it may be called again."""
        claim = partial(claim_waking, at=self._circuits.now())
        claimed = claim(state).wake_at
        if claim(state) == state or not await self._circuits.change(state.id, claim):
            return
        for launch in await self._ledger.live_launches():
            if launch.campaign.connector == state.id and not launch.confirmed:
                await self._client.try_now(launch.ref)
        for remote in await self._ledger.remotes(live=True, connection=state.id):
            if remote.unreachable_since is not None:
                await self._client.try_remote_now(remote.id)
        inbox = Inbox(self._ledger.ledger.database)
        await asyncio.to_thread(inbox.hurry, state.id, self._circuits.now())
        await self._circuits.change(state.id, partial(woken, claimed=claimed))


async def _how_it_fails(connector: GuardedConnector) -> ConnectorError | None:
    try:
        await asyncio.wait_for(connector.inner.check(), _PATIENCE)
    except TimeoutError:
        return RetryLater(f"it did not answer a check within {_PATIENCE:g} s")
    except Unsupported:
        return None  # nothing tells before the next call
    except ConnectorError as failure:
        return failure
    except Exception as error:  # a foreign connector may fail in any way
        return RetryLater(repr(error))
    return None
