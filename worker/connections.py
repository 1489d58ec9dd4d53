"""The connections of a worker: made from their documents when first needed, made anew on change."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from connectors.contract import Connector
from connectors.registry import connect, connector_names, needs_no_settings
from ledger.writer import AsyncLedger
from measures.documents import Connection, document_digest
from measures.errors import ConfigurationError


@dataclass(frozen=True)
class _Made:
    digest: str
    connector: Connector


class Connections:
    """Every connection that documents name.

    A connector that needs no settings works without a document, under its own name.

    Args:
        ledger: where the documents are.
        place: the state folder, for connectors that keep something there.
    """

    def __init__(self, ledger: AsyncLedger, place: Path) -> None:
        self._ledger = ledger
        self._place = place
        self._made: dict[str, _Made] = {}
        self._making = asyncio.Lock()

    async def get(self, name: str) -> Connector:
        """Returns the connection of a name.

        Raises:
            ConfigurationError: there is none, or its settings do not fit its connector.
            ConnectorError: a secret is not where its reference says.
        """
        directory = await self._ledger.directory()
        document = directory.connections.get(name) or _without_document(name)
        digest = document_digest(document)
        async with self._making:
            made = self._made.get(name)
            if made is not None and made.digest == digest:
                return made.connector
            connector = connect(document.connector, document.settings, self._place)
            self._made[name] = _Made(digest, connector)
            if made is not None:
                await made.connector.aclose()
        return connector

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
