"""Simulating the queues of measures for the record, beside everything else that runs.

Only a measure for which somebody has asked for it is simulated, and again only when its plan or
its pools have changed by the time it is judged: all others are judged as fast as ever. A
simulation takes about a second of one core, whatever the volume, in a thread of its own.
"""

import asyncio
from collections import OrderedDict
from random import Random

from measures.queueing.asking import PlayAsk
from measures.queueing.inputs import QueueInputs
from measures.queueing.record import QueueRecord

_REMEMBERED = 256


class Simulator:
    """Plays queues one after the other and remembers the latest: a retry costs nothing."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], QueueRecord] = OrderedDict()
        # Two at once would only share the interpreter.
        self._turn = asyncio.Lock()

    async def play(self, inputs: QueueInputs, ask: PlayAsk) -> QueueRecord:
        """Returns what a simulation says; the same arguments always give the same.

        Raises:
            RefusedError: as `measures.queueing.outcome.simulate`.
        """
        key = (inputs.digest, ask.model_dump_json())
        async with self._turn:
            if key not in self._known:
                self._known[key] = await asyncio.to_thread(_play, inputs, ask)
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            return self._known[key]


def _play(inputs: QueueInputs, ask: PlayAsk) -> QueueRecord:
    # Loaded when it is needed: a worker that simulates nothing starts without it.
    from measures.queueing.outcome import simulate

    return simulate(inputs, ask, Random).record


__all__ = ["Simulator"]
