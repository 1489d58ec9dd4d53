"""Documents that people get wrong: told where, all at once, with what was meant."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.cli import app

Text = Callable[..., str]

WRONG = """\
- kind: Persn
  id: fay
  name: Fay
- kind: Person
  id: Gus
  name: Gus
- kind: Person
  id: hal
  nmae: Hal
- kind: Pool
  id: lines
  title: Lines
  unit: calls
  owner: hal
  capacity: {2031-13: 5, 2031-04: -1}
- kind: Person
  id: ian
  name: Ian
  roles: [ownr]
"""


def test_all_faults_of_a_file_in_one_go(shell: Any) -> None:
    """With file, line, column, what was expected, and a suggestion; no engine is needed."""
    shell.write("wrong.yaml", WRONG)
    ran = shell.sluice("apply", "-f", "wrong.yaml", "--dry-run", "-o", "json")
    assert ran.code == 1, ran
    assert [fault["line"] for fault in ran.data["faults"]] == [1, 5, 9, 15, 15, 19]
    assert all(fault["column"] > 0 for fault in ran.data["faults"])
    words = shell.sluice("apply", "-f", "wrong.yaml", "--dry-run")
    for told in ("wrong.yaml:1:", "wrong.yaml:9:", "wrong.yaml:19:", "Person", "name", "owner"):
        assert told in words.err, words
    assert "Traceback" not in words.err


def test_the_same_key_twice_is_a_fault(shell: Any) -> None:
    """YAML would silently take the last one."""
    shell.write("twice.yaml", "kind: Person\nid: fay\nname: Fay\nid: gus\n")
    ran = shell.sluice("apply", "-f", "twice.yaml", "--dry-run")
    assert ran.code == 1
    assert "twice.yaml:4:" in ran.err


def test_faults_of_several_files_and_folders(shell: Any) -> None:
    """Each file's own; good files beside them are named as good."""
    shell.write("a/one.yaml", "kind: Person\nid: fay\n")
    shell.write("a/b/two.yml", "kind: Node\nid: x\nlevel: planet\nname: X\n")
    shell.write("a/good.yaml", "kind: Person\nid: gus\nname: Gus\n")
    ran = shell.sluice("apply", "-f", "a", "--dry-run", "-o", "json")
    assert ran.code == 1
    assert {Path(fault["file"]).name for fault in ran.data["faults"]} == {"one.yaml", "two.yml"}
    assert [result["id"] for result in ran.data["results"]] == ["gus"]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

MEASURED = """
import sys, time
from console.reading import read_text
text = sys.stdin.read()
read_text("kind: Person", "warm.yaml")
began = time.process_time()
reading = read_text(text, "bomb.yaml")
print(time.process_time() - began)
print(len(reading.faults), len(reading.documents))
"""


@pytest.mark.parametrize(
    "text",
    [BOMB, "[" * 100_000, "a: " * 50_000, "- " * 50_000 + "x", "&a [*a]", "? " * 10_000],
    ids=["aliases", "brackets", "keys", "dashes", "itself", "questions"],
)
def test_hostile_files_are_refused_at_once(text: str) -> None:
    """Under 100 ms of work, measured inside the process, and never a crash."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
    seconds, counts = done.stdout.splitlines()
    assert float(seconds) < 0.1
    assert counts == "1 0"


@pytest.mark.temporal
class TestBesideARunningEngine:
    def test_the_good_wait_for_the_bad_unless_partial(
        self, office: Any, measure_text: Text
    ) -> None:
        """One bad document holds back all others of the call; --partial applies them."""
        good = measure_text("partial-good")
        bad = measure_text("partial-bad").replace("owner: ada", "owner: adda", 1)
        office.write("part/all.yaml", f"{good}---\n{bad}")
        ran = office.sluice("apply", "-f", "part", "-o", "json")
        assert ran.code == 1
        results = {r["id"]: r for r in ran.data["results"]}
        assert results["partial-good"]["outcome"] == "held-back"
        assert results["partial-bad"]["outcome"] == "refused"
        assert results["partial-bad"]["code"] == "unknown-person"
        assert "ada" in results["partial-bad"]["help"]
        lines = f"{good}---\n{bad}".splitlines()
        assert lines[results["partial-bad"]["line"] - 1] == "owner: adda"
        assert office.sluice("get", "measure", "partial-good").code == 1

        ran = office.sluice("apply", "-f", "part", "--partial", "-o", "json")
        assert ran.code == 1
        assert office.sluice("get", "measure", "partial-good").code == 0
        assert office.sluice("get", "measure", "partial-bad").code == 1

    def test_nobody_applies_what_is_not_theirs(self, office: Any) -> None:
        """Neither strangers nor people without the right, and a dry run says so before."""
        office.write("rights/self.yaml", "kind: Person\nid: ada\nname: Ada\nroles: [administrator]")
        apply = ("apply", "-f", "rights/self.yaml")
        for person, why in (("mallory", "no person"), ("ada", "may not")):
            for words in ((), ("--dry-run",)):
                ran = office.sluice(*apply, "--as", person, *words)
                assert ran.code == 5, ran
                assert "Traceback" not in ran.err
                assert why in ran.err
        assert office.sluice(*apply, "--dry-run").code == 0

    def test_a_dry_run_changes_nothing(self, office: Any, measure_text: Text) -> None:
        """It says what would happen."""
        office.write("dry.yaml", measure_text("dry"))
        ran = office.sluice("apply", "-f", "dry.yaml", "--dry-run", "-o", "json")
        assert ran.code == 0
        assert [(r["id"], r["outcome"]) for r in ran.data["results"]] == [("dry", "created")]
        assert office.sluice("get", "measure", "dry").code == 1

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (("package: summer", "package: shop"), "unknown-package"),
            (("pool: desk", "pool: dask"), "unknown-pool"),
            (("controller: cleo", "controller: ada"), "role-missing"),
            (("owner: ada\nsponsor: ben", "owner: cleo\nsponsor: ben"), "duties-not-separate"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_leads_nowhere_is_refused(
        self, office: Any, measure_text: Text, change: tuple[str, str], code: str
    ) -> None:
        """Where it stands, before anything is asked of the engine."""
        before, after = change
        text = measure_text("lost")
        assert before in text
        office.write("lost.yaml", text.replace(before, after, 1))
        ran = office.sluice("apply", "-f", "lost.yaml", "--dry-run", "-o", "json")
        assert ran.code == 1
        assert [result["code"] for result in ran.data["results"]] == [code]


def commands() -> list[tuple[str, ...]]:
    """Every command with its group."""
    from typer.main import get_command

    found: list[tuple[str, ...]] = []

    def walk(command: Any, path: tuple[str, ...]) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            found.append(path)
            return
        for name, one in inner.items():
            walk(one, (*path, name))

    walk(get_command(app), ())
    return found


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_shows_an_example(path: tuple[str, ...]) -> None:
    """In its help; and each option says what it is for."""
    from typer.testing import CliRunner

    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert f"sluice {' '.join(path)}" in shown.output.partition("Example")[2]


def test_the_commands_are_those_that_others_rely_on() -> None:
    """None of them may go."""
    names = {" ".join(path) for path in commands()}
    assert names >= {
        "apply", "get", "explain", "advance", "sign", "amend", "report", "capacity", "launch",
        "hold", "resume", "cancel", "step-back", "up", "worker", "simulate story",
        "simulate capacity", "rules check", "rules test", "ledger verify", "ledger rebuild",
        "permit issue", "permit check", "permit revoke", "permit list",
        "connectors list", "connectors test",
    }  # fmt: skip
