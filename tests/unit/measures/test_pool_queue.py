"""Whose turn it is at a pool, and that nobody overtakes, starves or is oversold."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from measures.documents import Pool
from measures.errors import RefusedError
from measures.plan import Demand
from measures.pool import (
    PoolState,
    drop_reservation,
    expire,
    fold_pool,
    frees,
    join_queue,
    leave_queue,
    next_expiry,
    open_pool,
    report_capacity,
    reserve,
    shifted,
)
from measures.pool_state import Asker, load
from measures.requests import CapacityInput
from measures.turns import AGEING, HIGHEST, LOWEST, Priority, more_urgent_at, waiting_turn

MARCH, APRIL = "2031-03", "2031-04"
NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)


def opened(unit: str = "checks", notes_last: timedelta | None = None, **more: float) -> PoolState:
    """A pool with this capacity per period; 100 in March when nothing is said."""
    pool = Pool(
        id="kyc",
        title="Checks",
        unit=unit,
        owner="kim",
        capacity=more.pop("capacity", None) or {MARCH: 100},  # type: ignore[arg-type]
        notes_last=notes_last,
    )
    return fold_pool(None, open_pool(pool, "operator", NOW, "open"))


def wants(amount: float, period: str = MARCH) -> tuple[Demand, ...]:
    """One demand."""
    return (Demand(pool="kyc", period=period, amount=amount),)


def held(state: PoolState, measure: str, amount: float, **options: Any) -> PoolState:
    """The pool after a reservation that it can make."""
    period = options.pop("period", MARCH)
    at = options.pop("at", NOW)
    hard = options.pop("hard", True)
    draft, lacking = reserve(
        state, measure, wants(amount, period), hard=hard, at=at, command=measure, **options
    )
    assert draft is not None, lacking
    return fold_pool(state, draft)


def queued(state: PoolState, measure: str, amount: float, **options: Any) -> PoolState:
    """The pool after a measure has joined its queue."""
    place = {"priority": 5, "since": NOW, "ready": True, **options}
    period = place.pop("period", MARCH)
    draft = join_queue(state, measure, wants(amount, period), at=NOW, command=measure, **place)
    assert draft is not None
    return fold_pool(state, draft)


def lacking(state: PoolState, measure: str, amount: float, **options: Any) -> str:
    """Why a measure cannot have what it wants; empty when it can."""
    at = options.pop("at", NOW)
    period = options.pop("period", MARCH)
    return reserve(state, measure, wants(amount, period), hard=True, at=at, command="c", **options)[
        1
    ]


class TestOrder:
    """Priority, then who has waited longer, then the name."""

    def test_the_more_urgent_then_the_earlier_then_the_name(self) -> None:
        """The order does not depend on who joined the queue first."""
        state = opened()
        for name, priority, hours in (("d", 5, 2), ("b", 5, 1), ("a", 5, 2), ("z", 9, 9)):
            state = queued(state, name, 60, priority=priority, since=NOW + timedelta(hours=hours))
        assert state.queued(NOW) == ["z", "b", "a", "d"]

    def test_waiting_makes_more_urgent_up_to_the_highest(self) -> None:
        """The least urgent stands before every later one after eight weeks."""
        weeks = 8 * AGEING
        old = waiting_turn(LOWEST, NOW, "old", NOW + weeks)
        assert old < waiting_turn(HIGHEST, NOW + timedelta(seconds=1), "new", NOW + weeks)
        day_before = NOW + weeks - timedelta(days=1)
        younger = waiting_turn(LOWEST, NOW, "old", day_before)
        assert younger > waiting_turn(HIGHEST, day_before, "new", day_before)
        assert more_urgent_at(5, NOW, NOW + AGEING) == NOW + 2 * AGEING
        assert more_urgent_at(HIGHEST, NOW, NOW) is None

    @given(
        st.lists(st.tuples(st.integers(1, 9), st.integers(0, 100)), min_size=2, max_size=8),
        st.integers(0, 200),
    )
    def test_one_order_over_all_pools(self, waiting: list[tuple[int, int]], days: int) -> None:
        """Pools that know some of the measures never order two of them differently."""
        at = NOW + timedelta(days=days)
        names = {f"m{n}": one for n, one in enumerate(waiting)}
        whole, odd = opened(), opened()
        for n, (name, (priority, since)) in enumerate(names.items()):
            options: Any = {"priority": priority, "since": NOW + timedelta(days=since)}
            whole = queued(whole, name, 1, **options)
            if n % 2:
                odd = queued(odd, name, 7, **options)
        assert [name for name in whole.queued(at) if name in odd.queue] == odd.queued(at)


class TestKeeping:
    """What is kept for those ahead."""

    def test_a_smaller_later_one_does_not_overtake(self) -> None:
        """Unless what is left after the one ahead is enough for it."""
        state = queued(held(opened(), "x", 50), "big", 80)
        later = NOW + timedelta(hours=1)
        said = lacking(state, "small", 30, at=later)
        assert said == "pool kyc 2031-03: 30 needed, 0 free, 80 kept for who waits before it"
        state = fold_pool(state, drop_reservation(state, "x", "done", NOW, "c"))
        assert lacking(state, "small", 20, at=later) == ""
        assert lacking(state, "small", 21, at=later) != ""
        assert lacking(state, "big", 80, since=NOW) == ""

    def test_the_more_urgent_goes_first(self) -> None:
        """What is kept for the less urgent does not bind it."""
        state = queued(opened(), "usual", 80)
        assert lacking(state, "urgent", 100, priority=6, at=NOW + timedelta(days=1)) == ""

    def test_nothing_is_kept_for_what_can_never_be_served(self) -> None:
        """Neither where this pool states too little at all, nor where another does."""
        for state in (queued(opened(), "huge", 101), queued(opened(), "m", 80, ready=False)):
            assert lacking(state, "small", 100, at=NOW + timedelta(days=1)) == ""
        state = queued(opened(), "huge", 101)
        state = fold_pool(state, report_capacity(state, MARCH, 101, "kim", NOW, "c"))
        assert lacking(state, "small", 1, at=NOW + timedelta(days=1)) != ""

    def test_who_gets_it_leaves_the_queue(self) -> None:
        """A note keeps the place, a reservation ends it, leaving frees."""
        state = queued(opened(), "m", 80)
        assert "m" in held(state, "m", 80, hard=False, since=NOW).queue
        assert "m" not in held(state, "m", 80, since=NOW).queue
        gone = leave_queue(state, "m", "held", NOW, "c")
        assert gone is not None
        assert frees(state, gone)
        assert fold_pool(state, gone).queue == {}
        assert leave_queue(opened(), "m", "held", NOW, "c") is None

    def test_the_same_place_again_writes_nothing(self) -> None:
        """A request that is asked twice leaves one entry."""
        state = queued(opened(), "m", 80)
        again = join_queue(
            state, "m", wants(80), priority=5, since=NOW, ready=True, at=NOW, command="c"
        )
        assert again is None

    def test_taking_what_was_kept_frees_nothing(self) -> None:
        """Nobody is woken in vain; joining wakes nobody either."""
        state = opened()
        joined = join_queue(
            state, "m", wants(80), priority=5, since=NOW, ready=True, at=NOW, command="c"
        )
        assert joined is not None
        assert not frees(state, joined)
        state = fold_pool(state, joined)
        took, _ = reserve(state, "m", wants(80), hard=True, at=NOW, command="c", since=NOW)
        assert took is not None
        assert not frees(state, took)
        less, _ = reserve(state, "m", wants(70), hard=True, at=NOW, command="c", since=NOW)
        assert less is not None
        assert frees(state, less)


class TestPeriods:
    """Days, weeks and months of one pool are never oversold together."""

    def test_a_day_counts_in_full_in_its_month(self) -> None:
        """Two days share what the month has."""
        state = held(opened(), "a", 60, period="2031-03-05")
        assert state.free_for("b", "2031-03-06") == 40
        assert state.free_for("b", MARCH) == 40
        assert lacking(state, "b", 41, period="2031-W11") == (
            "pool kyc 2031-W11: 41 needed, 40 free"
        )

    def test_a_week_counts_in_every_month_that_it_touches(self) -> None:
        """It needs room in all of them, and lies inside none, so it is refused with the fix."""
        state = opened(capacity={"2031-03": 100, "2031-04": 50})  # type: ignore[arg-type]
        said = lacking(state, "a", 10, period="2031-W14")
        assert said.startswith("pool kyc states no capacity for 2031-W14 as a whole, but for")
        assert "write the demand for the periods" in said
        state = held(state, "a", 30, period="2031-03-31")
        assert state.free_for("b", "2031-03-31") == 70
        assert state.free_for("b", APRIL) == 50

    def test_both_a_year_and_a_month_bind(self) -> None:
        """The tighter of the two is what is free."""
        state = opened(capacity={"2031": 120, "2031-03": 100})  # type: ignore[arg-type]
        state = held(state, "a", 90, period="2031-07")
        assert state.free_for("b", MARCH) == 30

    def test_ones_own_other_periods_count(self) -> None:
        """Two days of one measure need both at once."""
        demands = (*wants(60, "2031-03-05"), *wants(60, "2031-03-06"))
        draft, why = reserve(opened(), "a", demands, hard=True, at=NOW, command="c")
        assert draft is None
        assert "60 needed, 40 free" in why

    def test_a_period_that_is_over_cannot_be_held(self) -> None:
        """Days begin at midnight UTC, whatever zone the clock is in, also across DST."""
        state = opened(capacity={"2031-03-30": 5})  # type: ignore[arg-type]
        berlin_summer = timezone(timedelta(hours=2))
        still = datetime(2031, 3, 31, 1, 59, tzinfo=berlin_summer)
        over = datetime(2031, 3, 31, 2, 0, tzinfo=berlin_summer)
        assert lacking(state, "a", 1, period="2031-03-30", at=still) == ""
        assert "already over" in lacking(state, "a", 1, period="2031-03-30", at=over)
        assert report_capacity(state, "2031-03-30", 1, "kim", still, "c")
        with pytest.raises(RefusedError, match="already over"):
            report_capacity(state, "2031-03-30", 1, "kim", over, "c")


class TestCuts:
    """Capacity goes below what is held."""

    def test_who_loses_first_is_said_and_comes_back_in_order(self) -> None:
        """The least urgent first, of those the latest; and nothing of it is forgotten."""
        state = held(opened(), "urgent", 40, priority=9, at=NOW + timedelta(hours=3))
        state = held(state, "early", 30, at=NOW + timedelta(hours=1))
        state = held(state, "late", 30, at=NOW + timedelta(hours=2))
        cut = report_capacity(state, MARCH, 60, "kim", NOW, "c")
        lost = [(one["measure"], one["held"], one["covered"]) for one in cut.body["uncovered"]]
        assert lost == [("late", 30, 0), ("early", 30, 20)]
        assert shifted(cut) == ("late", "early")
        state = fold_pool(state, cut)
        assert [one.measure for one in state.overcommitted()] == ["late", "early"]
        assert [state.covered(name, MARCH) for name in ("urgent", "early", "late")] == [40, 20, 0]
        # Those who are covered still may launch; nobody else gets anything.
        assert state.free_for("urgent", MARCH) == 40
        assert state.free_for("new", MARCH) == -40
        back = report_capacity(state, MARCH, 70, "kim", NOW, "c")
        assert "uncovered" not in back.body
        assert back.body["covered_again"] == ["early"]
        state = fold_pool(state, back)
        assert [state.covered(name, MARCH) for name in ("urgent", "early", "late")] == [40, 30, 0]

    def test_a_report_that_covers_all_says_nothing(self) -> None:
        """Its entry is as small as ever."""
        state = held(opened(), "a", 60)
        report = report_capacity(state, MARCH, 60, "kim", NOW, "c")
        assert report.body == {"period": MARCH, "amount": 60}

    def test_where_a_statement_comes_from(self) -> None:
        """A document, a person, or a connected system in the owner's name."""
        state = opened()
        assert state.capacity[MARCH].source == "document"
        state = fold_pool(state, report_capacity(state, MARCH, 9, "kim", NOW, "c"))
        assert state.capacity[MARCH].source == "report"
        state = fold_pool(state, report_capacity(state, MARCH, 9, "kim", NOW, "c", "wfm"))
        assert state.capacity[MARCH].source == "connector:wfm"


class TestEnds:
    """Everything ends with its period."""

    def test_holding_note_and_place_end_with_the_period(self) -> None:
        """How much was used stays known."""
        state = held(opened(), "a", 60)
        state = queued(held(state, "n", 5, hard=False), "w", 70)
        april = datetime(2031, 4, 1, tzinfo=UTC)
        assert next_expiry(state) == april
        assert expire(state, april - timedelta(seconds=1), "c") is None
        draft = expire(state, april, "c")
        assert draft is not None
        state = fold_pool(state, draft)
        assert (state.holdings, state.queue, state.used) == ({}, {}, {MARCH: 60})
        assert next_expiry(state) is None
        assert expire(state, april, "c") is None

    def test_a_note_ends_when_the_pool_says(self) -> None:
        """What is held does not."""
        state = opened(notes_last=timedelta(days=30))
        state = held(held(state, "a", 60), "n", 5, hard=False)
        assert next_expiry(state) == NOW + timedelta(days=30)
        draft = expire(state, NOW + timedelta(days=30), "c")
        assert draft is not None
        assert set(fold_pool(state, draft).holdings) == {"a"}


PERIODS = (MARCH, APRIL, "2031-03-05", "2031-W10", "2031-W14", "2031")
_moves = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "join", "leave", "drop", "report", "wait"]),
        st.integers(0, 6),
        st.sampled_from(PERIODS),
        st.integers(0, 60),
        st.integers(1, 9),
    ),
    max_size=40,
)


@settings(max_examples=150)
@given(_moves)
def test_nothing_is_ever_oversold(moves: list[tuple[str, int, str, int, int]]) -> None:
    """No move makes more be held anywhere than is stated, but a cut by the owner.

    And whoever gets capacity takes none that is kept for somebody ahead of it.
    """
    state, at = opened(capacity={MARCH: 50, "2031": 90}), NOW  # type: ignore[arg-type]
    for verb, number, period, amount, priority in moves:
        name, draft = f"m{number}", None
        place = state.queue.get(name)
        since, rank = (place.since, place.priority) if place else (at, priority)
        if verb == "reserve":
            draft, _ = reserve(
                state, name, wants(amount, period), hard=True, at=at, command="c",
                priority=rank, since=since,
            )  # fmt: skip
        elif verb == "join":
            draft = join_queue(
                state, name, wants(amount, period), priority=rank, since=since, ready=True,
                at=at, command="c",
            )  # fmt: skip
        elif verb == "leave":
            draft = leave_queue(state, name, "x", at, "c")
        elif verb == "drop":
            draft = drop_reservation(state, name, "x", at, "c")
        elif verb == "report":
            draft = report_capacity(state, period, amount * 2, "kim", at, "c")
        at += timedelta(days=number) if verb == "wait" else timedelta(0)
        if draft is None or (at - NOW).days > 45:
            continue
        before, state = state, fold_pool(state, draft)
        for stated in state.capacity:
            over = state.held(stated) - state.capacity[stated].amount
            assert sum(o.held - o.covered for o in state.uncovered(stated)) == max(0, over)
            if verb == "reserve":
                assert over <= max(0, before.held(stated) - before.capacity[stated].amount)
                asker = Asker(rank, since, at)
                taken = load(state.holdings[name].amounts, stated)
                had = load(before.holdings[name].amounts, stated) if name in before.holdings else 0
                if taken > had:
                    assert over + before.kept(stated, name, asker) <= 0
    assert PoolState.model_validate_json(state.model_dump_json(), strict=False) == state


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.integers(1, 9), st.integers(0, 30)),
        min_size=1,
        max_size=12,
    )
)
def test_everybody_who_fits_is_served_in_the_end(waiting: list[tuple[int, int, int]]) -> None:
    """Whatever comes later and however small, who waits is served once room comes free.

    Each round one holder lets go and a small new one, of the least urgent, slips in if it may.
    """
    state = held(opened(capacity={MARCH: 40}), "holder", 40)  # type: ignore[arg-type]
    for number, (amount, priority, days) in enumerate(waiting):
        since = NOW - timedelta(days=days)
        state = queued(state, f"w{number}", amount, priority=priority, since=since)
    served: list[str] = []
    for round_ in range(3 * len(waiting)):
        at = NOW + timedelta(minutes=1 + round_)
        order = state.queued(at)
        for name in list(state.holdings):
            state = fold_pool(state, drop_reservation(state, name, "done", at, "c"))
            break
        slip, _ = reserve(
            state, f"slip{round_}", wants(1), hard=True, at=at, command="c", priority=LOWEST
        )
        waited_for = sum(place.amounts[MARCH] for place in state.queue.values())
        assert (slip is not None) == (state.held(MARCH) + waited_for + 1 <= 40)
        state = fold_pool(state, slip) if slip else state
        for name in order:
            place = state.queue[name]
            took, _ = reserve(
                state, name, (Demand(pool="kyc", period=MARCH, amount=place.amounts[MARCH]),),
                hard=True, at=at, command="c", priority=place.priority, since=place.since,
            )  # fmt: skip
            if took is None:
                break
            state = fold_pool(state, took)
            served.append(name)
    assert len(served) == len(waiting)


def test_two_hundred_requests_in_any_order_never_oversell() -> None:
    """The whole is taken to the last unit, by whoever comes in turn."""
    state = opened(capacity={MARCH: 1000})  # type: ignore[arg-type]
    for number in range(200):
        draft, why = reserve(state, f"m{number}", wants(7), hard=True, at=NOW, command=f"c{number}")
        assert (draft is None) == bool(why)
        state = fold_pool(state, draft) if draft else state
    assert state.held(MARCH) == 994
    assert len(state.holdings) == 142


@pytest.mark.parametrize("amount", [-1, float("nan"), float("inf"), 1e16, "5", None, True])
def test_amounts_that_are_none_are_refused(amount: Any) -> None:
    """Negative, not finite, huge, not a number: as a demand, as capacity and as a report."""
    for made in (
        lambda: Demand.model_validate({"pool": "kyc", "period": MARCH, "amount": amount}),
        lambda: CapacityInput.model_validate({"by": "kim", "period": MARCH, "amount": amount}),
        lambda: opened(capacity={MARCH: amount}),
    ):
        with pytest.raises(ValidationError):
            made()


@pytest.mark.parametrize("priority", [0, 10, -1, 5.5, "9"])
def test_a_priority_is_a_whole_number_from_1_to_9(priority: Any) -> None:
    """Anything else is refused, not rounded."""
    with pytest.raises(ValidationError):
        TypeAdapter(Priority).validate_python(priority, strict=True)


@pytest.mark.parametrize("period", ["2031-13", "2031-W54", "2031-02-30", "March", "", "31-03"])
def test_periods_that_are_none_are_refused(period: str) -> None:
    """No month 13, no week 54, no 30 February."""
    with pytest.raises(ValidationError):
        Demand(pool="kyc", period=period, amount=1)


def test_a_pool_has_a_unit() -> None:
    """An amount of nothing in particular is none."""
    with pytest.raises(ValidationError):
        opened(unit="")
