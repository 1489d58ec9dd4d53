"""Simulating the queues of measures for the record, beside everything else that runs.

Only a measure for which somebody has asked for it is simulated, and again only when its plan or
its pools have changed by the time it is judged: all others are judged as fast as ever. A
simulation takes about a second of one core, whatever the volume, in a thread of its own.
"""

import asyncio
from collections import OrderedDict
from random import Random

from measures.errors import RefusedError
from measures.queueing.asking import PlayAsk
from measures.queueing.inputs import QueueInputs
from measures.queueing.record import QueueRecord

MOST_REPLICATIONS = 200
MOST_QUEUES = 2_000
"""What is played for the record must be there long before its activity times out."""

_REMEMBERED = 256


class Simulator:
    """Plays queues one after the other and remembers the latest: a retry costs nothing."""

    def __init__(self) -> None:
        self._plays: OrderedDict[tuple[str, str], asyncio.Task[QueueRecord]] = OrderedDict()
        # Two at once would only share the interpreter.
        self._turn = asyncio.Lock()

    async def play(self, inputs: QueueInputs, ask: PlayAsk) -> QueueRecord:
        """Returns what a simulation says; the same arguments always give the same.

        Who stops waiting does not stop the play: it is there when they ask again.

        Raises:
            RefusedError: as `measures.queueing.outcome.simulate`, or ``too-much``.
        """
        queues = ask.replications * len(inputs.pools)
        if ask.replications > MOST_REPLICATIONS or queues > MOST_QUEUES:
            raise RefusedError(
                "too-much",
                f"measure {inputs.measure}: the engine plays at most {MOST_REPLICATIONS}"
                f" replications and {MOST_QUEUES:,} queues, not {ask.replications} of"
                f" {len(inputs.pools)} pools; ask for fewer --replications",
            )
        key = (inputs.digest, ask.model_dump_json())
        if key not in self._plays:
            self._plays[key] = asyncio.create_task(self._play(inputs, ask))
            if len(self._plays) > _REMEMBERED:
                self._plays.popitem(last=False)
        self._plays.move_to_end(key)
        try:
            return await asyncio.shield(self._plays[key])
        except RefusedError:
            raise
        except Exception:
            # A fault of the machine may be over by the next time; a refusal stays true.
            self._plays.pop(key, None)
            raise

    async def _play(self, inputs: QueueInputs, ask: PlayAsk) -> QueueRecord:
        # Loaded when it is needed: a worker that simulates nothing starts without it.
        from measures.queueing.outcome import simulate

        async with self._turn:
            return (await asyncio.to_thread(simulate, inputs, ask, Random)).record


__all__ = ["MOST_QUEUES", "MOST_REPLICATIONS", "Simulator"]
