"""One measure's life: it takes requests one at a time, waits at gates, and acts on time.

What a request leads to is decided and recorded by one local activity; this workflow folds what
the ledger recorded, so its state is the ledger's at every moment and a lost Temporal server
loses nothing. It adds what only a durable workflow can: order, waiting, timers, waking others.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from measures.answers import Answer, accepted, refused
    from measures.entry import Draft
    from measures.folding import fold_measure
    from measures.holdings import must_let_go, to_take_back
    from measures.judging import next_notice_at
    from measures.people import ENGINE
    from measures.permitting import next_permit_due
    from measures.requests import (
        AdvanceInput,
        AmendInput,
        LaunchInput,
        MigrateInput,
        ReasonInput,
        ReportInput,
        RevokeInput,
        RevokePermitInput,
        SignInput,
        WaiveInput,
    )
    from measures.state import MeasureState, Reserved
    from measures.status import Reason, Status, reasons_of, status_of
    from measures.waivers import demands_to_hold, next_expiry
    from workflows import ports
    from workflows.contract import (
        CAMPAIGN_SHOWS,
        FACTS_CHANGED,
        MAPPINGS_CHANGED,
        MEASURE_WORKFLOW,
        CampaignShown,
        MeasureAct,
        MeasureRecord,
        MeasureStart,
        MeasureVerb,
    )
    from workflows.history import has_grown_long
    from workflows.holdings import Holdings
    from workflows.launch_teller import LaunchTeller
    from workflows.remote_contract import RemotesTelling, RemotesTold
    from workflows.remote_teller import RemoteTeller
    from workflows.showing import Showing
    from workflows.waking import wake_all

RESERVATION_ATTEMPTS = 3
"""How often a gate is judged anew when others take the capacity between verdict and reservation."""

LAUNCH_GRACE = timedelta(minutes=1)
"""How long a launch has to tell that it may go on before the measure looks by itself."""


@workflow.defn(name=MEASURE_WORKFLOW)
class MeasureLifecycle:
    """The entity workflow of one measure, id ``measure:<id>``."""

    @workflow.init
    def __init__(self, start: MeasureStart) -> None:
        self._state = start.state
        # One request at a time: each decision must see all entries of the one before.
        self._turn = asyncio.Lock()
        # After a restart nobody knows what was missed while nothing ran: look again.
        self._dirty = True
        self._look_again_at: datetime | None = None
        # A shut gate ends the launch permit too; see `_judge_permit`.
        self._permit_dirty = True
        self._permit_tried_at: datetime | None = None
        self._to_wake: list[str] = []
        self._refused: ApplicationError | None = None
        self._holdings = Holdings(lambda: self._life)
        self._launch = LaunchTeller(lambda: self._life)
        self._remotes = RemoteTeller(lambda: self._life, concerned=start.mapped)
        self._shown_by_launch: CampaignShown | None = None
        self._showing = Showing(lambda: self._life, spaced=start.spaced)

    @workflow.run
    async def run(self, start: MeasureStart) -> None:
        """Lives until the measure is closed or cancelled."""
        if self._state is None:
            await self._define(start)
        if start.recovered:
            async with self._taking_turn():
                await self._fit_holdings(str(workflow.uuid4()))
                await self._holdings.restore()
        self._showing.show()
        telling = [
            asyncio.create_task(keep())
            for keep in (self._launch.keep, self._remotes.keep, self._showing.keep)
        ]
        while self._to_wake or not self._life.ended:
            if self._to_wake:
                woken, self._to_wake = self._to_wake, []
                await wake_all(woken)
            elif has_grown_long():
                await workflow.wait_condition(workflow.all_handlers_finished)
                # A handler may have left somebody to wake on its way out.
                if not self._to_wake:
                    self._showing.list_now()
                    workflow.continue_as_new(
                        MeasureStart(
                            measure=self._life.id,
                            state=self._life,
                            mapped=self._remotes.concerned,
                            spaced=True,
                        )
                    )
            else:
                await self._sleep()
                async with self._taking_turn():
                    await self._do_what_is_due()
        while not self._has_told():
            await workflow.wait_condition(
                lambda: self._has_told() or self._shown_by_launch is not None
            )
            async with self._taking_turn():
                await self._record_campaign()
        for one in telling:
            one.cancel()
        await workflow.wait_condition(workflow.all_handlers_finished)
        self._showing.list_now()

    # --- requests: updates, because whoever asks waits for the answer ---

    @workflow.update(description="Asks for the next gate; a blocked request keeps waiting")
    async def advance(self, ask: AdvanceInput) -> Answer:
        """Asks for the next gate."""
        return await self._take("advance", ask.model_dump(mode="json"))

    @workflow.update(description="Asks for the launch permit")
    async def launch(self, ask: LaunchInput) -> Answer:
        """Asks for the launch permit."""
        return await self._take("launch", ask.model_dump(mode="json"))

    @workflow.update(description="Gives a role's decision at a gate")
    async def sign(self, ask: SignInput) -> Answer:
        """Gives a role's decision at a gate."""
        return await self._take("sign", ask.model_dump(mode="json"))

    @workflow.update(description="Changes the plan")
    async def amend(self, ask: AmendInput) -> Answer:
        """Changes the plan."""
        return await self._take("amend", ask.model_dump(mode="json", by_alias=True))

    @workflow.update(description="Takes news: KPI, milestone, commitment, forecast, actual, proof")
    async def report(self, ask: ReportInput) -> Answer:
        """Takes news about the measure."""
        return await self._take("report", ask.model_dump(mode="json"))

    @workflow.update(description="Stops the measure until it is resumed")
    async def hold(self, ask: ReasonInput) -> Answer:
        """Stops the measure until it is resumed."""
        return await self._take("hold", ask.model_dump(mode="json"))

    @workflow.update(description="Ends a hold")
    async def resume(self, ask: ReasonInput) -> Answer:
        """Ends a hold."""
        return await self._take("resume", ask.model_dump(mode="json"))

    @workflow.update(description="Ends the measure without a result")
    async def cancel(self, ask: ReasonInput) -> Answer:
        """Ends the measure without a result and releases what the pools hold."""
        return await self._take("cancel", ask.model_dump(mode="json"))

    @workflow.update(description="Goes back to the stage before")
    async def step_back(self, ask: ReasonInput) -> Answer:
        """Goes back to the stage before."""
        return await self._take("step_back", ask.model_dump(mode="json"))

    @workflow.update(description="Sets one named blocker aside until a day")
    async def waive(self, ask: WaiveInput) -> Answer:
        """Sets one named blocker aside until a day."""
        return await self._take("waive", ask.model_dump(mode="json", by_alias=True))

    @workflow.update(description="Ends a waiver before its time")
    async def revoke_waiver(self, ask: RevokeInput) -> Answer:
        """Ends a waiver before its time."""
        return await self._take("revoke", ask.model_dump(mode="json"))

    @workflow.update(description="Ends the launch permit before its time")
    async def revoke_permit(self, ask: RevokePermitInput) -> Answer:
        """Ends the launch permit before its time."""
        return await self._take("revoke_permit", ask.model_dump(mode="json"))

    @workflow.update(description="Moves it to another version of a pack")
    async def migrate(self, ask: MigrateInput) -> Answer:
        """Moves it to another version of a pack; a waiting request is judged again at once."""
        return await self._take("migrate", ask.model_dump(mode="json"))

    @workflow.update(description="Answers once everything known so far has been judged")
    async def settle(self) -> Answer:
        """Answers once everything known so far has been judged."""
        await self._until_defined()
        async with self._taking_turn():
            await self._do_what_is_due()
            return accepted(self._life, (), self._verdict())

    @workflow.update(description="Tells its objects in other systems what it wants of them")
    async def sync_remotes(self, ask: RemotesTelling) -> RemotesTold:
        """Tells its objects in other systems what it wants of them, now."""
        await self._until_defined()
        return await self._remotes.tell(ask)

    # --- news: a signal, because whoever tells does not wait ---

    @workflow.signal(name=FACTS_CHANGED, description="Something it depends on has changed")
    def facts_changed(self) -> None:
        """Notes that something it depends on has changed."""
        self._dirty = self._permit_dirty = True

    @workflow.signal(name=MAPPINGS_CHANGED, description="A mapping may concern it that did not")
    def mappings_changed(self) -> None:
        """Notes that other systems may have to show something of it."""
        self._remotes.begin_anew()

    @workflow.signal(name=CAMPAIGN_SHOWS, description="What its campaign does now")
    def campaign_shows(self, shown: CampaignShown) -> None:
        """Notes what the launch found the campaign to do."""
        self._shown_by_launch = shown
        # A pause shuts the launch gate; its end opens it again for who waits there.
        held = shown.state == "held" and self._life.permit is not None
        if held or self._life.launch_waits is not None:
            self._permit_dirty = True

    # --- looking changes nothing ---

    @workflow.query(description="Everything there is to see of the measure")
    def status(self) -> Status:
        """Returns everything there is to see of the measure."""
        return status_of(
            self._life,
            workflow.now(),
            history_events=workflow.info().get_current_history_length(),
        )

    @workflow.query(description="Why the waiting request waits")
    def blockers(self) -> tuple[Reason, ...]:
        """Returns why the waiting request waits."""
        waiting = self._life.request
        return reasons_of(self._life, waiting.verdict) if waiting else ()

    def _has_told(self) -> bool:
        """Tells whether its campaign and its remote objects know all that follows from its life."""
        return self._launch.is_done() and self._remotes.is_done()

    # --- how a request is taken ---

    @property
    def _life(self) -> MeasureState:
        if self._state is None:
            msg = "the measure is not recorded yet"
            raise ApplicationError(msg)
        return self._state

    async def _take(self, verb: MeasureVerb, ask: dict[str, Any]) -> Answer:
        """Takes one request and everything that follows from it at once."""
        update = workflow.current_update_info()
        assert update is not None, "only updates take requests"
        await self._until_defined()
        async with self._taking_turn():
            record = await self._ask_gate(verb, ask, update.id)
            if record.refused is not None:
                return refused(self._life, record.refused, launch=verb == "launch")
            entries = record.entries
            if entries:
                self._launch.hear_news()
            if verb in ("cancel", "step_back", "hold"):
                entries = (*entries, *await self._fit_holdings(update.id))
            if verb == "resume":
                entries = (*entries, *await self._take_back(update.id))
            verdict = record.verdict
            if entries and verb != "launch":
                self._permit_dirty = True
            if verb not in ("advance", "launch") and not ask.get("advance", False):
                self._dirty = self._dirty or bool(entries)
                await self._judge_again()
                # A waiver that opened the gate shows in the gate's answer, beside who gave it.
                shown = self._life.request is not None or verb == "waive"
                verdict = self._verdict() if shown else None
            elif verdict is None:
                verdict = self._life.last_verdict
            return accepted(self._life, entries, verdict)

    async def _until_defined(self) -> None:
        if self._state is None:
            await workflow.wait_condition(lambda: bool(self._state or self._refused))
            if self._refused is not None:
                raise self._refused

    @asynccontextmanager
    async def _taking_turn(self) -> AsyncIterator[None]:
        """Lets one in at a time, and shows once what came of it: showing costs an event."""
        async with self._turn:
            yield
            # Not in a `finally`: when the worker drops a workflow from memory, what is left of it
            # ends outside any workflow, where nothing can be shown.
            self._showing.show()

    async def _ask_gate(
        self, verb: MeasureVerb, ask: dict[str, Any], command: str
    ) -> MeasureRecord:
        """Acts, and reserves capacity in between where the gate would open only with it."""
        record = await self._act(verb, ask, command)
        attempt = 0
        disturbed = False
        while record.wants_capacity:
            attempt += 1
            gate = self._life.next_gate
            hard = gate == self._life.lifecycle.hard_at
            wanted = self._life.plan.demands if record.demands is None else record.demands
            demands = demands_to_hold(wanted, record.verdict)
            held = await self._holdings.hold(
                demands, hard=hard, command=f"{command}:{attempt}", reason=str(gate)
            )
            record = await self._act(
                verb,
                ask,
                command,
                held=None if held.lacking else held.reserved,
                final=attempt >= RESERVATION_ATTEMPTS,
            )
            disturbed = disturbed or held.changed
        # Pools that were asked before one could not, or whose capacity did not help after all.
        if disturbed and held.reserved != self._life.reserved:
            await self._holdings.restore()
        return record

    async def _judge_again(self) -> None:
        """Judges the waiting request again until nothing new has come in meanwhile."""
        while self._dirty and self._is_waiting():
            self._dirty = False
            self._look_again_at = None
            await self._ask_gate("advance", {"by": ENGINE}, str(workflow.uuid4()))

    async def _act(
        self,
        verb: MeasureVerb,
        ask: dict[str, Any],
        command: str,
        *,
        held: Reserved | None = None,
        final: bool = False,
    ) -> MeasureRecord:
        record = await ports.act_on_measure(
            MeasureAct(
                measure=self._life.id,
                known=self._life.number,
                verb=verb,
                ask=ask,
                at=workflow.now(),
                command=command,
                held=held,
                final=final,
            )
        )
        self._absorb(record.entries)
        self._remotes.hear(concerned=record.mapped)
        # Facts that changed meanwhile, or entries of an attempt that died before it was answered.
        if record.stale or any(entry.command != command for entry in record.entries):
            self._dirty = True
        self._to_wake += [other for other in record.wake if other not in self._to_wake]
        if record.look_again_at is not None:
            self._look_again_at = record.look_again_at
        if record.places is not None:
            await ports.take_places(record.places)
        return record

    def _absorb(self, entries: Sequence[Draft]) -> None:
        for entry in entries:
            self._state = fold_measure(self._state, entry)

    def _verdict(self) -> Any:
        waiting = self._life.request
        return waiting.verdict if waiting else self._life.last_verdict

    def _is_waiting(self) -> bool:
        state = self._life
        return state.request is not None and state.on_hold is None and not state.ended

    # --- beginning ---

    async def _define(self, start: MeasureStart) -> None:
        assert start.plan is not None, "a new measure brings its plan"
        record = await ports.act_on_measure(
            MeasureAct(
                measure=start.measure,
                known=0,
                verb="define",
                ask={"by": start.by, "plan": start.plan.model_dump(mode="json", by_alias=True)},
                at=workflow.now(),
                command=start.command or workflow.info().run_id,
            )
        )
        if record.refused is not None:
            self._refused = ApplicationError(
                record.refused.message, type=record.refused.code, non_retryable=True
            )
            # Whoever asks already hears the reason rather than that there is nobody any more.
            await workflow.wait_condition(workflow.all_handlers_finished)
            raise self._refused
        self._absorb(record.entries)
        self._remotes.hear(concerned=record.mapped)

    # --- capacity ---

    async def _fit_holdings(self, command: str) -> tuple[Draft, ...]:
        """Releases capacity that a cancelled, held or stepped back measure may no longer hold."""
        if not must_let_go(self._life):
            return ()
        await self._holdings.hold((), hard=False, command=f"{command}:release", reason="released")
        record = await self._act("released", {}, f"{command}:released")
        return record.entries

    async def _take_back(self, command: str) -> tuple[Draft, ...]:
        """Takes back what a hold released, all of it or nothing; its launch stays shut without."""
        demands = to_take_back(self._life)
        if not demands:
            return ()
        held = await self._holdings.hold(
            demands, hard=True, command=f"{command}:back", reason="resumed"
        )
        if held.lacking:
            await self._holdings.restore()
            return ()
        ask = held.reserved.model_dump(mode="json")
        return (await self._act("reserved", ask, f"{command}:reserved")).entries

    # --- waiting, timers, errands ---

    async def _sleep(self) -> None:
        """Waits for news or for the next moment at which something is due."""
        due = self._next_due()
        timeout = None if due is None else max(timedelta(0), due - workflow.now())
        try:
            await workflow.wait_condition(
                # What was asked or given meanwhile may be due before what is slept for.
                lambda: self._has_news() or self._next_due() != due,
                timeout=timeout,
                timeout_summary=self._why_wake(),
            )
        except TimeoutError:
            return

    def _has_news(self) -> bool:
        return (
            (self._dirty and self._is_waiting())
            or (self._permit_dirty and (self._has_permit() or self._life.launch_waits is not None))
            or self._life.ended
            or bool(self._to_wake)
            or self._shown_by_launch is not None
            or has_grown_long()
        )

    def _next_due(self) -> datetime | None:
        moments = [next_expiry(self._life.waivers)]
        if self._has_permit():
            moments.append(next_permit_due(self._life.permit, self._permit_tried_at))
        moments.append(self._launch_due())
        if self._is_waiting():
            moments += [self._notice_at(), self._look_again_at]
        return min((moment for moment in moments if moment is not None), default=None)

    def _notice_at(self) -> datetime | None:
        waiting = self._life.request
        return next_notice_at(waiting, self._life) if waiting is not None else None

    def _why_wake(self) -> str:
        return f"{self._life.id}: remind, escalate, end a waiver, renew a permit or look again"

    async def _do_what_is_due(self) -> None:
        await self._record_campaign()
        now = workflow.now()
        notice_at = self._notice_at()
        if self._is_waiting() and notice_at is not None and notice_at <= now:
            await self._act("notify", {}, str(workflow.uuid4()))
        expiry = next_expiry(self._life.waivers)
        if expiry is not None and expiry <= now and not self._life.ended:
            await self._act("expire", {}, str(workflow.uuid4()))
            self._dirty = True
        await self._judge_permit(now)
        if self._look_again_at is not None and self._look_again_at <= now:
            self._dirty = True
        await self._judge_again()

    def _has_permit(self) -> bool:
        """Tells whether a permit stands that time can end; those of an older release do not."""
        permit = self._life.permit
        return permit is not None and permit.expires_at is not None and not self._life.ended

    def _launch_due(self) -> datetime | None:
        """Returns when a launch that waits is judged again if its launch has not woken it."""
        waits = self._life.launch_waits
        if waits is None or waits.look_at is None:
            return None
        return waits.look_at + LAUNCH_GRACE

    async def _judge_permit(self, now: datetime) -> None:
        """Renews the permit, ends it, or asks for it again: in time, or when a fact has changed."""
        waits = self._life.launch_waits
        if waits is not None:
            due = self._launch_due()
            if self._permit_dirty or (due is not None and due <= now):
                self._permit_dirty = False
                await self._act("launch_again", {}, str(workflow.uuid4()))
            return
        if not self._has_permit():
            self._permit_dirty = False
            return
        due = next_permit_due(self._life.permit, self._permit_tried_at)
        if self._permit_dirty or (due is not None and due <= now):
            self._permit_dirty = False
            self._permit_tried_at = now
            await self._act("renew_permit", {}, str(workflow.uuid4()))

    async def _record_campaign(self) -> None:
        shown, self._shown_by_launch = self._shown_by_launch, None
        if shown is not None and shown.state != self._life.campaign_told:
            await self._act("told", {"state": shown.state}, str(workflow.uuid4()))
