"""What a simulation rests on: the plan's demands, its campaign, and what the pools can take.

Two measures with the same inputs have the same queues, so their digest says whether a simulation
still speaks of what plan and pools state now.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from measures.digest import digest
from measures.errors import RefusedError
from measures.loads import Need
from measures.model import Amount, Id, Line, Period, Stored, period_length
from measures.plan import Campaign, Kpi, Measure
from measures.pool import PoolState


class Stretch(Stored):
    """A stretch of the campaign at a share of its full size; one without days lasts to the end."""

    share: Annotated[float | int, Field(ge=0, le=1)]
    days: Annotated[float | int, Field(gt=0, le=36_525)] | None = None


class PoolInputs(Stored):
    """One pool as it looks to the measure.

    Attributes:
        demands: all that arrives at full size, per period.
        free: what the pool can do for it, per period.
        normal: how much of it arrives without the campaign, per period.
        error: standard deviation of what arrives, as a share of it, from conversions on the way.
    """

    pool: Id
    title: Line
    unit: Line
    demands: dict[Period, Amount]
    free: dict[Period, float | int]
    normal: dict[Period, Amount] = {}
    error: float = 0.0


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


def inputs_of(plan: Measure, pools: Mapping[str, PoolState], needs: Sequence[Need]) -> QueueInputs:
    """Returns what the queues of a measure depend on.

    Args:
        plan: the measure as planned.
        pools: the pools that are known.
        needs: its demands in the pools' units, see `measures.needs.needs_of`.

    Raises:
        RefusedError: ``no-demands``, ``unknown-pool``, ``no-conversion`` or ``no-capacity`` when
            there is nothing to simulate, or it cannot be known how much comes or is served.
    """
    if not needs:
        raise RefusedError(
            "no-demands",
            f"measure {plan.id} states no demands, so nothing arrives at any pool;"
            " add them to its plan: demands: [{pool: kyc, period: 2031-03, amount: 13000}]",
        )
    campaign = plan.campaign
    return QueueInputs(
        measure=plan.id,
        pools=tuple(
            _pool(plan, name, pools.get(name), [need for need in needs if need.pool == name])
            for name in dict.fromkeys(need.pool for need in needs)
        ),
        launch_on=campaign.launch_on if campaign else None,
        ends_on=campaign.ends_on if campaign else None,
        budget=campaign.budget if campaign else None,
        volume=campaign.volume if campaign else None,
        ramp=_stretches(campaign) if campaign else (),
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


def _stretches(campaign: Campaign) -> tuple[Stretch, ...]:
    """Returns a ramp as stretches: how long each share lasts, if no step is held back."""
    lasting = [_days(step.after) for step in campaign.ramp]
    shares = [0.0, *(step.share for step in campaign.ramp)]
    stretches = [
        Stretch(share=share, days=days)
        for share, days in zip(shares, [*lasting, None], strict=True)
        if days != 0
    ]
    return tuple(stretches) if campaign.ramp else ()


def _days(span: timedelta) -> float:
    return span / timedelta(days=1)


def _pool(plan: Measure, name: str, state: PoolState | None, needs: Sequence[Need]) -> PoolInputs:
    if state is None:
        raise RefusedError(
            "unknown-pool",
            f"measure {plan.id} needs pool {name}, and there is none of that name;"
            " apply its document: sluice apply",
        )
    unknown = next((need for need in needs if need.amount is None), None)
    if unknown is not None:
        raise RefusedError("no-conversion", f"measure {plan.id}, pool {name}: {unknown.why}")
    if not state.capacity:
        raise RefusedError(
            "no-capacity",
            f"pool {name} states no capacity for any period, so nobody knows how fast measure"
            f" {plan.id} is served; its owner {state.pool.owner} reports it:"
            f" sluice capacity {name} --period PERIOD --amount AMOUNT",
        )
    demands = {need.period: _mean(need) for need in needs}
    return PoolInputs(
        pool=name,
        title=state.pool.title,
        unit=state.pool.unit,
        demands=demands,
        free={
            period: max(0, stated.amount - state.held(period, except_for=plan.id))
            for period, stated in state.capacity.items()
        },
        normal=_normal(plan, state, demands),
        error=max(_error(need) for need in needs),
    )


def _normal(
    plan: Measure, state: PoolState, demands: Mapping[str, float | int]
) -> dict[str, float | int]:
    """Returns what arrives anyway: the pool's usual load, else the part below the lead KPI."""
    kpi = lead_kpi(plan)
    normal: dict[str, float | int] = {}
    for period, amount in demands.items():
        usual = {str(kind): load for kind, load in state.pool.normal.items()}
        if (known := usual.get(period_length(period))) is not None:
            normal[period] = min(known, amount)
        elif kpi is not None and kpi.baseline is not None and kpi.target is not None:
            # Demands are what arrives when the KPI is at its target.
            normal[period] = amount * kpi.baseline / kpi.target
    return normal


def _mean(need: Need) -> float | int:
    if need.mean is not None:
        return need.mean
    assert need.amount is not None, "refused before"
    return need.amount


def _error(need: Need) -> float:
    """Returns the standard deviation of a lognormal arrival, beside its mean, from its P90."""
    if not need.mean or not need.amount or need.amount <= need.mean:
        return 0.0
    # ln(P90 / mean) = z s - s^2 / 2, solved for s; beyond z the P90 no longer grows with s.
    gap = min(_Z90**2 / 2, math.log(need.amount / need.mean))
    deviation = _Z90 - math.sqrt(_Z90**2 - 2 * gap)
    return math.sqrt(math.expm1(deviation**2))


_Z90 = 1.2815515655446004
"""So many standard deviations above the mean lies the P90 of a normal number."""


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
    "PoolInputs",
    "QueueInputs",
    "Stretch",
    "inputs_of",
    "lead_kpi",
    "with_normal",
    "with_volume",
]
