"""The Ticketing API, as far as the connector asks it."""

import math
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connectors.failures import AuthFailed, ConnectorError, NotFound, Rejected, RetryLater
from connectors.http import HttpDoor, clock_skew, failure_of
from connectors.understanding import understanding

Ticket = dict[str, Any]

_PAGE = 100


class TicketApi:
    """The tickets of an account.

    Args:
        door: the way there, with `/api/v2/` as its base.
    """

    def __init__(self, door: HttpDoor) -> None:
        self._door = door

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._door.aclose()

    async def ourselves(self) -> tuple[dict[str, Any], timedelta | None]:
        """Returns the user that the account takes us for, and how far its clock is ahead.

        Raises:
            AuthFailed: it takes us for nobody.
        """
        response = await self._door.send("GET", "users/me")
        with understanding("Zendesk", "our own user"):
            user = dict(response.json()["user"])
            if user["id"] is None:
                msg = "Zendesk takes us for an anonymous user; check user and token"
                raise AuthFailed(msg)
        return user, clock_skew(response, datetime.now(UTC))

    async def ticket(self, ref: str) -> Ticket:
        """Reads a ticket."""
        if not (ref.isascii() and ref.isdecimal()):
            msg = f"Zendesk: {ref!r} is no number of a ticket"
            raise NotFound(msg)
        answer = await self._door.json("GET", f"tickets/{ref}")
        with understanding("Zendesk", f"ticket {ref}"):
            return dict(answer["ticket"])

    async def of_name(self, external_id: str) -> list[Ticket]:
        """Lists the tickets that have a name; archived ones only where there is no other.

        Raises:
            Rejected: no search can be written for the name.
        """
        listed = await self._door.json("GET", "tickets", params={"external_id": external_id})
        with understanding("Zendesk", "a list of tickets"):
            found = [one for one in listed["tickets"] if one.get("external_id") == external_id]
        if found:
            return found
        if '"' in external_id or "\\" in external_id:
            msg = f"Zendesk cannot be asked for a ticket named {external_id!r}"
            raise Rejected(msg)
        query = f'type:ticket external_id:"{external_id}"'
        answer = await self._door.json("GET", "search", params={"query": query})
        with understanding("Zendesk", "a search for tickets"):
            return [one for one in answer["results"] if one.get("external_id") == external_id]

    async def make(self, ticket: Mapping[str, Any], key: str) -> str:
        """Makes a ticket, once per key, and returns its number."""
        answer = await self._door.json(
            "POST", "tickets", json={"ticket": ticket}, headers={"Idempotency-Key": key}
        )
        with understanding("Zendesk", "a new ticket"):
            return str(answer["ticket"]["id"])

    async def change(self, ref: str, ticket: Mapping[str, Any]) -> None:
        """Changes a ticket; the answer is not believed."""
        await self._door.send("PUT", f"tickets/{ref}", json={"ticket": ticket})

    async def comments(self, ref: str) -> AsyncGenerator[str, None]:
        """Lists the texts of a ticket's comments, newest first."""
        page, more = 1, True
        while more:
            asked = {"sort_order": "desc", "page": str(page)}
            answer = await self._door.json("GET", f"tickets/{ref}/comments", params=asked)
            with understanding("Zendesk", f"the comments of ticket {ref}"):
                texts = [str(one.get("body") or "") for one in answer["comments"]]
                more = bool(answer.get("next_page"))
            page += 1
            for text in texts:
                yield text

    async def last_author(self, ref: str) -> str:
        """Returns the number of the user who changed a ticket last; empty where nobody is named."""
        path = f"tickets/{ref}/audits"
        answer = await self._door.json("GET", path)
        with understanding("Zendesk", f"the audits of ticket {ref}"):
            last = math.ceil(int(answer["count"]) / _PAGE)
            if last > 1:
                answer = await self._door.json("GET", path, params={"page": str(last)})
            audits = answer["audits"]
            return str(audits[-1]["author_id"]) if audits else ""

    async def changed(self, asked: Mapping[str, str]) -> tuple[list[Ticket], str, bool]:
        """Returns a page of the incremental export, its cursor, and whether there is more.

        Args:
            asked: `start_time` or `cursor`, and `per_page`.
        """
        answer = await self._door.json("GET", "incremental/tickets/cursor", params=asked)
        with understanding("Zendesk", "what has changed"):
            found, behind = list(answer["tickets"]), answer["after_cursor"] or ""
            return found, str(behind), not answer["end_of_stream"]

    async def fields(self) -> list[dict[str, Any]]:
        """Lists the fields of the account's tickets."""
        answer = await self._door.json("GET", "ticket_fields")
        with understanding("Zendesk", "its fields"):
            return list(answer["ticket_fields"])


def meaning(response: httpx.Response) -> ConnectorError | None:
    """Returns what is special about an answer; None leaves it to the usual rules of HTTP.

    A limit that does not say how long to wait says when it is reset, in seconds from now
    ("Best practices for avoiding rate limiting").
    """
    reset = response.headers.get("ratelimit-reset", "")
    if response.status_code != 429 or "retry-after" in response.headers or not reset.isdecimal():
        return None
    wait = timedelta(seconds=min(int(reset), 3600))
    return RetryLater(str(failure_of(response, "Zendesk")), wait)
