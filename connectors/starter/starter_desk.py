"""Starter desk: tickets through its REST interface, version 1."""

from typing import ClassVar

import httpx

from connectors.address import Address
from connectors.contract import ConnectionConfig, Connector, Health, Manifest, Remote
from connectors.http import HttpDoor, segment
from connectors.refusals import refuse_other_kinds
from connectors.secrets import SecretRef, read_secret
from connectors.understanding import understanding, version_of


class StarterDeskConfig(ConnectionConfig):
    """Where it is and who we are there: the settings of a document of kind Connection."""

    url: Address
    key: SecretRef


class StarterDeskConnector(Connector):
    """Tickets of one Starter desk; what is not written here is Unsupported."""

    manifest: ClassVar[Manifest] = Manifest(
        name="starter-desk", title="Starter desk", api="1", kinds=("ticket",), can=frozenset()
    )
    Config: ClassVar[type[ConnectionConfig]] = StarterDeskConfig

    def __init__(
        self, config: StarterDeskConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        key = read_secret(config.key)
        headers = {"Authorization": f"Bearer {key}"}
        url, hidden = config.url.rstrip("/") + "/", frozenset({key})
        self._http = HttpDoor(
            "Starter desk", url, headers=headers, secrets=hidden, transport=transport
        )

    async def aclose(self) -> None:
        """Ends the connection."""
        await self._http.aclose()

    async def check(self) -> Health:
        """Asks who we are."""
        me = await self._http.json("GET", "me")
        with understanding(self.manifest.title, "who we are"):
            return Health(account=str(me["login"]))

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads a ticket."""
        refuse_other_kinds(self.manifest, kind)
        row = await self._http.json("GET", f"tickets/{segment(ref)}")
        with understanding(self.manifest.title, f"ticket {ref}"):
            title, status = str(row["title"]), str(row["status"])
            return Remote(
                kind=kind, ref=str(row["id"]), title=title, status=status, version=version_of(row)
            )
