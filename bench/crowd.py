"""Clients that keep asking, whatever is killed under them, and remember what they were told."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench.engine import Engine
from measures.answers import Answer
from measures.errors import EngineError
from measures.requests import SignInput

CLIENTS = 20


@dataclass
class Asked:
    """One request with its own id, and when its answer came.

    Attributes:
        key: the request's id, which is the update id and the command of what it recorded.
        repeats: how often it was asked again, under the same id, because an error came back.
    """

    key: str
    measure: str
    began: float
    ended: float | None = None
    answer: Answer | None = None
    repeats: int = 0


class Crowd:
    """Twenty clients that sign and ask for the next gate of one measure after the other.

    Args:
        engine: what is asked.
        steps: the measure and the gate that it comes to next.
    """

    def __init__(self, engine: Engine, steps: Iterator[tuple[str, str]]) -> None:
        self.asked: list[Asked] = []
        self._engine = engine
        self._steps = steps
        self._enough = asyncio.Event()

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Asks for as long as the block runs, then waits for every answer."""
        self._enough.clear()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(CLIENTS):
                tasks.create_task(self._one_client())
            try:
                yield
            finally:
                self._enough.set()

    def in_flight(self, moment: float) -> list[Asked]:
        """Returns the requests that were on their way at a moment."""
        return [
            one
            for one in self.asked
            if one.began <= moment and (one.ended is None or one.ended > moment)
        ]

    async def _one_client(self) -> None:
        client = self._engine.client
        while not self._enough.is_set():
            name, gate = next(self._steps)
            sign = SignInput(by="sam", gate=gate, role="sponsor")
            for verb in ("sign", "advance"):
                asked = Asked(f"{name}-{gate}-{verb}", name, time.monotonic())
                self.asked.append(asked)
                while asked.answer is None:
                    try:
                        asked.answer = (
                            await client.sign(name, sign, key=asked.key)
                            if verb == "sign"
                            else await client.advance(name, "olga", key=asked.key)
                        )
                    except EngineError:
                        asked.repeats += 1
                        await asyncio.sleep(0.05)
                asked.ended = time.monotonic()
