"""The connections of a worker: made from their documents when first needed, made anew on change."""

import asyncio
import contextlib
from pathlib import Path
from typing import NamedTuple

from connectors.contract import Capability, Connector
from connectors.credentials import credentials_of
from connectors.failures import ConnectorError
from connectors.registry import connect, connector_names, manifest_of, needs_no_settings
from ledger.writer import AsyncLedger
from measures.documents import Connection
from measures.errors import ConfigurationError
from worker.circuits import Circuits
from worker.guard import GuardedConnector
from worker.pace import Pace


class _Made(NamedTuple):
    """A connection, and the document that it was last asked for by."""

    document: Connection
    connector: GuardedConnector


class Connections:
    """Every connection that documents name.

    A connector that needs no settings works without a document, under its own name.

    Args:
        ledger: where the documents are.
        place: the state folder, for connectors that keep something there.
        circuits: whether they may be called.
    """

    def __init__(self, ledger: AsyncLedger, place: Path, circuits: Circuits) -> None:
        self._ledger = ledger
        self._place = place
        self._circuits = circuits
        self._made: dict[str, _Made] = {}
        self._making = asyncio.Lock()

    async def get(self, name: str) -> GuardedConnector:
        """Returns the connection of a name, made anew when its document or a secret has changed.

        Raises:
            ConfigurationError: there is none, or no such connector.
        """
        directory = await self._ledger.directory()
        document = directory.connections.get(name) or _without_document(name)
        made = self._made.get(name)
        if made is not None and made.document is document:  # cheaper, and nearly always so
            credentials = made.connector.credentials.read_again()
        else:
            credentials = credentials_of(document)
        async with self._making:
            made = self._made.get(name)
            if made is not None and made.connector.credentials == credentials:
                self._made[name] = made._replace(document=document)
                return made.connector
            manifest = manifest_of(document.connector, document.settings)
            pace = Pace(
                self._ledger,
                name,
                document.calls_a_second or manifest.calls_a_second,
                self._circuits.now,
            )

            def connected() -> Connector:
                return connect(document.connector, document.settings, self._place)

            fresh = GuardedConnector(manifest, connected, credentials, self._circuits, pace)
            self._made[name] = _Made(document, fresh)
            if made is not None:
                await made.connector.aclose()
        return fresh

    async def make_ready(self, capability: Capability) -> None:
        """Connects all that documents name and that can do this, so that nobody waits for it.

        What does not connect is left for its first use, which tells why.
        """
        for name in (await self._ledger.directory()).connections:
            with contextlib.suppress(ConnectorError, ConfigurationError):
                connection = await self.get(name)
                if capability in connection.manifest.can:
                    connection.make_ready()

    async def aclose(self) -> None:
        """Ends every connection."""
        for made in self._made.values():
            await made.connector.aclose()
        self._made.clear()


def _without_document(name: str) -> Connection:
    if name in connector_names() and needs_no_settings(name):
        return Connection(id=name, connector=name)
    msg = f"there is no connection {name!r}: apply its document, kind Connection"
    raise ConfigurationError(msg)
