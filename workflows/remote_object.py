"""One remote object's life: what it is to show, and bringing its system to show it.

It is the only writer of its object. What is wanted follows from entries in the ledger, so its
state is the ledger's; this workflow adds order and the patience to try until the system shows
what is wanted. It never polls: whoever hears of a change there sends `remote_changed`.
"""

import asyncio
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from measures.remote import RemoteOrder, RemoteState
    from measures.syncing import Brought
    from workflows import remote_ports
    from workflows.describing import remote_details_of
    from workflows.failing import why_failed
    from workflows.history import has_grown_long
    from workflows.remote_contract import (
        REMOTE_CHANGED,
        REMOTE_ORDER,
        REMOTE_WORKFLOW,
        TRY_NOW,
        RemoteAct,
        RemoteAnswer,
        RemoteForget,
        RemoteNews,
        RemoteRecord,
        RemoteResume,
        RemoteSettle,
        RemoteStart,
        RemoteVerb,
    )


@workflow.defn(name=REMOTE_WORKFLOW)
class RemoteObject:
    """The entity workflow of one remote object, id ``remote:<connection>/<kind>/<external id>``."""

    @workflow.init
    def __init__(self, start: RemoteStart) -> None:
        self._id = start.id
        self._state = start.state
        self._orders: list[RemoteOrder] = []
        # After a restart nobody knows what was missed while nothing ran: look again.
        self._look = start.state is not None
        # How often somebody asked for it to be tried at once, and how often it was.
        self._asked = 0
        self._tried = 0
        self._is_bringing = False
        # One piece of news at a time: each decision must see all entries of the one before.
        self._turn = asyncio.Lock()

    @workflow.run
    async def run(self, start: RemoteStart) -> None:
        """Lives until nothing more is wanted of the object."""
        if self._state is None:
            await self._act("look_up", {})
        while True:
            await self._take_orders()
            state = self._state
            if has_grown_long():
                await self._go_on_as_new()
            elif state is not None and self._is_due(state):
                await self._bring(state)
            elif state is not None and state.ended_at is not None:
                await workflow.wait_condition(workflow.all_handlers_finished)
                if not self._has_news():
                    return
            else:
                await workflow.wait_condition(lambda: self._has_news() or has_grown_long())

    # --- what is told: signals, because whoever tells does not wait ---

    @workflow.signal(name=REMOTE_ORDER, description="What the measure wants of the object")
    def remote_order(self, order: RemoteOrder) -> None:
        """Notes what the measure wants."""
        self._orders.append(order)

    @workflow.signal(name=REMOTE_CHANGED, description="The object has changed in its system")
    def remote_changed(self, news: RemoteNews) -> None:
        """Notes that it is to be looked at, unless that is what we wrote or saw ourselves."""
        known = self._state
        if known is None or not news.version or news.version != known.remote_version:
            self._look = True

    @workflow.signal(name=TRY_NOW, description="Its system has come back")
    def try_now(self) -> None:
        """Notes that waiting for the next try is of no use."""
        self._asked += 1
        self._look = True

    # --- what a person asks: updates, because they wait for the answer ---

    @workflow.update(description="Brings the object in step now")
    async def bring_now(self) -> RemoteAnswer:
        """Looks at the object and brings it in step; answers after one try."""
        await workflow.wait_condition(lambda: self._state is not None)
        self.try_now()
        number = self._asked
        await workflow.wait_condition(
            # What is suspended or has ended is not tried at all.
            lambda: self._tried >= number or not (self._is_bringing or self._has_news())
        )
        return RemoteAnswer(accepted=True, state=self._state)

    @workflow.update(description="Writes an object again that went to and fro")
    async def resume(self, ask: RemoteResume) -> RemoteAnswer:
        """Writes it again."""
        return await self._answer("resume", ask)

    @workflow.update(description="Decides whose value counts")
    async def settle(self, ask: RemoteSettle) -> RemoteAnswer:
        """Has one side written or taken over, as a person decided."""
        return await self._answer("settle", ask)

    @workflow.update(description="Leaves an object as it is")
    async def forget(self, ask: RemoteForget) -> RemoteAnswer:
        """Ends its life, in step or not; what is just tried is given up."""
        answer = await self._answer("forget", ask)
        if answer.accepted:
            self._asked += 1
        return answer

    async def _answer(
        self, verb: RemoteVerb, ask: RemoteResume | RemoteSettle | RemoteForget
    ) -> RemoteAnswer:
        update = workflow.current_update_info()
        assert update is not None, "only updates take requests"
        await workflow.wait_condition(lambda: self._state is not None)
        record = await self._act(verb, ask.model_dump(mode="json"), update.id)
        self._look = True
        refused = record.refused
        return RemoteAnswer(
            accepted=refused is None,
            refused=refused.code if refused else "",
            message=refused.message if refused else "",
            state=self._state,
        )

    @workflow.query(description="What is wanted of the object, and what it shows")
    def status(self) -> RemoteState:
        """Returns the object's state."""
        if self._state is None:
            msg = "the object is not recorded yet"
            raise ApplicationError(msg)
        return self._state

    # --- how news is taken ---

    async def _take_orders(self) -> None:
        while self._orders:
            order = self._orders.pop(0)
            await self._act("order", order.model_dump(mode="json"))

    async def _act(self, verb: RemoteVerb, ask: dict[str, Any], command: str = "") -> RemoteRecord:
        async with self._turn:
            record = await remote_ports.act_on_remote(
                RemoteAct(
                    id=self._id,
                    verb=verb,
                    ask=ask,
                    at=workflow.now(),
                    command=command or str(workflow.uuid4()),
                )
            )
            if record.state is not None and record.state != self._state:
                self._state = record.state
                workflow.set_current_details(remote_details_of(record.state))
        return record

    # --- the object's system ---

    async def _bring(self, state: RemoteState) -> None:
        """Has the system show what is wanted, until it does or something else is wanted."""
        self._look, self._is_bringing = False, True
        asked = self._asked
        outcome: Brought | None = None
        # The first failure is told; after that it is tried as long as it takes.
        once = state.unreachable_since is None or asked > self._tried
        bringing = asyncio.create_task(remote_ports.bring_remote(state, once=once))
        while not bringing.done() and self._wants(state) and self._asked == asked:
            await workflow.wait_condition(
                lambda: bringing.done() or bool(self._orders) or self._asked > asked
            )
            await self._take_orders()
        is_over = bringing.done()
        if not is_over:
            # The new want is told only after the old one has ended, or that could come in last.
            bringing.cancel()
        try:
            outcome = await bringing
        except asyncio.CancelledError:
            pass
        except ActivityError as error:
            if is_over and self._wants(state):
                await self._act("lose_sight", {"why": why_failed(error)})
                self._look = True
        if outcome is not None:
            await self._act("brought", outcome.model_dump(mode="json"))
        self._tried, self._is_bringing = asked, False

    def _wants(self, state: RemoteState) -> bool:
        return self._state is not None and self._state.wanted_number == state.wanted_number

    def _is_due(self, state: RemoteState) -> bool:
        if state.suspended is not None:
            return False
        return not state.in_step or (self._look and state.ended_at is None)

    # --- waiting ---

    def _has_news(self) -> bool:
        state = self._state
        return bool(self._orders) or (state is not None and self._is_due(state))

    async def _go_on_as_new(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        if not self._orders:
            workflow.continue_as_new(RemoteStart(id=self._id, state=self._state))
