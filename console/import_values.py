"""Reading single cells: numbers, days, names, choices. Pure, and never guessing."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from console.import_map import DateFormat, NumberFormat, Scalar
from rules.source import did_you_mean

_LONGEST_NUMBER = 40
_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


class UnreadableError(ValueError):
    """A cell is not what the map says.

    Attributes:
        expected: what would be right there.
        help: what to do.
    """

    def __init__(self, expected: str, help: str = "") -> None:  # noqa: A002  the fault's word
        super().__init__(expected)
        self.expected = expected
        self.help = help


def read_number(text: str, how: NumberFormat) -> int | float:
    """Reads a finite number; a whole one comes back as int.

    Raises:
        UnreadableError: the text is none, or none the way the map says.
    """
    example = f"1{how.thousands or ''}234{how.decimal}5"
    expected = "a number like " + example + (f" {how.unit[0]}" if how.unit else "")
    digits = _without_unit(text, how, expected)
    thousands = re.escape(how.thousands) if how.thousands else ""
    whole = rf"[0-9]{{1,3}}(?:{thousands}[0-9]{{3}})+|[0-9]+" if thousands else "[0-9]+"
    pattern = rf"[-+]?(?:{whole})(?:{re.escape(how.decimal)}[0-9]+)?(?:[eE][-+]?[0-9]{{1,2}})?"
    if len(digits) > _LONGEST_NUMBER or not re.fullmatch(pattern, digits):
        raise UnreadableError(expected, _hint(digits, how))
    plain = digits.replace(how.thousands, "") if how.thousands else digits
    # Decimal, because 0.143 million is 143000 and not 142999.99999999997.
    number = Decimal(plain.replace(how.decimal, ".")) * Decimal(str(how.scale))
    if number == number.to_integral_value():
        return int(number)
    if how.whole:
        raise UnreadableError("a whole number" + (f" of {how.unit[0]}" if how.unit else ""))
    return float(number)


def read_date(text: str, how: DateFormat) -> date:
    """Reads a day.

    Raises:
        UnreadableError: the text is none, or none the way the map says.
    """
    if how.days_after is not None:
        days = read_number(text, NumberFormat(whole=True))
        return shifted(how.days_after, int(days))
    try:
        found = datetime.strptime(text, how.format).date()  # noqa: DTZ007  a day has no zone
    except ValueError:
        example = date(2031, 3, 2).strftime(how.format)
        raise UnreadableError(
            f"a day like {example} ({how.format})", "the map's date: format says how"
        ) from None
    if found.year < 1000:
        # strptime takes the year 31 for %Y, which nobody means.
        raise UnreadableError(f"a day like {date(2031, 3, 2).strftime(how.format)}")
    return found


def shifted(day: date, days: int) -> date:
    """Returns the day so many days later.

    Raises:
        UnreadableError: there is no such day in the calendar.
    """
    try:
        return day + timedelta(days=days)
    except OverflowError:
        raise UnreadableError("a number of days that leads to a day of this era") from None


def read_choice(text: str, choices: Mapping[str, Scalar]) -> Scalar:
    """Returns what a text means.

    Raises:
        UnreadableError: the map does not say.
    """
    if text not in choices:
        raise UnreadableError(
            "one of " + ", ".join(sorted(choices)[:30]), did_you_mean(text, choices)
        )
    return choices[text]


def make_slug(text: str) -> str:
    """Makes a name of small letters, digits and dashes.

    Raises:
        UnreadableError: nothing is left of the text.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    slug = _NOT_IN_SLUG.sub("-", plain.casefold()).strip("-")
    if not slug:
        raise UnreadableError("a text with letters or digits")
    return slug


def _without_unit(text: str, how: NumberFormat, expected: str) -> str:
    if not how.unit:
        return text
    for unit in sorted(how.unit, key=len, reverse=True):
        if text.endswith(unit):
            return text.removesuffix(unit).rstrip()
    raise UnreadableError(expected)


def _hint(digits: str, how: NumberFormat) -> str:
    if digits.casefold() in ("nan", "inf", "-inf", "infinity", "-infinity"):
        return "leave the cell empty when the value is unknown"
    if "," in digits and how.thousands is None and how.decimal == ".":
        return "say in the map what the comma means: number: {thousands: ','} or {decimal: ','}"
    return ""
