"""Deciding and recording one report of a pool's load; the ledger arbitrates as for measures."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

from temporalio import activity

from ledger.writer import AsyncLedger
from measures.answers import Refusal
from measures.entry import Draft, pool_stream
from measures.errors import RefusedError
from measures.launch import LaunchState
from measures.load_reports import concerned, report_load, running_on
from measures.pool import PoolState, fold_pool
from worker.activities.unseen import unseen
from workflows.contract import ACT_ON_LOAD
from workflows.load_contract import LaunchShare, LoadAct, LoadRecord


class LoadActivities:
    """Fills `workflows.ports.act_on_load`."""

    def __init__(self, ledger: AsyncLedger) -> None:
        self._ledger = ledger

    @activity.defn(name=ACT_ON_LOAD)
    async def act_on_load(self, act: LoadAct) -> LoadRecord:
        """Decides a report of a pool's load and records it; asking twice records it once.

        Raises:
            LedgerError: the record cannot be written or read now; asking again may work.
        """
        while True:
            state = (await self._ledger.pools([act.pool])).get(act.pool)
            assert state is not None, "a pool's workflow begins with its document"
            launches = await self._ledger.launches_by_measure(concerned(state))
            if act.command in state.commands:
                return _answer(
                    act,
                    state,
                    await unseen(self._ledger, pool_stream(act.pool), act.known),
                    launches,
                )
            try:
                drafts = report_load(state, act.ask, launches, act.at, act.command)
            except RefusedError as error:
                news = await unseen(self._ledger, pool_stream(act.pool), act.known)
                return LoadRecord(entries=news, refused=Refusal.of(error))
            if await self._ledger.record(drafts):
                after = reduce(fold_pool, drafts, state)
                entries = (
                    tuple(drafts)
                    if state.number == act.known
                    else await unseen(self._ledger, pool_stream(act.pool), act.known)
                )
                return _answer(act, after, entries, launches)


def _answer(
    act: LoadAct,
    state: PoolState,
    entries: tuple[Draft, ...],
    launches: Mapping[str, LaunchState],
) -> LoadRecord:
    """Says what was done, and whom to tell; of a repeated report, what is news to the workflow."""
    noted: dict[str, Any] = next(
        (e.body for e in entries if e.kind == "load_reported" and e.command == act.command),
        {"action": "hold", "why": "this report was taken before"},
    )
    changed = {
        one["measure"]
        for entry in entries
        if entry.kind == "throttle_decided"
        for one in entry.body["launches"]
        if one["before"] != one["after"]
    }
    running = [
        LaunchShare(
            measure=draw.measure,
            ref=draw.ref,
            share=state.throttle.shares.get(draw.measure, 1.0),
        )
        for draw in running_on(state, launches)
    ]
    # Who gives most is told first: the pool feels it soonest.
    running.sort(key=lambda one: (one.share, one.measure))
    return LoadRecord(
        entries=entries,
        action=noted["action"],
        why=noted["why"],
        running=tuple(running),
        # Below its full share a launch is told with every report: one that began only now, or
        # that missed it, runs as it should from then on.
        tell=tuple(one for one in running if one.share < 1 or one.measure in changed),
    )
