"""Over a hundred mistakes that people make: located, explained with the way out, never a traceback.

Each file of `mistakes/` is a text with one mistake. Its last two lines say where the mistake is and
what must be said about it (`none`: nothing useful can be).
"""

import re
from pathlib import Path

import pytest

from console.reading import read_text
from rules.casebook import load_cases
from rules.faults import Fault, FaultsFound, render
from rules.loader import load_pack

FOLDER = Path(__file__).with_name("mistakes")
FILES = sorted(file for file in FOLDER.glob("*-*.yaml"))
_EXPECTED = re.compile(r"# fault: (\w+) (\d+):(\d+)\n# fix: (.*)\n$")


def first_fault(file: Path) -> tuple[Fault, str]:
    """The fault that is shown first, as it is shown."""
    text = file.read_text(encoding="utf-8")
    try:
        match file.name.partition("-")[0]:
            case "pack":
                load_pack(text, file.name)
            case "cases":
                load_cases(text, file.name, load_pack((FOLDER / "good.yaml").read_text(), "good"))
            case "document":
                faults = read_text(text, file.name).faults
                return faults[0], render(faults[0], text)
    except FaultsFound as found:
        return found.faults[0], render(found.faults[0], text)
    raise AssertionError(f"{file.name} was accepted")


def expected(file: Path) -> tuple[str, int, int, str]:
    """Code, line, column and fix that the file itself names."""
    found = _EXPECTED.search(file.read_text(encoding="utf-8"))
    assert found, f"{file.name} does not end with its fault and fix"
    return found[1], int(found[2]), int(found[3]), found[4]


def test_the_text_behind_them_is_good() -> None:
    """Each pack of the corpus is this one with one mistake."""
    assert len(load_pack((FOLDER / "good.yaml").read_text(), "good.yaml").rules) == 1


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_mistake_is_told_where_it_is_with_the_way_out(file: Path) -> None:
    """The first thing that is shown is the mistake itself."""
    code, line, column, fix = expected(file)
    fault, shown = first_fault(file)
    assert (fault.code, fault.line, fault.column) == (code, line, column), shown
    assert f"{file.name}:{line}:{column}" in shown
    if fix != "none":
        assert shown.endswith(f"help: {fix}")


def test_nearly_all_say_the_right_fix() -> None:
    """The bar: all are located, and 9 of 10 say what to write."""
    fixes = [expected(file)[3] for file in FILES]
    assert len(fixes) >= 100
    assert sum(fix != "none" for fix in fixes) / len(fixes) >= 0.9
