"""A connector that is called only when its circuit lets it, no faster than its system allows.

Everything that workers ask of a connected system goes through here, so whoever asks needs to know
neither circuit nor pace: what may not be sent now fails as if the system had said so.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TypeVar

from connectors.contract import (
    Connector,
    Health,
    Hint,
    Manifest,
    Page,
    Remote,
    RemoteSchema,
    Scalar,
    Webhook,
)
from connectors.credentials import Credentials
from connectors.failures import AuthFailed, ConnectorError, RetryLater
from connectors.outcome import outcome_of
from measures.circuit import may_not_call
from measures.launch import Sighting
from worker.circuits import Circuits
from worker.pace import Pace

_T = TypeVar("_T")
_Call = Callable[[Connector], Awaitable[_T]]


class GuardedConnector(Connector):
    """One connection as workers use it.

    Args:
        manifest: what its connector says of itself.
        connect: connects; called before the first call.
        credentials: what it presents.
        circuits: whether it may be called.
        pace: how fast.
    """

    def __init__(
        self,
        manifest: Manifest,
        connect: Callable[[], Connector],
        credentials: Credentials,
        circuits: Circuits,
        pace: Pace,
    ) -> None:
        self.manifest = manifest  # type: ignore[misc]  # each guards a connector of another class
        self.credentials = credentials
        self._connect = connect
        self._connected: Connector | None = None
        self._circuits = circuits
        self._pace = pace

    @property
    def inner(self) -> Connector:
        """The connector itself, for whoever checks it while its circuit is open.

        Raises:
            ConnectorError: a secret is not where its reference says.
            ConfigurationError: the settings do not fit.
        """
        if self._connected is None:
            self._connected = self._connect()
        return self._connected

    def make_ready(self) -> None:
        """Connects beforehand; nothing is sent.

        Raises:
            ConnectorError: a secret is not where its reference says.
            ConfigurationError: the settings do not fit.
        """
        self._connected = self.inner

    async def aclose(self) -> None:
        """Ends the connection."""
        await self._pace.aclose()
        if self._connected is not None:
            await self._connected.aclose()

    async def check(self) -> Health:
        """Finds out who we are there."""
        return await self._through(lambda to: to.check())

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns the fields, statuses and moves of a kind of object."""
        return await self._through(lambda to: to.describe(kind))

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads an object."""
        return await self._through(lambda to: to.get(kind, ref))

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for an object by the name that we gave it."""
        return await self._through(lambda to: to.find(kind, external_id))

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: str | None = None,
    ) -> Remote:
        """Makes or changes an object."""
        return await self._through(
            lambda to: to.upsert(kind, external_id, patch, key=key, expect=expect)
        )

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Moves an object to a status."""
        return await self._through(
            lambda to: to.transition(kind, ref, status, key=key, expect=expect)
        )

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a comment."""
        await self._through(lambda to: to.comment(kind, ref, text, key=key))

    async def hold(self, ref: str, *, key: str) -> Sighting:
        """Stops a campaign, before all that waits."""
        return await self._through(lambda to: to.hold(ref, key=key), urgent=True)

    async def release(self, ref: str, share: float, *, key: str) -> Sighting:
        """Lets a share of a campaign run."""
        return await self._through(lambda to: to.release(ref, share, key=key), urgent=True)

    async def throttle(self, ref: str, share: float, *, key: str) -> Sighting:
        """Changes the share of a campaign that runs."""
        return await self._through(lambda to: to.throttle(ref, share, key=key), urgent=True)

    async def look(self, ref: str) -> Sighting | None:
        """Returns what the system shows of a campaign."""
        return await self._through(lambda to: to.look(ref))

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns what has changed behind a cursor."""
        return await self._through(lambda to: to.changes(kind, cursor, limit=limit))

    def verify(self, webhook: Webhook, *, now: datetime) -> tuple[Hint, ...]:
        """Checks a webhook; nothing is sent, so nothing is in the way."""
        return self.inner.verify(webhook, now=now)

    async def _through(self, call: _Call[_T], *, urgent: bool = False) -> _T:
        # Asked twice: who may not call must not queue, and the circuit may open meanwhile.
        await self._refuse_when_open()
        await self._pace.turn(urgent=urgent)
        await self._refuse_when_open()
        try:
            result = await call(self.inner)
        except ConnectorError as failure:
            await self._note(failure)
            raise
        await self._note(None)
        return result

    async def _refuse_when_open(self) -> None:
        closed = may_not_call(
            await self._circuits.state(self.credentials.connection), self._circuits.now()
        )
        if closed is None:
            return
        if closed.after is None:
            raise AuthFailed(closed.why)
        raise RetryLater(closed.why, closed.after)

    async def _note(self, failure: ConnectorError | None) -> None:
        outcome = await outcome_of(failure, self._circuits.now(), self.credentials)
        if outcome is not None:
            await self._circuits.note_call(self.credentials.connection, outcome)
