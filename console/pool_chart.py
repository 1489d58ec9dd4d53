"""How full a pool is, period by period: as lines of text, and as a picture."""

from itertools import accumulate

from rich.text import Text

from console.pictures import Series, draw
from measures.pool_view import PeriodView, PoolView

_BAR = 24
"""So many signs make the longest bar: with period and numbers a line fits into 80."""

_PARTS = ("held", "held beyond the capacity", "kept for who waits", "free")
"""What a period is made of; up to the capacity, or to what is held where that is more."""
_STYLES = ("blue", "bold red", "yellow", "green")
_FANCY, _PLAIN = "█▓▒·", "#!~."
"""A sign for each part, so that they can be told without colours."""


def parts_of(seen: PeriodView) -> tuple[float | int, ...]:
    """Returns how much each part of a period is, in the order of `_PARTS`."""
    covered = min(seen.held, seen.capacity or 0)
    kept = min(seen.kept, max(0, (seen.capacity or 0) - seen.held))
    return covered, seen.held - covered, kept, seen.free or 0


def bars(view: PoolView, encoding: str) -> dict[str, Text]:
    """Returns a bar per period, all on one scale.

    Args:
        view: the pool.
        encoding: what the terminal can show; one without block signs gets ASCII.
    """
    most = max((sum(parts_of(one)) for one in view.periods), default=0)
    return {one.period: _bar(one, most, _signs(encoding)) for one in view.periods}


def legend(encoding: str) -> Text:
    """Returns what the signs of the bars mean."""
    text = Text()
    for sign, style, name in zip(_signs(encoding), _STYLES, _PARTS, strict=True):
        text.append(sign, style).append(f" {name}  ")
    text.rstrip()
    return text


def _bar(seen: PeriodView, most: float, signs: str) -> Text:
    text, drawn = Text(), 0
    ends = accumulate(parts_of(seen))
    for sign, style, end in zip(signs, _STYLES, ends, strict=True):
        upto = round(end / most * _BAR) if most else 0
        text.append(sign * (upto - drawn), style)
        drawn = upto
    return text


def _signs(encoding: str) -> str:
    try:
        _FANCY.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return _PLAIN
    return _FANCY


def picture(view: PoolView) -> str:
    """Returns the chart as the text of an SVG file."""
    columns = zip(*map(parts_of, view.periods), strict=True) if view.periods else [()] * 4
    return draw(
        "stacked",
        f"{view.title}: held and free",
        [one.period for one in view.periods],
        [Series(name, values) for name, values in zip(_PARTS, columns, strict=True)],
        unit=view.unit,
    )


__all__ = ["bars", "legend", "parts_of", "picture"]
