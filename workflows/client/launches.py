"""Verbs for launches."""

from collections.abc import Sequence

from measures.entry import launch_stream
from measures.launch import LaunchOrder, LaunchState, PauseOrder, ref_of
from workflows.client.speaking import Beginning, Speaker, in_turns
from workflows.contract import (
    DECISION_LIMIT,
    LAUNCH_WORKFLOW,
    LOOK_NOW,
    ORDER,
    TRY_NOW,
    LaunchAnswer,
    LaunchStart,
)
from workflows.describing import summary_of


class LaunchVerbs(Speaker):
    """Tells launches what is wanted, and asks them."""

    async def tell_launch(self, order: LaunchOrder) -> None:
        """Tells a launch what its measure wants; starts its workflow where none runs."""
        ref = ref_of(order.campaign)
        await self._begin_launch(LaunchStart(ref=ref), order)

    async def restart_launch(self, state: LaunchState) -> bool:
        """Starts the workflow of a launch that the ledger knows; False when it runs already."""
        return await self._begin_launch(LaunchStart(ref=state.ref, state=state))

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

    async def _begin_launch(self, start: LaunchStart, order: LaunchOrder | None = None) -> bool:
        life = Beginning(
            LAUNCH_WORKFLOW,
            launch_stream(start.ref),
            start,
            summary=summary_of("Launch", start.ref),
            title=start.ref,
        )
        return await self._begin(life, told=(ORDER, order) if order else None)
