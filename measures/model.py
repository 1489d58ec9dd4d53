"""How every model of the vocabulary behaves, and the small types they share."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    StringConstraints,
    WithJsonSchema,
    model_serializer,
)
from pydantic_core import PydanticCustomError


class Model(BaseModel):
    """A frozen value: strict types, no unknown fields, no NaN or infinity.

    Raises:
        pydantic.ValidationError: when made from anything else.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        populate_by_name=True,
    )


class GrownModel(Model):
    """A document that gained fields after people had written, recorded and signed some.

    Attributes:
        LATER: those fields. They are left out where they have their default, so that a document
            from before keeps its digest, and the sign-offs bound to that stay.
    """

    LATER: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _as_before_it_grew(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = write(self)
        for name in self.LATER:
            if getattr(self, name) == type(self).model_fields[name].default:
                content.pop(name, None)
        return content


class Stored(Model):
    """A value that outlives a release: what a newer release added is ignored by an older one."""

    model_config = ConfigDict(extra="ignore")


_M = TypeVar("_M", bound=BaseModel)


def restore(model: type[_M], content: Any) -> _M:
    """Reads back what this product wrote itself as plain JSON data.

    Raises:
        pydantic.ValidationError: when the content does not fit the model.
    """
    return model.model_validate(content, strict=False)


_PERIOD = re.compile(
    r"(?P<year>\d{4})(-(?P<month>0[1-9]|1[0-2])(-(?P<day>\d{2}))?|-W(?P<week>\d{2}))?", re.ASCII
)
_SPAN = re.compile(r"(?P<number>\d{1,10})(?P<unit>[smhdw])", re.ASCII)
_SPAN_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

LONGEST_SPAN = timedelta(days=36_525)
"""100 years: added to any day a measure lives on it stays inside the calendar."""


FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
LAST_MOMENT = datetime.max.replace(microsecond=0, tzinfo=UTC)


def midnight_after(day: date) -> datetime:
    """Returns the first moment (UTC) after a day; of the calendar's last day its last second."""
    if day == date.max:
        return LAST_MOMENT
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def period_bounds(period: str) -> tuple[date, date]:
    """Returns the first day of a period and the first day after it.

    A period is a year ``2031``, a month ``2031-03``, an ISO week ``2031-W09`` (ISO 8601) or a
    day ``2031-03-02``.

    Raises:
        ValueError: when the text is no such period, or names a day or week that does not exist.
    """
    found = _PERIOD.fullmatch(period)
    if not found:
        msg = f"{period!r} is no period: write 2031, 2031-03, 2031-W09 or 2031-03-02"
        raise ValueError(msg)
    try:
        return _bounds(found)
    except OverflowError:
        msg = f"the period {period!r} ends after the last year of the calendar"
    except ValueError:
        missing = "week" if found["week"] else "day" if found["day"] else "year"
        msg = f"there is no such {missing} as {period}"
    raise ValueError(msg)


def _bounds(found: re.Match[str]) -> tuple[date, date]:
    year = int(found["year"])
    if found["week"]:
        first = date.fromisocalendar(year, int(found["week"]), 1)
        return first, first + timedelta(weeks=1)
    if found["day"]:
        first = date(year, int(found["month"]), int(found["day"]))
        return first, first + timedelta(days=1)
    if found["month"]:
        month = int(found["month"])
        first = date(year, month, 1)
        return first, date(year + month // 12, month % 12 + 1, 1)
    return date(year, 1, 1), date(year + 1, 1, 1)


def period_length(period: str) -> str:
    """Returns what a period is: ``year``, ``month``, ``week`` or ``day``."""
    first, end = period_bounds(period)
    days = (end - first).days
    return {1: "day", 7: "week"}.get(days, "month" if days <= 31 else "year")


def period_around(day: date, length: str) -> str:
    """Returns the year, month, ISO week or day, as `period_length` names them, around a day."""
    match length:
        case "year":
            return f"{day.year:04}"
        case "month":
            return f"{day.year:04}-{day.month:02}"
        case "week":
            year, week, _ = day.isocalendar()
            return f"{year:04}-W{week:02}"
        case _:
            return day.isoformat()


def _check_period(text: str) -> str:
    try:
        period_bounds(text)
    except ValueError as error:
        raise PydanticCustomError("period", "{why}", {"why": str(error)}) from None
    return text


def parse_span(text: str) -> timedelta:
    """Reads a span of time such as ``30d``, ``24h`` or ``90m``.

    Raises:
        ValueError: when the text is no such span, or longer than `LONGEST_SPAN`.
    """
    found = _SPAN.fullmatch(text)
    if not found:
        msg = f"{text!r} is no span of time: write a whole number and s, m, h, d or w, like 24h"
        raise ValueError(msg)
    number, unit = int(found["number"]), timedelta(**{_SPAN_UNITS[found["unit"]]: 1})
    if number > LONGEST_SPAN / unit:
        msg = f"{text!r} is longer than 100 years"
        raise ValueError(msg)
    return number * unit


def write_span(span: timedelta) -> str:
    """Writes a span the way `parse_span` reads it, in the largest unit that divides it."""
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _read_span(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_span(value)
    except ValueError as error:
        raise PydanticCustomError("span", "{why}", {"why": str(error)}) from None


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def parse_bound(text: str) -> float | int | date:
    """Reads a number such as ``3000`` or ``-0.5``, or a day such as ``2031-03-02``.

    Raises:
        ValueError: when the text is neither, or the number is not finite or beyond 1e15.
    """
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        number = float(text)
    except ValueError:
        number = float("nan")
    if not abs(number) <= 1e15:
        msg = f"{text!r} is neither a number, such as 3000, nor a day, such as 2031-03-02"
        raise ValueError(msg)
    return int(number) if number.is_integer() else number


def _read_bound(value: Any) -> Any:
    if type(value) is date:
        return value
    try:
        return parse_bound("true" if isinstance(value, bool) else str(value))
    except ValueError as error:
        raise PydanticCustomError("bound", "{why}", {"why": str(error)}) from None


_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u202a\u202b\u202d\u202e\u2066-\u2068]"
)


def _no_controls(text: str) -> str:
    if _UNPRINTABLE.search(text):
        raise PydanticCustomError(
            "control_character",
            "control characters, surrogates and direction overrides are not allowed",
        )
    return text


def _need_zone(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise PydanticCustomError("timezone", "write the time zone, like 2031-01-12T09:00:00Z")
    return moment


Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]
"""A name that people type: small letters, digits, dot, dash, underscore."""

Text = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_no_controls)]
"""Words for people, without control characters."""

Line = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_no_controls)]
"""A short text that is not empty."""

Amount = Annotated[int | float, Field(ge=0, le=1e15)]
"""How much, in the unit of its pool or KPI; finite, at most 1e15."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, 0 to 1."""

Number = Annotated[int | float, Field(ge=-1e15, le=1e15)]
"""A measured value or money, which may be negative; finite."""

Bound = Annotated[int | float | date, BeforeValidator(_read_bound)]
"""How far a value may move: a number, or a day."""

Period = Annotated[
    str,
    AfterValidator(_check_period),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\d{4}(-(0[1-9]|1[0-2])(-\d{2})?|-W\d{2})?$",
            "examples": ["2031", "2031-03", "2031-W09", "2031-03-02"],
        }
    ),
]
"""A year, month, ISO week or day; see `period_bounds`."""

Span = Annotated[
    timedelta,
    BeforeValidator(_read_span),
    PlainSerializer(write_span),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\d{1,10}[smhdw]$", "examples": ["90m", "24h", "30d"]}
    ),
]
"""A span of time, written ``30d`` or ``24h``."""

Moment = Annotated[datetime, AfterValidator(_need_zone)]
"""A point in time with its zone."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest in small hexadecimal letters."""
