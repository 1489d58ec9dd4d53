"""What operators see of a measure in Temporal's own lists and pages."""

from collections.abc import Callable
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from measures.state import MeasureState
    from workflows.contract import OWNER, STAGE, VERDICT
    from workflows.describing import details_of

SPACING = timedelta(seconds=2)
"""Between two changes of what Temporal lists: each is written into a table with many indexes.

The first change is listed at once. What changes again within this time, as when a plan is imported
that passes several gates, is listed when it is over.
"""


class Showing:
    """Keeps what Temporal lists of a measure in step with its state.

    Args:
        life: the measure's state now.
        spaced: whether changes are spaced; lives that began in an earlier release list each one.
    """

    def __init__(self, life: Callable[[], MeasureState], *, spaced: bool) -> None:
        self._life = life
        self._spaced = spaced
        found = workflow.info().typed_search_attributes
        self._listed = {key.name: found.get(key, "") for key in (STAGE, VERDICT, OWNER)}
        self._wanted = self._listed
        self._listed_at = workflow.now()

    def show(self) -> None:
        """Shows the state in the measure's page, and lists it, now or when enough time is over."""
        state = self._life()
        workflow.set_current_details(details_of(state))
        waiting = state.request
        self._wanted = {
            STAGE.name: "cancelled" if state.cancelled else state.stage,
            VERDICT.name: waiting.verdict.verdict if waiting else "none",
            OWNER.name: state.plan.owner or "none",
        }
        if not self._spaced or workflow.now() - self._listed_at >= SPACING:
            self.list_now()

    def list_now(self) -> None:
        """Lists what was shown last."""
        updates = [
            key.value_set(self._wanted[key.name])
            for key in (STAGE, VERDICT, OWNER)
            if self._listed.get(key.name) != self._wanted[key.name]
        ]
        if updates:
            workflow.upsert_search_attributes(updates)
            self._listed = self._wanted
            self._listed_at = workflow.now()

    async def keep(self) -> None:
        """Lists for ever what had to wait for its time."""
        while True:
            await workflow.wait_condition(lambda: self._listed != self._wanted)
            await workflow.sleep(self._listed_at + SPACING - workflow.now())
            self.list_now()
