"""How full a pool is, period by period: as lines of text, and as a picture."""

from collections.abc import Sequence

from rich.text import Text

from console.pictures import Series, draw
from measures.pool_view import PeriodView, PoolView

_BAR = 24
"""So many signs make the longest bar: with period and numbers a line fits into 80."""

_FANCY, _PLAIN = "█▓░·", "#!~."
"""Held, held beyond the capacity, noted only, free; each can be told without colours."""
_STYLES = ("blue", "bold red", "yellow", "dim")


def bars(view: PoolView, encoding: str) -> dict[str, Text]:
    """Returns a bar per period, all on one scale: held, over-committed, noted, free.

    What is only noted is drawn where it would be held, as far as there is room for it.

    Args:
        view: the pool.
        encoding: what the terminal can show; one without block signs gets ASCII.
    """
    signs = _FANCY if _writes(_FANCY, encoding) else _PLAIN
    most = max((max(one.capacity or 0, one.held) for one in view.periods), default=0)
    return {one.period: _bar(one, most, signs) for one in view.periods}


def legend(encoding: str) -> Text:
    """Returns what the signs of the bars mean."""
    signs = _FANCY if _writes(_FANCY, encoding) else _PLAIN
    names = ("held", "held beyond the capacity", "noted only", "free")
    text = Text()
    for sign, style, name in zip(signs, _STYLES, names, strict=True):
        text.append(sign, style).append(f" {name}  ")
    text.rstrip()
    return text


def _bar(seen: PeriodView, most: float, signs: str) -> Text:
    capacity = seen.capacity or 0
    covered = min(seen.held, capacity)
    noted = min(seen.noted, max(0, capacity - seen.held))
    ends = (covered, seen.held, seen.held + noted, max(capacity, seen.held))
    text, drawn = Text(), 0
    for sign, style, end in zip(signs, _STYLES, ends, strict=True):
        upto = round(end / most * _BAR) if most else 0
        text.append(sign * (upto - drawn), style)
        drawn = max(drawn, upto)
    return text


def _writes(signs: str, encoding: str) -> bool:
    try:
        signs.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def picture(view: PoolView) -> str:
    """Returns the chart as the text of an SVG file: what is held and free of each period."""
    covered = [min(one.held, one.capacity or 0) for one in view.periods]
    beyond = [one.held - much for one, much in zip(view.periods, covered, strict=True)]
    rows: Sequence[tuple[str, list[float | int]]] = (
        ("held", covered),
        ("held beyond the capacity", beyond),
        ("free", [max(0, one.free or 0) for one in view.periods]),
        (
            "held beyond the capacity",
            [one.held - min(one.held, one.capacity or 0) for one in view.periods],
        ),
    )
    return draw(
        "stacked",
        f"{view.title}: held and free",
        [one.period for one in view.periods],
        [Series(name, values) for name, values in rows if any(values) or name == "free"],
        unit=view.unit,
    )


__all__ = ["bars", "legend", "picture"]
