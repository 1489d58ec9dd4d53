"""Nothing is lost and nothing comes twice, however coarse or late the system's clock is."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Page, Remote
from connectors.cursor import MOST_AHEAD, cursor_from, place_of, read_changes
from connectors.failures import Rejected, RetryLater

START = datetime(2021, 3, 2, tzinfo=UTC)
OVERLAP = timedelta(seconds=2)


class Tracker:
    """A system that rounds its times down to seconds."""

    def __init__(self) -> None:
        self.shown: dict[str, Remote] = {}
        self.versions = 0

    def change(self, ref: str, second: int) -> Remote:
        self.versions += 1
        at = START + timedelta(seconds=second)
        one = Remote(kind="issue", ref=ref, version=str(self.versions), updated_at=at)
        self.shown[ref] = one
        return one

    async def fetch(self, since: datetime, offset: int, size: int) -> Sequence[Remote]:
        def order(one: Remote) -> tuple[datetime, str]:
            assert one.updated_at is not None
            return one.updated_at, one.ref

        behind = [one for one in self.shown.values() if order(one)[0] >= since]
        return sorted(behind, key=order)[offset : offset + size]


async def test_a_change_between_two_pages_hides_no_other() -> None:
    """Changed again while it is read, an object moves to the end, and all behind it move up."""
    tracker = Tracker()
    for number in range(9):
        tracker.change(f"i{number}", number)

    async def fetch(since: datetime, offset: int, size: int) -> Sequence[Remote]:
        page = await tracker.fetch(since, offset, size)
        if tracker.versions < 20:
            tracker.change(page[0].ref, 60 + tracker.versions)
        return page

    got = await read_changes(fetch, cursor_from(START), limit=100, overlap=OVERLAP, page=2)
    assert {one.ref for one in got.items} == {f"i{number}" for number in range(9)}


@given(
    bursts=st.lists(st.lists(st.integers(0, 12), max_size=12), max_size=8),
    limit=st.integers(1, 4),
    page=st.integers(1, 5),
)
async def test_every_last_version_comes_exactly_once(
    bursts: list[list[int]], limit: int, page: int
) -> None:
    """Changes come in bursts of one second each, and are read between the bursts."""
    tracker, cursor = Tracker(), cursor_from(START)
    delivered: list[tuple[str, str]] = []
    for second, burst in enumerate(bursts):
        for ref in burst:
            tracker.change(f"i{ref}", second)
        more = True
        while more:
            got = await read_changes(tracker.fetch, cursor, limit=limit, overlap=OVERLAP, page=page)
            assert len(got.items) <= limit
            delivered += [(one.ref, one.version) for one in got.items]
            cursor, more = got.cursor, got.more
        # What is shown now has been delivered, in this version.
        assert {(one.ref, one.version) for one in tracker.shown.values()} <= set(delivered)
    assert len(delivered) == len(set(delivered))


async def test_a_change_that_the_index_shows_late_is_found() -> None:
    """An older time than what was seen last, within the overlap."""
    tracker, cursor = Tracker(), cursor_from(START)
    tracker.change("a", 10)
    page = await read_changes(tracker.fetch, cursor, limit=10, overlap=OVERLAP)
    tracker.change("late", 8)
    page = await read_changes(tracker.fetch, page.cursor, limit=10, overlap=OVERLAP)
    assert [one.ref for one in page.items] == ["late"]


async def test_a_backlog_of_ten_thousand_in_one_second() -> None:
    """A bulk import shows one time for all."""
    tracker, cursor, found = Tracker(), cursor_from(START), 0
    for number in range(10_000):
        tracker.change(f"i{number:05}", 1)
    more = True
    while more:
        page = await read_changes(tracker.fetch, cursor, limit=5_000, overlap=OVERLAP, page=1_000)
        cursor, more = page.cursor, page.more
        found += len(page.items)
    assert found == 10_000


@pytest.mark.parametrize("cursor", ["", "x", "e30=", "WzEsIDJd", "é", "a" * 10_000])
async def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    """Whatever stands there."""
    with pytest.raises(Rejected, match="no cursor of ours"):
        await read_changes(Tracker().fetch, cursor, limit=1, overlap=OVERLAP)


async def test_a_system_without_times_is_named() -> None:
    """A poll that cannot go on says so rather than reading all again for ever."""
    tracker = Tracker()
    tracker.shown["a"] = Remote(kind="issue", ref="a", version="1")

    async def fetch(since: datetime, offset: int, size: int) -> Sequence[Remote]:
        return list(tracker.shown.values())

    with pytest.raises(RetryLater, match="issue a shows no time"):
        await read_changes(fetch, cursor_from(START), limit=5, overlap=OVERLAP)


async def test_a_system_that_rounds_down_is_read_once() -> None:
    """Asked from half a second on, it shows the whole second, also what is too old; once read."""
    tracker = Tracker()
    for second in range(5):
        tracker.change(f"i{second}", second)

    async def fetch(since: datetime, offset: int, size: int) -> Sequence[Remote]:
        return await tracker.fetch(since.replace(microsecond=0), offset, size)

    cursor = cursor_from(START + timedelta(seconds=4.5))
    first = await read_changes(fetch, cursor, limit=2, overlap=OVERLAP)
    second = await read_changes(fetch, first.cursor, limit=2, overlap=OVERLAP)
    assert [one.ref for one in (*first.items, *second.items)] == ["i3", "i4"]


# --- rows that are dated ahead ---


def at(second: float) -> datetime:
    """A moment so many seconds after the start."""
    return START + timedelta(seconds=second)


async def drained(tracker: Tracker, cursor: str, now: float, limit: int = 3) -> tuple[Page, int]:
    """Reads until there is no more; returns all of it with the last cursor, and the pages."""
    found: list[Remote] = []
    for pages in range(1, 10_000):
        page = await read_changes(
            tracker.fetch, cursor, limit=limit, overlap=OVERLAP, page=2, now=at(now)
        )
        found, cursor = [*found, *page.items], page.cursor
        if not page.more:
            return Page(items=tuple(found), cursor=cursor), pages
    raise AssertionError("it reads for ever")


async def test_a_row_of_a_wrong_date_hides_no_later_change() -> None:
    """It is delivered once itself; the years until its date are not passed over."""
    tracker = Tracker()
    tracker.change("wrong", 10**8)
    tracker.change("right", 5)
    first, _ = await drained(tracker, cursor_from(START), 10)
    assert {one.ref for one in first.items} == {"right", "wrong"}
    assert place_of(first.cursor) == at(5)
    tracker.change("later", 20)
    second, _ = await drained(tracker, first.cursor, 30)
    assert [one.ref for one in second.items] == ["later"]
    tracker.change("wrong", 10**8)
    third, _ = await drained(tracker, second.cursor, 40)
    assert [one.ref for one in third.items] == ["wrong"]


async def test_a_cursor_that_is_ahead_comes_back() -> None:
    """As an older release left it, or a clock of ours that was put back."""
    tracker = Tracker()
    tracker.change("a", 30)
    got, _ = await drained(tracker, cursor_from(at(10**8)), 20)
    assert [one.ref for one in got.items] == ["a"]
    assert place_of(got.cursor) == at(20)


async def test_a_clock_that_is_ahead_is_followed_at_our_pace() -> None:
    """Everything looks as if it were of the next hour; each change comes once, and soon."""
    tracker, cursor = Tracker(), cursor_from(START)
    for now in range(0, 7200, 240):
        tracker.change(f"i{now}", now + 3600)
        got, _ = await drained(tracker, cursor, now)
        assert [one.ref for one in got.items] == [f"i{now}"]
        cursor = got.cursor
    assert place_of(cursor) == at(6960)


@pytest.mark.parametrize("step", [0, 1])
async def test_of_very_many_dated_ahead_each_comes_once(step: int) -> None:
    """Also of one time; what is remembered of them is bounded."""
    tracker, many = Tracker(), MOST_AHEAD + 500
    for number in range(many):
        tracker.change(f"i{number:05}", 10**8 + number * step)
    got, _ = await drained(tracker, cursor_from(START), 10, limit=400)
    assert len(got.items) == len({one.ref for one in got.items}) == many
    again, pages = await drained(tracker, got.cursor, 20, limit=400)
    assert (again.items, pages) == ((), 1)
    tracker.change("i00000", 30)
    tracker.change("i00001", 2 * 10**8)
    news, _ = await drained(tracker, again.cursor, 40)
    assert [one.ref for one in news.items] == ["i00000", "i00001"]
    assert len(news.cursor) < 100 * MOST_AHEAD


@given(
    bursts=st.lists(
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 400)), max_size=10), max_size=8
    ),
    limit=st.integers(1, 4),
)
async def test_whatever_dates_a_system_shows_every_last_version_comes_once(
    bursts: list[list[tuple[int, int]]], limit: int
) -> None:
    """Some changes are dated rightly, some as far ahead as the system pleases."""
    tracker, cursor = Tracker(), cursor_from(START)
    delivered: list[tuple[str, str]] = []
    for number, burst in enumerate(bursts):
        second = number * 60
        for ref, ahead in burst:
            tracker.change(f"i{ref}", second + max(0, ahead - 200))
        got, _ = await drained(tracker, cursor, second, limit)
        cursor = got.cursor
        assert place_of(cursor) <= at(second)
        delivered += [(one.ref, one.version) for one in got.items]
        assert {(one.ref, one.version) for one in tracker.shown.values()} <= set(delivered)
    assert len(delivered) == len(set(delivered))
