"""Plan and pools spread over days: totals are kept, calendars too, and bad plans are refused."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.errors import RefusedError
from measures.queueing.asking import PlayAsk
from measures.queueing.inputs import PoolInputs, QueueInputs, Stretch
from measures.queueing.load import Rates, fluid, loads_of, ramp_share, span_around

MARCH = "2031-03"
QUARTER = (MARCH, "2031-04", "2031-05")
WORKING = (1, 1, 1, 1, 1, 0, 0)


def inputs(
    periods: tuple[str, ...] = (MARCH,),
    demand: float = 13_000,
    free: float = 11_000,
    normal: float = 10_000,
    **given: Any,
) -> QueueInputs:
    """Returns the inputs of one pool, a campaign from 2031-03-02 on unless said otherwise."""
    pool = PoolInputs(
        pool="kyc",
        title="Identity check",
        unit="checks",
        demands=dict.fromkeys(periods, demand),
        free=dict.fromkeys(periods, free),
        normal=dict.fromkeys(periods, normal),
    )
    window = {"launch_on": date(2031, 3, 2), "ends_on": date(2031, 5, 31)}
    return QueueInputs(measure="spring", pools=(pool,), **{**window, **given})


def test_the_quarter_of_surge_leaves_6000_and_takes_six_months_to_clear() -> None:
    """Day by day, with months of 28 to 31 days, it is what formula 2 says by the month."""
    [load] = loads_of(inputs(QUARTER, launch_on=date(2031, 3, 1)), PlayAsk())
    flowing = fluid(load)
    assert flowing.peak == pytest.approx(6_000)
    assert load.day(flowing.peak_on) == date(2031, 5, 31)
    assert flowing.drained is not None
    assert load.day(flowing.drained) == date(2031, 11, 30)
    ends = {load.day(n): waiting for n, waiting in enumerate(flowing.backlog)}
    assert [round(ends[date(2031, m, 30)]) for m in (4, 6, 9)] == [4_000, 5_000, 2_000]


@settings(deadline=None, max_examples=30)
@given(
    move=st.integers(-400, 400),
    days=st.tuples(*[st.integers(0, 9)] * 7).filter(any),
    size=st.floats(0, 3),
)
def test_whatever_moves_or_grows_the_totals_are_kept(
    move: int, days: tuple[int, ...], size: float
) -> None:
    """All of the uplift comes, moved by so many days; what comes anyway does not move."""
    ask = PlayAsk.model_validate({"arrival_days": days, "service_days": days})
    [load] = loads_of(inputs(QUARTER, move=move, size=size), ask)
    assert sum(load.uplift) == pytest.approx(9_000 * size)
    months = [
        n for n in range(len(load.normal)) if date(2031, 6, 1) <= load.day(n) < date(2031, 9, 1)
    ]
    assert sum(load.normal[n] for n in months) == pytest.approx(30_000)
    assert sum(load.service[n] for n in months) == pytest.approx(33_000)
    if sum(load.uplift):
        assert load.day(load.starts) >= date(2031, 3, 2) + timedelta(days=move)
        assert load.uplift[load.ends - 1] > 0


def test_the_campaign_brings_nothing_before_it_is_launched() -> None:
    """The uplift of March comes on the 30 days from its 2nd on; what comes anyway on all 31."""
    [load] = loads_of(inputs(), PlayAsk())
    assert load.uplift[0] == 0
    assert load.uplift[1] == pytest.approx(100)
    assert load.normal[0] == pytest.approx(10_000 / 31)
    assert load.day(load.starts) == date(2031, 3, 2)


def test_a_campaign_outside_its_demands_brings_them_all_the_same() -> None:
    """Whoever states a demand for April with a window in May means April."""
    may = inputs(("2031-04",), launch_on=date(2031, 5, 1), ends_on=date(2031, 5, 31))
    [load] = loads_of(may, PlayAsk())
    assert sum(load.uplift) == pytest.approx(3_000)
    assert load.day(load.starts) == date(2031, 4, 1)


def test_a_ramp_brings_a_part_of_each_day() -> None:
    """10 % for a week, 30 % for a day and a half, then everything."""
    ramp = (Stretch(share=0.1, days=7), Stretch(share=0.3, days=1.5), Stretch(share=1.0))
    assert [ramp_share(ramp, day) for day in (0, 6, 7, 8, 9, 500)] == pytest.approx(
        [0.1, 0.1, 0.3, 0.65, 1, 1]
    )
    assert ramp_share((), 3) == 1
    assert ramp_share(ramp[:2], 100) == pytest.approx(0.3), "the last step goes on"
    [load] = loads_of(inputs(ramp=ramp), PlayAsk())
    assert load.uplift[1] == pytest.approx(10)


def test_a_day_belongs_to_the_shortest_period_that_covers_it() -> None:
    """A week inside a month, before all and after all of them, and a day off."""
    rates = Rates({"2031-03": 3100, "2031-W11": 70}, (1,) * 7)
    assert rates.on(date(2031, 3, 3)) == 100
    assert rates.on(date(2031, 3, 10)) == 10
    assert rates.on(date(2031, 2, 1)) == pytest.approx(3100 / 28), "as in the first one stated"
    assert rates.on(date(2031, 4, 1)) == pytest.approx(3100 / 30), "as in the last one stated"
    assert Rates({}, (1,) * 7).on(date(2031, 1, 1)) == 0
    sunday = date(2031, 3, 2)
    assert Rates({"2031-03": 2100}, WORKING).on(sunday) == 0
    assert Rates({"2031-03": 2100}, WORKING).on(date(2031, 3, 3)) == 100
    assert Rates({"2031-03-02": 5}, WORKING).on(sunday) == 5, "stated for the day off itself"


@settings(deadline=None, max_examples=50)
@given(day=st.dates(date(1000, 1, 1), date(9000, 1, 1)))
def test_every_day_lies_in_its_own_span(day: date) -> None:
    """Days, ISO weeks, months and years."""
    lengths = {"day": {1}, "week": {7}, "month": {28, 29, 30, 31}, "year": {365, 366}}
    for length, possible in lengths.items():
        first, end = span_around(day, length)
        assert first <= day < end
        assert (end - first).days in possible


@pytest.mark.parametrize(
    ("given", "ask", "code", "told"),
    [
        ({"free": 0}, {}, "no-service", "kyc has nothing free for measure spring"),
        ({"periods": ("2031-03", "2099-01")}, {}, "too-long", "2031-03-01 to 2099-02-01"),
        ({"periods": ("9999-11",)}, {}, "beyond-calendar", "leave the calendar"),
        ({"move": 10**7}, {}, "beyond-calendar", "leave the calendar"),
        ({}, {"service_days": (0,) * 7}, "no-weekday", "are served on no day"),
        ({}, {"arrival_days": (0,) * 7}, "no-weekday", "arrive on no day"),
    ],
)
def test_what_cannot_be_played_is_refused(
    given: dict[str, Any], ask: dict[str, Any], code: str, told: str
) -> None:
    """Each with a code and what is wrong in words."""
    with pytest.raises(RefusedError, match=told) as refused:
        loads_of(inputs(**given), PlayAsk(**ask))
    assert refused.value.code == code
