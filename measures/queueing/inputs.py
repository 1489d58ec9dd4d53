"""What a simulation rests on: the plan's demands, its campaign, and what the pools can take.

Two measures with the same inputs have the same queues, so their digest says whether a simulation
still speaks of what plan and pools state now.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import Field

from measures.digest import digest
from measures.documents import Kpi, Measure
from measures.errors import RefusedError
from measures.model import Amount, Id, Line, Model, Period, Stored
from measures.pool import PoolState

Weight = Annotated[float | int, Field(ge=0, le=1000)]
Weights = tuple[Weight, Weight, Weight, Weight, Weight, Weight, Weight]
"""How busy Monday to Sunday are beside each other."""


class PlayAsk(Model):
    """How a simulation is played.

    Attributes:
        replications: how often the campaign is played through
        seed: where the chance begins; left out, it follows from what is simulated
        volume_error: standard deviation of the campaign's uplift, as a share of it
        service_error: standard deviation of what the pools can take, as a share of it
        arrival_days: how much arrives on Monday to Sunday beside each other
        service_days: how much is served on Monday to Sunday beside each other
        steady: without any chance: even arrivals, even service, nothing uncertain
    """

    replications: Annotated[int, Field(ge=1, le=1000)] = 100
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    volume_error: Annotated[float | int, Field(ge=0, le=1)] = 0.1
    service_error: Annotated[float | int, Field(ge=0, le=1)] = 0.05
    arrival_days: Weights = (1, 1, 1, 1, 1, 1, 1)
    service_days: Weights = (1, 1, 1, 1, 1, 1, 1)
    steady: bool = False


class Stretch(Stored):
    """A stretch of the campaign at a share of its full size; one without days lasts to the end."""

    share: Annotated[float | int, Field(ge=0, le=1)]
    days: Annotated[float | int, Field(gt=0, le=36_525)] | None = None


class PoolInputs(Stored):
    """One pool as it looks to the measure.

    Attributes:
        demands: all that arrives at full size, per period.
        free: what the pool can do for it, per period.
        normal: the share of the demand that arrives without the campaign.
    """

    pool: Id
    title: Line
    unit: Line
    demands: dict[Period, Amount]
    free: dict[Period, float | int]
    normal: dict[Period, Amount] = {}


class QueueInputs(Stored):
    """All that the queues of a measure depend on.

    Attributes:
        move: by how many days everything that the campaign brings comes later.
        size: the campaign's size beside the planned one.
    """

    measure: Id
    pools: tuple[PoolInputs, ...]
    launch_on: date | None = None
    ends_on: date | None = None
    budget: Amount | None = None
    volume: Amount | None = None
    ramp: tuple[Stretch, ...] = ()
    move: int = 0
    size: float | int = 1

    @property
    def digest(self) -> str:
        """The content address of the inputs."""
        return digest(self.model_dump(mode="json"))


def inputs_of(plan: Measure, pools: Mapping[str, PoolState]) -> QueueInputs:
    """Returns what the queues of a measure depend on.

    Raises:
        RefusedError: ``no-demands``, ``unknown-pool`` or ``no-capacity`` when there is nothing
            to simulate or a pool says nothing.
    """
    if not plan.demands:
        raise RefusedError(
            "no-demands",
            f"measure {plan.id} states no demands, so nothing arrives at any pool;"
            " add them to its plan: demands: [{pool: kyc, period: 2031-03, amount: 13000}]",
        )
    campaign = plan.campaign
    return QueueInputs(
        measure=plan.id,
        pools=tuple(
            _pool(plan, name, pools) for name in dict.fromkeys(d.pool for d in plan.demands)
        ),
        launch_on=campaign.launch_on if campaign else None,
        ends_on=campaign.ends_on if campaign else None,
        budget=campaign.budget if campaign else None,
        volume=campaign.volume if campaign else None,
    )


def lead_kpi(plan: Measure) -> Kpi | None:
    """Returns the first KPI that the measure shall raise; it says what is normal without it."""
    return next(
        (
            kpi
            for kpi in plan.kpis
            if kpi.baseline is not None
            and kpi.target is not None
            and 0 <= kpi.baseline < kpi.target
        ),
        None,
    )


def _pool(plan: Measure, name: str, pools: Mapping[str, PoolState]) -> PoolInputs:
    state = pools.get(name)
    if state is None:
        raise RefusedError(
            "unknown-pool",
            f"measure {plan.id} needs pool {name}, and there is none of that name;"
            " apply its document: sluice apply",
        )
    if not state.capacity:
        raise RefusedError(
            "no-capacity",
            f"pool {name} states no capacity for any period, so nobody knows how fast measure"
            f" {plan.id} is served; its owner {state.pool.owner} reports it:"
            f" sluice capacity {name} --period PERIOD --amount AMOUNT",
        )
    demands = {d.period: d.amount for d in plan.demands if d.pool == name}
    kpi = lead_kpi(plan)
    normal: dict[str, float | int] = {}
    if kpi is not None and kpi.baseline is not None and kpi.target is not None:
        # Demands are what arrives when the KPI is at its target.
        normal = {p: amount * kpi.baseline / kpi.target for p, amount in demands.items()}
    return PoolInputs(
        pool=name,
        title=state.pool.title,
        unit=state.pool.unit,
        demands=demands,
        free={p: max(0, state.free_for(plan.id, p) or 0) for p in state.capacity},
        normal=normal,
    )


def with_normal(inputs: QueueInputs, pool: str, amount: float) -> QueueInputs:
    """Returns the inputs as if so much arrived at a pool in each period without the campaign.

    Raises:
        RefusedError: ``unknown-pool`` when the measure does not ask that pool.
    """
    _refuse_other_pool(inputs, pool)
    return inputs.model_copy(
        update={
            "pools": tuple(
                one.model_copy(
                    update={"normal": {p: min(amount, d) for p, d in one.demands.items()}}
                )
                if one.pool == pool
                else one
                for one in inputs.pools
            )
        }
    )


def with_volume(inputs: QueueInputs, volume: float) -> QueueInputs:
    """Returns the inputs as if the campaign reached so many people.

    Raises:
        RefusedError: ``no-volume`` when the plan does not say how many it reaches.
    """
    if not inputs.volume:
        raise RefusedError(
            "no-volume",
            f"measure {inputs.measure}: its campaign states no volume to compare with;"
            " set campaign.volume in the plan",
        )
    return inputs.model_copy(update={"size": volume / inputs.volume})


def _refuse_other_pool(inputs: QueueInputs, pool: str) -> None:
    names = [one.pool for one in inputs.pools]
    if pool not in names:
        raise RefusedError(
            "unknown-pool",
            f"measure {inputs.measure} asks nothing of pool {pool}, only of {', '.join(names)}",
        )


__all__ = [
    "PlayAsk",
    "PoolInputs",
    "QueueInputs",
    "Stretch",
    "inputs_of",
    "lead_kpi",
    "with_normal",
    "with_volume",
]
