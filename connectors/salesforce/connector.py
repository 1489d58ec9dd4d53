"""One Salesforce organisation as a connector."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar

import httpx

from connectors.campaigns import WholeCampaignConnector
from connectors.contract import (
    ConnectionConfig,
    Health,
    Manifest,
    Page,
    Remote,
    RemoteSchema,
    Scalar,
)
from connectors.cursor import read_listing
from connectors.failures import NotFound, Rejected
from connectors.http import HttpDoor, clock_skew, segment
from connectors.refusals import refuse_changed, refuse_other_kinds
from connectors.salesforce.access import access
from connectors.salesforce.answers import classify, remote
from connectors.salesforce.campaigns import Campaigns
from connectors.salesforce.objects import Objects
from connectors.salesforce.settings import KINDS, Kind, SalesforceConfig
from connectors.salesforce.soql import literal, moment, select
from connectors.texts import cut
from connectors.understanding import understanding, version_of

_LONGEST_TEXT = 32_000
"""Letters in the description of a task."""


class SalesforceConnector(WholeCampaignConnector):
    """Leads, opportunities and campaigns of one organisation."""

    manifest: ClassVar[Manifest] = Manifest(
        name="salesforce",
        title="Salesforce",
        api="REST v62.0",
        kinds=tuple(KINDS),
        can=frozenset({"describe", "find", "upsert", "transition", "comment", "hold", "changes"}),
        hold="advisory",
        # A long transaction shows its records with the time at which it began.
        overlap=timedelta(seconds=60),
    )
    Config: ClassVar[type[ConnectionConfig]] = SalesforceConfig

    def __init__(
        self, config: SalesforceConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._config = config
        self._root = config.url.rstrip("/")
        self._access = access(config)
        self._http = HttpDoor(
            "Salesforce",
            f"{self._root}/services/data/{config.api}/",
            auth=self._access,
            secrets=self._access.secrets,
            classify=partial(classify, external_id=config.external_id),
            transport=transport,
        )
        self._objects = Objects(config, self._http, self._query)
        self._campaigns = Campaigns(config, self._http, self._query)

    async def check(self) -> Health:
        """Finds out who we are, what we may not write, and how many calls are left today."""
        response = await self._http.send("GET", "limits")
        with understanding("Salesforce", "its limits"):
            left = int(response.json()["DailyApiRequests"]["Remaining"])
            user = str(self._access.answer["id"]).rpartition("/")[2]
        rows = await self._query(select(["Username"], "User", f"Id = {literal(user)}"))
        with understanding("Salesforce", "our own user"):
            account = str(rows[0]["Username"])
        missing = [one for kind in KINDS.values() for one in await self._objects.missing(kind)]
        return Health(
            account=account,
            version=self._config.api,
            clock_skew=clock_skew(response, datetime.now(UTC)),
            missing=tuple(missing),
            calls_left=left,
        )

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns an object's fields and statuses; between them it knows no forbidden moves."""
        return await self._objects.schema(self._shape(kind))

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads a record."""
        shape = self._shape(kind)
        rows: list[dict[str, Any]] = []
        # Anything else would be refused as no id at all.
        if ref.isascii() and ref.isalnum() and len(ref) in (15, 18):
            where = f"Id = {literal(ref)}"
            rows = await self._query(select(self._reads(shape), shape.object, where))
        if not rows:
            msg = f"Salesforce has no {kind} {ref!r} that it shows us"
            raise NotFound(msg)
        return self._remote(shape, rows[0])

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for a record by our name for it.

        Raises:
            Rejected: several have it, or one has it in other letters.
        """
        return await self._find(kind, external_id)

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: str | None = None,
    ) -> Remote:
        """Makes or changes a record; Salesforce itself sees to it that there is one of the name."""
        shape = self._shape(kind)
        content = {shape.field(ours): value for ours, value in patch.items()}
        found = await self._find(kind, external_id, also=content)
        if found is None:
            content = {**self._config.new.get(shape.name, {}), **content}
        else:
            refuse_changed(self.manifest, found, expect)
            if all(found.fields.get(name) == value for name, value in content.items()):
                return found
        place = f"sobjects/{shape.object}/{self._config.external_id}/{segment(external_id)}"
        await self._http.send("PATCH", place, json=content)
        made = await self._find(kind, external_id)
        if made is None:
            msg = f"Salesforce shows no {kind} {external_id!r} after it was written"
            raise NotFound(msg)
        return made

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Moves a record to a status that its picklist has.

        Salesforce would take any text for a status, so what it does not show is refused here.
        """
        shape = self._shape(kind)
        found = await self.get(kind, ref)
        if found.status == status:
            return found
        refuse_changed(self.manifest, found, expect)
        known = await self._objects.statuses(shape)
        if status not in known:
            msg = f"Salesforce has no status {status!r} for {kind} {ref}; it has {', '.join(known)}"
            raise Rejected(msg)
        await self._http.send(
            "PATCH", f"sobjects/{shape.object}/{segment(ref)}", json={shape.status: status}
        )
        moved = await self.get(kind, ref)
        if moved.status != status:
            msg = f"Salesforce shows {kind} {ref} as {moved.status!r} after a move to {status!r}"
            raise Rejected(msg)
        return moved

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a completed task, whose subject carries a mark of the key.

        Tasks can be looked for by their subject, feed items and notes not by what they say.
        """
        shape = self._shape(kind)
        subject = f"Sluicegate [{version_of(key)}]"
        where = f"Subject = {literal(subject)} AND {shape.task} = {literal(ref)}"
        if await self._query(select(["Id"], "Task", where, "LIMIT 1")):
            return
        statuses = await self._query(
            select(["ApiName"], "TaskStatus", "IsClosed = true", "ORDER BY SortOrder", "LIMIT 1")
        )
        with understanding("Salesforce", "the statuses of tasks"):
            done = str(statuses[0]["ApiName"])
        task = {
            "Subject": subject,
            "Description": cut(text, _LONGEST_TEXT),
            "Status": done,
            shape.task: ref,
        }
        await self._http.send("POST", "sobjects/Task", json=task)

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns records that changed behind a cursor, by the people or by the platform."""
        shape = self._shape(kind)

        async def rows(since: datetime) -> AsyncGenerator[Remote, None]:
            query = select(
                self._reads(shape),
                shape.object,
                f"SystemModstamp >= {moment(since)}",
                "ORDER BY SystemModstamp, Id",
            )
            async with aclosing(self._pages(query)) as pages:
                async for page in pages:
                    for row in page:
                        yield self._remote(shape, row)

        return await read_listing(rows, cursor, limit=limit, overlap=self.manifest.overlap)

    async def _find(self, kind: str, external_id: str, also: Iterable[str] = ()) -> Remote | None:
        shape, field = self._shape(kind), self._config.external_id
        where = f"{field} = {literal(external_id)}"
        reads = dict.fromkeys([*self._reads(shape), *also])
        rows = await self._query(select(reads, shape.object, where, "LIMIT 2"))
        if not rows:
            return None
        found = self._remote(shape, rows[0])
        if len(rows) > 1 or found.external_id != external_id:
            others = ", ".join(f"{row['Id']} ({row.get(field)})" for row in rows)
            msg = (
                f"Salesforce has {external_id!r} in {others}: make {shape.object}.{field} unique"
                " and case-sensitive"
            )
            raise Rejected(msg)
        return found

    def _shape(self, kind: str) -> Kind:
        refuse_other_kinds(self.manifest, kind)
        return KINDS[kind]

    def _reads(self, shape: Kind) -> list[str]:
        return ["Id", "SystemModstamp", "LastModifiedBy.Username", *self._config.basis(shape)]

    def _remote(self, shape: Kind, row: Mapping[str, Any]) -> Remote:
        with understanding("Salesforce", f"a {shape.name}"):
            return remote(
                shape,
                row,
                root=self._root,
                external_id=self._config.external_id,
                basis=self._config.basis(shape),
            )

    async def _query(self, soql: str) -> list[dict[str, Any]]:
        """Returns the first page of what a query finds."""
        async with aclosing(self._pages(soql)) as pages:
            return await anext(pages)

    async def _pages(self, soql: str) -> AsyncGenerator[list[dict[str, Any]], None]:
        path, asked = "query", {"params": {"q": soql}}
        while path:
            answer = await self._http.json("GET", path, **asked)
            with understanding("Salesforce", "what a query finds"):
                records = list(answer["records"])
                path = "" if answer["done"] else f"{self._root}{answer['nextRecordsUrl']}"
            asked = {}
            yield records
