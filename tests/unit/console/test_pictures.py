"""Pictures stand alone, show every text as text, and are the same for the same numbers."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from console.pictures import Kind, Series, draw, save_picture
from measures.errors import ConfigurationError

MONTHS = ["2031-03", "2031-04", "2031-05"]
ROWS = [
    Series("arrivals", [13000, 13000.5, None]),
    Series("capacity", [11000, 11000, 11000], dashed=True),
]


@pytest.mark.parametrize("kind", ["bars", "stacked", "lines"])
def test_a_picture_stands_alone(kind: Kind) -> None:
    """No script, nothing loaded from elsewhere, no comment; legend, labels and values are there."""
    picture = draw(kind, "Arrivals", MONTHS, ROWS, unit="checks")
    root = ET.fromstring(picture)
    assert {"script", "image", "use", "a"}.isdisjoint(_tag(one) for one in root.iter())
    assert "<?xml-stylesheet" not in picture
    assert "<!--" not in picture
    assert [name for one in root.iter() for name in one.attrib if "href" in name] == []
    texts = {text.strip() for text in root.itertext()}
    assert {"Arrivals", "arrivals", "capacity", "checks", *MONTHS} <= texts
    # Whoever points at a mark reads its value; a line has no marks.
    assert kind == "lines" or "2031-03: 13,000" in texts


def test_drawing_leaves_imports_as_they_were() -> None:
    """The library would put a hook in place that warns at every later import."""
    draw("bars", "T", ["a"], [Series("x", [1])])
    assert [type(one) for one in sys.meta_path if not hasattr(one, "find_spec")] == []


def test_the_same_numbers_are_the_same_bytes_in_another_process() -> None:
    """Nothing random and no date: a picture kept as evidence can be made again."""
    code = (
        "from console.pictures import *; import sys;"
        "sys.stdout.write(draw('lines', 'T', ['a', 'b'], [Series('x', [1, 2])], unit='u'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert done.stdout == draw("lines", "T", ["a", "b"], [Series("x", [1, 2])], unit="u")
    assert done.stdout != draw("lines", "T", ["a", "b"], [Series("x", [1, 3])], unit="u")


@settings(max_examples=30, deadline=None)
@example(text="", value=5e-324)
@given(text=st.text(max_size=30), value=st.floats(-1e15, 1e15))
def test_any_text_stays_text(text: str, value: float) -> None:
    """Markup, quotes and signs that XML cannot hold never break out of a title or a legend."""
    evil = f"</text><script>alert(1)</script>{text}"
    picture = draw("bars", evil, [evil], [Series(evil, [value])], unit=evil)
    root = ET.fromstring(picture)
    assert all(_tag(one) != "script" for one in root.iter())
    assert any("<script>alert(1)</script>" in told for told in root.itertext())


def test_many_labels_are_thinned() -> None:
    """A year of days stays readable: a few labels are written."""
    days = [f"day {number}" for number in range(365)]
    root = ET.fromstring(draw("lines", "Year", days, [Series("x", [1] * 365)]))
    written = [one.text for one in root.iter() if (one.text or "").startswith("day ")]
    assert 5 <= len(written) <= 20


@pytest.mark.parametrize("values", [[1.0], [1.0, float("nan")], [1.0, float("inf")]])
def test_rows_that_do_not_fit_are_refused(values: list[float]) -> None:
    """One finite value per label, or the fault is named."""
    with pytest.raises(ValueError, match="x: "):
        draw("bars", "T", ["a", "b"], [Series("x", values)])


def test_a_picture_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What stood there is replaced; where nothing can be written, the message names the file."""
    file = tmp_path / "chart.svg"
    file.write_text("old")
    save_picture("<svg/>", file)
    assert file.read_text() == "<svg/>"
    assert [one.name for one in tmp_path.iterdir()] == ["chart.svg"]
    with pytest.raises(ConfigurationError, match=r"nowhere/chart\.svg: No such file"):
        save_picture("<svg/>", tmp_path / "nowhere" / "chart.svg")


def _tag(element: ET.Element) -> str:
    return element.tag.partition("}")[2]
