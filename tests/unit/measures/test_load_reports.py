"""What a report of a pool's live load leads to, and whom it concerns."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import pytest
from pydantic import ValidationError

from measures.documents import Pool
from measures.entry import Draft
from measures.errors import RefusedError
from measures.launch import LaunchState
from measures.load_reports import report_load, running_on
from measures.plan import Campaign, Demand
from measures.pool import PoolState, fold_pool, open_pool, reserve
from measures.requests import LoadInput
from measures.state import Pause

MARCH = "2031-03"
NOON = datetime(2031, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def pool() -> PoolState:
    """A pool of 11,000 checks in March, of which spring holds 6,000 and summer 3,000."""
    document = Pool(id="kyc", title="Checks", unit="checks", owner="kim", capacity={MARCH: 11_000})
    state = fold_pool(None, open_pool(document, "operator", NOON - timedelta(days=50), "open"))
    for measure, amount in (("spring", 6000), ("summer", 3000)):
        demand = Demand(pool="kyc", period=MARCH, amount=amount)
        drafted = reserve(state, measure, (demand,), hard=True, at=NOON, command=measure)[0]
        assert drafted is not None
        state = fold_pool(state, drafted)
    return state


@pytest.fixture
def running() -> dict[str, LaunchState]:
    """The launches of both, each at its full share."""
    return {name: launch(name) for name in ("spring", "summer")}


def launch(measure: str, **changes: Any) -> LaunchState:
    """A launch that is open."""
    campaign = Campaign.model_validate(
        {
            "connector": "memory",
            "ref": f"CMP-{measure}",
            "launch_on": "2031-03-02",
            "ends_on": "2031-04-30",
            **changes.pop("campaign", {}),
        },
        strict=False,
    )
    at = NOON - timedelta(days=8)
    opened = LaunchState(
        ref=campaign.ref, measure=measure, campaign=campaign, number=3, opened_at=at,
        changed_at=at, wanted="open", wanted_at=at, step=1,
    )  # fmt: skip
    return opened.model_copy(update=changes)


def load(**form: Any) -> LoadInput:
    """A report by the pool's owner."""
    return LoadInput.model_validate({"by": "kim", **form})


def take(state: PoolState, drafts: list[Draft]) -> PoolState:
    """The pool after the ledger has recorded them."""
    return reduce(fold_pool, drafts, state)


def test_an_overload_is_noted_and_its_launches_are_throttled(
    pool: PoolState, running: dict[str, LaunchState]
) -> None:
    """The decision carries every number it was made on; what it leaves is the pool's state."""
    drafts = report_load(pool, load(value=12_500), running, NOON, "c1")
    assert [(d.kind, d.number, d.by, d.command) for d in drafts] == [
        ("load_reported", 4, "kim", "c1"),
        ("throttle_decided", 5, "engine", "c1"),
    ]
    body = drafts[1].body
    assert (body["action"], body["why"]) == ("throttle", "above 90%")
    assert (body["load"], body["capacity"], body["utilisation"]) == (12_500, 11_000, 1.136364)
    assert body["pressure"] == {"before": 0.0, "after": 0.36}
    assert body["settings"]["set_point"] == 0.85
    assert body["launches"][0] == {
        "measure": "spring", "ref": "CMP-spring", "priority": 5, "planned": 6000,
        "before": 1.0, "after": 0.8,
    }  # fmt: skip
    assert body["throttle"]["number"] == 5
    after = take(pool, drafts)
    assert after.throttle.shares == {"spring": 0.8, "summer": 0.8}
    assert after.load is not None
    assert after.load.measured_at == NOON


def test_what_changes_nothing_leaves_one_entry_that_says_why(
    pool: PoolState, running: dict[str, LaunchState]
) -> None:
    """An auditor sees why nothing was done."""
    [noted] = report_load(pool, load(value=9_400), running, NOON, "c1")
    assert noted.kind == "load_reported"
    assert (noted.body["action"], noted.body["why"]) == ("hold", "inside the band 80% to 90%")
    assert noted.body["launches"] == 2


def test_only_running_launches_of_that_day_draw(
    pool: PoolState, running: dict[str, LaunchState]
) -> None:
    """Not one that is held or paused, not one that only noted its demand, or for another month."""
    state = take(pool, report_load(pool, load(value=9_400), running, NOON, "c1"))
    assert [d.measure for d in running_on(state, running)] == ["spring", "summer"]
    pause = Pause(reason="bad press", by="sam", at=NOON)
    for stopped in (launch("spring", wanted="held"), launch("spring", pauses={"person": pause})):
        assert [d.measure for d in running_on(state, {**running, "spring": stopped})] == ["summer"]
    soft = state.holdings["spring"].model_copy(update={"hard": False})
    april = state.holdings["summer"].model_copy(update={"amounts": {"2031-04": 3000}})
    other = state.model_copy(update={"holdings": {"spring": soft, "summer": april}})
    assert running_on(other, running) == ()
    assert running_on(pool, running) == ()


def test_a_launch_counts_with_its_step_of_the_ramp(
    pool: PoolState, running: dict[str, LaunchState]
) -> None:
    """A tenth of it is planned to bring a tenth of the load."""
    ramp = {"ramp": [{"share": 0.1, "after": "0s"}, {"share": 1.0, "after": "3d"}]}
    state = take(pool, report_load(pool, load(value=9_400), running, NOON, "c1"))
    begun = {"spring": launch("spring", campaign=ramp), "summer": running["summer"]}
    assert [d.amount for d in running_on(state, begun)] == [600, 3000]


def test_a_paused_launch_keeps_what_it_was_told(
    pool: PoolState, running: dict[str, LaunchState]
) -> None:
    """When it goes on it is found at its old share, and told the one of now."""
    state = take(pool, report_load(pool, load(value=12_500), running, NOON, "c1"))
    less = {"summer": running["summer"]}
    later = NOON + timedelta(minutes=20)
    state = take(state, report_load(state, load(value=3_000), less, later, "c2"))
    assert state.throttle.shares == {"spring": 0.8, "summer": 1.0}
    again = report_load(state, load(value=3_000), running, later, "c3")
    spring = again[1].body["launches"][0]
    assert (spring["before"], spring["after"]) == (0.8, 1.0)


def test_one_that_lost_its_reservation_is_not_forgotten(
    pool: PoolState, running: dict[str, LaunchState]
) -> None:
    """Launched again months later, it would run at the old share for ever."""
    state = take(pool, report_load(pool, load(value=12_500), running, NOON, "c1"))
    nobody = state.model_copy(update={"holdings": {}})
    later = NOON + timedelta(hours=1)
    nobody = take(nobody, report_load(nobody, load(value=3_000), {}, later, "c2"))
    assert nobody.throttle.pressure == 0
    again = nobody.model_copy(update={"holdings": pool.holdings})
    drafts = report_load(again, load(value=3_000), running, later + timedelta(hours=1), "c3")
    assert [one["before"] for one in drafts[1].body["launches"]] == [0.8, 0.8]
    assert take(again, drafts).throttle.shares == {"spring": 1.0, "summer": 1.0}


def test_one_that_outlives_its_reservation_still_follows(
    pool: PoolState, running: dict[str, LaunchState]
) -> None:
    """It is not left at the share of a day long ago."""
    state = take(pool, report_load(pool, load(value=12_500), running, NOON, "c1"))
    state = state.model_copy(update={"holdings": {"summer": state.holdings["summer"]}})
    drafts = report_load(state, load(value=3_000), running, NOON + timedelta(hours=1), "c2")
    assert take(state, drafts).throttle.shares == {"spring": 1.0, "summer": 1.0}


def test_what_is_held_for_another_span_counts_by_its_days(
    pool: PoolState, running: dict[str, LaunchState]
) -> None:
    """70 a week are 310 in March's 31 days."""
    weekly = pool.holdings["spring"].model_copy(update={"amounts": {"2031-W11": 70}})
    state = pool.model_copy(update={"holdings": {"spring": weekly}})
    state = take(state, report_load(state, load(value=1), running, NOON, "c1"))
    [draw] = running_on(state, running)
    assert draw.amount == pytest.approx(310)


def test_a_launch_that_begins_under_pressure_is_throttled_as_the_others(
    pool: PoolState, running: dict[str, LaunchState]
) -> None:
    """It does not begin at full share while its equals give theirs."""
    first = {"spring": running["spring"]}
    state = take(pool, report_load(pool, load(value=12_500), first, NOON, "c1"))
    again = report_load(state, load(value=12_500), running, NOON + timedelta(minutes=1), "c2")
    assert [d.kind for d in again] == ["load_reported", "throttle_decided"]
    assert again[1].body["action"] == "hold"
    assert take(state, again).throttle.shares == {"spring": 0.8, "summer": 0.8}


@pytest.mark.parametrize(
    ("form", "used"),
    [
        ({"value": 12_500}, 1.136364),
        ({"utilisation": 0.5}, 0.5),
        # 9.5 of 31 days are over.
        ({"to_date": 3_000}, round(3_000 / 9.5 * 31 / 11_000, 6)),
        ({"value": 5_000, "capacity": 4_000}, 1.25),
        ({"value": 1, "capacity": 0}, 1000),
    ],
)
def test_three_forms_of_a_load(
    pool: PoolState, running: dict[str, LaunchState], form: dict[str, float], used: float
) -> None:
    """As a pace, as what came so far, as a part; against what is stated or what is just now."""
    noted = report_load(pool, load(**form), running, NOON, "c1")[0]
    assert noted.body["load"]["utilisation"] == used


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"by": "olga", "value": 1}, "not-entitled"),
        ({"value": 1, "measured_at": NOON + timedelta(minutes=6)}, "in-the-future"),
        ({"value": 1, "period": "2031-04"}, "wrong-period"),
        ({"value": 1, "period": "2031-W11"}, "no-capacity"),
        ({"value": 1, "measured_at": NOON - timedelta(days=30)}, "no-capacity"),
        ({"to_date": 1, "measured_at": datetime(2031, 3, 1, 1, tzinfo=UTC)}, "too-early"),
    ],
)
def test_a_report_that_says_nothing_is_refused(
    pool: PoolState, running: dict[str, LaunchState], form: dict[str, Any], code: str
) -> None:
    """With the way to say it."""
    with pytest.raises(RefusedError) as refused:
        report_load(pool, load(**form), running, NOON, "c1")
    assert refused.value.code == code
    assert "pool kyc" in refused.value.message


def test_an_older_load_does_not_take_the_place_of_a_newer(
    pool: PoolState, running: dict[str, LaunchState]
) -> None:
    """News may overtake each other on the way."""
    state = take(pool, report_load(pool, load(value=9_000), running, NOON, "c1"))
    late = load(value=20_000, measured_at=NOON - timedelta(minutes=1))
    with pytest.raises(RefusedError) as refused:
        report_load(state, late, running, NOON + timedelta(minutes=1), "c2")
    assert refused.value.code == "load-is-old"


@pytest.mark.parametrize(
    "form",
    [{}, {"value": 1, "utilisation": 1.0}, {"value": -1}, {"value": float("nan")},
     {"value": float("inf")}, {"value": 1e16}, {"utilisation": 1e9},
     {"value": 1, "measured_at": datetime(2031, 3, 1)}],  # noqa: DTZ001
)  # fmt: skip
def test_a_load_is_one_finite_amount(form: dict[str, Any]) -> None:
    """Nothing else gets to the pool."""
    with pytest.raises(ValidationError):
        load(**form)


def test_an_old_pool_reads_without_throttle_and_load() -> None:
    """What an older release recorded has neither."""
    old = {"pool": {"kind": "Pool", "id": "kyc", "title": "x", "unit": "y", "owner": "kim"}}
    state = PoolState.model_validate(old)
    assert state.load is None
    assert state.throttle.pressure == 0
    assert state.pool.throttle.set_point == 0.85
