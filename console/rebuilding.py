"""Starting every workflow again from the ledger, on a Temporal server that has lost them."""

import asyncio
from collections.abc import Awaitable, Callable

from ledger.remotes import outstanding
from ledger.store import Ledger
from measures.entry import subject_of
from measures.model import Stored
from workflows.client import SluiceClient
from workflows.client.speaking import AT_ONCE


class Rebuilt(Stored):
    """What was started again, and what ran already."""

    measures: int = 0
    pools: int = 0
    launches: int = 0
    remotes: int = 0
    running: int = 0


async def rebuild(
    ledger: Ledger, client: SluiceClient, on_progress: Callable[[int, int], None] | None = None
) -> Rebuilt:
    """Starts the workflow of all that has not ended; what runs is left.

    So is one that has ended and done all that follows from it. If the server was lost in between,
    a cancelled measure may still hold capacity, or its campaign may still run.

    Each begins with its whole state: waiting request, sign-offs, reservations, and timers that
    are reckoned from when the request was made. Pools begin first, since measures ask them; a
    measure may start its launch before its turn comes, which then counts as one that ran.
    """
    streams = [stream for stream, _ in ledger.running()]
    pools = [subject_of(s) for s in streams if s.startswith("pool:")]
    measures = [subject_of(s) for s in streams if s.startswith("measure:")]
    unfinished = [
        row.id for row in ledger.find_measures() if row.ended and _is_unfinished(ledger, row.id)
    ]
    measures += unfinished
    launches = [subject_of(s) for s in streams if s.startswith("launch:")]
    remotes = [subject_of(s) for s in streams if s.startswith("remote:")]
    total = len(pools) + len(measures) + len(launches) + len(remotes)
    done = 0

    async def start(name: str, restart: Callable[[str], Awaitable[bool]]) -> bool:
        nonlocal done
        async with gate:
            started = await restart(name)
        done += 1
        if on_progress is not None:
            on_progress(done, total)
        return started

    async def restart_pool(name: str) -> bool:
        state = ledger.pool(name)
        return state is not None and await client.restart_pool(state)

    async def restart_measure(name: str) -> bool:
        state = ledger.measure(name)
        return state is not None and await client.restart_measure(state)

    async def restart_launch(name: str) -> bool:
        state = ledger.launch(name)
        return state is not None and await client.restart_launch(state)

    async def restart_remote(name: str) -> bool:
        state = ledger.remote(name)
        return state is not None and await client.restart_remote(state)

    gate = asyncio.Semaphore(AT_ONCE)
    started_pools = sum(await asyncio.gather(*(start(p, restart_pool) for p in pools)))
    started = sum(await asyncio.gather(*(start(m, restart_measure) for m in measures)))
    started_launches = sum(await asyncio.gather(*(start(r, restart_launch) for r in launches)))
    started_remotes = sum(await asyncio.gather(*(start(r, restart_remote) for r in remotes)))
    mapped = ledger.find_measures() if ledger.directory().mappings else []
    for row in mapped:
        for order in outstanding(ledger, row.id).orders:
            await client.order_remote(order)
    return Rebuilt(
        measures=started,
        pools=started_pools,
        launches=started_launches,
        remotes=started_remotes,
        running=total - started - started_pools - started_launches - started_remotes,
    )


def _is_unfinished(ledger: Ledger, measure: str) -> bool:
    """Tells whether a measure that has ended owes something to pools or to a campaign's system."""
    state = ledger.measure(measure)
    if state is None:
        return False
    holds = state.cancelled is not None and bool(state.reserved.amounts)
    return holds or (state.campaign_wanted == "held" != state.campaign_told)
