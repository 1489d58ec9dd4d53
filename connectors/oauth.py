"""OAuth 2 tokens (RFC 6749): asked for when needed, renewed before they end.

A token lives in memory only. Whatever goes wrong with the token's own request is one of the six
failures, like any other.
"""

import base64
import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

import httpx

from connectors.failures import AuthFailed, RetryLater
from connectors.http import failure_of, read_bounded
from connectors.secrets import without_secrets

_EARLY = 30.0
"""Seconds before its end at which a token is renewed: it must not end on its way."""


class TokenAuth(httpx.Auth):
    """Says who we are with a token.

    Args:
        system: the system's name, for messages.
        token_url: where tokens are given out.
        form: what a token is asked for with, made anew for each.
        secrets: what must never show in a message; the present token is added.
        headers: sent along with a request for a token.
        lasts: seconds that a token is good for where its answer does not tell.
        renew_refused: whether a token that is refused (401) although it should still be good is
            renewed, once.
        clock: seconds that only ever grow.

    Attributes:
        secrets: what must never show in a message, the present token included.
        answer: what came with the present token; empty while there is none.
    """

    def __init__(
        self,
        system: str,
        token_url: str,
        form: Callable[[], Mapping[str, str]],
        *,
        secrets: frozenset[str],
        headers: Mapping[str, str] | None = None,
        lasts: float = 3600.0,
        renew_refused: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._system = system
        self._url = token_url
        self._form = form
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._lasts = lasts
        self._renew_refused = renew_refused
        self._clock = clock
        self._token = ""
        self._ends = 0.0
        self._given = secrets
        self.secrets = set(secrets)
        self.answer: dict[str, Any] = {}

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sends a request with a token, and asks for one first where there is none."""
        fresh = not self._token or self._clock() >= self._ends
        if fresh:
            await self._take((yield self._asking()))
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code != 401 or fresh or not self._renew_refused:
            return
        await read_bounded(response, self._system)
        await self._take((yield self._asking()))
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request

    def _asking(self) -> httpx.Request:
        return httpx.Request("POST", self._url, data=dict(self._form()), headers=self._headers)

    async def _take(self, response: httpx.Response) -> None:
        """Keeps the token that an answer brings.

        Raises:
            ConnectorError: it brings none.
        """
        await read_bounded(response, self._system)
        if response.status_code in (400, 401, 403):  # RFC 6749, 5.2
            reason = without_secrets(response.text[:200], self._given)
            msg = f"{self._system} gives us no token: {reason}"
            raise AuthFailed(msg)
        failure = failure_of(response, self._system)
        if failure is not None:
            failure.args = (without_secrets(str(failure), self._given),)
            raise failure
        try:
            answer = json.loads(response.content)
            token, lasts = answer["access_token"], float(answer.get("expires_in", self._lasts))
            if not (isinstance(token, str) and token):
                raise TypeError("the token is no text")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            msg = (
                f"{self._system} answered with no token that is understood: {type(error).__name__}"
            )
            raise RetryLater(msg) from None
        self._token, self._ends = token, self._clock() + lasts - _EARLY
        self.answer = answer
        # The door that hides secrets holds this very set.
        self.secrets.clear()
        self.secrets.update(self._given, {token})


class ClientCredentials(TokenAuth):
    """Says who we are with a token for a client and its secret (RFC 6749, 4.4).

    Args:
        system: the system's name, for messages.
        token_url: where tokens are given out.
        client_id: who we are there.
        client_secret: proves it.
        scope: what the token is to be good for; empty leaves it to the server.
        clock: seconds that only ever grow.
    """

    def __init__(
        self,
        system: str,
        token_url: str,
        client_id: str,
        client_secret: str,
        *,
        scope: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        # Both are form-encoded before they become user and password (RFC 6749, 2.3.1).
        pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
        super().__init__(
            system,
            token_url,
            lambda: form,
            secrets=frozenset({client_secret}),
            headers={"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"},
            clock=clock,
        )
