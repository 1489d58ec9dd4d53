"""Verbs for remote objects, beside those for measures, pools and launches."""

from collections.abc import Sequence

from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from measures.entry import measure_stream, remote_stream
from measures.remote import RemoteOrder, RemoteState
from workflows.client import TASK_TIMEOUT, SluiceClient, in_turns, unreachable
from workflows.contract import DECISION_LIMIT, MAPPINGS_CHANGED
from workflows.describing import summary_of
from workflows.remote_contract import (
    REMOTE_CHANGED,
    REMOTE_ORDER,
    REMOTE_WORKFLOW,
    TRY_NOW,
    RemoteAnswer,
    RemoteNews,
    RemoteResume,
    RemoteStart,
    RemotesTelling,
    RemotesTold,
)


class RemoteClient(SluiceClient):
    """Asks measures about their remote objects, and the objects themselves."""

    async def sync_remotes(self, telling: RemotesTelling) -> RemotesTold:
        """Has a measure tell its remote objects what it wants of them, now.

        Raises:
            RefusedError: ``unknown-measure``, or ``already-ended``.
        """
        stream = measure_stream(telling.measure)
        return await self._update(
            stream, "sync_remotes", telling, None, DECISION_LIMIT, RemotesTold
        )

    async def tell_mappings_changed(self, measures: Sequence[str]) -> None:
        """Makes measures look which objects are to show them; one that has ended is passed over."""
        await in_turns(measures, lambda m: self._signal(measure_stream(m), MAPPINGS_CHANGED))

    async def order_remote(self, order: RemoteOrder) -> None:
        """Tells an object what its measure wants; starts its workflow where none runs."""
        await self._start_remote(RemoteStart(id=order.id), order)

    async def restart_remote(self, state: RemoteState) -> bool:
        """Starts the workflow of an object that the ledger knows; False when it runs already."""
        return await self._start_remote(RemoteStart(id=state.id, state=state))

    async def bring_remote_now(self, remote: str) -> RemoteAnswer:
        """Has an object brought in step now, and answers after one try."""
        return await self._update(
            remote_stream(remote), "bring_now", None, None, DECISION_LIMIT, RemoteAnswer
        )

    async def resume_remote(self, remote: str, ask: RemoteResume) -> RemoteAnswer:
        """Has an object written again that went to and fro."""
        return await self._update(
            remote_stream(remote), "resume", ask, None, DECISION_LIMIT, RemoteAnswer
        )

    async def remote_changed(self, remote: str, news: RemoteNews) -> None:
        """Tells an object that it has changed there; one that has ended is passed over."""
        await self._signal_remote(remote, REMOTE_CHANGED, news)

    async def try_remote_now(self, remote: str) -> None:
        """Has an object tried again at once whose system has come back."""
        await self._signal_remote(remote, TRY_NOW)

    async def _signal_remote(self, remote: str, signal: str, *news: RemoteNews) -> None:
        stream = remote_stream(remote)
        try:
            await self.temporal.get_workflow_handle(stream).signal(signal, args=news)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise unreachable(stream, error) from error

    async def _start_remote(self, start: RemoteStart, order: RemoteOrder | None = None) -> bool:
        stream = remote_stream(start.id)
        try:
            await self.temporal.start_workflow(
                REMOTE_WORKFLOW,
                start,
                id=stream,
                task_queue=self._task_queue,
                task_timeout=TASK_TIMEOUT,
                static_summary=summary_of("Remote object", start.id),
                memo={"title": start.id},
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING
                if order
                else WorkflowIDConflictPolicy.FAIL,
                start_signal=REMOTE_ORDER if order else None,
                start_signal_args=[order] if order else [],
            )
        except WorkflowAlreadyStartedError:
            return False
        except RPCError as error:
            raise unreachable(stream, error) from error
        return True
