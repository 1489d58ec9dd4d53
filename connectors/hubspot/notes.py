"""Notes on HubSpot's objects: each once per key."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from html import escape

from connectors.http import READS, HttpDoor, segment
from connectors.hubspot.settings import HubspotConfig, Kind
from connectors.texts import cut
from connectors.understanding import understanding, version_of

_LONGEST = 65_536
_GROWTH = 6
"""How many letters of HTML one letter can become."""

_AT_ONCE = 100


class Notes:
    """The notes of one account.

    Args:
        config: the connection's settings.
        http: the way there.
    """

    def __init__(self, config: HubspotConfig, http: HttpDoor) -> None:
        self._config = config
        self._http = http

    async def add(self, shape: Kind, ref: str, text: str, *, key: str) -> None:
        """Adds a note; its last line carries a mark of the key, by which it is found again.

        An object's notes are walked, for the search shows a new note too late.
        """
        mark = f"[{version_of(key)}]"
        async for bodies in self._bodies(shape, ref):
            if any(mark in body for body in bodies):
                return
        end = f"\n\n{mark}"
        body = _html(text + end)
        if len(body) > _LONGEST:
            body = _html(cut(text, _LONGEST // _GROWTH, end=end))
        about = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": shape.note}
        note = {
            "properties": {
                "hs_timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "hs_note_body": body,
            },
            "associations": [{"to": {"id": ref}, "types": [about]}],
        }
        await self._http.send("POST", self._config.path("crm", "objects/notes"), json=note)

    async def _bodies(self, shape: Kind, ref: str) -> AsyncGenerator[list[str], None]:
        path = self._config.path(
            "crm", f"objects/{shape.objects}/{segment(ref)}/associations/notes", version="v4"
        )
        after = ""
        while True:
            params = {"limit": str(_AT_ONCE), **({"after": after} if after else {})}
            answer = await self._http.json("GET", path, params=params)
            with understanding("HubSpot", f"the notes of {shape.name} {ref}"):
                ids = [str(one["toObjectId"]) for one in answer["results"]]
                after = str(answer.get("paging", {}).get("next", {}).get("after", ""))
            if ids:
                yield await self._read(ids)
            if not after:
                return

    async def _read(self, ids: list[str]) -> list[str]:
        asked = {
            "inputs": [{"id": one} for one in ids],
            "properties": ["hs_note_body"],
            "propertiesWithHistory": [],
        }
        path = self._config.path("crm", "objects/notes/batch/read")
        answer = await self._http.json("POST", path, json=asked, extensions=READS)
        with understanding("HubSpot", "notes"):
            return [str(row["properties"].get("hs_note_body") or "") for row in answer["results"]]


def _html(text: str) -> str:
    return escape(text).replace("\n", "<br>")
