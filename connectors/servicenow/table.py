"""Reading and writing rows of any table, and what an instance's answers mean."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connectors.failures import ConnectorError, NotFound, RetryLater
from connectors.http import HttpDoor, bounded, failure_of
from connectors.understanding import understanding

Row = dict[str, str]
"""A row: every value is a text, true and false and numbers too."""

_REF = re.compile(r"[0-9A-Za-z]{32}")
_PLAIN = {"sysparm_exclude_reference_link": "true", "sysparm_display_value": "false"}


class TableApi:
    """The Table API of an instance.

    Args:
        door: the way there, with the instance's address as its base.
    """

    def __init__(self, door: HttpDoor) -> None:
        self._door = door

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._door.aclose()

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Sends a request for a table, with everything that its answer tells."""
        return await self._door.send(method, f"api/now/table/{path}", **options)

    async def row(self, table: str, ref: str) -> Row:
        """Reads a row.

        Raises:
            NotFound: there is none, or the reference is none of a row's, as its number is not.
        """
        if not _REF.fullmatch(ref):
            msg = (
                f"ServiceNow: {ref!r} is no sys_id of a row in {table}; a sys_id has 32 letters"
                " and digits, the menu of the form's header copies it"
            )
            raise NotFound(msg)
        response = await self.send("GET", f"{table}/{ref}", params=_PLAIN)
        return _result(response, f"{table} {ref}")

    async def insert(self, table: str, content: Mapping[str, str]) -> Row:
        """Makes a row."""
        response = await self.send("POST", table, params=_PLAIN, json=content)
        return _result(response, f"a new {table}")

    async def update(self, table: str, ref: str, content: Mapping[str, str]) -> None:
        """Changes a row that was read; the answer is not believed."""
        await self.send("PATCH", f"{table}/{ref}", params=_PLAIN, json=content)

    async def rows(
        self,
        table: str,
        asked: str,
        *,
        limit: int,
        offset: int = 0,
        fields: tuple[str, ...] = (),
    ) -> tuple[list[Row], bool]:
        """Lists rows.

        Args:
            table: its name.
            asked: an encoded query.
            limit: how many rows a page has, before those are left out that we may not read.
            offset: how many rows to pass over.
            fields: those to read; empty for all.

        Returns:
            The rows of the page that we may read, and whether there are more behind it.
        """
        params = {
            **_PLAIN,
            "sysparm_query": asked,
            "sysparm_limit": str(limit),
            "sysparm_offset": str(offset),
        }
        if fields:
            params["sysparm_fields"] = ",".join(fields)
        response = await self.send("GET", table, params=params)
        with understanding("ServiceNow", f"a list of {table}"):
            found = [_row(one) for one in _json(response)["result"]]
            total = int(response.headers.get("x-total-count", offset + len(found)))
        return found, offset + limit < total


def meaning(response: httpx.Response) -> ConnectorError | None:
    """Returns what is special about an answer; None leaves it to the usual rules of HTTP.

    Beside Retry-After a limit may only say when it ends, in seconds since 1970.
    """
    reset = response.headers.get("x-ratelimit-reset", "")
    if response.status_code != 429 or "retry-after" in response.headers or not reset.isdecimal():
        return None
    failure = failure_of(response, "ServiceNow")
    wait = timedelta(seconds=min(int(reset), 10**11) - datetime.now(UTC).timestamp())
    return RetryLater(str(failure), bounded(wait))


def _result(response: httpx.Response, what: str) -> Row:
    with understanding("ServiceNow", what):
        return _row(_json(response)["result"])


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        # A sleeping developer's instance answers with a page that says so, and 200.
        msg = "ServiceNow answered with something that is no JSON; is the instance awake?"
        raise RetryLater(msg) from None


def _row(found: Mapping[str, Any]) -> Row:
    return {name: "" if value is None else str(value) for name, value in found.items()}
