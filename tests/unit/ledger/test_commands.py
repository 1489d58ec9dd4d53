"""`sluice ledger` answers people and programs, and its exit code says how it went."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text

from console.cli import run_command
from ledger.store import Ledger


class Result(NamedTuple):
    """How a command ended and what it said."""

    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def sluice_ledger(
    sqlite_ledger: Ledger,
    lives: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Result]:
    """Runs a command on a ledger with four entries that the environment names."""
    sqlite_ledger.append([lives.pool("kyc"), lives.capacity("kyc", 2, 5)])
    sqlite_ledger.append([lives.defined("m1")])
    hidden = lives.draft("m1", 2, "hold_placed", reason="r").model_copy(update={"by": "a\x1b[2J"})
    sqlite_ledger.append([hidden])
    url = sqlite_ledger.database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("SLUICE_LEDGER_URL", url)

    def run(*words: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["sluice", "ledger", *words])
        # Not `main`: that ends the process once Temporal's client was loaded into it.
        return Result(run_command(), *capsys.readouterr())

    return run


def test_verify(sluice_ledger: Callable[..., Result], sqlite_ledger: Ledger) -> None:
    """It says how many entries, and the checkpoint to note."""
    head = list(sqlite_ledger.entries())[-1].hash
    people = sluice_ledger("verify")
    assert people.exit_code == 0
    assert "The ledger verifies: 4 entries" in people.stdout
    assert f"checkpoint  4:{head}" in people.stdout
    programs = json.loads(sluice_ledger("verify", "-o", "json", "--checkpoint", f"4:{head}").stdout)
    assert programs.pop("seconds") >= 0
    assert programs == {"entries": 4, "head": head, "ok": True}
    assert sluice_ledger("verify", "-o", "name").stdout == f"4:{head}\n"
    assert f"head: {head}" in sluice_ledger("verify", "-o", "yaml").stdout


def test_broken_ledger_exits_6(sluice_ledger: Callable[..., Result], sqlite_ledger: Ledger) -> None:
    """The first bad entry is named, for people and for programs."""
    with sqlite_ledger.database.writing() as connection:
        connection.execute(text("UPDATE entries SET command = 'x' WHERE position = 2"))
    people = sluice_ledger("verify")
    assert people.exit_code == 6
    assert "sluice: entry 2: its content does not have the hash" in people.stderr
    programs = sluice_ledger("verify", "-o", "json")
    assert programs.exit_code == 6
    assert json.loads(programs.stdout) == {
        "ok": False,
        "position": 2,
        "reason": "its content does not have the hash it bears",
    }


def test_cut_ledger_exits_6_with_a_checkpoint(sluice_ledger: Callable[..., Result]) -> None:
    """What was noted elsewhere and is not there any more is missed."""
    result = sluice_ledger("verify", "--checkpoint", f"9:{'a' * 64}")
    assert result.exit_code == 6
    assert "entry 5: missing" in result.stderr


def test_export_verifies_without_the_database(
    sluice_ledger: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An auditor needs the file alone."""
    file = tmp_path / "record.jsonl"
    told = json.loads(sluice_ledger("export", str(file), "-o", "json").stdout)
    assert told["entries"] == 4
    assert "4 entries" in sluice_ledger("export", str(file)).stdout
    monkeypatch.setenv("SLUICE_LEDGER_URL", "postgresql://nobody@127.0.0.1:1/none")
    checkpoint = f"4:{told['head']}"
    assert sluice_ledger("verify", "--file", str(file), "--checkpoint", checkpoint).exit_code == 0
    file.write_text(file.read_text().replace("kim", "tim", 1))
    assert sluice_ledger("verify", "--file", str(file)).exit_code == 6
    assert [path.name for path in tmp_path.glob("record*")] == ["record.jsonl"]


def test_show(sluice_ledger: Callable[..., Result]) -> None:
    """Entries in order, filtered, without letting them steer the terminal."""
    lines = sluice_ledger("show").stdout.splitlines()
    assert len(lines) == 5
    assert lines[2].split() == [
        "2", "2031-01-12T09:00:00Z", "pool:kyc", "2", "capacity_reported", "kim",
    ]  # fmt: skip
    assert lines[4].endswith("a\\u001b[2J")
    found = json.loads(sluice_ledger("show", "--stream", "pool:kyc", "-o", "json").stdout)
    assert [entry["number"] for entry in found] == [1, 2]
    wanted = ["show", "--kind", "hold_placed", "--kind", "measure_defined", "-o", "json"]
    assert [e["position"] for e in json.loads(sluice_ledger(*wanted).stdout)] == [3, 4]
    assert len(json.loads(sluice_ledger("show", "--limit", "1", "-o", "json").stdout)) == 1
    assert json.loads(sluice_ledger("show", "--stream", "pool:x", "-o", "json").stdout) == []
    assert sluice_ledger("show", "--limit", "1", "-o", "name").stdout == "pool:kyc 1\n"
    assert "kind: pool_opened" in sluice_ledger("show", "--limit", "1", "-o", "yaml").stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["verify", "--checkpoint", "nonsense"], 2, "write the position"),
        (["show", "--kind", "signed_of"], 2, "did you mean signed_off?"),
        (["show", "--kind", "zzz"], 2, "known: document_applied"),
        (["verify", "--ledger", "sqlite:////none/such.db"], 2, "there is no ledger at"),
        (["verify", "--ledger", "mysql://root:hush@host/db"], 2, "mysql is not known"),
        (["verify", "--ledger", "postgresql://root:hush@127.0.0.1:1/db"], 1, "does not answer"),
        (["verify", "--file", "/none/such.jsonl"], 1, "cannot be read: No such file"),
        (["export", "/none/such.jsonl"], 1, "cannot be written: No such file"),
    ],
)
def test_failures_say_what_to_do(
    sluice_ledger: Callable[..., Result], words: list[str], code: int, message: str
) -> None:
    """One line, the right exit code, no password."""
    result = sluice_ledger(*words)
    assert result.exit_code == code
    said = " ".join(result.stderr.replace("│", " ").split())
    assert message in said
    assert "hush" not in result.stdout + result.stderr


@pytest.mark.parametrize("command", ["verify", "show", "export"])
def test_help_has_an_example(sluice_ledger: Callable[..., Result], command: str) -> None:
    """Every command shows how it is used."""
    result = sluice_ledger(command, "--help")
    assert f"Example: sluice ledger {command}" in " ".join(result.stdout.split())
