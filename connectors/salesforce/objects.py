"""What an organisation has: objects with their fields, rights and statuses."""

from typing import Any

from connectors.contract import RemoteSchema
from connectors.http import HttpDoor
from connectors.salesforce.answers import choices, remote_field
from connectors.salesforce.settings import Kind, SalesforceConfig
from connectors.salesforce.soql import Query, select
from connectors.understanding import understanding

_RIGHTS = ("queryable", "createable", "updateable")


class Objects:
    """The objects of one organisation.

    Args:
        config: the connection's settings.
        http: the way there.
        query: asks for records.
    """

    def __init__(self, config: SalesforceConfig, http: HttpDoor, query: Query) -> None:
        self._config = config
        self._http = http
        self._query = query

    async def schema(self, shape: Kind) -> RemoteSchema:
        """Returns an object's fields and statuses; between them it knows no forbidden moves."""
        shown = await self._described(shape)
        closed, won = await self._ends(shape)
        with understanding("Salesforce", f"the description of {shape.object}"):
            fields = {one["name"]: remote_field(one) for one in shown["fields"]}
            statuses = fields[shape.status].choices
        return RemoteSchema(
            kind=shape.name,
            fields=fields,
            statuses=statuses,
            closed=tuple(one for one in statuses if one in closed),
            won=tuple(one for one in statuses if one in won),
        )

    async def statuses(self, shape: Kind) -> tuple[str, ...]:
        """Returns the statuses that people can choose."""
        shown = await self._described(shape)
        with understanding("Salesforce", f"the description of {shape.object}"):
            return {one["name"]: choices(one) for one in shown["fields"]}[shape.status]

    async def missing(self, shape: Kind) -> list[str]:
        """Returns what we may not do with an object, in words for whoever gives rights."""
        shown = await self._described(shape)
        with understanding("Salesforce", f"the description of {shape.object}"):
            found = [f"{shape.object}: not {right}" for right in _RIGHTS if not shown[right]]
            ids = {one["name"]: one["externalId"] for one in shown["fields"]}
        for field in self._config.basis(shape):
            if field not in ids:
                found.append(f"{shape.object}.{field}: not seen")
            elif field == self._config.external_id and not ids[field]:
                found.append(f"{shape.object}.{field}: not marked as external id")
        return found

    async def _described(self, shape: Kind) -> dict[str, Any]:
        shown = await self._http.json("GET", f"sobjects/{shape.object}/describe")
        with understanding("Salesforce", f"the description of {shape.object}"):
            return dict(shown)

    async def _ends(self, shape: Kind) -> tuple[set[str], set[str]]:
        """Returns the statuses that mean done, and those of them that mean success."""
        if shape.name == "campaign":
            return set(self._config.campaign_closed), set()
        if shape.name == "lead":
            done, won, of = "IsConverted", "IsConverted", "LeadStatus"
        else:
            done, won, of = "IsClosed", "IsWon", "OpportunityStage"
        asked = dict.fromkeys(("ApiName", done, won))
        rows = await self._query(select(asked, of, f"{done} = true"))
        with understanding("Salesforce", f"its {of}"):
            ends = {str(row["ApiName"]): bool(row[won]) for row in rows}
        return set(ends), {status for status, success in ends.items() if success}
