"""Telling waiting measures that something they depend on has changed."""

import asyncio
from collections.abc import Sequence

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from measures.entry import measure_stream
    from workflows.contract import FACTS_CHANGED

AT_ONCE = 100
"""Signals in flight; the server takes at most 2,000 pending ones from one workflow."""


async def wake_all(measures: Sequence[str]) -> None:
    """Signals measures, the one that waits longest first; one that has ended is passed over."""
    for first in range(0, len(measures), AT_ONCE):
        await asyncio.gather(*(_wake(name) for name in measures[first : first + AT_ONCE]))


async def _wake(measure: str) -> None:
    handle = workflow.get_external_workflow_handle(measure_stream(measure))
    try:
        await handle.signal(FACTS_CHANGED)
    except ApplicationError as error:
        workflow.logger.info("measure %s was not woken: %s", measure, error)
