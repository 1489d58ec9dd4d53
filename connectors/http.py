"""Speaking HTTP with a connected system: every way it can go wrong is one of six failures.

There are no retries here: Temporal retries, and it knows how long the system asked to wait.
"""

import email.utils
import json
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

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

Classify = Callable[[httpx.Response], ConnectorError | None]
"""Looks at a response before the usual rules do; None leaves it to them."""


class HttpDoor:
    """The one way from a connector to its system.

    Args:
        system: the system's name, for messages.
        base_url: what paths are joined to.
        headers: sent with every request.
        auth: as httpx takes it.
        secrets: what must never show in a message.
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
        secrets: frozenset[str] = frozenset(),
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
            if request.url.netloc != self._client.base_url.netloc:
                msg = f"{self._system}: {path!r} would leave {self._client.base_url.host}"
                raise Rejected(msg)
            response = await self._client.send(request, stream=True)
            try:
                await self._read(response)
            finally:
                await response.aclose()
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
        response = await self.send(method, path, **options)
        if not response.content:
            return None
        try:
            return response.json()
        except (json.JSONDecodeError, UnicodeDecodeError):
            kind = response.headers.get("content-type", "no type")
            msg = f"{self._system} answered {method} {path} with something that is no JSON ({kind})"
            raise self._hidden(RetryLater(msg)) from None

    async def _read(self, response: httpx.Response) -> None:
        """Reads an answer, but never without end."""
        read = bytearray()
        async for chunk in response.aiter_bytes():
            read += chunk
            if len(read) > LARGEST_ANSWER:
                msg = f"{self._system} answered with more than {LARGEST_ANSWER:,} bytes"
                raise Rejected(msg)
        response._content = bytes(read)  # noqa: SLF001  (httpx has no other way to bound a body)

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


def segment(name: str) -> str:
    """Returns a name from outside as one segment of a path, whatever it is made of."""
    return quote(name, safe="")


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
    return min(max(wait, timedelta()), LONGEST_WAIT)


def _reason(response: httpx.Response) -> str:
    """Returns what the system said, short and on one line."""
    words = " ".join(response.text.split()) or response.reason_phrase
    return words if len(words) <= _REASON else f"{words[:_REASON]}..."
