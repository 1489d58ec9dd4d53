"""Which versions of packs there are, what they judge, and what differs: commands on a ledger."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from console.cli import run_command
from ledger.store import Ledger
from measures.digest import digest
from measures.documents import BUILTIN_PACK, document_content
from measures.verdict import Warned
from rules.loader import builtin_packs

STANDARD = next(pack for pack in builtin_packs() if pack.id == "standard")


class Result(NamedTuple):
    """How a command ended and what it said."""

    exit_code: int
    stdout: str
    stderr: str


Sluice = Callable[..., Result]


def version(*rules: str, policy: str = "migrate", **fields: Any) -> dict[str, Any]:
    """A pack with these rules."""
    return {
        "kind": "RulePack", "pack": "roll", "title": "Rolled out", "lifecycle": "doi",
        "policy": policy,
        "rules": [{"id": rule, "gate": "identified", "require": "false", "message": rule, **fields}
                  for rule in rules],
    }  # fmt: skip


OLD, NEW = version("one"), version("one", "two", mode="warn")


@pytest.fixture
def sluice(
    sqlite_ledger: Ledger,
    lives: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Sluice:
    """Runs a command on a ledger: `kept` was judged by the old version, `new` by the new one."""
    now = lives.draft("x", 1, "hold_placed").at
    content = document_content(STANDARD.document)
    sqlite_ledger.append_document(BUILTIN_PACK, "standard", content, "engine", now, "b")
    for number, document in enumerate((OLD, NEW)):
        sqlite_ledger.append_document("RulePack", "roll", document, "ada", now, f"p{number}")
    warned = Warned(rule="one", answer="block", message="one", mode="dry-run")
    for name, judged, held in (("kept", OLD, ("one",)), ("new", NEW, ("held",))):
        found = lives.verdict("block", held, "identified").model_copy(
            update={
                "packs": {"roll": digest(judged), "standard": STANDARD.digest},
                "warnings": (warned,) if name == "new" else (),
            }
        )
        sqlite_ledger.append(
            [
                lives.defined(name),
                lives.draft(
                    name, 2, "gate_judged", verdict=found.model_dump(mode="json"), waiting_for=[]
                ),
            ]
        )
    url = sqlite_ledger.database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("SLUICE_LEDGER_URL", url)

    def run(*words: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["sluice", *words])
        return Result(run_command(), *capsys.readouterr())

    return run


def test_versions_are_listed_with_what_they_judge(sluice: Sluice) -> None:
    """The newest first; built-in ones say so, and all are listed, recorded yet or not."""
    listed = json.loads(sluice("get", "rulepacks", "-o", "json").stdout)
    assert {one["id"] for one in listed} == {"roll", *(pack.id for pack in builtin_packs())}
    assert [
        (one["id"], one["digest"], one["newest"], one["by"], one["policy"], one["measures"])
        for one in listed
        if one["id"] in ("roll", "standard")
    ] == [
        ("roll", digest(NEW), True, "ada", "migrate", 1),
        ("roll", digest(OLD), False, "ada", "migrate", 1),
        ("standard", STANDARD.digest, True, "built-in", "follow", 2),
    ]
    table = sluice("get", "rulepacks").stdout
    assert f"roll@{digest(OLD)[:12]}" in table


def test_an_old_version_is_shown_by_its_digest(sluice: Sluice) -> None:
    """As it was applied; the name alone means the newest."""
    shown = json.loads(sluice("get", "rulepack", f"roll@{digest(OLD)[:12]}", "-o", "json").stdout)
    assert shown["rules"] == OLD["rules"]
    shown = json.loads(sluice("get", "rulepack", "roll", "-o", "json").stdout)
    assert shown["rules"] == NEW["rules"]
    assert "two" in sluice("get", "rulepack", "roll").stdout


@pytest.mark.parametrize("name", ["roll@0000", "rolling", "roll@"])
def test_a_version_that_is_none_is_refused(sluice: Sluice, name: str) -> None:
    """With what there is instead."""
    result = sluice("get", "rulepack", name)
    if name == "roll@":
        assert result.exit_code == 0  # no digits: the newest
    else:
        assert result.exit_code == 1
        assert "sluice get rulepacks" in result.stderr or digest(NEW)[:12] in result.stderr


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("roll", ["kept", "new"]),
        (f"roll@{digest(OLD)[:7]}", ["kept"]),
        (f"standard@{STANDARD.digest}", ["kept", "new"]),
        ("roll@%", []),
        ("other", []),
    ],
)
def test_measures_are_found_by_what_judges_them(
    sluice: Sluice, wanted: str, found: list[str]
) -> None:
    """By pack, and by version."""
    rows = json.loads(sluice("get", "measures", "--pack", wanted, "-o", "json").stdout)
    assert [row["id"] for row in rows] == found


def test_a_measure_says_what_judges_it(sluice: Sluice) -> None:
    """In words and as data."""
    name = f"roll@{digest(OLD)[:12]}"
    assert name in sluice("get", "measure", "kept").stdout
    assert name in sluice("explain", "kept").stdout
    status = json.loads(sluice("explain", "kept", "-o", "json").stdout)
    assert status["packs"] == {"roll": digest(OLD), "standard": STANDARD.digest}
    assert "dry-run one: one" in sluice("explain", "new").stdout


def test_rules_are_counted_by_what_they_block_and_would_block(sluice: Sluice) -> None:
    """In the mode that the newest version gives them."""
    rows = json.loads(sluice("rules", "stats", "--pack", "roll", "-o", "json").stdout)
    assert [(r["rule"], r["mode"], r["blocks"], r["would_block"]) for r in rows] == [
        ("one", "warn", 1, 1),
        ("two", "warn", 0, 0),
    ]
    assert sluice("rules", "stats", "--pack", "none").exit_code == 1


def test_what_would_move_is_shown_before(sluice: Sluice) -> None:
    """Without an engine; nothing is written."""
    result = sluice("rules", "migrate", "roll", "--all", "--dry-run", "-o", "json")
    [move] = json.loads(result.stdout)["measures"]
    assert (move["measure"], move["from"], move["to"]) == ("kept", digest(OLD), digest(NEW))
    assert move["outcome"] == "would move"
    back = sluice("rules", "migrate", "roll", "new", "--to", digest(OLD)[:9], "--dry-run")
    assert digest(OLD)[:12] in back.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["roll"], 2, "name the measures to move, or say --all"),
        (["roll", "kept", "--all"], 2, "name the measures to move, or say --all"),
        (["roll", "lost"], 1, "there is no measure 'lost'"),
        (["none", "--all"], 1, "there is no pack 'none'"),
        (["roll", "--all", "--to", "beef"], 1, "pack roll has no version beef"),
        (["standard", "--all"], 1, "the policy of pack standard is follow"),
        (["roll", "--all", "--as", "nobody"], 5, "there is no person 'nobody'"),
    ],
)
def test_what_cannot_move_says_why(sluice: Sluice, words: list[str], code: int, said: str) -> None:
    """Wrong usage, nothing of that name, or nothing that keeps a version."""
    result = sluice("rules", "migrate", *words, "--dry-run")
    assert result.exit_code == code
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_differences_between_versions(sluice: Sluice, tmp_path: Path) -> None:
    """Rules added, removed and changed, field by field; a file is a version too."""
    old = f"roll@{digest(OLD)[:12]}"
    result = sluice("rules", "diff", old, "roll", "-o", "json")
    assert result.exit_code == 3
    found = json.loads(result.stdout)
    assert found["added"] == ["two"]
    assert found["removed"] == []
    assert found["changed"] == [
        {"id": "one", "changes": [{"field": "mode", "before": None, "after": "warn"}]}
    ]
    back = sluice("rules", "diff", "roll", old)
    assert back.stdout.splitlines() == ["- two", "~ one", "    mode: warn -> (not there)"]
    file = tmp_path / "roll.yaml"
    file.write_text(json.dumps({**OLD, "policy": "pin"}))
    result = sluice("rules", "diff", old, str(file))
    assert result.stdout.splitlines() == ["pack policy: migrate -> pin"]
    same = sluice("rules", "diff", "standard", f"standard@{STANDARD.digest}")
    assert (same.exit_code, same.stdout) == (0, "no difference\n")
    file.write_text("pack: roll")
    assert sluice("rules", "diff", "roll", str(file)).exit_code == 1


def test_versions_are_read_out_of_states_by_either_database(ledger: Ledger, lives: Any) -> None:
    """Names with dots and digits; what is held or would be held, counted once per measure."""
    warned = Warned(rule="w", answer="block", message="m")
    for name, digits in (("a", "1"), ("b", "2")):
        found = lives.verdict("block", ("r",)).model_copy(
            update={"packs": {"odd.pack-1_x": digits * 64}, "warnings": (warned, warned)}
        )
        body = {"verdict": found.model_dump(mode="json"), "waiting_for": []}
        ledger.append([lives.defined(name), lives.draft(name, 2, "gate_judged", **body)])
    ledger.append([lives.defined("c")])
    assert ledger.judged_by("odd.pack-1_x") == {"a": "1" * 64, "b": "2" * 64}
    assert ledger.judged_by("odd") == {}
    assert [row.id for row in ledger.find_measures(pack="odd.pack-1_x@22")] == ["b"]
    counted = ledger.found_by_rule()
    assert (counted.blocks, counted.would_block) == ({"r": 2}, {"w": 2})
    ledger.append([lives.draft("a", 3, "measure_cancelled", reason="no")])
    assert ledger.judged_by("odd.pack-1_x") == {"b": "2" * 64}
    assert ledger.found_by_rule().would_block == {"w": 1}
