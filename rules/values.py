"""What somebody most likely meant by a value that does not fit its field."""

import re
import unicodedata
from datetime import date
from typing import Any

_UNITS = {
    "s": "s", "sec": "s", "second": "s", "m": "m", "min": "m", "minute": "m", "h": "h", "hr": "h",
    "hour": "h", "d": "d", "day": "d", "w": "w", "week": "w",
}  # fmt: skip
_SPAN = re.compile(r"\s*P?T?(\d+)\s*([a-z]+?)s?\s*", re.IGNORECASE)
_DAY_FIRST = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})([T ].*)?")
_LONGEST = 60
"""Of a longer text nobody can say what was meant."""
_MONTH_FIRST = re.compile(r"(\d{1,2})[./-](\d{4})")
_SAID = {
    "remedy": "keep one of them; another direction is another remedy",
    "twice": "give one of them another name, or remove it",
    "greater_than_equal": "write a larger number",
    "less_than_equal": "write a smaller number",
    "string_too_short": "write something there",
    "string_too_long": "make it shorter",
}
_YES_NO = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def right_value(kind: str, value: Any) -> str:
    """Returns what to write instead, or an empty text where nothing is likely.

    Args:
        kind: pydantic's name of the mistake, such as ``date_parsing``.
        value: what stands in the text.
    """
    if kind in _SAID:
        return _SAID[kind]
    if value is None:
        return "write a value, or leave the field out"
    if isinstance(value, str) and len(value) > _LONGEST:
        return ""
    if kind == "string_type":
        return "" if isinstance(value, dict | list) else "put it in quotes"
    if kind.startswith(("span", "time_delta")):
        return _span(value)
    if kind.startswith("date"):
        return _day(str(value)) if kind.startswith(("date_type", "date_p", "date_from")) else ""
    if kind == "string_pattern_mismatch":
        return _name(str(value))
    if kind == "bool_type":
        meant = _YES_NO.get(str(value).casefold())
        return f"write {meant}" if meant else ""
    if kind in ("int_type", "int_parsing", "float_type", "int_from_float"):
        return _number(value)
    if kind in ("tuple_type", "list_type"):
        single = not isinstance(value, dict)
        return f"write [{value}]" if single else "begin each item with '- '"
    if kind == "dict_type":
        return "write name: value" + ("" if isinstance(value, list) else ", e.g. name: {...}")
    if kind == "timezone":
        return f"write {value}Z, if that is UTC"
    if kind == "period" and (found := _MONTH_FIRST.fullmatch(str(value))):
        return f"write {found[2]}-{int(found[1]):02}"
    if kind == "literal_error" and isinstance(value, bool):
        return 'put the word in quotes, e.g. "off"'
    return ""


def _span(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"write the unit too: {value}h for hours, {value}d for days"
    found = _SPAN.fullmatch(str(value))
    unit = _UNITS.get(found[2].casefold()) if found else None
    return (
        f"write {found[1]}{unit}" if found and unit else "write a number and s, m, h, d or w: 24h"
    )


def _day(text: str) -> str:
    found = _YEAR_FIRST.fullmatch(text)
    parts = (found[1], found[2], found[3]) if found else None
    if parts is None and (found := _DAY_FIRST.fullmatch(text)):
        parts = (found[3], found[2], found[1])
    if parts is None:
        return "write year, month and day, like 2031-03-02"
    try:
        return f"write {date(*map(int, parts)).isoformat()}"
    except ValueError:
        return "there is no such day in the calendar"


def _name(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")
    return f"write {name}" if name and name != text else ""


def _number(value: Any) -> str:
    text = str(value)
    if re.fullmatch(r"-?\d+(\.\d+)?", text) and isinstance(value, str):
        return "write it without quotes"
    plain = re.sub(r"(?<=\d)[,_' ](?=\d{3})", "", text)
    if plain != text and re.fullmatch(r"-?\d+(\.\d+)?", plain):
        return f"write {plain}"
    return "write a number, like 3"
