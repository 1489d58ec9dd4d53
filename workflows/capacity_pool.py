"""One pool's life: it lends its capacity, and reservations happen only here.

Like a measure's workflow it folds what the ledger recorded. Whoever waits for its capacity is
woken before a request is answered, whose turn in the queue comes first at the head.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from measures.entry import Draft
    from measures.pool import PoolState, fold_pool, next_expiry
    from measures.requests import CapacityInput, LoadInput, PoolInput
    from workflows import ports
    from workflows.contract import (
        OWNER,
        POOL_WORKFLOW,
        PoolAct,
        PoolAnswer,
        PoolRecord,
        PoolStart,
        PoolVerb,
        QueueAsk,
        ReleaseAsk,
        ReserveAsk,
    )
    from workflows.describing import pool_details_of
    from workflows.history import has_grown_long
    from workflows.load_contract import LoadAct, LoadAnswer
    from workflows.share_telling import tell_shares
    from workflows.waking import wake_all


_STATES = ("report_capacity", "change")
"""The requests that state what there is."""


@workflow.defn(name=POOL_WORKFLOW)
class CapacityPool:
    """The entity workflow of one pool, id ``pool:<id>``."""

    @workflow.init
    def __init__(self, start: PoolStart) -> None:
        self._state = start.state
        self._due = next_expiry(start.state) if start.state is not None else None
        # One request at a time: this is what makes a reservation all or nothing.
        self._turn = asyncio.Lock()
        self._shown_owner = workflow.info().typed_search_attributes.get(OWNER)

    @workflow.run
    async def run(self, start: PoolStart) -> None:
        """Lives for ever, continuing as new when its history has grown."""
        if self._state is None:
            assert start.document is not None, "a new pool brings its document"
            record = await self._act(
                "open",
                {"by": start.by, "pool": start.document.model_dump(mode="json")},
                start.command or workflow.info().run_id,
                pool=start.pool,
            )
            if record.refused is not None:
                raise ApplicationError(
                    record.refused.message, type=record.refused.code, non_retryable=True
                )
        self._show()
        while not has_grown_long():
            await self._sleep()
            await self._expire()
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(PoolStart(pool=start.pool, state=self._state))

    @workflow.update(description="The owner reports what the pool can take in a period")
    async def report_capacity(self, ask: CapacityInput) -> PoolAnswer:
        """Takes a capacity report and wakes whoever waits for capacity."""
        return await self._take("report_capacity", ask.model_dump(mode="json"))

    @workflow.update(description="Takes the live load and throttles the launches by it")
    async def report_load(self, ask: LoadInput) -> LoadAnswer:
        """Takes the live load, decides what it leads to, and tells the launches."""
        update = workflow.current_update_info()
        assert update is not None, "only updates take requests"
        await workflow.wait_condition(lambda: self._state is not None)
        async with self._turn:
            state = self._life
            record = await ports.act_on_load(
                LoadAct(
                    pool=state.pool.id,
                    known=state.number,
                    ask=ask,
                    at=workflow.now(),
                    command=update.id,
                )
            )
            self._absorb(record.entries)
            state = self._life
        if record.refused is not None:
            return LoadAnswer(
                pool=state.pool.id,
                accepted=False,
                refused=record.refused.code,
                message=record.refused.message,
                number=state.number,
            )
        return LoadAnswer(
            pool=state.pool.id,
            accepted=True,
            action=record.action,
            why=record.why,
            utilisation=state.load.utilisation if state.load else 0.0,
            shares={one.measure: one.share for one in record.running},
            missed=await tell_shares(state, record.tell, record.why),
            number=state.number,
        )

    @workflow.update(description="The pool's document has changed")
    async def change(self, ask: PoolInput) -> PoolAnswer:
        """Takes a changed document and wakes whoever waits for capacity."""
        return await self._take("change", ask.model_dump(mode="json"))

    @workflow.update(description="Holds, or notes, a measure's demands: all periods or none")
    async def reserve(self, ask: ReserveAsk) -> PoolAnswer:
        """Holds, or notes, a measure's demands: all periods or none."""
        return await self._take("reserve", ask.model_dump(mode="json"))

    @workflow.update(description="Forgets what is held for a measure")
    async def release(self, ask: ReleaseAsk) -> PoolAnswer:
        """Forgets what is held for a measure and wakes whoever waits for capacity."""
        return await self._take("release", ask.model_dump(mode="json"))

    @workflow.update(description="Has a measure wait for capacity here, or no longer")
    async def queue(self, ask: QueueAsk) -> PoolAnswer:
        """Has a measure wait for capacity here, or no longer."""
        return await self._take("queue", ask.model_dump(mode="json"))

    @workflow.query(description="Capacity and reservations")
    def status(self) -> PoolState:
        """Returns capacity and reservations."""
        assert self._state is not None, "the pool is not recorded yet"
        return self._state

    async def _take(self, verb: PoolVerb, ask: dict[str, Any]) -> PoolAnswer:
        update = workflow.current_update_info()
        assert update is not None, "only updates take requests"
        await workflow.wait_condition(lambda: self._state is not None)
        assert self._state is not None, "waited for above"
        async with self._turn:
            record = await self._act(verb, ask, update.id, pool=self._state.pool.id)
            number = self._state.number
        if record.refused is not None:
            return PoolAnswer(
                pool=self._state.pool.id,
                accepted=False,
                refused=record.refused.code,
                message=record.refused.message,
                number=number,
            )
        concerned = dict.fromkeys((*record.wake, *record.shifted, *record.launched))
        await wake_all(tuple(concerned))
        return PoolAnswer(
            pool=self._state.pool.id,
            accepted=True,
            lacking=record.lacking,
            changed=bool(record.entries),
            woken=record.wake,
            # Also of a report that repeats the one before: they lack it still.
            uncovered=tuple(self._state.overcommitted()) if verb in _STATES else (),
            number=number,
        )

    async def _sleep(self) -> None:
        """Waits until something held, noted or waited for is over, or the history has grown."""
        due = self._due
        timeout = None if due is None else max(timedelta(0), due - workflow.now())
        try:
            await workflow.wait_condition(
                lambda: has_grown_long() or self._due != due,
                timeout=timeout,
                timeout_summary="end what is over",
            )
        except TimeoutError:
            return

    async def _expire(self) -> None:
        """Ends what is over and wakes whoever waits for the capacity."""
        if self._state is None or self._due is None or self._due > workflow.now():
            return
        async with self._turn:
            record = await self._act("expire", {}, str(workflow.uuid4()), pool=self._state.pool.id)
        await wake_all(record.wake)

    async def _act(
        self, verb: PoolVerb, ask: dict[str, Any], command: str, *, pool: str
    ) -> PoolRecord:
        record = await ports.act_on_pool(
            PoolAct(
                pool=pool,
                known=self._state.number if self._state else 0,
                verb=verb,
                ask=ask,
                at=workflow.now(),
                command=command,
            )
        )
        self._absorb(record.entries)
        return record

    @property
    def _life(self) -> PoolState:
        assert self._state is not None, "the pool is not recorded yet"
        return self._state

    def _absorb(self, entries: Sequence[Draft]) -> None:
        for entry in entries:
            self._state = fold_pool(self._state, entry)
        if entries:
            self._due = next_expiry(self._life)
            self._show()

    def _show(self) -> None:
        if self._state is None:
            return
        owner = self._state.pool.owner
        if self._shown_owner != owner:
            workflow.upsert_search_attributes([OWNER.value_set(owner)])
            self._shown_owner = owner
        workflow.set_current_details(pool_details_of(self._state))
