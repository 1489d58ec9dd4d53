"""Verbs for remote objects, and for measures about theirs."""

from collections.abc import Sequence

from measures.entry import measure_stream, remote_stream
from measures.remote import RemoteOrder, RemoteState
from workflows.client.speaking import Beginning, Speaker, in_turns
from workflows.contract import DECISION_LIMIT, MAPPINGS_CHANGED
from workflows.describing import summary_of
from workflows.remote_contract import (
    REMOTE_CHANGED,
    REMOTE_ORDER,
    REMOTE_WORKFLOW,
    TRY_NOW,
    RemoteAnswer,
    RemoteForget,
    RemoteNews,
    RemoteResume,
    RemoteSettle,
    RemoteStart,
    RemotesTelling,
    RemotesTold,
)


class RemoteVerbs(Speaker):
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
        await self._begin_remote(RemoteStart(id=order.id), order)

    async def restart_remote(self, state: RemoteState) -> bool:
        """Starts the workflow of an object that the ledger knows; False when it runs already."""
        return await self._begin_remote(RemoteStart(id=state.id, state=state))

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

    async def forget_remote(self, remote: str, ask: RemoteForget) -> RemoteAnswer:
        """Has an object left as it is, for instance because its system is gone for good."""
        return await self._update(
            remote_stream(remote), "forget", ask, None, DECISION_LIMIT, RemoteAnswer
        )

    async def settle_remote(self, remote: str, ask: RemoteSettle) -> RemoteAnswer:
        """Decides whose value counts where the two sides of an object do not agree."""
        return await self._update(
            remote_stream(remote), "settle", ask, None, DECISION_LIMIT, RemoteAnswer
        )

    async def remote_changed(self, remote: str, news: RemoteNews) -> None:
        """Tells an object that it has changed there; one that has ended is passed over."""
        await self._signal(remote_stream(remote), REMOTE_CHANGED, news)

    async def try_remote_now(self, remote: str) -> None:
        """Has an object tried again at once whose system has come back."""
        await self._signal(remote_stream(remote), TRY_NOW)

    async def _begin_remote(self, start: RemoteStart, order: RemoteOrder | None = None) -> bool:
        life = Beginning(
            REMOTE_WORKFLOW,
            remote_stream(start.id),
            start,
            summary=summary_of("Remote object", start.id),
            title=start.id,
        )
        return await self._begin(life, told=(REMOTE_ORDER, order) if order else None)
