"""How workflows are begun, asked, told and looked at, and how it is said when that fails."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel
from temporalio.client import (
    Client,
    RPCError,
    WithStartWorkflowOperation,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCStatusCode

from measures.errors import EngineError, NoAnswerYetError, RefusedError
from workflows.contract import FACTS_CHANGED

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


@dataclass(frozen=True)
class Beginning:
    """What Temporal is told when a life begins.

    Attributes:
        workflow: its type.
        stream: its id.
        start: what it begins with.
        summary: for Temporal's pages.
        title: its memo.
        attributes: what it is listed by.
        reuse: whether a life may follow one that has ended.
    """

    workflow: str
    stream: str
    start: BaseModel
    summary: str
    title: str
    attributes: TypedSearchAttributes | None = None
    reuse: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE


class Speaker:
    """What every verb is made of.

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

    async def _begin(self, life: Beginning, told: tuple[str, BaseModel] | None = None) -> bool:
        """Starts a workflow; False when it runs already.

        Args:
            life: what begins.
            told: a signal for it and what that says; one that runs already gets it just as well.
        """
        signal, said = told or (None, None)
        conflict = WorkflowIDConflictPolicy.USE_EXISTING if told else WorkflowIDConflictPolicy.FAIL
        try:
            await self.temporal.start_workflow(
                life.workflow,
                life.start,
                **self._options(life, conflict),
                start_signal=signal,
                start_signal_args=[said] if said else [],
            )
        except WorkflowAlreadyStartedError:
            return False
        except RPCError as error:
            raise unreachable(life.stream, error) from error
        return True

    async def _begin_and_ask(self, life: Beginning, update: str, answer: type[_R]) -> _R | None:
        """Starts a workflow and asks it, both in its first task; None when it runs already."""
        options = self._options(life, WorkflowIDConflictPolicy.FAIL)
        asked: Awaitable[_R] = self.temporal.execute_update_with_start_workflow(
            update,
            start_workflow_operation=WithStartWorkflowOperation(
                life.workflow, life.start, **options
            ),
            id=fresh_key(),
            result_type=answer,
            rpc_timeout=self._patience,
        )
        try:
            return await self._answered(life.stream, asked)
        except WorkflowAlreadyStartedError:
            return None

    def _options(self, life: Beginning, conflict: WorkflowIDConflictPolicy) -> dict[str, Any]:
        return {
            "id": life.stream,
            "task_queue": self._task_queue,
            "task_timeout": TASK_TIMEOUT,
            "search_attributes": life.attributes,
            "static_summary": life.summary,
            "memo": {"title": life.title},
            "id_conflict_policy": conflict,
            "id_reuse_policy": life.reuse,
        }

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
            refuse_large(ask, limit, stream)
        asked = self.temporal.get_workflow_handle(stream).execute_update(
            update,
            args=[] if ask is None else [ask],
            id=key or fresh_key(),
            result_type=answer,
            rpc_timeout=self._patience,
        )
        return await self._answered(stream, asked)

    async def _answered(self, stream: str, asked: Awaitable[_R]) -> _R:
        """Waits for an answer, and says what it means when none comes."""
        try:
            # Once accepted, the library polls for the answer without an end of its own.
            async with asyncio.timeout(self._patience.total_seconds()):
                return await asked
        except WorkflowUpdateFailedError as error:
            raise _why_failed(stream, error) from error
        except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError) as error:
            raise NoAnswerYetError(
                f"{stream}: no answer within {self._patience.total_seconds():.0f} s; the request is"
                " kept and will be answered when a worker runs: sluice up, or sluice worker"
            ) from error
        except RPCError as error:
            raise await self._why_unreachable(stream, error) from error

    async def _look(self, stream: str, query: str, result: type[_R]) -> _R:
        handle = self.temporal.get_workflow_handle(stream)
        try:
            seen: _R = await handle.query(query, result_type=result, rpc_timeout=self._patience)
        except WorkflowQueryFailedError as error:
            raise EngineError(f"{stream}: {error}") from error
        except RPCError as error:
            raise await self._why_unreachable(stream, error) from error
        return seen

    async def _why_unreachable(self, stream: str, error: RPCError) -> RefusedError | EngineError:
        """Tells the unknown, the ended and the unreachable apart."""
        if error.status is not RPCStatusCode.NOT_FOUND:
            return unreachable(stream, error)
        handle = self.temporal.get_workflow_handle(stream)
        kind, _, name = stream.partition(":")
        listed = _LISTED.get(kind, f"get {kind}s")
        try:
            await handle.describe(rpc_timeout=timedelta(seconds=5))
        except RPCError:
            return RefusedError(
                f"unknown-{kind}",
                f"there is no running {kind} {name!r}: sluice {listed}; if it is listed there,"
                " Temporal has lost it: sluice ledger rebuild",
            )
        return RefusedError(
            "already-ended",
            f"{kind} {name} has ended and takes no more requests: sluice {listed}",
        )

    async def _signal(self, stream: str, signal: str = FACTS_CHANGED, *said: BaseModel) -> None:
        """Tells a workflow something; one that has ended is passed over."""
        try:
            await self.temporal.get_workflow_handle(stream).signal(signal, args=said)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise unreachable(stream, error) from error


async def in_turns(measures: Sequence[str], call: Callable[[str], Awaitable[_T]]) -> list[_T]:
    """Calls for each measure, not too many at a time, and returns the answers in order."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(measure: str) -> _T:
        async with gate:
            return await call(measure)

    return await asyncio.gather(*(one(measure) for measure in measures))


def fresh_key() -> str:
    """Returns an id for a request that nobody has named."""
    return str(uuid.uuid4())


def refuse_large(ask: BaseModel, limit: int, subject: str) -> None:
    """Refuses what a history should not hold.

    Args:
        ask: what is asked.
        limit: bytes of it as JSON.
        subject: what it is about, for the message.

    Raises:
        RefusedError: ``too-large``.
    """
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
