"""What is offered instead of a bare no, against brute force and the pools' own arithmetic."""

import shlex
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.amending import set_fields
from measures.availability import exact
from measures.conversion import Conversion
from measures.documents import Pool
from measures.model import period_bounds
from measures.offering import Outlook, outlook
from measures.plan import Demand, Measure
from measures.plan_fields import amend_command
from measures.pool import PoolState, fold_pool, join_queue, open_pool, reserve
from measures.shifting import Shift

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
FIRST = {"month": date(2031, 3, 1), "week": date(2031, 3, 3), "day": date(2031, 3, 1)}
WINDOW = {"connector": "memory", "ref": "C", "launch_on": "2031-03-02", "ends_on": "2031-03-31"}


def plan(*demands: tuple[str, str, float], **fields: Any) -> Measure:
    """A measure that needs something of pools."""
    needs = [{"pool": pool, "period": period, "amount": amount} for pool, period, amount in demands]
    whole = {"id": "spring", "title": "Spring", "type": "campaign", "package": "media"}
    return Measure.model_validate({**whole, "demands": needs, **fields}, strict=False)


def pool(name: str, capacity: dict[str, float], held: dict[str, float] | None = None) -> PoolState:
    """A pool of which other measures hold something, as far as it is there."""
    document = Pool(id=name, title=name, unit="checks", owner="kim", capacity=capacity)
    state = fold_pool(None, open_pool(document, "operator", NOW, "open"))
    for period, amount in (held or {}).items():
        needs = (Demand(pool=name, period=period, amount=amount),)
        draft, _ = reserve(state, f"by {period}", needs, hard=True, at=NOW, command=period)
        if draft is not None:
            state = fold_pool(state, draft)
    return state


def reservable(pools: dict[str, PoolState], demands: Iterable[Demand]) -> bool:
    """Whether every pool itself would hold what it is asked for."""
    demands = tuple(demands)
    return not any(
        reserve(state, "spring", demands, hard=True, at=NOW, command="t")[1]
        for state in pools.values()
        if any(demand.pool == state.pool.id for demand in demands)
    )


def seen(found: Outlook | None) -> list[str]:
    """The offers in words."""
    assert found is not None
    return [offer.text for offer in found.offers]


def test_what_fits_needs_no_offer() -> None:
    """Also a measure that asks for nothing."""
    kyc = {"kyc": pool("kyc", {"2031-03": 100})}
    assert outlook(plan(("kyc", "2031-03", 100)), kyc, NOW) is None
    assert outlook(plan(), {}, NOW) is None


def test_a_part_now_and_the_rest_later() -> None:
    """The issue's own words: 60 % now, the rest from 1 April."""
    kyc = {"kyc": pool("kyc", {"2031-03": 60, "2031-04": 60})}
    found = outlook(plan(("kyc", "2031-03", 100), campaign=WINDOW), kyc, NOW)
    assert seen(found) == ["60 % now, the rest from 2031-04-01"]
    assert found is not None
    [offer] = found.offers
    assert offer.changes == {
        "demands": [
            {"pool": "kyc", "period": "2031-03", "amount": 60},
            {"pool": "kyc", "period": "2031-04", "amount": 40},
        ],
        "campaign.ends_on": "2031-04-30",
    }
    assert "until 2031-04-30" in found.nothing_later


def test_everything_some_days_later() -> None:
    """The launch window and the demand of every day move alike."""
    days = {f"2031-03-{day:02}": 10 for day in range(2, 31)}
    held = {f"2031-03-{day:02}": 10 for day in range(2, 17)}
    needs = plan(("desk", "2031-03-02", 8), ("desk", "2031-03-03", 8), campaign=WINDOW)
    found = outlook(needs, {"desk": pool("desk", days, held)}, NOW)
    assert seen(found) == ["everything 15 days later: launch on 2031-03-17"]
    assert found is not None
    after = set_fields(needs, found.offers[0].changes)
    assert [demand.period for demand in after.demands] == ["2031-03-17", "2031-03-18"]
    assert after.campaign is not None
    assert after.campaign.ends_on == date(2031, 4, 15)


def test_several_pools_move_together() -> None:
    """The day on which one has room and the other has not is no offer."""
    pools = {
        "kyc": pool("kyc", {"2031-03": 5, "2031-04": 50, "2031-05": 50}),
        "desk": pool("desk", {"2031-03": 50, "2031-04": 5, "2031-05": 50}),
    }
    found = outlook(plan(("kyc", "2031-03", 10), ("desk", "2031-03", 10)), pools, NOW)
    assert seen(found) == [
        "everything 2 months later: from 2031-05-01",
        "50 % now, the rest from 2031-04-01",
    ]


def test_a_day_counts_in_its_month_too() -> None:
    """The tighter of both bounds the part, and every demand within a month counts in it."""
    months = {"2031-03": 100, "2031-03-05": 5, "2031-03-06": 50, "2031-03-07": 50}
    needs = plan(("kyc", "2031-03-05", 20))
    assert seen(outlook(needs, {"kyc": pool("kyc", months)}, NOW)) == [
        "everything 1 day later: from 2031-03-06",
        "25 % now, the rest from 2031-03-06",
    ]
    three = plan(*(("kyc", f"2031-03-0{day}", 50) for day in (6, 7, 8)))
    assert seen(outlook(three, {"kyc": pool("kyc", months)}, NOW)) == [
        "66.6 % now, the rest on no day for which capacity is stated"
    ]


def test_nothing_is_invented_for_periods_that_nobody_stated() -> None:
    """No offer, and the words say what is not known."""
    pools = {"kyc": pool("kyc", {"2031-03": 0}), "void": pool("void", {})}
    needs = plan(("kyc", "2031-03", 10))
    found = outlook(needs, pools, NOW)
    assert found is not None
    assert (found.offers, found.nothing_later) == (
        (),
        "everything fits on no later day for which capacity is stated (kyc until 2031-03-31)",
    )
    for name, why in (("void", "states no capacity at all"), ("gone", "there is no pool gone")):
        found = outlook(plan((name, "2031-03", 1)), pools, NOW)
        assert found is not None
        assert (found.offers, why in found.nothing_later) == ((), True)


def test_the_past_and_lead_times_carry_nothing() -> None:
    """A period that is over is no offer, nor a launch before what must be ordered is there."""
    kyc = {"kyc": pool("kyc", dict.fromkeys(("2031-04", "2031-05", "2031-06"), 100))}
    needs = plan(("kyc", "2031-03", 50), campaign=WINDOW)
    assert seen(outlook(needs, kyc, NOW)) == ["everything 1 month later: launch on 2031-04-02"]
    late = outlook(needs, kyc, NOW, not_before=date(2031, 4, 3))
    assert seen(late) == ["everything 2 months later: launch on 2031-05-02"]
    over = outlook(needs, kyc, datetime(2031, 6, 1, tzinfo=UTC))
    assert seen(over) == ["everything 3 months later: launch on 2031-06-02"]


def test_whole_units_stay_whole() -> None:
    """Nobody reserves 33.3 checks; tenths of an hour are split exactly."""
    pools = {
        "kyc": pool("kyc", {"2031-03": 1}),
        "desk": pool("desk", {"2031-03": 0.1, "2031-04": 0.3}),
    }
    found = outlook(plan(("kyc", "2031-03", 3)), pools, NOW)
    assert seen(found) == ["33.3 % now, the rest on no day for which capacity is stated"]
    assert found is not None
    assert found.offers[0].changes == {"demands.kyc/2031-03.amount": 1}
    found = outlook(plan(("desk", "2031-03", 0.4)), pools, NOW)
    assert found is not None
    assert [demand.amount for demand in found.offers[0].demands] == [0.1, 0.3]


def test_clicks_are_offered_by_the_checks_they_come_to() -> None:
    """The plan stays in its own unit; what no conversion leads to is not known, and said."""
    pools = {"kyc": pool("kyc", {"2031-03": 120, "2031-04": 300, "2031-05": 600})}
    clicks = {"pool": "kyc", "period": "2031-03", "amount": 1000, "unit": "clicks"}
    needs = plan(demands=[clicks])
    half = Conversion(
        id="c", title="C", from_="clicks", to="checks", ratio=0.5, error=0, owner="kim"
    )
    found = outlook(needs, pools, NOW, conversions={"c": half})
    assert seen(found) == [
        "everything 2 months later: from 2031-05-01",
        "24 % now, the rest from 2031-05-01",
    ]
    assert found is not None
    assert found.offers[1].changes["demands"] == [
        {**clicks, "amount": 240}, {**clicks, "period": "2031-05", "amount": 760},
    ]  # fmt: skip
    unknown = outlook(needs, pools, NOW)
    assert unknown is not None
    assert (unknown.offers, "clicks" in unknown.nothing_later) == ((), True)


def test_demands_in_two_units_never_meet() -> None:
    """A plan names each pool and period once: no shift adds clicks to checks."""
    pools = {"kyc": pool("kyc", {"2031-03": 10, "2031-04": 100, "2031-05": 100, "2031-06": 100})}
    needs = plan(
        demands=[
            {"pool": "kyc", "period": "2031-03", "amount": 10},
            {"pool": "kyc", "period": "2031-04", "amount": 300, "unit": "clicks"},
        ]
    )
    half = Conversion(
        id="c", title="C", from_="clicks", to="checks", ratio=0.5, error=0, owner="kim"
    )
    found = outlook(needs, pools, NOW, conversions={"c": half})
    assert seen(found) == ["66.6 % now, the rest from 2031-05-01"]


@pytest.mark.parametrize("name", ["kyc", "kyc.north"])
def test_changes_are_applied_in_their_order(name: str) -> None:
    """No two demands ever bear one name on the way, also where a name has a dot."""
    periods = ("2031-03", "2031-04", "2031-05", "2031-06", "2031-07")
    pools = {name: pool(name, dict(zip(periods, (5, 10, 10, 10, 10), strict=True)))}
    needs = plan((name, "2031-03", 6), (name, "2031-04", 7), (name, "2031-05", 8))
    found = outlook(needs, pools, NOW)
    assert found is not None
    after = set_fields(needs, found.offers[0].changes)
    assert [(d.period, d.amount) for d in after.demands] == [
        ("2031-04", 6), ("2031-05", 7), ("2031-06", 8),
    ]  # fmt: skip


def test_a_year_is_typed_as_text() -> None:
    """`--set` reads JSON, where 2032 would be a number."""
    command = amend_command("m", "olga", {"demands.kyc/2031.period": "2032", "a": [{"b": 1}]})
    assert shlex.split(command)[4::2] == ['demands.kyc/2031.period="2032"', 'a=[{"b": 1}]', "olga"]


# Properties ------------------------------------------------------------------------------------


def period_at(length: str, number: int) -> str:
    """The period of a length, so many after the first; written apart from the product's way."""
    first = FIRST[length]
    if length == "month":
        year, month = divmod(first.year * 12 + first.month - 1 + number, 12)
        return f"{year}-{month + 1:02}"
    day = first + timedelta(days=number * (7 if length == "week" else 1))
    return day.strftime("%G-W%V") if length == "week" else day.isoformat()


amounts = st.one_of(st.integers(0, 30), st.integers(0, 300).map(lambda tenths: tenths / 10))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[str, Measure, dict[str, PoolState]]:
    """A plan in periods of one length; pools that state, hold and keep some in a queue."""
    length = draw(st.sampled_from(["month", "week", "day"]))
    pools = {}
    for name in ("kyc", "desk")[: draw(st.integers(1, 2))]:
        # A pool may state months, or both: what is needed by the day counts in each.
        of_months = draw(st.dictionaries(st.integers(0, 2), amounts, max_size=3))
        stated = draw(st.dictionaries(st.integers(0, 9), amounts, max_size=10))
        held = draw(st.dictionaries(st.integers(0, 9), amounts, max_size=6))
        capacity = {period_at("month", number): much for number, much in of_months.items()}
        capacity |= {period_at(length, number): much for number, much in stated.items()}
        one = pool(
            name, capacity, {period_at(length, number): much for number, much in held.items()}
        )
        for waiting in ("before", "after")[: draw(st.integers(0, 2))]:
            asked = NOW + timedelta(hours=-1 if waiting == "before" else 1)
            needs = (Demand(pool=name, period=period_at(length, 1), amount=draw(amounts)),)
            place = join_queue(
                one, waiting, needs, priority=5, since=asked, ready=True, at=NOW, command="q"
            )
            assert place is not None
            one = fold_pool(one, place)
        pools[name] = one
    wanted = draw(
        st.dictionaries(
            st.tuples(st.sampled_from(sorted(pools)), st.integers(0, 3)), amounts, max_size=5
        )
    )
    needs = plan(*((name, period_at(length, n), amount) for (name, n), amount in wanted.items()))
    return length, needs, pools


def moved(length: str, demands: Iterable[Demand], steps: int) -> tuple[Demand, ...]:
    """The demands so many periods later."""
    numbers = {period_at(length, number): number for number in range(4)}
    return tuple(
        demand.model_copy(update={"period": period_at(length, numbers[demand.period] + steps)})
        for demand in demands
    )


def carried(length: str, demands: tuple[Demand, ...], pools: dict[str, PoolState]) -> Iterator[int]:
    """The steps after which the pools would hold everything, by trying each."""
    return (n for n in range(1, 100) if reservable(pools, moved(length, demands, n)))


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_offers_hold_and_none_is_better(world: tuple[str, Measure, dict[str, PoolState]]) -> None:
    """Each is reservable as amended; no earlier day carries all, no larger part fits now."""
    length, needs, pools = world
    found = outlook(needs, pools, NOW)
    if found is None:
        assert reservable(pools, needs.demands)
        return
    assert not reservable(pools, needs.demands)
    by_kind = {offer.kind: offer for offer in found.offers}
    for offer in found.offers:
        after = set_fields(needs, offer.changes)
        assert reservable(pools, after.demands), offer
        assert sorted(after.demands, key=str) == sorted(offer.demands, key=str)
    first = next(carried(length, needs.demands, pools), None)
    later = by_kind.get("later")
    assert (later is None) == (first is None) == bool(found.nothing_later)
    if later is not None and first is not None:
        assert later.demands == moved(length, needs.demands, first)
    _largest_part(needs, pools, by_kind.get("partial"))


def _largest_part(needs: Measure, pools: dict[str, PoolState], offer: Any) -> None:
    """A thousandth more of everything is refused by some pool, and the parts add up to the plan."""
    share = Fraction(offer.share) if offer else Fraction(0)
    more = tuple(
        demand.model_copy(update={"amount": float(exact(demand.amount) * share * 1001 / 1000)})
        for demand in needs.demands
    )
    if share > Fraction(1, 1000):
        assert not reservable(pools, more)
    if offer is None:
        for percent in range(1, 100, 7):
            amounts = [demand.amount * percent / 100 for demand in needs.demands]
            some = [
                demand.model_copy(update={"amount": amount})
                for demand, amount in zip(needs.demands, amounts, strict=True)
            ]
            assert not (any(amount >= 1 for amount in amounts) and reservable(pools, some)), percent
    elif offer.moved_by:
        whole = sum(exact(demand.amount) for demand in needs.demands)
        assert sum(exact(demand.amount) for demand in offer.demands) == whole


@settings(max_examples=60, deadline=None)
@given(st.dates(date(2031, 1, 1), date(2033, 1, 1)), st.integers(1, 30), st.integers(1, 30))
def test_a_block_keeps_its_order(day: date, later: int, months: int) -> None:
    """What comes after still does not come before, and periods keep their lengths."""
    shift = Shift(months=months)
    assert shift.day(day) <= shift.day(day + timedelta(days=later))
    for length in ("month", "week", "day"):
        period = period_at(length, later)
        first, end = period_bounds(Shift(days=7 * later).period(period))
        old = period_bounds(period)
        if length != "month":
            assert (first, end) == tuple(bound + timedelta(days=7 * later) for bound in old)
        assert period_bounds(shift.period(period))[0] >= old[0]
