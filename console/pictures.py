"""Charts as SVG files: bars, stacked bars and lines, the same bytes for the same numbers.

A picture stands alone: no script, no style sheet or font from elsewhere, so that it may be kept
as evidence, attached to a sign-off, or shown where scripts are forbidden. Whoever points at a
mark reads its value from a plain ``<title>``.
"""

import hashlib
import math
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from measures.errors import ConfigurationError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Kind = Literal["bars", "stacked", "lines"]
"""How values are shown: beside each other, upon each other, or as lines over time."""

_WIDTH, _HEIGHT = 960, 480
_MOST_LABELS = 14
_COLOURS = ("#1f6f8b", "#d1495b", "#edae49", "#5b8e7d", "#7d5ba6", "#8d6e63", "#455a64", "#9c9c9c")
# What XML 1.0 cannot hold, however it is written: control characters, surrogates, U+FFFE, U+FFFF.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Series:
    """One row of values, one per label.

    Attributes:
        name: what the legend calls it.
        values: finite numbers in the chart's unit; None where there is none, a gap then.
        dashed: drawn dashed, for limits and plans; lines only.
    """

    name: str
    values: Sequence[float | int | None]
    dashed: bool = False


def draw(
    kind: Kind, title: str, labels: Sequence[str], series: Sequence[Series], *, unit: str = ""
) -> str:
    """Returns a chart as the text of an SVG file.

    Args:
        kind: bars, stacked bars or lines.
        title: what the chart shows.
        labels: one per place on the x axis, in order; with many, evenly spread ones are written.
        series: the rows of values, in the order of the legend.
        unit: what is counted, written beside the y axis.

    Raises:
        ValueError: when a row has not one value per label, or a value is not finite.
    """
    for row in series:
        if len(row.values) != len(labels):
            msg = f"{row.name}: {len(row.values)} values for {len(labels)} labels"
            raise ValueError(msg)
        if any(value is not None and not math.isfinite(value) for value in row.values):
            msg = f"{row.name}: a value is not finite"
            raise ValueError(msg)
    chart = _chart(kind)
    # Whatever pygal would make up at random follows from the content instead.
    content = repr((kind, title, list(labels), list(series), unit))
    chart.uuid = hashlib.sha256(content.encode(errors="replace")).hexdigest()[:16]
    chart.title = _clean(title)
    chart.y_title = _clean(unit) or None
    names = [_clean(label) for label in labels]
    chart.x_labels = names
    if len(names) > _MOST_LABELS:
        chart.x_labels_major_every = math.ceil(len(names) / _MOST_LABELS)
        chart.show_minor_x_labels = False
    for row in series:
        stroke = {"dasharray": "8, 5"} if row.dashed and kind == "lines" else None
        # Nobody sees a billionth, and the library's axis divides by zero on the smallest floats.
        values = [None if value is None else round(value, 9) for value in row.values]
        chart.add(_clean(row.name), values, stroke_style=stroke)
    chart.add_xml_filter(_stands_alone)
    return str(chart.render(is_unicode=True)) + "\n"


def save_picture(picture: str, file: Path) -> None:
    """Writes a picture whole or not at all: a reader never finds half of one.

    Raises:
        ConfigurationError: when it cannot be written there.
    """
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(picture)
            Path(name).chmod(0o644)
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        msg = f"the picture cannot be written to {file}: {error.strerror}; name another file"
        raise ConfigurationError(msg) from error


def _chart(kind: Kind) -> Any:
    import pygal
    from pygal.style import Style

    # It puts an import hook for maps in place that warns at every later import of anything.
    sys.meta_path[:] = [
        one for one in sys.meta_path if not isinstance(one, pygal.PluginImportFixer)
    ]
    look = {
        "style": Style(
            background="#ffffff",
            plot_background="#ffffff",
            font_family="sans-serif",
            colors=_COLOURS,
            opacity=".9",
            stroke_width="2.5",
            stroke_opacity="1",
            guide_stroke_dasharray="none",
            guide_stroke_color="#e0e0e0",
            major_guide_stroke_dasharray="none",
            major_guide_stroke_color="#e0e0e0",
            label_font_size=11,
            major_label_font_size=11,
            transition="0s",
        ),
        "width": _WIDTH,
        "height": _HEIGHT,
        "explicit_size": True,
        "js": (),
        "legend_at_bottom": True,
        "truncate_legend": -1,
        "truncate_label": -1,
        "formatter": _written,
        "value_formatter": _written,
        "include_x_axis": True,
        "x_label_rotation": 35,
        "show_x_guides": False,
    }
    if kind == "lines":
        return pygal.Line(show_dots=False, **look)
    return pygal.StackedBar(**look) if kind == "stacked" else pygal.Bar(**look)


def _written(value: float | None) -> str:
    if value is None:
        return ""
    return f"{round(value, 2):,.10g}" if abs(value) < 1e9 else f"{value:.4g}"


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _stands_alone(root: "Element") -> "Element":
    """Takes out scripts and comments, one of which says the day; values become plain titles."""
    for parent in list(root.iter()):
        told: dict[str, str] = {}
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag == "script":
                parent.remove(child)
            elif child.tag == "desc":
                told[child.get("class", "")] = child.text or ""
                parent.remove(child)
        if told.get("value"):
            title = type(parent)("title")
            title.text = ": ".join(filter(None, (told.get("x_label"), told["value"])))
            parent.insert(0, title)
    return root


__all__ = ["Kind", "Series", "draw", "save_picture"]
