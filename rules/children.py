"""The child processes of one set of packs, lent out one judgement at a time."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from measures.errors import EngineError
from rules.child import Child


class Children:
    """The children that judge with one set of packs; each answers one request at a time."""

    def __init__(self, gates: dict[str, Any], command: Sequence[str], processes: int) -> None:
        """Prepares the children.

        Args:
            gates: the queries of each gate, as `GatePlan.as_json` writes them.
            command: what to start as a child.
            processes: how many there are.
        """

        def make() -> Child:
            return Child(command, gates)

        self._make = make
        self._idle: asyncio.Queue[Child] = asyncio.Queue()
        self._count = processes
        self._closed = False
        for _ in range(processes):
            self._idle.put_nowait(self._make())

    async def warm_up(self) -> None:
        """Starts the children; one that does not start is started again when it is needed."""
        children = [self._idle.get_nowait() for _ in range(self._count)]
        await asyncio.gather(*(child.start() for child in children), return_exceptions=True)
        for child in children:
            self._idle.put_nowait(child)

    def child(self) -> "Loan":
        """Lends a child that runs.

        Raises:
            EngineError: when the children were ended.
        """
        if self._closed:
            raise EngineError("the judge was closed")
        return Loan(self._idle, self._make)

    async def close(self) -> None:
        """Waits for judgements under way and those in line, then ends the children."""
        self._closed = True
        for _ in range(self._count):
            await (await self._idle.get()).stop()


class Loan:
    """A child for one judgement; one that did not answer in peace is ended, not reused."""

    def __init__(self, idle: asyncio.Queue[Child], make: Callable[[], Child]) -> None:
        self._idle = idle
        self._make = make
        self._child: Child | None = None

    async def __aenter__(self) -> Child:
        self._child = await self._idle.get()
        try:
            if not self._child.alive:
                self._child = self._make()
                await self._child.start()
        except BaseException:
            self._idle.put_nowait(self._child)
            raise
        return self._child

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._child is not None
        try:
            if error is not None:
                await self._child.stop()
        finally:
            self._idle.put_nowait(self._child)
