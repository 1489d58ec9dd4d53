"""Speaking HTTP with a connected system: every way it can go wrong is one of six failures.

There are no retries here: Temporal retries, and it knows how long the system asked to wait.
"""

import email.utils
import json
from collections.abc import Callable, Mapping, Set
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from connectors.contract import Connector
from connectors.failures import (
    AuthFailed,
    Conflict,
    ConnectorError,
    NotFound,
    Rejected,
    RetryLater,
)
from connectors.secrets import without_secrets

LONGEST_WAIT = timedelta(hours=24)
"""A system that asks for more is asked again then."""

LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes; a larger one is not read to its end."""

_REASON = 500
_TIMEOUT = httpx.Timeout(20.0, connect=5.0)

READS = {"reads": True}
"""Extensions of a request that only reads, although its method could write."""

Classify = Callable[[httpx.Response], ConnectorError | None]
"""Looks at a response before the usual rules do; None leaves it to them."""


class HttpDoor:
    """The one way from a connector to its system.

    Args:
        system: the system's name, for messages.
        base_url: what paths are joined to.
        headers: sent with every request.
        auth: as httpx takes it.
        secrets: what must never show in a message; it may grow, as tokens come.
        classify: what is special about the system's errors.
        transport: instead of the network, for tests.
    """

    def __init__(
        self,
        system: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | tuple[str, str] | None = None,
        secrets: Set[str] = frozenset(),
        classify: Classify | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._system = system
        self._secrets = secrets
        self._classify = classify
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers=headers,
            auth=auth,
            timeout=_TIMEOUT,
            transport=transport,
            # A redirect could carry the credentials to a place that nobody chose.
            follow_redirects=False,
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._client.aclose()

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Sends a request and returns a response that says it went well.

        Raises:
            ConnectorError: it did not.
        """
        async with self._understood(f"{method} {path}"):
            request = self._client.build_request(method, path, **options)
            base = self._client.base_url
            # Another scheme too: a page named with http:// would show the credentials to anybody.
            if (request.url.scheme, request.url.netloc) != (base.scheme, base.netloc):
                msg = f"{self._system}: {path!r} would leave {base.scheme}://{base.host}"
                raise Rejected(msg)
            response = await self._client.send(request, stream=True)
            try:
                await read_bounded(response, self._system)
            finally:
                await response.aclose()
        if not response.is_success:
            # Before anybody shortens what it says: half a secret would not be found any more.
            charset = response.encoding or "utf-8"
            shown = without_secrets(response.content.decode(charset, "replace"), self._secrets)
            response._content = shown.encode(charset, "replace")  # noqa: SLF001
        special = self._classify(response) if self._classify else None
        failure = special or failure_of(response, self._system)
        if failure is not None:
            raise self._hidden(failure)
        return response

    async def json(self, method: str, path: str, **options: Any) -> Any:
        """Sends a request and returns what the answer's JSON holds; None where it is empty.

        Raises:
            RetryLater: what came back is no JSON, as when a proxy answers for the system.
        """
        return self.content(await self.send(method, path, **options))

    def content(self, response: httpx.Response) -> Any:
        """Returns what an answer's JSON holds; None where it is empty.

        Raises:
            RetryLater: it is no JSON.
        """
        if not response.content:
            return None
        try:
            return response.json()
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            asked = f"{response.request.method} {response.request.url.path}"
            kind = response.headers.get("content-type", "no type")
            msg = f"{self._system} answered {asked} with something that is no JSON ({kind})"
            raise self._hidden(RetryLater(msg)) from None

    @asynccontextmanager
    async def _understood(self, what: str) -> Any:
        try:
            yield
        except httpx.HTTPError as error:
            msg = f"{self._system} did not answer {what}: {type(error).__name__} {error}".rstrip()
            raise self._hidden(RetryLater(msg)) from None
        except (httpx.InvalidURL, httpx.StreamError, ValueError) as error:
            msg = f"{self._system}: {what} could not be sent: {error}"
            raise self._hidden(Rejected(msg)) from None

    def _hidden(self, failure: ConnectorError) -> ConnectorError:
        """Takes secrets out of a failure's words."""
        failure.args = tuple(
            without_secrets(arg, self._secrets) if isinstance(arg, str) else arg
            for arg in failure.args
        )
        return failure


class HttpConnector(Connector):
    """A connection over one `HttpDoor`, which it sets as `_http`."""

    _http: HttpDoor

    async def aclose(self) -> None:
        """Ends the connection."""
        await self._http.aclose()


async def read_bounded(response: httpx.Response, system: str) -> None:
    """Reads an answer, but never without end.

    Raises:
        Rejected: it is larger than `LARGEST_ANSWER`.
    """
    read = bytearray()
    async for chunk in response.aiter_bytes():
        read += chunk
        if len(read) > LARGEST_ANSWER:
            msg = f"{system} answered with more than {LARGEST_ANSWER:,} bytes"
            raise Rejected(msg)
    response._content = bytes(read)  # noqa: SLF001  (httpx has no other way to bound a body)


def segment(name: str) -> str:
    """Returns a name from outside as one segment of a path, whatever it is made of.

    Raises:
        Rejected: as a segment it would lead to another path, as an empty one or `..` does; or it
            holds half of a character.
    """
    try:
        written = quote(name, safe="")
    except UnicodeEncodeError:
        written = ""
    if written in {"", ".", ".."}:
        msg = f"{name!r} is no name of an object"
        raise Rejected(msg)
    return written


def failure_of(response: httpx.Response, system: str) -> ConnectorError | None:
    """Returns what a response means by the usual rules of HTTP (RFC 9110); None if all is well."""
    code = response.status_code
    if response.is_success:
        return None
    request = response.request
    words = (
        f"{system} answered {request.method} {request.url.path} with {code}: {_reason(response)}"
    )
    if code == 401:
        return AuthFailed(words)
    if code in (404, 410):
        return NotFound(words)
    if code in (409, 412):
        return Conflict(words)
    if code in (408, 425, 429) or code >= 500:
        return RetryLater(words, retry_after(response, datetime.now(UTC)))
    return Rejected(words)


def retry_after(response: httpx.Response, now: datetime) -> timedelta | None:
    """Returns how long a response asks to wait, in seconds or as a date (RFC 9110, 10.2.3)."""
    said = response.headers.get("retry-after", "").strip()
    if not said:
        return None
    try:
        wait = timedelta(seconds=min(float(said), LONGEST_WAIT.total_seconds()))
    except ValueError:
        try:
            when = email.utils.parsedate_to_datetime(said)
        except (ValueError, TypeError):
            return None
        wait = (when if when.tzinfo else when.replace(tzinfo=UTC)) - now
    return bounded(wait)


def bounded(wait: timedelta) -> timedelta:
    """Returns how long to wait where a system asks for so much: never back, never for ever."""
    return min(max(wait, timedelta()), LONGEST_WAIT)


def plain_words(response: httpx.Response) -> str:
    """Returns what a refusal says that has not the form in which its system promises one."""
    return response.text[:300] or response.reason_phrase


def clock_skew(response: httpx.Response, now: datetime) -> timedelta | None:
    """Returns how far a system's clock is ahead of ours by its Date header (RFC 9110, 6.6.1).

    To the second; None where it sends none that can be read.
    """
    try:
        there = email.utils.parsedate_to_datetime(response.headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return (there if there.tzinfo else there.replace(tzinfo=UTC)) - now


def _reason(response: httpx.Response) -> str:
    """Returns what the system said, short and on one line."""
    words = " ".join(response.text.split()) or response.reason_phrase
    return words if len(words) <= _REASON else f"{words[:_REASON]}..."
