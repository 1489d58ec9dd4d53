"""One launch's life: what a campaign shall do, and bringing its system to do it.

It runs apart from the measure's life and outlives it. Whatever is wanted follows from entries in
the ledger, so its state is the ledger's; this workflow adds order, timers, and the patience to try
until the system shows what is wanted. It never polls: the worker looks at the systems and sends
`look_now` only where one shows something else, so a quiet launch costs no history at all.
"""

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from measures.entry import measure_stream
    from measures.launch import (
        Desire,
        LaunchOrder,
        LaunchState,
        PauseOrder,
        ShareOrder,
        Sighting,
    )
    from measures.model import LONGEST_SPAN
    from workflows import ports
    from workflows.contract import (
        CAMPAIGN_SHOWS,
        FACTS_CHANGED,
        LAUNCH_WORKFLOW,
        LOOK_NOW,
        ORDER,
        PAUSE_CAMPAIGN,
        SET_SHARE,
        TRY_NOW,
        UNPAUSE,
        CampaignGlance,
        CampaignOrder,
        CampaignShown,
        LaunchAct,
        LaunchAnswer,
        LaunchRecord,
        LaunchStart,
        LaunchVerb,
    )
    from workflows.describing import launch_details_of
    from workflows.failing import why_failed
    from workflows.history import has_grown_long
    from workflows.waking import wake_all


A_MOMENT = timedelta(seconds=1)
"""How long an order that is no longer wanted may still be carried out before it is taken back."""


@workflow.defn(name=LAUNCH_WORKFLOW)
class LaunchControl:
    """The entity workflow of one campaign's launch, id ``launch:<ref>``."""

    @workflow.init
    def __init__(self, start: LaunchStart) -> None:
        self._ref = start.ref
        self._state = start.state
        self._news: list[tuple[LaunchVerb, dict[str, Any]]] = []
        # One request at a time: each decision must see all entries of the one before.
        self._turn = asyncio.Lock()
        # After a restart nobody knows what was missed while nothing ran: think and look again.
        self._dirty = True
        self._look = start.state is not None
        self._try_now = False
        self._look_again_at: datetime | None = None
        self._owes_answer = start.state is not None
        self._answered = ""

    @workflow.run
    async def run(self, start: LaunchStart) -> None:
        """Lives until the campaign has ended and is confirmed to be held."""
        if self._state is None:
            await self._act("look_up", {})
        while True:
            await self._take_news()
            state = self._state
            if state is None:
                await workflow.wait_condition(lambda: bool(self._news))
            elif not state.confirmed and state.ended_at is None:
                await self._bring(state)
            elif self._look and state.ended_at is None:
                await self._glance(state)
            elif self._owes_answer or self._answered != state.desire.state:
                await self._answer(state)
            elif has_grown_long():
                await self._go_on_as_new()
            elif state.ended_at is not None:
                await workflow.wait_condition(workflow.all_handlers_finished)
                if not self._must_think() and not self._owes_answer:
                    return
            else:
                await self._sleep()

    # --- what is told: signals, because whoever tells does not wait ---

    @workflow.signal(name=ORDER, description="What the measure wants of its campaign")
    def order(self, order: LaunchOrder) -> None:
        """Notes what the measure wants."""
        self._news.append(("order", order.model_dump(mode="json")))
        self._owes_answer = True

    @workflow.signal(name=SET_SHARE, description="How much of the campaign a pool has room for")
    def set_share(self, order: ShareOrder) -> None:
        """Notes how much a pool has room for."""
        self._news.append(("share", order.model_dump(mode="json")))

    @workflow.signal(name=PAUSE_CAMPAIGN, description="Stops the campaign")
    def pause_campaign(self, order: PauseOrder) -> None:
        """Notes a pause."""
        self._news.append(("pause", order.model_dump(mode="json")))

    @workflow.signal(name=UNPAUSE, description="Ends a source's pause")
    def unpause(self, order: PauseOrder) -> None:
        """Notes the end of a pause."""
        self._news.append(("unpause", order.model_dump(mode="json")))

    @workflow.signal(name=LOOK_NOW, description="The campaign's system may show something else")
    def look_now(self) -> None:
        """Notes that the system is to be looked at."""
        self._look = True

    @workflow.signal(name=TRY_NOW, description="The campaign's system may be called again")
    def try_now(self) -> None:
        """Notes that what waits to be tried again need not wait any longer."""
        self._try_now = True

    @workflow.signal(name=FACTS_CHANGED, description="Something its rules look at has changed")
    def facts_changed(self) -> None:
        """Notes that something it depends on has changed."""
        self._dirty = True

    # --- what a person asks: updates, because they wait for the answer ---

    @workflow.update(description="Stops the campaign until it is unpaused")
    async def ask_pause(self, ask: PauseOrder) -> LaunchAnswer:
        """Stops the campaign until it is unpaused."""
        return await self._take("pause", ask)

    @workflow.update(description="Lets the campaign go on")
    async def ask_unpause(self, ask: PauseOrder) -> LaunchAnswer:
        """Lets the campaign go on."""
        return await self._take("unpause", ask)

    @workflow.query(description="What is wanted of the campaign, and what it shows")
    def status(self) -> LaunchState:
        """Returns the launch's state."""
        if self._state is None:
            msg = "the launch is not recorded yet"
            raise ApplicationError(msg)
        return self._state

    # --- how a request is taken ---

    async def _take(self, verb: LaunchVerb, ask: PauseOrder) -> LaunchAnswer:
        update = workflow.current_update_info()
        assert update is not None, "only updates take requests"
        await workflow.wait_condition(lambda: self._state is not None)
        record = await self._act(verb, ask.model_dump(mode="json"), update.id, checks=True)
        state = self._state
        assert state is not None, "waited for above"
        refused = record.refused
        self._dirty = True
        return LaunchAnswer(
            ref=self._ref,
            accepted=refused is None,
            refused=refused.code if refused else "",
            message=refused.message if refused else "",
            phase=state.phase,
            number=state.number,
        )

    async def _take_news(self) -> None:
        while self._news:
            verb, ask = self._news.pop(0)
            await self._act(verb, ask)
            # Neither the ramp nor a window depends on what pools have room for.
            self._dirty = self._dirty or verb != "share"
        due = self._look_again_at
        while self._dirty or (due is not None and due <= workflow.now()):
            self._dirty = False
            number = self._state.number if self._state else 0
            await self._act("pass_time", {})
            due = self._look_again_at
            # One thing may follow from another: a black-out's end, then the next step.
            self._dirty = self._dirty or (self._state is not None and self._state.number != number)

    async def _act(
        self,
        verb: LaunchVerb,
        ask: dict[str, Any],
        command: str = "",
        *,
        checks: bool = False,
    ) -> LaunchRecord:
        async with self._turn:
            record = await ports.act_on_launch(
                LaunchAct(
                    ref=self._ref,
                    verb=verb,
                    ask=ask,
                    at=workflow.now(),
                    command=command or str(workflow.uuid4()),
                    checks=checks,
                )
            )
            if record.state is not None:
                known = self._state
                changed = known is None or record.state.number != known.number
                if known is None or _stops(known) != _stops(record.state):
                    self._owes_answer = True
                self._state = record.state
                if changed:
                    workflow.set_current_details(launch_details_of(record.state))
            self._look_again_at = record.look_again_at
        await wake_all(record.wake)
        return record

    # --- the campaign's system ---

    async def _bring(self, state: LaunchState) -> None:
        """Tells the system what is wanted until it shows it, or something else is wanted."""
        desire = state.desire
        seen = await self._tell(state, desire, once=state.unconfirmed_since is None)
        if seen is not None:
            told = desire.model_dump(mode="json")
            await self._act("confirm", {"seen": seen.model_dump(mode="json"), "told": told})
            self._look = False
            self._dirty = True

    async def _tell(self, state: LaunchState, desire: Desire, *, once: bool) -> Sighting | None:
        order = CampaignOrder(
            measure=state.measure,
            connector=state.campaign.connector,
            ref=self._ref,
            state=desire.state,
            share=desire.share,
            key=f"{workflow.info().workflow_id}#{state.number}",
        )
        self._try_now = False
        telling = asyncio.create_task(ports.bring_campaign(order, once=once))
        # A hold must not wait behind a release that is still being tried; and the new order is
        # given only after the old one has ended, so that the old one cannot come in last.
        while not telling.done() and self._wants(desire) and not self._try_now:
            await self._wait(lambda: telling.done() or self._must_think() or self._try_now)
            await self._take_news()
        await self._take_back(telling)
        try:
            return await telling
        except asyncio.CancelledError:
            why = "an order was taken back while it was carried out"
        except ActivityError as error:
            why = why_failed(error)
        # It may have had its effect all the same: what the system showed before proves nothing.
        await self._act("lose_sight", {"why": why})
        return None

    async def _take_back(self, telling: asyncio.Task[Sighting]) -> None:
        """Ends the telling of what is no longer wanted; at once for a hold, which must not wait.

        Else it may end by itself within a moment, as most are about to. One that ends in the very
        instant in which it is cancelled costs a workflow task, and leaves the server that skips
        time without an answer for good.
        """
        if self._state is not None and self._state.desire.state != "held":
            with contextlib.suppress(TimeoutError):
                await workflow.wait_condition(
                    telling.done, timeout=A_MOMENT, timeout_summary="a moment"
                )
        if not telling.done():
            telling.cancel()

    def _wants(self, desire: Desire) -> bool:
        return self._state is not None and self._state.desire == desire

    async def _glance(self, state: LaunchState) -> None:
        """Reads what the system shows and takes what follows from it."""
        self._look = False
        told = state.desire.model_dump(mode="json")
        glance = CampaignGlance(connector=state.campaign.connector, ref=self._ref)
        try:
            found = await ports.look_at_campaign(glance)
        except ActivityError as error:
            await self._act("lose_sight", {"why": why_failed(error)})
            return
        seen = found.seen.model_dump(mode="json") if found.seen else None
        await self._act("look", {"seen": seen, "told": told})
        self._dirty = True

    async def _answer(self, state: LaunchState) -> None:
        """Tells the measure what its campaign does; one that has ended is passed over."""
        self._owes_answer = False
        self._answered = state.desire.state
        handle = workflow.get_external_workflow_handle(measure_stream(state.measure))
        try:
            await handle.signal(CAMPAIGN_SHOWS, CampaignShown(ref=self._ref, state=self._answered))
        except ApplicationError as error:
            workflow.logger.info("measure %s was not told: %s", state.measure, error)

    # --- waiting ---

    def _has_news(self) -> bool:
        state = self._state
        return (
            self._must_think()
            or self._look
            or self._owes_answer
            or (state is not None and not state.confirmed)
        )

    def _must_think(self) -> bool:
        return bool(self._news) or self._dirty

    async def _sleep(self) -> None:
        due = self._look_again_at
        await self._wait(lambda: self._has_news() or has_grown_long() or self._look_again_at != due)

    async def _wait(self, until: Any) -> None:
        """Waits for a condition, or until something is due."""
        due = self._look_again_at
        timeout = (
            None if due is None else min(max(timedelta(0), due - workflow.now()), LONGEST_SPAN)
        )
        try:
            await workflow.wait_condition(
                until, timeout=timeout, timeout_summary=f"{self._ref}: step, black-out or window"
            )
        except TimeoutError:
            return

    async def _go_on_as_new(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        if not self._has_news():
            workflow.continue_as_new(LaunchStart(ref=self._ref, state=self._state))
        else:
            await self._take_news()


def _stops(state: LaunchState) -> tuple[set[str], bool]:
    """Returns what the measure's launch gate asks about a launch."""
    return set(state.pauses), state.unconfirmed_since is None
