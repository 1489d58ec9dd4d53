"""A pool as people see it."""

from datetime import UTC, datetime, timedelta

import pytest

from measures.documents import Pool
from measures.entry import Draft
from measures.feeds import Feed, FeedState
from measures.plan import Demand
from measures.pool import (
    PoolState,
    fold_pool,
    join_queue,
    open_pool,
    report_capacity,
    reserve,
)
from measures.pool_view import PoolView, view_of

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
MARCH, APRIL = "2031-03", "2031-04"


def after(state: PoolState, *drafts: Draft | None) -> PoolState:
    """The state after entries that must have been drafted."""
    for draft in drafts:
        assert draft is not None
        state = fold_pool(state, draft)
    return state


def wants(amount: float, period: str = MARCH) -> tuple[Demand, ...]:
    """One demand."""
    return (Demand(pool="kyc", period=period, amount=amount),)


@pytest.fixture
def crowded() -> PoolState:
    """80 of 100 are held, one measure noted 10, two wait, and one of them in vain."""
    pool = Pool(
        id="kyc", title="Checks", unit="checks", owner="kim", capacity={MARCH: 100, APRIL: 50}
    )
    state = fold_pool(None, open_pool(pool, "operator", NOW, "open"))
    for name, amount, priority in (("calm", 30, 2), ("urgent", 50, 8)):
        draft, _ = reserve(
            state, name, wants(amount), hard=True, at=NOW, command=name, priority=priority
        )
        state = after(state, draft)
    note, _ = reserve(state, "noting", wants(10), hard=False, at=NOW, command="note")
    state = after(state, note)
    for name, amount, priority in (("late", 15, 5), ("huge", 500, 9)):
        place = join_queue(
            state, name, wants(amount), priority=priority, since=NOW, ready=True, at=NOW,
            command=name,
        )  # fmt: skip
        state = after(state, place)
    return state


def test_a_period_tells_who_holds_and_who_waits(crowded: PoolState) -> None:
    """Who would lose last at the head; nothing is kept for one who needs more than there is."""
    march, april = view_of(crowded, NOW).periods
    assert (march.held, march.noted, march.kept, march.free) == (80, 10, 15, 5)
    assert [(one.measure, one.hard) for one in march.shares] == [
        ("urgent", True), ("calm", True), ("noting", False),
    ]  # fmt: skip
    assert [(one.measure, one.amount, one.kept) for one in march.waiting] == [
        ("huge", 500, False), ("late", 15, True),
    ]  # fmt: skip
    assert (march.waited_for, march.over, march.utilisation) == (515, 0, 0.8)
    assert (april.free, april.shares, april.waiting) == (50, (), ())


def test_what_is_over_can_be_left_out(crowded: PoolState) -> None:
    """It is said how many, so that nobody misses them."""
    april = datetime(2031, 4, 1, tzinfo=UTC)
    view = view_of(crowded, april, past=False)
    assert ([one.period for one in view.periods], view.over) == ([APRIL], 1)
    assert [one.period for one in view_of(crowded, april).periods] == [MARCH, APRIL]


def test_what_is_held_beyond_the_capacity_names_who_loses(crowded: PoolState) -> None:
    """The least urgent loses first."""
    report = report_capacity(crowded, MARCH, 60, "kim", NOW, "cut")
    march = view_of(after(crowded, report), NOW).periods[0]
    assert (march.over, march.free, march.source) == (20, 0, "report")
    assert [(one.measure, one.covered) for one in march.shares if one.hard] == [
        ("urgent", 50), ("calm", 10),
    ]  # fmt: skip


def test_what_is_too_old_for_the_rules_is_stale(crowded: PoolState) -> None:
    """Up to the span it is not; where no rule asks, nothing is."""
    day = timedelta(days=1)
    for later, accepted, stale in ((day, day, False), (2 * day, day, True), (2 * day, None, False)):
        march = view_of(crowded, NOW + later, accepted).periods[0]
        assert (march.stale, march.age_seconds) == (stale, later.total_seconds())


def test_a_need_that_nobody_stated_capacity_for_is_seen(crowded: PoolState) -> None:
    """In the order of time, without numbers that nobody gave; a week inside a month is no such."""
    for period in ("2031-06", "2031-02", "2031-W11"):
        note, _ = reserve(
            crowded, period.lower(), wants(1, period), hard=False, at=NOW, command="x"
        )
        crowded = after(crowded, note)
    view = view_of(crowded, NOW)
    assert [one.period for one in view.periods] == ["2031-02", MARCH, APRIL, "2031-06"]
    assert (view.periods[0].capacity, view.periods[0].free, view.periods[0].noted) == (
        None,
        None,
        1,
    )
    assert view.periods[1].noted == 11


def test_a_view_outlives_a_journey_as_data(crowded: PoolState) -> None:
    """What `-o json` prints reads back as the same."""
    view = view_of(crowded, NOW)
    assert PoolView.model_validate_json(view.model_dump_json()) == view


def test_what_is_free_is_what_a_reservation_would_get() -> None:
    """A tight day bounds its month, a full month its day; of what is over nobody gets anything."""
    stated = {"2030-12": 40, MARCH: 100, "2031-03-05": 10, APRIL: 50}
    pool = Pool(id="kyc", title="Checks", unit="checks", owner="kim", capacity=stated)
    state = fold_pool(None, open_pool(pool, "operator", NOW, "open"))
    seen = {one.period: one.free for one in view_of(state, NOW).periods}
    assert seen == {"2030-12": 0, MARCH: 10, "2031-03-05": 10, APRIL: 50}
    for period, free in seen.items():
        draft, lacking = reserve(
            state, "m", wants(free + 1, period), hard=True, at=NOW, command="m"
        )
        assert draft is None
        assert lacking


def test_how_a_feed_fares_is_seen() -> None:
    """Of the feed as the pool names it now; what another source did says nothing of it."""
    feed = Feed(gives="load", connection="desk", object="queue", ref="kyc", field="n")
    pool = Pool(id="kyc", title="Checks", unit="checks", owner="kim", feeds=(feed,))
    state = PoolState(pool=pool)
    went = FeedState(pool="kyc", gives="load", source=feed.source, last_success=NOW)
    others = [
        went.model_copy(update={"pool": "b"}),
        went.model_copy(update={"source": "old:a/b.c"}),
    ]
    [unread] = view_of(state, NOW, fed=others).feeds
    assert (unread.source, unread.every, unread.last_success, unread.fails) == (
        "desk:queue/kyc.n", "1m", None, False,
    )  # fmt: skip
    [read] = view_of(state, NOW, fed=[*others, went]).feeds
    assert (read.last_success, read.fails) == (NOW, False)
    later = {"last_error": "gone", "last_error_at": NOW + timedelta(seconds=1)}
    [failing] = view_of(state, NOW, fed=[went.model_copy(update=later)]).feeds
    assert (failing.last_success, failing.last_error, failing.fails) == (NOW, "gone", True)
