"""Faults of the network and of systems, put between a connector and its system."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import httpx

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def writes(request: httpx.Request) -> bool:
    """Tells whether a request could change something; `connectors.http.READS` says it cannot."""
    return request.method in WRITES and not request.extensions.get("reads")


Answer = Callable[[httpx.Request], httpx.Response]


class Answering(httpx.AsyncBaseTransport):
    """Answers in the system's place; the system sees nothing."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a request."""
        return self._answer(request)


class Hanging(httpx.AsyncBaseTransport):
    """Never answers."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Waits until it is cancelled."""
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError("it never goes on")


class _Around(httpx.AsyncBaseTransport):
    """Stands before the real transport, and closes it."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def aclose(self) -> None:
        """Closes the real transport."""
        await self._inner.aclose()


class LosingReplies(_Around):
    """Lets the first writing request do its work, and loses the answer.

    Attributes:
        lost: how many answers were lost.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, *, many: int = 1) -> None:
        super().__init__(inner)
        self._left = many
        self.lost = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes a request on; the answer may get lost."""
        response = await self._inner.handle_async_request(request)
        if writes(request) and self._left:
            await response.aread()
            await response.aclose()
            self._left -= 1
            self.lost += 1
            msg = "the connection broke before the answer came"
            raise httpx.ReadError(msg, request=request)
        return response


class Withholding(_Around):
    """Lets the first writing request do its work, and never brings the answer.

    Attributes:
        written: is set once the work is done.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        super().__init__(inner)
        self.written = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes a request on; after a write it waits until it is cancelled."""
        response = await self._inner.handle_async_request(request)
        if writes(request):
            await response.aread()
            await response.aclose()
            self.written.set()
            await asyncio.Event().wait()
        return response


class Refusing(_Around):
    """Answers the first writing request with 429; the system does not see it."""

    AFTER = timedelta(seconds=23)
    """How long it asks to wait."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        super().__init__(inner)
        self._left = 1

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Refuses a write once, and passes on everything else."""
        if writes(request) and self._left:
            self._left -= 1
            wait = f"{self.AFTER.total_seconds():.0f}"
            return httpx.Response(429, headers={"Retry-After": wait}, text="{}")
        return await self._inner.handle_async_request(request)


class Meddling(_Around):
    """Has somebody else write just before the first writing request arrives."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, meddle: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(inner)
        self._meddle: Callable[[], Awaitable[None]] | None = meddle

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes a request on, after somebody else's."""
        meddle = self._meddle
        if writes(request) and meddle is not None:
            self._meddle = None
            await meddle()
        return await self._inner.handle_async_request(request)


class Counting(_Around):
    """Counts what is written.

    Attributes:
        writes: how many requests could change something.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        super().__init__(inner)
        self.writes = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Counts a request and passes it on."""
        self.writes += writes(request)
        return await self._inner.handle_async_request(request)


class _Endless(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b"[" * 65536


def failing(code: int, headers: dict[str, str] | None = None, body: str = "") -> Answering:
    """Answers everything with a status."""
    return Answering(lambda request: httpx.Response(code, headers=headers, text=body))


def timing_out() -> Answering:
    """Answers nothing within the time limit."""

    def wait(request: httpx.Request) -> httpx.Response:
        msg = "timed out"
        raise httpx.ReadTimeout(msg, request=request)

    return Answering(wait)


def unreachable() -> Answering:
    """Refuses every connection."""

    def refuse(request: httpx.Request) -> httpx.Response:
        msg = "connection refused"
        raise httpx.ConnectError(msg, request=request)

    return Answering(refuse)


def endless() -> Answering:
    """Answers without end."""
    return Answering(lambda request: httpx.Response(200, stream=_Endless()))
