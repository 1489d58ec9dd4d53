"""Deciding and recording one request to a launch; the ledger arbitrates as for measures."""

from collections.abc import Sequence
from datetime import datetime
from functools import reduce

from temporalio import activity

from ledger.reading import Docket
from ledger.writer import AsyncLedger
from measures import launching
from measures.answers import Refusal
from measures.blackouts import Window, blackouts_for
from measures.duties import refuse_uninvolved
from measures.entry import Draft
from measures.errors import RefusedError
from measures.launch import (
    Desire,
    LaunchOrder,
    LaunchState,
    PauseOrder,
    ShareOrder,
    Sighting,
    fold_launch,
    ref_of,
)
from measures.lifecycle import RAMP
from measures.model import restore
from measures.people import ENGINE
from measures.reasons import refuse_blank
from worker.activities.court import Court
from workflows.client import SluiceClient
from workflows.contract import (
    ACT_ON_LAUNCH,
    TELL_LAUNCH,
    LaunchAct,
    LaunchRecord,
    LaunchTelling,
)


class LaunchActivities:
    """Fills `workflows.ports.act_on_launch` and `workflows.ports.tell_launch`."""

    def __init__(self, ledger: AsyncLedger, court: Court, client: SluiceClient) -> None:
        self._ledger = ledger
        self._court = court
        self._client = client

    @activity.defn(name=TELL_LAUNCH)
    async def tell_launch(self, telling: LaunchTelling) -> None:
        """Tells a launch what its measure wants, and what it had before that it is over."""
        order = telling.order
        kept = ref_of(order.campaign) if order else None
        for launch in await self._ledger.launches_of(telling.measure):
            if launch.ref != kept:
                ends = LaunchOrder(
                    measure=telling.measure,
                    campaign=launch.campaign,
                    wanted="ended",
                    reason="the measure has another campaign now" if kept else "no campaign now",
                    number=telling.number,
                )
                await self._client.tell_launch(ends)
        if order is not None:
            await self._client.tell_launch(order)

    @activity.defn(name=ACT_ON_LAUNCH)
    async def act_on_launch(self, act: LaunchAct) -> LaunchRecord:
        """Decides a request to a launch and records it; asking twice records it once.

        Raises:
            LedgerError: the record cannot be written or read now; asking again may work.
        """
        while True:
            state = await self._ledger.launch(act.ref)
            docket = await self._ledger.docket(_measure_of(state, act))
            windows = _windows(docket)
            drafts: list[Draft] = []
            try:
                if state is None or act.command not in state.commands:
                    drafts = await self._decide(state, docket, windows, act)
            except RefusedError as error:
                return _record(state, windows, act.at, Refusal.of(error))
            if not drafts or await self._ledger.record(drafts):
                return _record(reduce(fold_launch, drafts, state), windows, act.at)

    async def _decide(
        self,
        state: LaunchState | None,
        docket: Docket,
        windows: Sequence[Window],
        act: LaunchAct,
    ) -> list[Draft]:
        ask, at, command = act.ask, act.at, act.command
        if act.verb == "order":
            return launching.take_order(state, restore(LaunchOrder, ask), at, command)
        if state is None:
            return []
        match act.verb:
            case "share":
                return launching.take_share(state, restore(ShareOrder, ask), at, command)
            case "pause" | "unpause":
                order = restore(PauseOrder, ask)
                refuse_blank(order.reason, f"launch {state.ref}")
                if act.checks and docket.measure is not None:
                    plan = docket.measure.plan
                    refuse_uninvolved(plan, docket.directory, order.by, f"{act.verb} its campaign")
                decide = launching.pause if act.verb == "pause" else launching.unpause
                return decide(state, order, at, command)
            case "confirm":
                seen = restore(Sighting, ask["seen"])
                return launching.confirm(state, seen, restore(Desire, ask["told"]), at, command)
            case "look":
                shown = restore(Sighting, ask["seen"]) if ask["seen"] else None
                return launching.look(state, shown, restore(Desire, ask["told"]), at, command)
            case "lose_sight":
                return launching.lose_sight(state, ask["why"], at, command)
            case "pass_time":
                return await self._pass_time(state, docket, windows, at, command)
            case "look_up":
                return []

    async def _pass_time(
        self,
        state: LaunchState,
        docket: Docket,
        windows: Sequence[Window],
        at: datetime,
        command: str,
    ) -> list[Draft]:
        drafts = launching.pass_time(state, windows, at, command)
        if drafts or docket.measure is None or not launching.may_step(state, at):
            return drafts
        judgement = await self._court.judge(
            docket.measure, RAMP, at, docket.directory, docket.position, by=ENGINE
        )
        return launching.step_judged(state, judgement.verdict, command)


def _measure_of(state: LaunchState | None, act: LaunchAct) -> str:
    return state.measure if state is not None else str(act.ask.get("measure", ""))


def _windows(docket: Docket) -> list[Window]:
    if docket.measure is None:
        return []
    return blackouts_for(docket.measure.plan, docket.directory.blackouts.values())


def _record(
    state: LaunchState | None,
    windows: Sequence[Window],
    at: datetime,
    refused: Refusal | None = None,
) -> LaunchRecord:
    due = launching.next_due(state, windows, at) if state is not None else None
    return LaunchRecord(state=state, refused=refused, look_again_at=due)
