"""Telling a measure's remote objects what it wants of them, beside the measure's own life.

A measure that no mapping concerns never tells and costs nothing. Each object's own workflow does
the rest: a system that is down for weeks holds up nothing here.
"""

import asyncio
from collections.abc import Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from measures.state import MeasureState
    from workflows import remote_ports
    from workflows.remote_contract import RemotesTelling, RemotesTold


class RemoteTeller:
    """Tells remote objects whatever changes in a measure.

    Args:
        life: returns the measure's state as it is now.
        concerned: whether a mapping is known to concern the measure.
    """

    def __init__(self, life: Callable[[], MeasureState], *, concerned: bool) -> None:
        self._life = life
        self.concerned = concerned
        # At the start of a run nobody knows what of the run before has arrived.
        self._told = 0
        # One telling at a time: a later one must not be overtaken by an earlier one.
        self._turn = asyncio.Lock()

    def hear(self, *, concerned: bool) -> None:
        """Notes that a mapping concerns the measure."""
        self.concerned = self.concerned or concerned

    def begin_anew(self) -> None:
        """Notes that objects may be concerned that were not."""
        self.concerned = True
        self._told = 0

    def is_done(self) -> bool:
        """Tells whether the objects know all."""
        return not self.concerned or self._told >= self._life().number

    async def keep(self) -> None:
        """Tells for ever."""
        while True:
            await workflow.wait_condition(lambda: not self.is_done())
            await self.tell(RemotesTelling(measure=self._life().id))

    async def tell(self, telling: RemotesTelling) -> RemotesTold:
        """Tells once, whether or not there is news."""
        async with self._turn:
            told = await remote_ports.tell_remotes(telling)
        self._told = told.number
        self.concerned = told.concerned
        return told
