"""Recording a simulation in a measure's life, and telling whether it still holds."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from measures.directory import Directory
from measures.drafting import Drafting
from measures.duties import refuse_uninvolved
from measures.entry import Draft
from measures.errors import RefusedError
from measures.loads import Need
from measures.people import ENGINE
from measures.plan import Measure
from measures.pool import PoolState
from measures.queueing.inputs import inputs_of
from measures.queueing.record import QueueRecord
from measures.state import MeasureState


def speaks_of(
    record: QueueRecord,
    plan: Measure,
    pools: Mapping[str, PoolState],
    needs: Sequence[Need],
) -> bool:
    """Tells whether a simulation rests on what plan and pools state now."""
    try:
        return record.inputs == inputs_of(plan, pools, needs).digest
    except RefusedError:
        return False


def refuse_to_simulate(state: MeasureState, directory: Directory, by: str) -> None:
    """Refuses whoever has no part in a measure, and a measure that has ended.

    Raises:
        RefusedError: ``already-ended``, ``unknown-person`` or ``not-entitled``.
    """
    if state.ended:
        raise RefusedError("already-ended", f"measure {state.id} has ended; its queues are history")
    lends = tuple(kpi.owner for kpi in state.plan.kpis if kpi.owner)
    refuse_uninvolved(state.plan, directory, by, "have its queues simulated", lends)


def simulated(
    state: MeasureState, record: QueueRecord, at: datetime, command: str, by: str = ENGINE
) -> list[Draft]:
    """Drafts that the queues of a measure were simulated; nothing when just that is recorded."""
    known = state.queue
    if known is not None and QueueRecord.model_validate(known.model_dump()) == record:
        return []
    drafting = Drafting(state, by=by, at=at, command=command)
    drafting.write("queue_simulated", record.model_dump(mode="json"))
    return drafting.drafts


__all__ = ["refuse_to_simulate", "simulated", "speaks_of"]
