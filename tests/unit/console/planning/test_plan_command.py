"""`sluice rules plan` as people and programs meet it."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.console.planning.packs import STANDARD, TOUGHER, more_pack


def test_people_read_what_changes_and_why(
    sluice: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """Counts, money, reasons; what has passed is said not to be asked again."""
    file = tmp_path / "standard.yaml"
    file.write_text(TOUGHER)
    code, out, _ = sluice(str(file), "--limit", "1")
    assert code == 0
    assert "  ~ decided.capacity-covers-demand" in out
    assert "newly blocked" in out
    assert "have passed decided already and would not be asked again" in out
    assert "decided.capacity-covers-demand would hold " in out
    assert "Nothing was written" in out
    assert sluice(str(file), "--exit-code")[0] == 3


def test_programs_read_the_same(
    sluice: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """JSON with exact counts, one part at a time or one gate."""
    file = tmp_path / "standard.yaml"
    file.write_text(TOUGHER)
    told = json.loads(sluice(str(file), "-o", "json", "--live", "--gate", "decided")[1])
    assert told["gates"] == [{"lifecycle": "doi", "gate": "decided"}]
    assert "past" not in told
    effects = told["live"]["effects"]
    assert sum(effect["count"] for effect in effects.values()) == told["live"]["measures"]
    past = json.loads(sluice(str(file), "-o", "json", "--past", "--since", "2031-01-14")[1])
    assert 0 < past["past"]["decisions"] < 120
    assert "live" not in past


def test_the_same_pack_changes_nothing(
    sluice: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """Exit 0, in so many words."""
    file = tmp_path / "standard.yaml"
    file.write_text(STANDARD)
    code, out, _ = sluice(str(file), "--exit-code")
    assert code == 0
    assert "in force already, word for word" in out
    file.write_text(STANDARD.replace("title: What every gate", "title: What each gate"))
    code, out, _ = sluice(str(file), "--exit-code")
    assert code == 0
    assert "No rule changes at any gate" in out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "name a pack file"),
        (["--remove", "standard"], 2, "built in"),
        (["--remove", "other"], 2, "is not applied; applied are: none"),
        (["FILE", "COPY"], 2, "named twice"),
        (["FILE", "--gate", "lunch"], 2, "there is no gate 'lunch'; gates: "),
        (["/none/such.yaml"], 2, "cannot read /none/such.yaml"),
        (["BAD"], 1, "R307"),
    ],
)
def test_mistakes_are_said(
    sluice: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    words: list[str],
    code: int,
    message: str,
) -> None:
    """One message that says what to do, and the right exit code."""
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(TOUGHER)
    bad.write_text("pack: x\ntitle: X\nrules: [{id: r, gate: decided, require: '(', message: m}]")
    copy = tmp_path / "copy.yaml"
    copy.write_text(TOUGHER)
    named = {"FILE": str(good), "BAD": str(bad), "COPY": str(copy)}
    ended, out, err = sluice(*(named.get(word, word) for word in words))
    assert ended == code
    assert message in " ".join((out + err).replace("│", " ").split())


def test_people_read_that_a_freed_gate_shuts_again(
    sluice: Callable[..., tuple[int, str, str]], tmp_path: Path, clock: datetime
) -> None:
    """The day, the rule, what happens then, and how to see all of it."""
    file = tmp_path / "more.yaml"
    day = (clock + timedelta(days=3)).date()
    file.write_text(json.dumps(more_pack(day.isoformat(), "false")))
    code, out, _ = sluice(str(file), "--live", "--exit-code")
    assert code == 3
    text = " ".join(out.split())
    assert f"from {day}, when more starts to be enforced (on the facts of now)" in text
    assert "with the changed packs: " in text
    assert f"--at {day}" in text
    told = json.loads(sluice(str(file), "--live", "-o", "json")[1])
    [later] = told["later"]
    assert later["day"] == day.isoformat()
    assert later["rules"] == ["more"]
    changed = later["compared_with_in_force"]["effects"]
    assert changed["newly-blocked"]["count"] + changed["other-reasons"]["count"] > 10
    out = sluice(str(file), "--live", "--at", day.isoformat())[1]
    assert f"as of {day} 00:00 UTC, on the facts of {clock:%Y-%m-%d %H:%M} UTC" in out
    assert sluice(str(file), "--past", "--at", day.isoformat())[0] == 2
    code, _, err = sluice(str(file), "--at", "2030-01-01")
    assert (code, "is over" in err) == (2, True)
