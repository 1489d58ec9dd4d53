"""Typed verbs over the Temporal client: the one way in for console, worker and inbound news.

Every request carries an id: asking twice with the same id changes nothing the second time.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from pydantic import BaseModel
from temporalio.client import (
    Client,
    RPCError,
    TLSConfig,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCStatusCode

from measures.answers import Answer
from measures.documents import Measure, Pool
from measures.entry import launch_stream, measure_stream, pool_stream
from measures.errors import EngineError, NoAnswerYetError, RefusedError
from measures.launch import LaunchOrder, LaunchState, PauseOrder, ref_of
from measures.pool import PoolState
from measures.requests import (
    AdvanceInput,
    AmendInput,
    CapacityInput,
    LaunchInput,
    LoadInput,
    MigrateInput,
    PoolInput,
    ReasonInput,
    ReportInput,
    RevokeInput,
    RevokePermitInput,
    SignInput,
    WaiveInput,
)
from measures.state import MeasureState
from measures.status import Status
from workflows.contract import (
    DECISION_LIMIT,
    FACTS_CHANGED,
    FACTS_LIMIT,
    LAUNCH_WORKFLOW,
    LOOK_NOW,
    MEASURE_WORKFLOW,
    ORDER,
    OWNER,
    PACKAGE,
    POOL_WORKFLOW,
    REVOCATIONS_WORKFLOW,
    STAGE,
    TRY_NOW,
    TYPE,
    VERDICT,
    LaunchAnswer,
    LaunchStart,
    MeasureStart,
    PoolAnswer,
    PoolStart,
    QueueAsk,
    ReleaseAsk,
    ReserveAsk,
    SignedRevocations,
)
from workflows.describing import summary_of
from workflows.load_contract import LoadAnswer
from workflows.settings import TemporalSettings

TASK_TIMEOUT = timedelta(seconds=2)
"""How long a dead worker keeps a workflow task; rules are judged in milliseconds."""

PATIENCE = timedelta(seconds=30)
"""How long an answer is waited for before the asker is told that it still runs."""

AT_ONCE = 10
"""Updates in flight; beyond it the tail grows faster than the rate (docs: temporal.md 1)."""

_LISTED = {"launch": "get launches", "remote": "connectors explain MEASURE"}
"""The commands that list what runs, where they are not `get` with an s."""

_R = TypeVar("_R", bound=BaseModel)
_T = TypeVar("_T")


async def connect(settings: TemporalSettings) -> Client:
    """Connects to the Temporal server that the settings name.

    Raises:
        EngineError: when it does not answer.
    """
    tls: TLSConfig | bool = settings.temporal_tls
    files = (settings.temporal_tls_ca, settings.temporal_tls_cert, settings.temporal_tls_key)
    if any(files):
        ca, cert, key = (path.read_bytes() if path else None for path in files)
        tls = TLSConfig(server_root_ca_cert=ca, client_cert=cert, client_private_key=key)
    api_key = settings.temporal_api_key
    try:
        return await Client.connect(
            settings.temporal_address,
            namespace=settings.temporal_namespace,
            data_converter=pydantic_data_converter,
            tls=tls,
            api_key=api_key.get_secret_value() if api_key else None,
        )
    except RuntimeError as error:
        raise EngineError(
            f"no Temporal server answers at {settings.temporal_address} ({error});"
            " start one with: sluice up"
        ) from error


class SluiceClient:
    """Asks measures and pools.

    Args:
        temporal: a connected client with the pydantic data converter.
        task_queue: where the workers listen.
        patience: how long an answer is waited for.
    """

    def __init__(
        self, temporal: Client, task_queue: str = "measures", patience: timedelta = PATIENCE
    ) -> None:
        self.temporal = temporal
        self._task_queue = task_queue
        self._patience = patience

    # --- beginning a life ---

    async def define(self, plan: Measure, by: str, *, key: str | None = None) -> Answer:
        """Starts a measure's workflow and waits until the measure is recorded.

        Raises:
            RefusedError: ``exists`` when it has one already, ``too-large``, or what
                `measures.decisions.define` refuses.
        """
        _refuse_large(plan, FACTS_LIMIT, f"measure {plan.id}")
        start = MeasureStart(measure=plan.id, plan=plan, by=by, command=key or _fresh())
        await self._start_measure(start, plan)
        try:
            return await self.settle(plan.id)
        except RefusedError as error:
            raise await self._why_never_begun(measure_stream(plan.id)) or error from None

    async def restart_measure(self, state: MeasureState) -> bool:
        """Starts the workflow of a life that the ledger knows; False when it runs already."""
        start = MeasureStart(measure=state.id, state=state, recovered=True)
        try:
            await self._start_measure(start, state.plan)
        except RefusedError:
            return False
        return True

    async def open_pool(self, pool: Pool, by: str, *, key: str | None = None) -> PoolState:
        """Starts a pool's workflow and waits until the pool is recorded.

        Raises:
            RefusedError: ``exists`` or ``too-large``.
        """
        _refuse_large(pool, FACTS_LIMIT, f"pool {pool.id}")
        await self._start_pool(
            PoolStart(pool=pool.id, document=pool, by=by, command=key or _fresh()), pool
        )
        await self.change_pool(pool, by)
        return await self.pool_status(pool.id)

    async def restart_pool(self, state: PoolState) -> bool:
        """Starts the workflow of a pool that the ledger knows; False when it runs already."""
        try:
            await self._start_pool(PoolStart(pool=state.pool.id, state=state), state.pool)
        except RefusedError:
            return False
        return True

    # --- asking a measure ---

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

    # --- asking a pool ---

    async def report_capacity(
        self, pool: str, ask: CapacityInput, *, key: str | None = None
    ) -> PoolAnswer:
        """Reports a pool's capacity in a period."""
        return await self._ask_pool(pool, "report_capacity", ask, key)

    async def report_load(self, pool: str, ask: LoadInput, *, key: str | None = None) -> LoadAnswer:
        """Reports a pool's live load; the launches on it are throttled by it."""
        return await self._update(
            pool_stream(pool), "report_load", ask, key, DECISION_LIMIT, LoadAnswer
        )

    async def change_pool(self, pool: Pool, by: str, *, key: str | None = None) -> PoolAnswer:
        """Brings a pool's document to a newer version."""
        return await self._ask_pool(pool.id, "change", PoolInput(by=by, pool=pool), key)

    async def reserve(self, pool: str, ask: ReserveAsk, *, key: str) -> PoolAnswer:
        """Makes one pool hold, or note, a measure's demands."""
        return await self._ask_pool(pool, "reserve", ask, key)

    async def release(self, pool: str, ask: ReleaseAsk, *, key: str) -> PoolAnswer:
        """Makes one pool forget what it holds for a measure."""
        return await self._ask_pool(pool, "release", ask, key)

    async def queue(self, pool: str, ask: QueueAsk, *, key: str) -> PoolAnswer:
        """Makes a measure wait for one pool's capacity, or no longer."""
        return await self._ask_pool(pool, "queue", ask, key)

    async def pool_status(self, pool: str) -> PoolState:
        """Returns a pool's capacity and reservations."""
        return await self._look(pool_stream(pool), "status", PoolState)

    async def freed_by(self, answer: PoolAnswer) -> tuple[str, ...]:
        """Returns which of the measures that a pool woke have moved on."""
        settled = await self.settle_all(answer.woken)
        return tuple(
            measure
            for measure, now in settled.items()
            if now is None or (now.verdict == "pass" and not now.waiting_for)
        )

    # --- asking for what checks permits ---

    async def signed_revocations(self) -> str:
        """Returns the signed list of the permits that no longer count, as of now.

        Raises:
            EngineError: no server or no worker answers, or there is no key to sign with.
        """
        name = f"revocations:{_fresh()}"
        try:
            signed: SignedRevocations = await self.temporal.execute_workflow(
                REVOCATIONS_WORKFLOW,
                id=name,
                task_queue=self._task_queue,
                task_timeout=TASK_TIMEOUT,
                result_type=SignedRevocations,
                # Nobody wants an old list: one that nobody made in time is never made.
                execution_timeout=self._patience,
            )
        except WorkflowFailureError as error:
            raise EngineError(
                f"the list of revoked permits was not signed ({error.cause}); does a worker run?"
            ) from error
        except RPCError as error:
            raise unreachable(name, error) from error
        return signed.text

    # --- telling and asking a launch ---

    async def tell_launch(self, order: LaunchOrder) -> None:
        """Tells a launch what its measure wants; starts its workflow where none runs."""
        ref = ref_of(order.campaign)
        await self._start_launch(LaunchStart(ref=ref), order)

    async def restart_launch(self, state: LaunchState) -> bool:
        """Starts the workflow of a launch that the ledger knows; False when it runs already."""
        return await self._start_launch(LaunchStart(ref=state.ref, state=state))

    async def pause_launch(
        self, ref: str, ask: PauseOrder, *, key: str | None = None
    ) -> LaunchAnswer:
        """Stops a campaign until somebody lets it go on."""
        return await self._update(
            launch_stream(ref), "ask_pause", ask, key, DECISION_LIMIT, LaunchAnswer
        )

    async def unpause_launch(
        self, ref: str, ask: PauseOrder, *, key: str | None = None
    ) -> LaunchAnswer:
        """Lets a paused campaign go on."""
        return await self._update(
            launch_stream(ref), "ask_unpause", ask, key, DECISION_LIMIT, LaunchAnswer
        )

    async def look_now(self, ref: str) -> None:
        """Makes a launch look at its campaign now; one that has ended is passed over."""
        await self._signal(launch_stream(ref), LOOK_NOW)

    async def try_now(self, ref: str) -> None:
        """Makes a launch that waits to try again do so at once."""
        await self._signal(launch_stream(ref), TRY_NOW)

    async def tell_launches_facts_changed(self, refs: Sequence[str]) -> None:
        """Makes launches think again about black-outs and ramps."""
        await in_turns(refs, lambda ref: self._signal(launch_stream(ref)))

    async def launch_status(self, ref: str) -> LaunchState:
        """Returns a launch's state."""
        return await self._look(launch_stream(ref), "status", LaunchState)

    async def _start_launch(self, start: LaunchStart, order: LaunchOrder | None = None) -> bool:
        try:
            handle = await self.temporal.start_workflow(
                LAUNCH_WORKFLOW,
                start,
                id=launch_stream(start.ref),
                task_queue=self._task_queue,
                task_timeout=TASK_TIMEOUT,
                static_summary=summary_of("Launch", start.ref),
                memo={"title": start.ref},
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING
                if order
                else WorkflowIDConflictPolicy.FAIL,
                start_signal=ORDER if order else None,
                start_signal_args=[order] if order else [],
            )
        except WorkflowAlreadyStartedError:
            return False
        except RPCError as error:
            raise unreachable(launch_stream(start.ref), error) from error
        return handle is not None

    # --- how it is asked ---

    async def _start_measure(self, start: MeasureStart, plan: Measure) -> None:
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
        await self._start(
            MEASURE_WORKFLOW, measure_stream(plan.id), start, attributes, plan.title, plan.id
        )

    async def _start_pool(self, start: PoolStart, pool: Pool) -> None:
        attributes = TypedSearchAttributes([SearchAttributePair(OWNER, pool.owner)])
        await self._start(
            POOL_WORKFLOW, pool_stream(pool.id), start, attributes, pool.title, pool.id
        )

    async def _start(
        self,
        workflow: str,
        stream: str,
        start: BaseModel,
        attributes: TypedSearchAttributes,
        title: str,
        name: str,
    ) -> None:
        try:
            await self.temporal.start_workflow(
                workflow,
                start,
                id=stream,
                task_queue=self._task_queue,
                task_timeout=TASK_TIMEOUT,
                search_attributes=attributes,
                static_summary=summary_of(title, name),
                memo={"title": title},
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            )
        except WorkflowAlreadyStartedError:
            raise RefusedError("exists", f"{stream} is there already") from None
        except RPCError as error:
            raise unreachable(stream, error) from error

    async def _ask(
        self,
        measure: str,
        update: str,
        ask: BaseModel | None,
        key: str | None,
        limit: int = DECISION_LIMIT,
    ) -> Answer:
        return await self._update(measure_stream(measure), update, ask, key, limit, Answer)

    async def _ask_pool(
        self, pool: str, update: str, ask: BaseModel, key: str | None
    ) -> PoolAnswer:
        return await self._update(pool_stream(pool), update, ask, key, FACTS_LIMIT, PoolAnswer)

    async def _update(
        self,
        stream: str,
        update: str,
        ask: BaseModel | None,
        key: str | None,
        limit: int,
        answer: type[_R],
    ) -> _R:
        if ask is not None:
            _refuse_large(ask, limit, stream)
        handle = self.temporal.get_workflow_handle(stream)
        try:
            # Once accepted, the library polls for the answer without an end of its own.
            async with asyncio.timeout(self._patience.total_seconds()):
                result: _R = await handle.execute_update(
                    update,
                    args=[] if ask is None else [ask],
                    id=key or _fresh(),
                    result_type=answer,
                    rpc_timeout=self._patience,
                )
        except WorkflowUpdateFailedError as error:
            raise _why_failed(stream, error) from error
        except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError) as error:
            raise NoAnswerYetError(
                f"{stream}: no answer within {self._patience.total_seconds():.0f} s; the request is"
                " kept and will be answered when a worker runs: sluice up, or sluice worker"
            ) from error
        except RPCError as error:
            raise await self._why_unreachable(handle, stream, error) from error
        return result

    async def _look(self, stream: str, query: str, result: type[_R]) -> _R:
        handle = self.temporal.get_workflow_handle(stream)
        try:
            seen: _R = await handle.query(query, result_type=result, rpc_timeout=self._patience)
        except WorkflowQueryFailedError as error:
            raise EngineError(f"{stream}: {error}") from error
        except RPCError as error:
            raise await self._why_unreachable(handle, stream, error) from error
        return seen

    async def _why_unreachable(
        self, handle: WorkflowHandle[object, object], stream: str, error: RPCError
    ) -> RefusedError | EngineError:
        """Tells the unknown, the ended and the unreachable apart."""
        if error.status is not RPCStatusCode.NOT_FOUND:
            return unreachable(stream, error)
        try:
            await handle.describe(rpc_timeout=timedelta(seconds=5))
        except RPCError:
            kind, _, name = stream.partition(":")
            listed = _LISTED.get(kind, f"get {kind}s")
            return RefusedError(
                f"unknown-{kind}",
                f"there is no running {kind} {name!r}: sluice {listed}; if it is listed there,"
                " Temporal has lost it: sluice ledger rebuild",
            )
        return RefusedError("already-ended", f"{stream} has ended")

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

    async def _signal(self, stream: str, signal: str = FACTS_CHANGED) -> None:
        try:
            await self.temporal.get_workflow_handle(stream).signal(signal)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise unreachable(stream, error) from error

    async def _settle_or_ended(self, measure: str) -> Answer | None:
        try:
            return await self.settle(measure)
        except RefusedError:
            return None


async def in_turns(measures: Sequence[str], call: Callable[[str], Awaitable[_T]]) -> list[_T]:
    """Calls for each measure, not too many at a time, and returns the answers in order."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(measure: str) -> _T:
        async with gate:
            return await call(measure)

    return await asyncio.gather(*(one(measure) for measure in measures))


def _fresh() -> str:
    return str(uuid.uuid4())


def _refuse_large(ask: BaseModel, limit: int, subject: str) -> None:
    size = len(ask.model_dump_json().encode())
    if size > limit:
        raise RefusedError(
            "too-large",
            f"{subject}: {size:,} bytes; at most {limit:,} are taken. Attach large things as"
            " evidence by their SHA-256 instead",
        )


def _why_failed(stream: str, error: WorkflowUpdateFailedError) -> RefusedError | EngineError:
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type:
        return RefusedError(cause.type, cause.message)
    return EngineError(f"{stream}: {cause}")


def unreachable(stream: str, error: RPCError) -> EngineError:
    """Returns how it is said that the server does not answer."""
    return EngineError(f"{stream}: the Temporal server does not answer ({error.message})")
