"""Telling remote objects what a measure wants, and recording what becomes of each.

The ledger arbitrates as for measures.
"""

from functools import reduce

from temporalio import activity

from ledger.writer import AsyncLedger
from measures import syncing
from measures.answers import Refusal
from measures.duties import refuse_uninvolved
from measures.entry import Draft
from measures.errors import RefusedError
from measures.model import restore
from measures.reasons import refuse_blank
from measures.remote import RemoteOrder, RemoteState, fold_remote
from measures.syncing import Brought
from workflows.client import SluiceClient
from workflows.remote_contract import (
    ACT_ON_REMOTE,
    TELL_REMOTES,
    RemoteAct,
    RemoteForget,
    RemoteRecord,
    RemoteResume,
    RemoteSettle,
    RemotesTelling,
    RemotesTold,
)


class RemoteActivities:
    """Fills `workflows.remote_ports.tell_remotes` and `workflows.remote_ports.act_on_remote`."""

    def __init__(self, ledger: AsyncLedger, client: SluiceClient) -> None:
        self._ledger = ledger
        self._client = client

    @activity.defn(name=TELL_REMOTES)
    async def tell_remotes(self, telling: RemotesTelling) -> RemotesTold:
        """Tells each remote object of a measure what has changed in what is wanted of it."""
        found = await self._ledger.remote_orders(telling.measure, move=telling.move, by=telling.by)
        for order in found.orders:
            await self._client.order_remote(order)
        return RemotesTold(
            number=found.number,
            concerned=found.concerned,
            told=tuple(order.id for order in found.orders),
        )

    @activity.defn(name=ACT_ON_REMOTE)
    async def act_on_remote(self, act: RemoteAct) -> RemoteRecord:
        """Decides what news leads to and records it; asking twice records it once.

        Raises:
            LedgerError: the record cannot be written or read now; asking again may work.
        """
        while True:
            state = await self._ledger.remote(act.id)
            drafts: list[Draft] = []
            try:
                if state is None or act.command not in state.commands:
                    drafts = await self._decide(state, act)
            except RefusedError as error:
                return RemoteRecord(state=state, refused=Refusal.of(error))
            if not drafts or await self._ledger.record(drafts):
                return RemoteRecord(state=reduce(fold_remote, drafts, state))

    async def _decide(self, state: RemoteState | None, act: RemoteAct) -> list[Draft]:
        ask, at, command = act.ask, act.at, act.command
        if act.verb == "order":
            return syncing.take_order(state, restore(RemoteOrder, ask), at, command)
        if state is None:
            return []
        match act.verb:
            case "brought":
                return syncing.brought(state, restore(Brought, ask), at, command)
            case "lose_sight":
                return syncing.lose_sight(state, ask["why"], at, command)
            case "resume":
                resume = restore(RemoteResume, ask)
                refuse_blank(resume.reason, f"{state.connection} {state.kind}")
                docket = await self._ledger.docket(state.measure)
                if docket.measure is not None:
                    plan, does = docket.measure.plan, "resume its remote objects"
                    refuse_uninvolved(plan, docket.directory, resume.by, does)
                return syncing.resume(state, resume.by, resume.reason, at, command)
            case "settle":
                settle = restore(RemoteSettle, ask)
                refuse_blank(settle.reason, f"{state.connection} {state.kind}")
                await self._refuse_uninvolved(state, settle.by, "decide about its remote objects")
                return syncing.settle(
                    state, settle.side, settle.by, settle.reason, at, command, settle.fields
                )
            case "forget":
                forget = restore(RemoteForget, ask)
                await self._refuse_uninvolved(state, forget.by, "forget its remote objects")
                return syncing.forget(state, forget.by, forget.reason, at, command)
            case "look_up":
                return []

    async def _refuse_uninvolved(self, state: RemoteState, by: str, does: str) -> None:
        docket = await self._ledger.docket(state.measure)
        if docket.measure is not None:
            refuse_uninvolved(docket.measure.plan, docket.directory, by, does)
