"""The inbox and the polls, on both databases: each news once, held by one at a time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ledger.inbox import MEMORY, Inbox, News
from ledger.polls import Polls
from ledger.store import Ledger

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
LEASE = timedelta(seconds=45)


@pytest.fixture
def box(ledger: Ledger) -> Inbox:
    """An empty inbox on each database."""
    return Inbox(ledger.database)


def news(*names: str, connection: str = "desk") -> list[News]:
    """News by the names of their deliveries, all of one object."""
    return [News(connection, "ticket", "1", name) for name in names]


def test_a_delivery_counts_once_for_its_connection(box: Inbox) -> None:
    """Also within one write, and for days after it was acted on."""
    assert box.put(news("a", "b", "a"), NOW) == {("desk", "a"), ("desk", "b")}
    assert box.put(news("a"), NOW) == set()
    assert box.put(news("a", connection="other"), NOW) == {("other", "a")}
    box.finish([one.id for one in box.take(NOW, LEASE, 10)], NOW)
    assert box.put(news("a", "b"), NOW + timedelta(days=7)) == set()
    assert box.prune(NOW + timedelta(days=7)) == 0
    assert box.prune(NOW + MEMORY + timedelta(seconds=1)) == 3
    assert box.put(news("a"), NOW + MEMORY) == {("desk", "a")}


def test_news_is_held_by_one_until_its_lease_is_over(box: Inbox) -> None:
    """What a dead worker held is taken by another, who sees that it was tried."""
    box.put([News("desk", "ticket", "1", "a", "v1", NOW)], NOW)
    [first] = box.take(NOW, LEASE, 10)
    assert first.news == News("desk", "ticket", "1", "a", "v1", NOW)
    assert (first.received_at, first.tries) == (NOW, 1)
    assert box.take(NOW + LEASE - timedelta(seconds=1), LEASE, 10) == []
    [again] = box.take(NOW + LEASE, LEASE, 10)
    assert (again.id, again.tries) == (first.id, 2)


def test_what_waits_for_longest_comes_first(box: Inbox) -> None:
    """News that was put off waits for its time and keeps the reason."""
    box.put(news("a"), NOW)
    box.put(news("b", "c"), NOW + timedelta(seconds=1))
    [oldest] = box.take(NOW + timedelta(seconds=1), LEASE, 1)
    assert oldest.news.delivery == "a"
    box.postpone([oldest.id], NOW + timedelta(minutes=5), "it is down")
    assert box.backlog("desk") == 3
    [waiting] = box.waiting()
    assert (waiting.many, waiting.oldest, waiting.fault) == (3, NOW, "it is down")
    later = box.take(NOW + timedelta(minutes=1), LEASE, 10)
    assert [one.news.delivery for one in later] == ["b", "c"]


def test_what_was_put_off_is_due_when_its_system_is_back(box: Inbox) -> None:
    """What somebody holds stays theirs, and other connections wait on."""
    box.put(news("a", "b"), NOW)
    box.put(news("c", connection="other"), NOW)
    held, off, elsewhere = box.take(NOW, LEASE, 10)
    box.postpone([off.id, elsewhere.id], NOW + timedelta(minutes=5), "it is down")
    box.hurry("desk", NOW + timedelta(seconds=1))
    [again] = box.take(NOW + timedelta(seconds=1), LEASE, 10)
    assert (again.id, held.tries) == (off.id, 1)


def test_many_who_take_at_once_share_the_news(box: Inbox) -> None:
    """Nobody gets what another has, and nothing is left."""
    box.put(news(*map(str, range(200))), NOW)

    def take(_: int) -> list[int]:
        return [one.id for one in box.take(NOW, LEASE, 10)]

    with ThreadPoolExecutor(8) as threads:
        taken = [each for ids in threads.map(take, range(60)) for each in ids]
    assert len(taken) == len(set(taken)) == 200


def test_many_who_put_the_same_put_it_once(box: Inbox) -> None:
    """In any order, from several processes' worth of threads."""
    names = list(map(str, range(50)))

    def put(number: int) -> int:
        return len(box.put(news(*(names if number % 2 else reversed(names))), NOW))

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(put, range(16))) == 50


def test_a_poll_is_taken_by_one_and_goes_on_where_it_was(ledger: Ledger) -> None:
    """In turn by all workers; a dead one keeps the others waiting for a while only."""
    polls = Polls(ledger.database)
    mine = polls.take("desk", "ticket", "first", NOW, LEASE)
    assert mine is not None
    assert (mine.cursor, mine.complete_at, mine.fault) == ("first", NOW, "")
    assert polls.take("desk", "ticket", "first", NOW, LEASE) is None
    assert polls.take("desk", "issue", "first", NOW, LEASE) is not None
    polls.advance(mine, "second", NOW, NOW + LEASE)
    theirs = polls.take("desk", "ticket", "first", NOW + LEASE, LEASE)
    assert theirs is not None
    assert (theirs.cursor, theirs.newest_at) == ("second", NOW)
    polls.fail(theirs, "it is down", NOW + LEASE)
    again = polls.take("desk", "ticket", "first", NOW + LEASE, LEASE)
    assert again is not None
    assert (again.fault, again.complete_at) == ("it is down", NOW)
    polls.complete(again, NOW + LEASE, NOW + 2 * LEASE)
    assert polls.take("desk", "ticket", "first", NOW + LEASE, LEASE) is None
    [known] = [one for one in polls.all() if one.kind == "ticket"]
    assert (known.fault, known.complete_at) == ("", NOW + LEASE)
