"""The small types: periods, spans, texts, names and numbers."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from measures.documents import Pool
from measures.model import Model, Moment, Number, Text, parse_span, period_bounds, write_span
from measures.people import Person
from measures.plan import Approvals, Demand


@pytest.mark.parametrize(
    ("period", "first", "after"),
    [
        ("2031", date(2031, 1, 1), date(2032, 1, 1)),
        ("2031-03", date(2031, 3, 1), date(2031, 4, 1)),
        ("2031-12", date(2031, 12, 1), date(2032, 1, 1)),
        ("2031-W01", date(2030, 12, 30), date(2031, 1, 6)),
        ("2032-W53", date(2032, 12, 27), date(2033, 1, 3)),
        ("2032-02-29", date(2032, 2, 29), date(2032, 3, 1)),
    ],
)
def test_a_period_has_a_first_day_and_one_after_it(period: str, first: date, after: date) -> None:
    """Years, months, ISO weeks and days have exact bounds."""
    assert period_bounds(period) == (first, after)


@pytest.mark.parametrize(
    "text",
    ["", "31", "2031-13", "2031-00", "2031-3", "2031-W54", "2031-W00", "2031-02-29", "2031-03-1",
     "2031-W09-1", "2031 ", "0000", "9999", "9999-12", "9999-W52", "9999-12-31", "２０３１"],
)  # fmt: skip
def test_what_is_no_period_is_refused_in_words(text: str) -> None:
    """Also days that do not exist, and periods whose end the calendar does not have."""
    with pytest.raises(ValueError, match=r"period|week|day|month|year|date"):
        period_bounds(text)
    with pytest.raises(ValidationError):
        Demand(pool="kyc", period=text, amount=1)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30d", timedelta(days=30)),
        ("24h", timedelta(hours=24)),
        ("90m", timedelta(minutes=90)),
        ("5s", timedelta(seconds=5)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_a_span_is_a_number_and_a_unit(text: str, span: timedelta) -> None:
    """Seconds, minutes, hours, days, weeks."""
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1.5h", "1 d", "1y", "99999999999s"])
def test_what_is_no_span_is_refused_in_words(text: str) -> None:
    """The message shows how to write one."""
    with pytest.raises(ValueError, match="24h"):
        parse_span(text)


@pytest.mark.parametrize("text", ["999999999w", "999999999d", "36601d"])
def test_a_span_beyond_a_century_is_refused(text: str) -> None:
    """Added to a day it would leave the calendar, inside a workflow that could not go on."""
    with pytest.raises(ValueError, match="100 years"):
        parse_span(text)
    with pytest.raises(ValidationError, match="100 years"):
        Approvals.model_validate_json(json.dumps({"remind_after": [text]}))


@given(st.integers(0, 36_500 * 86_400).map(lambda seconds: timedelta(seconds=seconds)))
@example(timedelta(0))
def test_a_written_span_reads_back(span: timedelta) -> None:
    """No span of whole seconds changes on the way through a document."""
    assert parse_span(write_span(span)) == span


class _Words(Model):
    text: Text = ""
    number: Number = 0
    at: Moment | None = None


@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb", "a\x7fb", "a\u202eb", "a\u2066b", "a\ud800b"])
def test_texts_carry_no_control_characters(text: str) -> None:
    """Nor surrogates, nor signs that turn the reading direction."""
    with pytest.raises(ValidationError):
        _Words(text=text)


def test_texts_may_have_lines_and_any_language() -> None:
    """Line ends, tabs, and letters of all scripts stay as they are."""
    text = "one\n\ttwo – Größe 大きさ 🙂"
    assert _Words(text=text).text == text


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 1e16, -1e16])
def test_numbers_are_finite_and_bounded(number: float) -> None:
    """NaN and infinity never get in, not even through JSON."""
    with pytest.raises(ValidationError):
        _Words(number=number)


def test_types_are_not_bent() -> None:
    """Text is no number, a number no text, true no number."""
    for wrong in ({"number": "9"}, {"text": 9}, {"number": True}):
        with pytest.raises(ValidationError):
            _Words.model_validate(wrong)


def test_a_moment_needs_its_zone() -> None:
    """A naive time is refused with the way to write it."""
    with pytest.raises(ValidationError, match="time zone"):
        _Words.model_validate_json('{"at": "2031-01-12T09:00:00"}')


@pytest.mark.parametrize(
    "name", ["", "Olga", "-a", ".a", "a b", "a/b", "ä", "a" * 101, "a\n", "a:b"]
)
def test_names_are_plain(name: str) -> None:
    """Small letters, digits, dot, dash and underscore; at most 100."""
    with pytest.raises(ValidationError):
        Person(id=name, name="Somebody")


@pytest.mark.parametrize("name", ["a", "9-lives", "spring-signups", "a.b_c-d", "a" * 100])
def test_plain_names_are_taken(name: str) -> None:
    """What people type is accepted."""
    assert Person(id=name, name="Somebody").id == name


def test_values_do_not_change_and_unknown_fields_are_refused() -> None:
    """A value is frozen; a misspelt field never passes silently."""
    pool = Pool(id="kyc", title="Checks", unit="checks", owner="kim")
    with pytest.raises(ValidationError):
        setattr(pool, "owner", "tom")  # noqa: B010 - the type checker refuses it too
    with pytest.raises(ValidationError):
        Pool.model_validate({"id": "kyc", "title": "C", "unit": "c", "owner": "kim", "capcity": {}})
