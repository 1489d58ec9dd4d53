"""Having pools hold what a measure needs: all of it or nothing, however many pools there are."""

from collections.abc import Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from measures.capacity_facts import asker_of
    from measures.holdings import demands_of
    from measures.plan import Demand
    from measures.state import MeasureState
    from workflows import ports
    from workflows.contract import Holding, HoldingResult


class Holdings:
    """Asks pools on behalf of a measure.

    Args:
        life: the measure's state now.
    """

    def __init__(self, life: Callable[[], MeasureState]) -> None:
        self._life = life

    async def hold(
        self, demands: tuple[Demand, ...], *, hard: bool, command: str, reason: str
    ) -> HoldingResult:
        """Brings the pools to hold these demands and nothing else."""
        state = self._life()
        pools = {*state.reserved.amounts, *(demand.pool for demand in state.plan.demands)}
        return await ports.reserve_capacity(
            Holding(
                measure=state.id,
                demands=demands,
                pools=tuple(sorted(pools)),
                hard=hard,
                reason=reason,
                command=command,
                priority=state.plan.priority,
                since=asker_of(state, workflow.now()).since,
            )
        )

    async def restore(self) -> None:
        """Brings the pools back to what the measure's record says they hold."""
        state = self._life()
        reserved = state.reserved
        if state.plan.demands or reserved.amounts:
            command = str(workflow.uuid4())
            held = demands_of(reserved)
            await self.hold(held, hard=reserved.hard, command=command, reason="as recorded")
