"""Faults of the network and of systems, put between a connector and its system."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

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


class LosingReplies(httpx.AsyncBaseTransport):
    """Lets the first writing request do its work, and loses the answer.

    Attributes:
        lost: how many answers were lost.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, *, many: int = 1) -> None:
        self._inner = inner
        self._left = many
        self.lost = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes a request on; the answer may get lost."""
        response = await self._inner.handle_async_request(request)
        if request.method in WRITES and self._left:
            await response.aread()
            await response.aclose()
            self._left -= 1
            self.lost += 1
            msg = "the connection broke before the answer came"
            raise httpx.ReadError(msg, request=request)
        return response

    async def aclose(self) -> None:
        """Closes the real transport."""
        await self._inner.aclose()


class Counting(httpx.AsyncBaseTransport):
    """Counts what is written.

    Attributes:
        writes: how many requests could change something.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.writes = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Counts a request and passes it on."""
        self.writes += request.method in WRITES
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Closes the real transport."""
        await self._inner.aclose()


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
