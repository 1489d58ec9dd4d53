"""Adding to a file of cases: nothing is lost, whoever else adds at the same moment."""

import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.casefiles import Casefile
from console.rules_commands import app
from rules.case_writing import NewCase
from rules.casebook import load_cases
from rules.loader import load_pack
from rules.schema import Pack

PACK = """\
pack: small
title: Small
rules:
  - {id: owned, gate: decided, require: measure.owner != "", message: m}
  - {id: led, gate: decided, require: measure.sponsor != "", message: m}
  - {id: seen, gate: decided, require: measure.controller != "", message: m}
"""
NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
MEASURE = {"kind": "measure", "owner": "olga"}


@pytest.fixture
def pack_file(tmp_path: Path) -> Path:
    """A pack that has no cases."""
    file = tmp_path / "small.yaml"
    file.write_text(PACK)
    return file


@pytest.fixture
def pack(pack_file: Path) -> Pack:
    """The pack of the file."""
    return load_pack(pack_file.read_text(), str(pack_file))


def add(pack_file: Path, pack: Pack, *cases: NewCase) -> None:
    """Adds cases as a command does."""
    with Casefile(pack_file, pack, NOW, write=True) as casefile:
        casefile.add(cases)


def waits_for_lock(process: "subprocess.Popen[bytes]") -> bool:
    """Tells whether a process waits for a lock that somebody else holds."""
    waiting = [line for line in Path("/proc/locks").read_text().splitlines() if "->" in line]
    return any(str(process.pid) in line.split() for line in waiting)


def test_commands_at_once_lose_nothing(pack_file: Path, pack: Pack) -> None:
    """One that comes while another adds waits, and then reads what the other has written."""
    command = "from console.rules_commands import app; app()"
    with Casefile(pack_file, pack, NOW, write=True) as casefile:
        running = [
            subprocess.Popen(
                [sys.executable, "-c", command, "case", "new", rule, str(pack_file), "--write"],
                stdout=subprocess.DEVNULL,
            )
            for rule in ("owned", "led")
        ]
        while not all(map(waits_for_lock, running)):
            assert [one.poll() for one in running] == [None, None], "one did not wait"
            time.sleep(0.02)
        casefile.add([NewCase("mine", "pass", rule="seen", given=(MEASURE,))])
    assert [one.wait(timeout=60) for one in running] == [0, 0]
    beside = pack_file.with_name("small_cases.yaml")
    cases = load_cases(beside.read_text(), str(beside), pack)
    assert sorted(case.text.rule for case in cases) == sorted(["owned", "led"] * 3 + ["seen"])
    assert sorted(file.name for file in pack_file.parent.iterdir()) == [
        "small.yaml",
        "small_cases.yaml",
    ]


def test_the_mode_and_a_link_stay(tmp_path: Path, pack_file: Path, pack: Pack) -> None:
    """Only what the file holds is replaced."""
    add(pack_file, pack, NewCase("one", "pass", rule="owned", given=(MEASURE,)))
    beside = pack_file.with_name("small_cases.yaml")
    real = tmp_path / "cases" / "real.yaml"
    real.parent.mkdir()
    beside.rename(real)
    real.chmod(0o640)
    beside.symlink_to(real)
    add(pack_file, pack, NewCase("two", "block", rule="owned"))
    assert beside.is_symlink()
    assert real.stat().st_mode & 0o7777 == 0o640
    assert "case: two" in real.read_text()


def test_a_situation_is_added_once(
    pack_file: Path, pack: Pack, capsys: pytest.CaptureFixture[str]
) -> None:
    """Recorded again a day later it says nothing new, if the facts are those of before."""
    offer = {"kind": "offer", "pool": "kyc", "period": "2031-03", "age": "2h"}
    add(pack_file, pack, NewCase("one", "pass", gate="decided", given=(MEASURE, offer)))
    before = pack_file.with_name("small_cases.yaml").read_text()
    later = NOW.replace(day=13)
    again = NewCase(
        "later", "pass", gate="decided", now=later, given=(MEASURE, offer | {"age": "26h"})
    )
    add(pack_file, pack, again)
    assert pack_file.with_name("small_cases.yaml").read_text() == before
    assert "this situation is there already, as 'one'" in capsys.readouterr().err
    stated_anew = NewCase("new", "pass", gate="decided", now=later, given=(MEASURE, offer))
    add(pack_file, pack, stated_anew)
    assert "case: new" in pack_file.with_name("small_cases.yaml").read_text()


def test_cases_are_written_beside_a_file() -> None:
    """The built-in packs are nobody's to add to."""
    rule = "decided.capacity-covers-demand"
    done = CliRunner().invoke(app, ["case", "new", rule, "--write"])
    assert (done.exit_code, "name the pack's FILE" in done.output) == (2, True)
