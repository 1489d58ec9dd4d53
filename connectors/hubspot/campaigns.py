"""Campaigns in HubSpot: labelled as held or running, for whoever sends to heed."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Any, ClassVar

from connectors.campaigns import WholeCampaigns
from connectors.contract import ProofLevel, Remote, RemoteSchema
from connectors.failures import NotFound, Rejected
from connectors.http import HttpDoor, segment
from connectors.hubspot.answers import remote_field
from connectors.hubspot.settings import HubspotConfig
from connectors.understanding import understanding, version_of

_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_READS = "hs_name,hs_campaign_status,hs_start_date,hs_end_date,hs_notes"
_TYPE = "0-35"
"""Campaigns as a type of object, whose properties can be asked for."""


class Campaigns(WholeCampaigns):
    """The campaigns of one account, each by its id or by its name.

    Args:
        config: the connection's settings.
        http: the way there.
    """

    level: ClassVar[ProofLevel] = "advisory"
    refusal: ClassVar[str] = "HubSpot marks campaign {ref} as running or not; it stays held"

    def __init__(self, config: HubspotConfig, http: HttpDoor) -> None:
        self._config = config
        self._http = http

    async def describe(self) -> RemoteSchema:
        """Returns a campaign's properties and statuses."""
        answer = await self._http.json("GET", self._config.path("crm", f"properties/{_TYPE}"))
        with understanding("HubSpot", "the properties of campaigns"):
            fields = {one["name"]: remote_field(one) for one in answer["results"]}
            statuses = fields["hs_campaign_status"].choices
        return RemoteSchema(
            kind="campaign",
            fields=fields,
            statuses=statuses,
            closed=tuple(one for one in statuses if one.lower() == "completed"),
        )

    async def get(self, ref: str) -> Remote:
        """Reads a campaign by its id.

        Raises:
            NotFound: there is none.
        """
        if not _ID.fullmatch(ref):
            msg = f"HubSpot has no campaign {ref!r}: ids are written as UUIDs"
            raise NotFound(msg)
        row = await self._http.json("GET", self._path(ref), params={"properties": _READS})
        return _remote(row)

    async def move(self, ref: str, status: str) -> None:
        """Gives a campaign a status; HubSpot refuses those that it does not have."""
        content = {"properties": {"hs_campaign_status": status}}
        await self._http.send("PATCH", self._path(ref), json=content)

    async def changed(self, since: datetime) -> AsyncGenerator[Remote, None]:
        """Lists campaigns changed at or after a moment, oldest first.

        They can only be sorted by time, not asked for by it: pages are read back to an old one.
        """
        fresh: list[Remote] = []
        async with aclosing(self._list({"sort": "-updatedAt"})) as pages:
            async for rows in pages:
                shown = [_remote(row) for row in rows]
                new = [one for one in shown if one.updated_at and one.updated_at >= since]
                fresh += new
                if len(new) < len(shown):
                    break
        for one in reversed(fresh):
            yield one

    async def _stop(self, ref: str) -> None:
        found = await self._named(ref)
        if self._is_running(found):
            await self.move(found.ref, self._config.campaign_held)

    async def _start(self, ref: str) -> None:
        found = await self._named(ref)
        if not self._is_running(found):
            await self.move(found.ref, self._config.campaign_running[0])

    async def _runs(self, ref: str) -> bool:
        return self._is_running(await self._named(ref))

    async def _named(self, ref: str) -> Remote:
        """Returns a campaign by its id or by its whole name.

        Raises:
            NotFound: there is none.
            Rejected: there are several, and nobody can tell which is meant.
        """
        if _ID.fullmatch(ref):
            return await self.get(ref)
        found = [
            _remote(row)
            async for rows in self._list({"name": ref})
            for row in rows
            if (row.get("properties") or {}).get("hs_name") == ref
        ]
        if not found:
            msg = f"HubSpot has no campaign named {ref!r}"
            raise NotFound(msg)
        if len(found) > 1:
            msg = f"HubSpot has several campaigns named {ref!r}; write the id instead of the name"
            raise Rejected(msg)
        return found[0]

    async def _list(self, asked: dict[str, str]) -> AsyncGenerator[list[dict[str, Any]], None]:
        after = ""
        while True:
            params = {**asked, "properties": _READS, "limit": "100"}
            answer = await self._http.json(
                "GET", self._path(), params={**params, **({"after": after} if after else {})}
            )
            with understanding("HubSpot", "its campaigns"):
                rows = [dict(row) for row in answer["results"]]
                after = str(answer.get("paging", {}).get("next", {}).get("after", ""))
            yield rows
            if not after:
                return

    def _is_running(self, campaign: Remote) -> bool:
        return campaign.status.lower() in {one.lower() for one in self._config.campaign_running}

    def _path(self, ref: str = "") -> str:
        return self._config.path("marketing", f"campaigns/{segment(ref)}" if ref else "campaigns")


def _remote(row: dict[str, Any]) -> Remote:
    with understanding("HubSpot", "a campaign"):
        properties = row["properties"]
        return Remote(
            kind="campaign",
            ref=str(row["id"]),
            title=properties.get("hs_name") or "",
            status=properties.get("hs_campaign_status") or "",
            version=version_of(row["updatedAt"], *sorted(properties.items())),
            updated_at=datetime.fromisoformat(row["updatedAt"]),
            fields=dict(properties),
        )
