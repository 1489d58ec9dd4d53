"""Contacts, deals and tickets of one account: read with who wrote them, and listed by change."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.contract import Remote
from connectors.failures import Rejected
from connectors.http import READS, HttpDoor
from connectors.hubspot.answers import remote
from connectors.hubspot.settings import HubspotConfig, Kind
from connectors.hubspot.stages import Stages
from connectors.understanding import understanding

_FOUND_AT_ONCE = 100
_READ_AT_ONCE = 50
"""With the history of properties."""

_MOST_FOUND = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Objects:
    """The objects of one account.

    Args:
        config: the connection's settings.
        http: the way there.
        stages: what their statuses are called.
    """

    def __init__(self, config: HubspotConfig, http: HttpDoor, stages: Stages) -> None:
        self._config = config
        self._http = http
        self._stages = stages

    async def one(
        self, shape: Kind, ref: str, *, by: str = "", also: Iterable[str] = ()
    ) -> Remote | None:
        """Reads an object; None where there is none.

        Args:
            shape: its kind.
            ref: its id, or the value of a unique property.
            by: the unique property.
            also: properties to read beside those always read.
        """
        rows = await self._rows(shape, [ref], by=by, also=also)
        return await self._remote(shape, rows[0]) if rows else None

    async def changed(self, shape: Kind, since: datetime) -> AsyncGenerator[Remote, None]:
        """Lists objects changed at or after a moment, oldest first; some come twice.

        The search shows changes late, so that each object is read again, with who wrote it.
        """
        async for found in self._found(shape, since):
            for start in range(0, len(found), _READ_AT_ONCE):
                some = dict(found[start : start + _READ_AT_ONCE])
                for one in await self._many(shape, list(some)):
                    # A later change will be found at its own time. Told here, it would move the
                    # cursor beyond objects that are still to come.
                    yield one.model_copy(update={"updated_at": some[one.ref]})

    def path(self, shape: Kind, rest: str = "") -> str:
        """Returns the path of an object or of what can be done with its kind."""
        return self._config.path("crm", f"objects/{shape.objects}{rest}")

    async def _found(
        self, shape: Kind, since: datetime
    ) -> AsyncGenerator[list[tuple[str, datetime]], None]:
        """Yields ids and times of change, page by page.

        Each page begins at the time with which the one before ended: an object that changes in
        between goes to the end, and would pull one that is still to come onto a page already read.
        """
        after = 0
        while True:
            milliseconds = (since - _EPOCH) // timedelta(milliseconds=1)
            asked = {
                "filterGroups": [
                    {
                        "filters": [
                            {
                                "propertyName": shape.changed,
                                "operator": "GTE",
                                "value": str(max(milliseconds, 0)),
                            }
                        ]
                    }
                ],
                "sorts": [shape.changed],
                "properties": [shape.changed],
                "limit": _FOUND_AT_ONCE,
                "after": str(after),
            }
            path = self.path(shape, "/search")
            answer = await self._http.json("POST", path, json=asked, extensions=READS)
            with understanding("HubSpot", f"changed {shape.objects}"):
                found = [
                    (str(row["id"]), datetime.fromisoformat(row["properties"][shape.changed]))
                    for row in answer["results"]
                ]
            yield found
            if len(found) < _FOUND_AT_ONCE:
                return
            newest = found[-1][1]
            if newest > since:
                since, after = newest, 0
            else:
                after += _FOUND_AT_ONCE
            if after + _FOUND_AT_ONCE > _MOST_FOUND:
                msg = (
                    f"HubSpot: more than {_MOST_FOUND:,} {shape.objects} changed at {newest}; its"
                    " search shows no more of them"
                )
                raise Rejected(msg)

    async def _many(self, shape: Kind, refs: Sequence[str]) -> list[Remote]:
        """Reads objects in the order of their ids; one that was deleted is not there."""
        rows = {str(row.get("id")): row for row in await self._rows(shape, refs)}
        return [await self._remote(shape, rows[ref]) for ref in refs if ref in rows]

    async def _rows(
        self, shape: Kind, refs: Sequence[str], *, by: str = "", also: Iterable[str] = ()
    ) -> list[dict[str, Any]]:
        """Reads objects in a batch: a single read knows no unique property for contacts."""
        asked = {
            "inputs": [{"id": ref} for ref in refs],
            "properties": list(dict.fromkeys([*self._reads(shape), *also])),
            "propertiesWithHistory": self._basis(shape),
            **({"idProperty": by} if by else {}),
        }
        path = self.path(shape, "/batch/read")
        answer = await self._http.json("POST", path, json=asked, extensions=READS)
        with understanding("HubSpot", f"several {shape.objects}"):
            return [dict(row) for row in answer["results"]]

    async def _remote(self, shape: Kind, row: dict[str, Any]) -> Remote:
        with understanding("HubSpot", f"a {shape.name}"):
            status = row["properties"].get(shape.status) or ""
            url = f"{self._config.url.rstrip('/')}/{self.path(shape)}/{row['id']}"
        label = await self._stages.label(shape, status)
        with understanding("HubSpot", f"a {shape.name}"):
            return remote(
                shape,
                row,
                status=label,
                url=url,
                external_id=self._config.external_id,
                basis=self._basis(shape),
            )

    def _reads(self, shape: Kind) -> list[str]:
        return [shape.changed, *self._basis(shape)]

    def _basis(self, shape: Kind) -> list[str]:
        """Returns the properties that make an object's version, always the same ones."""
        more = self._config.fields.get(shape.name, ())
        pipeline = (shape.pipeline,) if shape.pipeline else ()
        named = (self._config.external_id, shape.title, shape.text, shape.status, *pipeline)
        return list(dict.fromkeys((*named, *shape.reads, *more)))
