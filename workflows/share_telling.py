"""Telling launches at what share they may run for the sake of a pool."""

import asyncio
from collections.abc import Sequence

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from measures.entry import launch_stream
    from measures.launch import ShareOrder
    from measures.pool import PoolState
    from workflows.contract import SET_SHARE
    from workflows.load_contract import LaunchShare
    from workflows.waking import AT_ONCE


async def tell_shares(
    state: PoolState, shares: Sequence[LaunchShare], reason: str
) -> tuple[str, ...]:
    """Signals launches; the latest number of a pool counts, whatever order they come in.

    Returns:
        The measures whose launch is not there: it has not begun, or has ended.
    """
    missed: list[str] = []
    for first in range(0, len(shares), AT_ONCE):
        part = shares[first : first + AT_ONCE]
        told = await asyncio.gather(*(_tell(state, one, reason) for one in part))
        missed += [one.measure for one, was_there in zip(part, told, strict=True) if not was_there]
    return tuple(missed)


async def _tell(state: PoolState, one: LaunchShare, reason: str) -> bool:
    used = state.load.utilisation if state.load else 0.0
    order = ShareOrder(
        pool=state.pool.id,
        share=one.share,
        reason=f"pool {state.pool.id} at {used:.0%}: {reason}",
        number=state.throttle.number,
    )
    try:
        await workflow.get_external_workflow_handle(launch_stream(one.ref)).signal(SET_SHARE, order)
    except ApplicationError as error:
        workflow.logger.info("launch %s was not told its share: %s", one.ref, error)
        return False
    return True
