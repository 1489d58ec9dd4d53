"""Sending what a manifest asks for, and understanding what comes back."""

import json
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from connectors import failures
from connectors.failures import ConnectorError, Rejected, RetryLater
from connectors.http import HttpDoor, retry_after
from connectors.rest.access import auth_of
from connectors.rest.asking import Asking, Listing, Paging, Showing
from connectors.rest.manifest import ErrorRule, RestConfig
from connectors.rest.reading import at, rows_at, text_at
from connectors.rest.template import Values, filled_body, filled_path, filled_texts
from connectors.understanding import understanding

MOST_PAGES = 1_000
"""A list with more is not read to its end."""


class Speaking:
    """A connection's way of speaking: every request is made here.

    Args:
        config: the manifest.
        transport: instead of the network, for tests.

    Raises:
        AuthFailed: a secret is not where its reference says.
    """

    def __init__(
        self, config: RestConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.system = config.title
        auth, secrets = auth_of(config.access, config.title)
        self._errors = config.errors
        self._door = HttpDoor(
            config.title,
            config.url.rstrip("/") + "/",
            headers={"Accept": "application/json", **config.headers},
            auth=auth,
            secrets=secrets,
            classify=self._classify if config.errors else None,
            transport=transport,
        )

    async def aclose(self) -> None:
        """Ends the connection."""
        await self._door.aclose()

    async def send(
        self, asking: Asking, values: Values, extra: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Sends a request with values in its places."""
        query = {**filled_texts(asking.query, values), **(extra or {})}
        headers = filled_texts(asking.headers, values)
        options: dict[str, Any] = {"params": query, "headers": headers}
        if asking.body is not None:
            options["json"] = filled_body(asking.body, values)
        path = filled_path(asking.path, values)
        for name, value in headers.items():
            if not (value.isascii() and value.isprintable()):
                msg = f"{self.system}: {value!r} cannot be sent in the header {name}"
                raise Rejected(msg)
        return await self._door.send(asking.method, path, **options)

    def content(self, response: httpx.Response) -> Any:
        """Returns what an answer's JSON holds; None where it is empty."""
        return self._door.content(response)

    async def show(self, showing: Showing, values: Values) -> Any:
        """Returns the row of the one object that a request shows; None where it shows none."""
        answer = self.content(await self.send(showing, values))
        with understanding(self.system, showing.path):
            return at(showing.row, answer)

    async def walk(self, listing: Listing, values: Values) -> AsyncGenerator[Any, None]:
        """Yields the rows of a list, page after page.

        Raises:
            Rejected: there is no end to it.
        """
        paging, number, before = listing.paging, 0, None
        response = await self.send(listing, values, _first(paging))
        for page in range(1, MOST_PAGES + 1):
            answer = self.content(response)
            with understanding(self.system, listing.path):
                rows = rows_at(listing.rows, answer)
                total = at(paging.total, answer) if paging else None
                further = _next(paging, page, number + len(rows), answer) if paging else None
                number += len(rows)
                is_whole = total is not None and number >= int(total)
            for row in rows:
                yield row
            # Some systems show their last page for every one behind it.
            if paging is None or not rows or rows == before or is_whole:
                return
            if paging.by == "link":
                link = response.links.get("next", {}).get("url")
                if link is None:
                    return
                headers = filled_texts(listing.headers, values)
                response = await self._door.send(listing.method, link, headers=headers)
            elif further is None:
                return
            else:
                response = await self.send(listing, values, further)
            before = rows
        msg = f"{self.system}: {listing.path} has more than {MOST_PAGES:,} pages; narrow its query"
        raise Rejected(msg)

    def _classify(self, response: httpx.Response) -> ConnectorError | None:
        rules = [one for one in self._errors if response.status_code in one.status]
        if not rules:
            return None
        try:
            answer = json.loads(response.content)
        except (ValueError, RecursionError):
            answer = None
        rule = next((one for one in rules if _holds(one.when, answer)), None)
        return self._failure(rule, response, answer) if rule else None

    def _failure(self, rule: ErrorRule, response: httpx.Response, answer: Any) -> ConnectorError:
        request = response.request
        words = _found(rule.message, answer)
        said = words if isinstance(words, str) else " ".join(response.text.split())
        msg = (
            f"{self.system} answered {request.method} {request.url.path} with"
            f" {response.status_code}: {said[:500]}"
        )
        if rule.failure == "RetryLater":
            return RetryLater(msg, retry_after(response, datetime.now(UTC)))
        found: type[ConnectorError] = getattr(failures, rule.failure)
        return found(msg)


def _holds(when: str | None, answer: Any) -> bool:
    return when is None or bool(_found(when, answer))


def _found(query: str | None, answer: Any) -> Any:
    """Returns what lies at a place, or None where the answer is of quite another form."""
    try:
        return at(query, answer)
    except (ValueError, TypeError):
        return None


def _first(paging: Paging | None) -> dict[str, str]:
    if paging is None:
        return {}
    begin = {"offset": "0", "page": str(paging.first)}.get(paging.by)
    return {**_size(paging), **({paging.parameter: begin} if begin is not None else {})}


def _size(paging: Paging) -> dict[str, str]:
    return {paging.size_parameter: str(paging.size)} if paging.size_parameter else {}


def _next(paging: Paging, page: int, number: int, answer: Any) -> dict[str, str] | None:
    """Returns what to ask for behind so many pages and rows; None where there is no more."""
    match paging.by:
        case "offset":
            further = str(number)
        case "page":
            further = str(paging.first + page)
        case "cursor":
            further = text_at(paging.next, answer)
        case "link":
            return None
    return {**_size(paging), paging.parameter: further} if further else None
