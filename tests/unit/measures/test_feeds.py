"""Numbers that a connected system keeps for a pool."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from measures.documents import Pool
from measures.feeding import capacity_report, load_report
from measures.feeds import Feed, number_of
from measures.model import restore
from measures.pool_state import Capacity, PoolState

NOW = datetime(2031, 3, 10, 9, tzinfo=UTC)


def feed(**fields: Any) -> Feed:
    """A feed of the load from a queue."""
    whole = {"gives": "load", "connection": "desk", "object": "queue", "ref": "kyc"}
    return restore(Feed, {**whole, "field": "waiting", **fields})


@pytest.mark.parametrize(
    ("shown", "number"), [(12, 12), ("12500", 12_500), ("0.91", 0.91), (3.0, 3), (0, 0)]
)
def test_a_number_may_be_written_as_text(shown: Any, number: float) -> None:
    """Many systems write all their fields so."""
    assert number_of(feed(), {"waiting": shown}) == number


@pytest.mark.parametrize(
    "shown", ["", "many", None, True, -1, float("nan"), "inf", [1], "1,5", "1_200", 2e15]
)
def test_what_cannot_be_an_amount_is_refused(shown: Any) -> None:
    """With where it stands and what it says; nothing is guessed."""
    with pytest.raises(ValueError, match=r"desk:queue/kyc.waiting shows .*which is no amount"):
        number_of(feed(), {"waiting": shown})


def test_a_field_that_is_not_there_names_those_that_are() -> None:
    """Somebody has to mend the document."""
    with pytest.raises(ValueError, match="there is no such field; it shows open, title"):
        number_of(feed(), {"title": "x", "open": 3})


def test_a_reading_has_one_name_for_all_workers() -> None:
    """It changes when the next one is due, not before."""
    one = feed(every="5m")
    assert one.turn(NOW) == one.turn(NOW + timedelta(minutes=4, seconds=59))
    assert one.turn(NOW + timedelta(minutes=5)) == one.turn(NOW) + 1


@pytest.mark.parametrize(
    ("gives", "form"), [("load", "value"), ("load_to_date", "to_date"), ("utilisation",) * 2]
)
def test_a_load_is_reported_in_the_owners_name(gives: str, form: str) -> None:
    """In the form that the feed names, with where it came from."""
    ask = load_report(feed(gives=gives), 0.9, "kim", NOW)
    assert (ask.by, ask.connector, getattr(ask, form)) == ("kim", "desk", 0.9)


@pytest.mark.parametrize(("per", "period"), [("month", "2031-03"), ("week", "2031-W11")])
def test_a_capacity_is_stated_when_it_changes_or_grows_old(per: str, period: str) -> None:
    """Or the ledger would fill with what everybody knows."""
    source = feed(gives="capacity", per=per)
    pool = Pool(id="kyc", title="Checks", unit="checks", owner="kim")
    state = PoolState(pool=pool, capacity={})
    stated = capacity_report(source, 100, state, NOW)
    assert stated is not None
    assert (stated.period, stated.amount, stated.connector) == (period, 100, "desk")
    known = state.model_copy(update={"capacity": {period: Capacity(amount=100, at=NOW, by="kim")}})
    later = NOW + timedelta(hours=5)
    assert capacity_report(source, 100, known, later) is None
    assert capacity_report(source, 90, known, later) is not None
    assert capacity_report(source, 100, known, NOW + timedelta(hours=6)) is not None


@pytest.mark.parametrize(
    ("feeds", "why"),
    [
        ([{"gives": "load", "every": "1s"}], "at least 10s"),
        ([{"gives": "load"}, {"gives": "utilisation"}], "load comes from two"),
        ([{"gives": "capacity"}, {"gives": "capacity"}], "capacity comes from two"),
    ],
)
def test_feeds_that_make_no_sense_are_refused(feeds: list[dict[str, Any]], why: str) -> None:
    """Two loads of one pool would contradict each other for ever."""
    rest = {"connection": "desk", "object": "queue", "ref": "kyc", "field": "waiting"}
    document = {"id": "kyc", "title": "Checks", "unit": "checks", "owner": "kim"}
    with pytest.raises(ValidationError, match=why):
        restore(Pool, {**document, "feeds": [{**rest, **one} for one in feeds]})
