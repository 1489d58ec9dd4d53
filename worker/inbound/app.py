"""The webhook server's one page: a delivery is verified, put into the inbox, acknowledged.

Nothing else happens before the answer: the object is read again by a worker. What is forged, too
large, too slow or too much is answered so, and leaves nothing behind.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.contract import Hint, Webhook
from connectors.failures import AuthFailed, ConnectorError, Rejected, Unsupported
from ledger.inbox import News
from measures.errors import ConfigurationError, LedgerError
from worker.connections import Connections
from worker.guard import GuardedConnector
from worker.inbound.intake import FloodedError, Intake
from worker.inbound.tally import NOBODY, Tally

MOST_BYTES = 1 << 20
"""Of a body; vendors send far less."""

MOST_HINTS = 1000
"""News in one delivery; HubSpot sends up to 100."""

BODY_SECONDS = 10
"""For a body to arrive."""

_LONGEST = 500


def webhook_app(connections: Connections, intake: Intake, public_url: str) -> Starlette:
    """Returns the application.

    Args:
        connections: which know how their systems sign.
        intake: where news goes.
        public_url: what senders call it up to the path, where they sign that; else as they ask.
    """
    tally = Tally()
    desk = _Receiver(connections, intake, tally, public_url.rstrip("/"))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with intake.writing():
            yield
        tally.close()

    return Starlette(
        routes=[
            Route("/webhooks/{connection}", desk.receive, methods=["POST"]),
            Route("/health", _health, methods=["GET"]),
        ],
        lifespan=lifespan,
    )


class _Receiver:
    def __init__(
        self, connections: Connections, intake: Intake, tally: Tally, public_url: str
    ) -> None:
        self._connections = connections
        self._intake = intake
        self._tally = tally
        self._public_url = public_url

    async def receive(self, request: Request) -> Response:
        """Takes one delivery."""
        began = time.perf_counter()
        name = request.path_params["connection"]
        try:
            connector = await self._connector(name)
        except _Refused as refused:
            return self._refuse(NOBODY, refused)
        try:
            hints = self._verified(connector, request, await _body(request))
            news = [News(name, hint.kind, hint.ref, hint.delivery) for hint in hints]
            new = await self._intake.take(name, news) if news else True
        except _Refused as refused:
            return self._refuse(name, refused)
        except FloodedError as flooded:
            return self._refuse(name, _Refused(429, str(flooded), after=flooded.after))
        except LedgerError as failure:
            sorry = "it cannot be kept now; send it again"
            return self._refuse(name, _Refused(503, sorry, after=5, because=str(failure)))
        self._tally.taken(name, new=new, seconds=time.perf_counter() - began)
        return _answer(202, f"{len(news)} taken")

    async def _connector(self, name: str) -> GuardedConnector:
        try:
            return await self._connections.get(name)
        except ConfigurationError as error:
            raise _Refused(404, f"there is no connection {name[:100]!r}") from error

    def _verified(
        self, connector: GuardedConnector, request: Request, body: bytes
    ) -> tuple[Hint, ...]:
        webhook = Webhook(
            method=request.method,
            url=self._url(request),
            headers={key.lower(): value for key, value in request.headers.items()},
            body=body,
        )
        try:
            hints = connector.verify(webhook, now=datetime.now(UTC))
        except Rejected as error:
            raise _Refused(401, str(error)) from error
        except Unsupported as error:
            raise _Refused(404, str(error)) from error
        except AuthFailed as error:
            raise _Refused(503, "it cannot be verified now", because=str(error)) from error
        except (ConnectorError, ConfigurationError) as error:
            raise _Refused(400, str(error)) from error
        if len(hints) > MOST_HINTS:
            raise _Refused(413, f"it holds {len(hints)} news, at most {MOST_HINTS} are taken")
        if not all(_is_plain(hint) for hint in hints):
            raise _Refused(400, "it names an object in a way that no system does")
        return hints

    def _refuse(self, name: str, refused: "_Refused") -> Response:
        self._tally.refused(name, refused.status, refused.because)
        headers = {"Retry-After": str(refused.after)} if refused.after else None
        return _answer(refused.status, str(refused), headers)

    def _url(self, request: Request) -> str:
        if not self._public_url:
            return str(request.url)
        query = f"?{request.url.query}" if request.url.query else ""
        return f"{self._public_url}{request.url.path}{query}"


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """That a delivery is not taken.

    Args:
        status: of the answer.
        why: for the sender.
        after: the seconds after which to send it again; 0 where that would not help.
        because: the reason for the log, where the sender must not know it.
    """

    def __init__(self, status: int, why: str, *, after: int = 0, because: str = "") -> None:
        super().__init__(why)
        self.status = status
        self.after = after
        self.because = because or why


async def _body(request: Request) -> bytes:
    """Reads a body that is neither too large nor too slow."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > MOST_BYTES:
        raise _Refused(413, f"at most {MOST_BYTES:,} bytes are taken")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > MOST_BYTES:
                    raise _Refused(413, f"at most {MOST_BYTES:,} bytes are taken")
    except TimeoutError as error:
        raise _Refused(408, f"its body did not arrive within {BODY_SECONDS} s") from error
    except ClientDisconnect as error:
        raise _Refused(400, "its sender has gone") from error
    return bytes(body)


def _is_plain(hint: Hint) -> bool:
    """Tells whether a hint can be kept: databases take no zero byte, and names are short."""
    texts = (hint.kind, hint.ref, hint.delivery)
    return all(text and len(text) <= _LONGEST and text.isprintable() for text in texts)


def _answer(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"message": message}, status, headers)


async def _health(_: Request) -> Response:
    return _answer(200, "webhooks are taken")
