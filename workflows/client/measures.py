"""Verbs for measures."""

from collections.abc import Sequence

from pydantic import BaseModel
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError

from measures.answers import Answer
from measures.entry import measure_stream
from measures.errors import RefusedError
from measures.plan import Measure
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
from measures.state import MeasureState
from measures.status import Status
from workflows.client.speaking import Beginning, Speaker, fresh_key, in_turns, refuse_large
from workflows.contract import (
    DECISION_LIMIT,
    FACTS_LIMIT,
    MEASURE_WORKFLOW,
    OWNER,
    PACKAGE,
    STAGE,
    TYPE,
    VERDICT,
    MeasureStart,
    PoolAnswer,
)
from workflows.describing import summary_of


class MeasureVerbs(Speaker):
    """Begins measures and asks them."""

    async def define(self, plan: Measure, by: str, *, key: str | None = None) -> Answer:
        """Starts a measure's workflow and waits until the measure is recorded.

        Raises:
            RefusedError: ``exists`` when it has one already, ``too-large``, or what
                `measures.decisions.define` refuses.
        """
        refuse_large(plan, FACTS_LIMIT, f"measure {plan.id}")
        start = MeasureStart(
            measure=plan.id, plan=plan, by=by, command=key or fresh_key(), spaced=True
        )
        stream = measure_stream(plan.id)
        try:
            answer = await self._begin_and_ask(_beginning(start, plan), "settle", Answer)
        except RefusedError as error:
            raise await self._why_never_begun(stream) or error from None
        if answer is None:
            raise RefusedError("exists", f"{stream} is there already")
        return answer

    async def restart_measure(self, state: MeasureState) -> bool:
        """Starts the workflow of a life that the ledger knows; False when it runs already."""
        start = MeasureStart(measure=state.id, state=state, recovered=True, spaced=True)
        return await self._begin(_beginning(start, state.plan))

    async def advance(self, measure: str, by: str, *, key: str | None = None) -> Answer:
        """Asks for the next gate."""
        return await self._ask(measure, "advance", AdvanceInput(by=by), key)

    async def launch(
        self, measure: str, by: str, *, content: str | None = None, key: str | None = None
    ) -> Answer:
        """Asks for the launch permit."""
        return await self._ask(measure, "launch", LaunchInput(by=by, content=content), key)

    async def sign(self, measure: str, ask: SignInput, *, key: str | None = None) -> Answer:
        """Gives a role's decision at a gate."""
        return await self._ask(measure, "sign", ask, key)

    async def amend(self, measure: str, ask: AmendInput, *, key: str | None = None) -> Answer:
        """Changes the plan."""
        return await self._ask(measure, "amend", ask, key, FACTS_LIMIT)

    async def report(self, measure: str, ask: ReportInput, *, key: str | None = None) -> Answer:
        """Reports news."""
        return await self._ask(measure, "report", ask, key, FACTS_LIMIT)

    async def hold(self, measure: str, ask: ReasonInput, *, key: str | None = None) -> Answer:
        """Stops the measure until it is resumed."""
        return await self._ask(measure, "hold", ask, key)

    async def resume(self, measure: str, ask: ReasonInput, *, key: str | None = None) -> Answer:
        """Ends a hold."""
        return await self._ask(measure, "resume", ask, key)

    async def cancel(self, measure: str, ask: ReasonInput, *, key: str | None = None) -> Answer:
        """Ends the measure without a result."""
        return await self._ask(measure, "cancel", ask, key)

    async def step_back(self, measure: str, ask: ReasonInput, *, key: str | None = None) -> Answer:
        """Goes back to the stage before."""
        return await self._ask(measure, "step_back", ask, key)

    async def waive(self, measure: str, ask: WaiveInput, *, key: str | None = None) -> Answer:
        """Sets one named blocker aside until a day."""
        return await self._ask(measure, "waive", ask, key)

    async def revoke_waiver(
        self, measure: str, ask: RevokeInput, *, key: str | None = None
    ) -> Answer:
        """Ends a waiver before its time."""
        return await self._ask(measure, "revoke_waiver", ask, key)

    async def migrate(self, measure: str, ask: MigrateInput, *, key: str | None = None) -> Answer:
        """Moves a measure to another version of a pack."""
        return await self._ask(measure, "migrate", ask, key)

    async def revoke_permit(
        self, measure: str, ask: RevokePermitInput, *, key: str | None = None
    ) -> Answer:
        """Ends the launch permit before its time."""
        return await self._ask(measure, "revoke_permit", ask, key)

    async def settle(self, measure: str) -> Answer:
        """Waits until everything known so far has been judged."""
        return await self._ask(measure, "settle", None, None)

    async def status(self, measure: str) -> Status:
        """Returns everything there is to see of a measure."""
        return await self._look(measure_stream(measure), "status", Status)

    async def tell_facts_changed(self, measures: Sequence[str]) -> None:
        """Makes waiting measures look again; one that has ended is passed over."""
        await in_turns(measures, lambda name: self._signal(measure_stream(name)))

    async def settle_all(self, measures: Sequence[str]) -> dict[str, Answer | None]:
        """Waits until these measures have judged what they know; None for one that has ended."""
        return dict(zip(measures, await in_turns(measures, self._settle_or_ended), strict=True))

    async def freed_by(self, answer: PoolAnswer) -> tuple[str, ...]:
        """Returns which of the measures that a pool woke have moved on."""
        settled = await self.settle_all(answer.woken)
        return tuple(
            measure
            for measure, now in settled.items()
            if now is None or (now.verdict == "pass" and not now.waiting_for)
        )

    async def _ask(
        self,
        measure: str,
        update: str,
        ask: BaseModel | None,
        key: str | None,
        limit: int = DECISION_LIMIT,
    ) -> Answer:
        return await self._update(measure_stream(measure), update, ask, key, limit, Answer)

    async def _why_never_begun(self, stream: str) -> RefusedError | None:
        """Returns what refused a life that has just been asked for; None when nothing did."""
        handle = self.temporal.get_workflow_handle(stream)
        if (await handle.describe()).status is not WorkflowExecutionStatus.FAILED:
            return None
        try:
            await handle.result()
        except WorkflowFailureError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError) and cause.type:
                return RefusedError(cause.type, cause.message)
        return None

    async def _settle_or_ended(self, measure: str) -> Answer | None:
        try:
            return await self.settle(measure)
        except RefusedError:
            return None


def _beginning(start: MeasureStart, plan: Measure) -> Beginning:
    waiting = start.state.request if start.state else None
    attributes = TypedSearchAttributes(
        [
            SearchAttributePair(STAGE, start.state.stage if start.state else "defined"),
            SearchAttributePair(VERDICT, waiting.verdict.verdict if waiting else "none"),
            SearchAttributePair(TYPE, plan.type),
            SearchAttributePair(PACKAGE, plan.package),
            SearchAttributePair(OWNER, plan.owner or "none"),
        ]
    )
    return Beginning(
        MEASURE_WORKFLOW,
        measure_stream(plan.id),
        start,
        summary=summary_of(plan.title, plan.id),
        title=plan.title,
        attributes=attributes,
        reuse=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    )
