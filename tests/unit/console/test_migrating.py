"""`sluice rules migrate --dry-run` says what the gates of waiting requests would answer."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from console.cli import run_command
from ledger.store import Ledger
from measures.decisions import define
from measures.judging import judged
from measures.lifecycle import DOI
from measures.model import restore
from measures.plan import Measure
from measures.verdict import Blocker, Verdict
from rules.loader import packs_in_force

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)


def _pack(require: str) -> dict[str, Any]:
    rule = {"id": "more", "gate": "identified", "require": require, "message": "not yet"}
    return {"pack": "more", "title": "More", "policy": "migrate", "rules": [rule]}


@pytest.mark.parametrize(
    ("require", "then", "words"),
    [
        ('measure.id == "waits"', "pass", "pass: identified opens at once"),
        ('measure.id == "other"', "block", "block: more"),
    ],
)
def test_now_and_then_are_told_apart(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    require: str,
    then: str,
    words: str,
) -> None:
    """A move that opens a gate at once is said to do so, before it is made."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    plan = {"id": "waits", "title": "W", "type": "campaign", "package": "p", "owner": "olga"}
    plan |= {"description": "what it is", "kpis": []}
    with Ledger.open(url) as ledger:
        # Nothing else may hold the gate: this test is about the pack that moves.
        for name, rules in (("standard", []), ("more", _pack("false")["rules"])):
            body = {**_pack("false"), "pack": name, "rules": rules}
            ledger.append_document("RulePack", name, body, "rex", NOW, f"apply-{name}")
        directory = ledger.directory()
        packs = packs_in_force(directory.packs)
        ledger.append([define(restore(Measure, plan), DOI, by="olga", at=NOW, command="new")])
        state = ledger.measure("waits")
        assert state is not None
        verdict = Verdict(
            gate="identified",
            verdict="block",
            blockers=(Blocker(rule="more", answer="block", message="not yet"),),
            pack_digest="a" * 64,
            packs={pack.id: pack.digest for pack in packs},
            facts_digest="b" * 64,
            at=NOW,
        )
        ledger.append(judged(state, verdict, directory, held=None, by="olga", command="ask"))
        ledger.append_document("RulePack", "more", _pack(require), "rex", NOW, "apply-again")
        position = ledger.position()
    monkeypatch.setenv("SLUICE_LEDGER_URL", url)

    def dry_run(*more: str) -> str:
        argv = ["sluice", "rules", "migrate", "more", "--all", "--dry-run", *more]
        monkeypatch.setattr(sys, "argv", argv)
        assert run_command() == 0
        return capsys.readouterr().out

    [move] = json.loads(dry_run("-o", "json"))["measures"]
    assert (move["gate"], move["verdict"], move["verdict_then"]) == ("identified", "block", then)
    assert move["blockers_then"] == ([] if then == "pass" else ["more"])
    assert words in " ".join(dry_run().split())
    with Ledger.open(url) as ledger:
        assert ledger.position() == position
