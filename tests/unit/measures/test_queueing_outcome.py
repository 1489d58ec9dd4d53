"""A whole simulation: reproducible, honest about the example everybody knows, and bounded."""

import math
from collections.abc import Callable
from datetime import date, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.documents import Pool
from measures.errors import RefusedError
from measures.loads import Need
from measures.needs import needs_of
from measures.plan import Measure
from measures.pool import fold_pool, open_pool
from measures.queueing.asking import PlayAsk
from measures.queueing.inputs import QueueInputs, inputs_of, with_normal, with_volume
from measures.queueing.outcome import quantiles, simulate
from measures.queueing.record import PoolWait

MONTHS = ("2031-03", "2031-04", "2031-05")
CAMPAIGN = {
    "connector": "memory", "ref": "C-1", "launch_on": date(2031, 3, 1),
    "ends_on": date(2031, 5, 31), "budget": 750_000, "volume": 39_000,
}  # fmt: skip
KPIS = [
    {"id": "cac", "title": "Acquisition cost", "baseline": 50, "target": 50},
    {"id": "signups", "title": "Sign-ups", "baseline": 10_000, "target": 13_000},
]

Make = Callable[..., QueueInputs]


@pytest.fixture
def make(plan: Callable[..., Measure], now: datetime) -> Make:
    """Makes the inputs of a quarter of surge before a pool."""

    def inputs(
        capacity: dict[str, float] | None = None,
        pools: tuple[str, ...] = ("kyc",),
        usual: dict[Any, float] | None = None,
        needs: list[Need] | None = None,
        **fields: Any,
    ) -> QueueInputs:
        stated = dict.fromkeys(MONTHS, 11_000.0) if capacity is None else capacity
        base = Pool(
            id="p", title="P", unit="checks", owner="kim", capacity=stated, normal=usual or {}
        )
        known = {
            name: fold_pool(
                None, open_pool(base.model_copy(update={"id": name}), "operator", now, "open")
            )
            for name in pools
        }
        demands = [
            {"pool": name, "period": month, "amount": 13_000} for name in pools for month in MONTHS
        ]
        given = {"demands": demands, "kpis": KPIS, "campaign": CAMPAIGN, **fields}
        planned = plan(**given)
        needed = needs_of(planned.demands, known, {}, {}) if needs is None else needs
        return inputs_of(planned, known, needed)

    return inputs


def waits_of(inputs: QueueInputs, **ask: Any) -> PoolWait:
    """Plays a single pool."""
    [wait] = simulate(inputs, PlayAsk.model_validate(ask), Random).record.pools
    return wait


def test_the_surge_of_three_months_with_and_without_chance(make: Make) -> None:
    """A backlog of 6,000, gone after six months; a third fits; cost rises by 18 %."""
    steady = waits_of(make(), steady=True)
    assert steady.backlog_peak == pytest.approx(6_000, abs=6)
    assert steady.peak_on == date(2031, 5, 31)
    assert steady.drains_on == steady.fluid_drains_on == date(2031, 11, 30)
    assert steady.admissible_share == pytest.approx(1 / 3, abs=1e-4)
    assert steady.extra_capacity == pytest.approx(2 / 11, abs=1e-4)
    assert steady.cost_planned == pytest.approx(750_000 / 39_000, abs=1e-4)
    assert steady.cost_rise == pytest.approx(13 / 11 - 1, abs=0.001)
    # The wait rises evenly to that of the whole backlog: 6,000 at 11,000 a month of 30.5 days.
    assert steady.p90_days == pytest.approx(0.9 * 6_000 / 11_000 * 30.5, rel=0.02)
    assert steady.p50_days < steady.p90_days < steady.p95_days
    noisy = waits_of(make(), replications=20, volume_error=0, service_error=0)
    assert noisy.backlog_peak == pytest.approx(6_000, abs=300)
    assert noisy.p90_days == pytest.approx(steady.p90_days, abs=noisy.resolution_days + 0.5)
    assert noisy.drains_on_p50 is not None
    assert abs((noisy.drains_on_p50 - date(2031, 11, 30)).days) < 45
    unsure = waits_of(make(), replications=20)
    assert unsure.p90_days > noisy.p90_days
    assert unsure.backlog_peak_p90 > noisy.backlog_peak_p90


def test_the_same_seed_is_the_same_simulation(make: Make) -> None:
    """The seed follows from the content unless it is given; another one gives other figures."""
    ask = PlayAsk(replications=3)
    first = simulate(make(), ask, Random)
    assert simulate(make(), ask, Random) == first
    other = simulate(make(), PlayAsk(replications=3, seed=7), Random)
    assert other.record.seed == 7
    assert other.record.pools[0].p90_days != first.record.pools[0].p90_days
    assert simulate(make({"2031-03": 12_000}), ask, Random).record.seed != first.record.seed


def test_another_pool_beside_does_not_change_the_first_ones_chance(make: Make) -> None:
    """Each pool has its own, so that figures can be compared."""
    ask = PlayAsk(replications=2, seed=1)
    one = simulate(make(), ask, Random).curves[0]
    both = simulate(make(pools=("kyc", "desk")), ask, Random).curves
    assert [curve.pool for curve in both] == ["kyc", "desk"]
    assert both[0].backlog == one.backlog
    assert both[1].backlog != one.backlog


def test_what_is_supposed_shows(make: Make) -> None:
    """Half the uplift, a later start, more that comes anyway."""
    assert waits_of(with_volume(make(), 19_500), steady=True).arrivals == pytest.approx(
        34_500, abs=5
    )
    moved = make().model_copy(update={"move": 15})
    assert waits_of(moved, steady=True).peak_on == date(2031, 6, 15)
    more = waits_of(with_normal(make(), "kyc", 12_000), steady=True)
    assert more.admissible_share == 0
    assert more.drains_on is None


def test_the_campaigns_own_ramp_is_played(make: Make) -> None:
    """Two days of nothing, ten at 10 %, the rest in full; without a ramp all at once."""
    steps = [{"share": 0.1, "after": "2d"}, {"share": 1.0, "after": "10d"}]
    ramp = make(campaign=CAMPAIGN | {"ramp": steps}).ramp
    assert [(step.share, step.days) for step in ramp] == [(0, 2), (0.1, 10), (1, None)]
    at_once = [{"share": 0.1}, {"share": 1.0, "after": "36h"}]
    ramp = make(campaign=CAMPAIGN | {"ramp": at_once}).ramp
    assert [(step.share, step.days) for step in ramp] == [(0.1, 1.5), (1, None)]
    assert make().ramp == ()


def test_what_is_normal_is_the_pools_usual_load_before_the_kpis(make: Make) -> None:
    """Never more than what is demanded; without either nothing comes anyway."""
    [pool] = make(usual={"month": 9_000.0}).pools
    assert pool.normal == dict.fromkeys(MONTHS, 9_000)
    [pool] = make(usual={"month": 90_000.0}).pools
    assert pool.normal == dict.fromkeys(MONTHS, 13_000)
    [pool] = make(usual={"week": 9_000.0}).pools
    assert pool.normal == pytest.approx(dict.fromkeys(MONTHS, 10_000))
    [pool] = make(kpis=[]).pools
    assert pool.normal == {}


def test_demands_in_other_units_bring_their_error(make: Make) -> None:
    """The mean arrives; the P90 says how unsure it is. Unknown ones are refused."""
    need = Need(
        pool="kyc", period="2031-03", amount=1_300, unit="checks", stated=9, stated_unit="clicks",
        mean=1_000,
    )  # fmt: skip
    [pool] = make(needs=[need]).pools
    assert pool.demands == {"2031-03": 1_000}
    deviation = math.sqrt(math.log1p(pool.error**2))
    p90 = math.exp(1.2816 * deviation - deviation**2 / 2)
    assert p90 == pytest.approx(1.3, rel=1e-3)
    with pytest.raises(RefusedError, match="nobody knows"):
        make(needs=[need.model_copy(update={"amount": None, "why": "nobody knows"})])


def test_enough_capacity_leaves_nobody_waiting(make: Make) -> None:
    """All fits, nothing gets dearer."""
    calm = waits_of(make(dict.fromkeys(MONTHS, 30_000)), steady=True)
    assert calm.admissible_share == 1
    assert calm.extra_capacity == 0
    assert calm.p95_days < 0.01
    assert calm.cost_rise == pytest.approx(0, abs=0.001)
    assert calm.drains_on == date(2031, 5, 31)


def test_a_pool_that_closes_has_no_end_of_the_queue(make: Make) -> None:
    """It serves in March and never again: not gone by, and the wait so far counts."""
    closed = waits_of(make({"2031-03": 11_000, "2031-04": 0}), steady=True)
    assert closed.drains_on is None
    assert closed.fluid_drains_on is None
    assert closed.p90_days > 100


@pytest.mark.parametrize("amount", [1e15, 5e5, 0.001, 0])
def test_any_volume_takes_the_same_time(make: Make, amount: float) -> None:
    """A quadrillion moves in batches; less than one item still has a queue."""
    demands = [{"pool": "kyc", "period": "2031-03", "amount": amount}]
    wait = waits_of(
        make({"2031-03": max(amount * 0.9, 1)}, demands=demands),
        replications=2, volume_error=0, service_error=0,
    )  # fmt: skip
    assert wait.backlog_peak == pytest.approx(amount * 0.1, rel=0.3, abs=5)


def test_without_a_campaign_or_a_kpi_all_demand_is_uplift(make: Make) -> None:
    """There is no cost then, and nothing comes once the demands are over."""
    bare = waits_of(make(campaign=None, kpis=[]), steady=True)
    assert (bare.cost, bare.cost_planned) == (None, None)
    assert bare.admissible_share == pytest.approx(11 / 13, abs=1e-4)
    assert bare.drains_on == date(2031, 6, 17)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"demands": []}, "no-demands"),
        ({"capacity": {}}, "no-capacity"),
        ({"demands": [{"pool": "desk", "period": "2031-03", "amount": 1}]}, "unknown-pool"),
    ],
)
def test_a_plan_without_anything_to_play_is_refused(
    make: Make, given: dict[str, Any], code: str
) -> None:
    """Each with a code and the command that helps."""
    with pytest.raises(RefusedError, match=r"sluice|plan") as refused:
        make(**given)
    assert refused.value.code == code
    with pytest.raises(RefusedError, match="states no volume"):
        with_volume(make(campaign=CAMPAIGN | {"volume": None}), 5)
    with pytest.raises(RefusedError, match="asks nothing of pool desk"):
        with_normal(make(), "desk", 5)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0.1, 1e6)), max_size=30))
def test_quantiles_are_waits_that_enough_do_not_exceed(waits: list[tuple[float, float]]) -> None:
    """The smallest such wait, weighted by how many waited."""
    shares = (0.5, 0.9, 0.95)
    found = quantiles(waits, shares)
    assert found == sorted(found)
    total = sum(items for _, items in waits)
    for share, wait in zip(shares, found, strict=True):
        below = sum(items for one, items in waits if one <= wait)
        assert not waits or below >= share * total * (1 - 1e-9)
        under = sum(items for one, items in waits if one < wait)
        assert under <= share * total * (1 + 1e-9)
