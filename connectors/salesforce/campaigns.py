"""Campaigns in Salesforce: labelled as held or running, for whoever sends to heed."""

import re
from typing import Any, ClassVar

from connectors.campaigns import WholeCampaigns
from connectors.contract import ProofLevel
from connectors.failures import NotFound, Rejected
from connectors.http import HttpDoor
from connectors.salesforce.settings import SalesforceConfig
from connectors.salesforce.soql import Query, literal, select
from connectors.understanding import understanding

_ID = re.compile(r"701[A-Za-z0-9]{12}([A-Za-z0-9]{3})?")


class Campaigns(WholeCampaigns):
    """The campaigns of one organisation, each by its id or by its name.

    Args:
        config: the connection's settings.
        http: the way there.
        query: asks for records.
    """

    level: ClassVar[ProofLevel] = "advisory"
    refusal: ClassVar[str] = "Salesforce marks campaign {ref} as active or not; it stays inactive"

    def __init__(self, config: SalesforceConfig, http: HttpDoor, query: Query) -> None:
        self._config = config
        self._http = http
        self._query = query

    async def _stop(self, ref: str) -> None:
        """Marks a campaign as inactive, and a running one by its status too."""
        await self._mark(ref, False, self._config.campaign_released, self._config.campaign_held)

    async def _start(self, ref: str) -> None:
        """Marks a campaign as active, and a held one by its status too."""
        await self._mark(ref, True, self._config.campaign_held, self._config.campaign_released)

    async def _runs(self, ref: str) -> bool:
        row = await self._row(ref)
        # Either mark lets somebody send.
        return bool(row["IsActive"]) or row["Status"] == self._config.campaign_released

    async def _mark(self, ref: str, active: bool, status: str, instead: str) -> None:
        row = await self._row(ref)
        wanted: dict[str, Any] = {"IsActive": active}
        # A campaign that is completed or aborted stays so.
        if row["Status"] == status:
            wanted["Status"] = instead
        content = {name: value for name, value in wanted.items() if row[name] != value}
        if content:
            await self._http.send("PATCH", f"sobjects/Campaign/{row['Id']}", json=content)

    async def _row(self, ref: str) -> dict[str, Any]:
        """Returns a campaign's id and marks.

        Raises:
            NotFound: there is none.
            Rejected: there are several, and nobody can tell which is meant.
        """
        by = "Id" if _ID.fullmatch(ref) else "Name"
        rows = await self._query(
            select(["Id", "IsActive", "Status"], "Campaign", f"{by} = {literal(ref)}", "LIMIT 2")
        )
        if not rows:
            msg = f"Salesforce has no campaign {ref!r}"
            raise NotFound(msg)
        if len(rows) > 1:
            msg = (
                f"Salesforce has several campaigns named {ref!r}; write the id instead of the name"
            )
            raise Rejected(msg)
        with understanding("Salesforce", f"campaign {ref}"):
            return {name: rows[0][name] for name in ("Id", "IsActive", "Status")}
