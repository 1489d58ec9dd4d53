"""Deciding and recording one request to a pool; the ledger arbitrates as for measures."""

from temporalio import activity

from ledger.writer import AsyncLedger
from measures import pool as pools
from measures.answers import Refusal
from measures.directory import Directory
from measures.documents import Pool
from measures.entry import Draft, pool_stream
from measures.errors import RefusedError
from measures.model import restore
from measures.pool import PoolState
from measures.requests import CapacityInput, PoolInput
from worker.activities.unseen import unseen
from workflows.contract import (
    ACT_ON_POOL,
    PoolAct,
    PoolRecord,
    QueueAsk,
    ReleaseAsk,
    ReserveAsk,
)


class PoolActivities:
    """Fills `workflows.ports.act_on_pool`."""

    def __init__(self, ledger: AsyncLedger) -> None:
        self._ledger = ledger

    @activity.defn(name=ACT_ON_POOL)
    async def act_on_pool(self, act: PoolAct) -> PoolRecord:
        """Decides a request to a pool and records it; asking twice records it once.

        Raises:
            LedgerError: the record cannot be written or read now; asking again may work.
        """
        while True:
            state = (await self._ledger.pools([act.pool])).get(act.pool)
            # Reservations are many and ask for nobody's right.
            directory = await self._ledger.directory() if act.verb == "change" else Directory()
            try:
                draft, lacking = _decide(state, act, directory)
            except RefusedError as error:
                news = await unseen(self._ledger, pool_stream(act.pool), act.known)
                return PoolRecord(
                    entries=news, refused=Refusal.of(error), wake=await self._wake(act, news)
                )
            if draft is not None and not await self._ledger.record([draft]):
                continue
            entries: tuple[Draft, ...] = (draft,) if draft is not None else ()
            if state is not None and state.number != act.known:
                entries = await unseen(self._ledger, pool_stream(act.pool), act.known)
            elif draft is not None and not pools.frees(state, draft):
                return PoolRecord(entries=entries, lacking=lacking)
            launched = await self._ledger.launched_on(pool_stream(act.pool)) if entries else ()
            return PoolRecord(
                entries=entries,
                lacking=lacking,
                wake=await self._wake(act, entries),
                shifted=tuple(name for entry in entries for name in pools.shifted(entry)),
                launched=tuple(launched),
            )

    async def _wake(self, act: PoolAct, news: tuple[Draft, ...]) -> tuple[str, ...]:
        """Returns who waits for this pool, when there is news of it.

        News is what the workflow has not seen, also of an attempt that died before it could
        tell anybody: one call too many is harmless, one too few leaves a measure waiting. Who
        stands in the queue comes first, in its order.
        """
        if not news:
            return ()
        waiting = await self._ledger.waiting_on(pool_stream(act.pool))
        now = (await self._ledger.pools([act.pool])).get(act.pool)
        queued = now.queued(act.at) if now is not None else []
        first = [name for name in queued if name in waiting]
        return tuple(dict.fromkeys([*first, *waiting]))


def _decide(
    state: PoolState | None, act: PoolAct, directory: Directory
) -> tuple[Draft | None, str]:
    """Returns the entry that a request leads to, and what is lacking for a reservation."""
    if act.verb == "open":
        if state is not None:
            return None, ""
        pool = restore(Pool, act.ask["pool"])
        return pools.open_pool(pool, act.ask["by"], act.at, act.command), ""
    assert state is not None, "a pool's workflow begins with `open`"
    match act.verb:
        case "change":
            change = restore(PoolInput, act.ask)
            draft = pools.change_pool(state, change.pool, change.by, directory, act.at, act.command)
            return draft, ""
        case "report_capacity":
            # Unlike a reservation, the same report again is news, unless it is the same request.
            if act.command in state.commands:
                return None, ""
            report = restore(CapacityInput, act.ask)
            draft = pools.report_capacity(
                state,
                report.period,
                report.amount,
                report.by,
                act.at,
                act.command,
                report.connector,
            )
            return draft, ""
        case "reserve":
            ask = restore(ReserveAsk, act.ask)
            return pools.reserve(
                state,
                ask.measure,
                ask.demands,
                hard=ask.hard,
                at=act.at,
                command=act.command,
                priority=ask.priority,
                since=ask.since,
            )
        case "release":
            gone = restore(ReleaseAsk, act.ask)
            return pools.drop_reservation(state, gone.measure, gone.reason, act.at, act.command), ""
        case "queue":
            place = restore(QueueAsk, act.ask)
            return _queue(state, place, act), ""
        case "expire":
            return pools.expire(state, act.at, act.command), ""


def _queue(state: PoolState, ask: QueueAsk, act: PoolAct) -> Draft | None:
    """Returns the entry by which a measure takes a place in the queue, or leaves it."""
    if not ask.demands:
        return pools.leave_queue(state, ask.measure, "waits no longer", act.at, act.command)
    return pools.join_queue(
        state,
        ask.measure,
        ask.demands,
        priority=ask.priority,
        since=ask.since,
        ready=ask.ready,
        at=act.at,
        command=act.command,
    )
