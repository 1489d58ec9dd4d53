"""Cells become numbers, days and names exactly as the map says, or not at all."""

from datetime import date

import pytest

from console.import_map import DateFormat, NumberFormat
from console.import_values import UnreadableError, make_slug, read_choice, read_date, read_number


@pytest.mark.parametrize(
    ("text", "how", "number"),
    [
        ("0.143", NumberFormat(scale=1_000_000), 143_000),
        ("-0.355", NumberFormat(scale=1_000_000), -355_000),
        ("1,234.5", NumberFormat(thousands=","), 1234.5),
        ("1.234,5", NumberFormat(thousands=".", decimal=","), 1234.5),
        ("12 345", NumberFormat(thousands=" "), 12_345),
        ("580 days", NumberFormat(unit=("days", "day"), whole=True), 580),
        ("1 day", NumberFormat(unit=("days", "day"), whole=True), 1),
        ("-29 days", NumberFormat(unit=("days",), whole=True), -29),
        ("12%", NumberFormat(unit=("%",), scale=0.01), 0.12),
        ("+7e3", NumberFormat(), 7000),
    ],
)
def test_numbers_are_read_as_the_map_says(
    text: str, how: NumberFormat, number: int | float
) -> None:
    """Units, scales and signs; whole numbers stay whole, and millions are exact."""
    found = read_number(text, how)
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("1,234.5", NumberFormat()),
        ("12,34", NumberFormat(thousands=",")),
        ("NaN", NumberFormat()),
        ("-inf", NumberFormat()),
        ("1e400", NumberFormat()),
        ("٣", NumberFormat()),
        ("0x10", NumberFormat()),
        ("1_000", NumberFormat()),
        ("5", NumberFormat(unit=("days",))),
        ("5 weeks", NumberFormat(unit=("days",))),
        ("1.5 days", NumberFormat(unit=("days",), whole=True)),
        ("9" * 41, NumberFormat()),
        ("=1+1", NumberFormat()),
    ],
)
def test_what_is_no_such_number_is_not_guessed(text: str, how: NumberFormat) -> None:
    """The expected form is named instead."""
    with pytest.raises(UnreadableError, match="number"):
        read_number(text, how)


def test_a_comma_that_the_map_does_not_explain_gets_a_hint() -> None:
    """1,234 is a thousand in one country and one and a bit in another."""
    with pytest.raises(UnreadableError) as error:
        read_number("1,234", NumberFormat())
    assert "thousands" in error.value.help


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("2031-03-02", DateFormat()),
        ("02.03.2031", DateFormat(format="%d.%m.%Y")),
        ("03/02/31", DateFormat(format="%m/%d/%y")),
        ("2 Mar 2031", DateFormat(format="%d %b %Y")),
        ("59", DateFormat(days_after=date(2031, 1, 2))),
    ],
)
def test_days_are_read_in_the_format_of_the_map(text: str, how: DateFormat) -> None:
    """Each of these is 2 March 2031."""
    assert read_date(text, how) == date(2031, 3, 2)


@pytest.mark.parametrize(
    "text", ["02.03.2031", "2031-02-30", "2031-03-02T00:00", "0031-03-02", "tomorrow", "44622"]
)
def test_a_day_in_another_format_is_not_guessed(text: str) -> None:
    """The expected form is shown by an example."""
    with pytest.raises(UnreadableError, match="a day like 2031-03-02"):
        read_date(text, DateFormat())


def test_a_day_outside_the_calendar_is_refused() -> None:
    """A count of days can lead beyond the year 9999."""
    with pytest.raises(UnreadableError, match="this era"):
        read_date("99999999", DateFormat(days_after=date(2000, 1, 1)))


def test_names_are_small_letters_digits_and_dashes() -> None:
    """Accents fall off their letters; what has no letters is no name."""
    assert make_slug("  Zoë's “Big” Campaign / 2031 ") == "zoe-s-big-campaign-2031"
    with pytest.raises(UnreadableError):
        make_slug("漢字")


def test_an_unknown_choice_gets_a_suggestion() -> None:
    """A typing mistake is named with what was probably meant."""
    choices = {"Met": "met", "Not Met": "not-met"}
    assert read_choice("Not Met", choices) == "not-met"
    with pytest.raises(UnreadableError) as error:
        read_choice("not met", choices)
    assert error.value.expected == "one of Met, Not Met"
    assert error.value.help == "did you mean 'Not Met'?"
