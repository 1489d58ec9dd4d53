"""What a changed pack would do is what judging everything again by hand would find."""

import asyncio
import json
import random
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bench import portfolio
from console import plan_cases
from console.planning import Look, prepare, preview
from ledger.history import past_decisions
from ledger.store import Ledger
from ledger.tables import entries
from measures.decisions import define
from measures.errors import ConfigurationError
from measures.facts import facts_digest
from measures.folding import fold_measure
from measures.judging import judged
from measures.lifecycle import DOI
from measures.verdict import Blocker, Verdict
from rules.comparing import compare
from rules.loader import load_pack, packs_in_force
from tests.unit.console.planning.brute_force import as_told, judged_by_hand, told
from tests.unit.console.planning.clerk import NOW, Clerk
from tests.unit.console.planning.packs import TOUGHER, tougher


def _record(ledger: Ledger) -> list[Any]:
    with ledger.database.reading() as connection:
        return list(connection.execute(select(entries).order_by(entries.c.position)))


def test_every_decision_is_seen_as_its_gate_saw_it(played: tuple[Ledger, Clerk]) -> None:
    """Also where capacity was reported between looking and recording."""
    ledger, clerk = played
    found = {one.entry.position: one for one in past_decisions(ledger)}
    assert found.keys() == clerk.seen.keys()
    for position, (state, facts) in clerk.seen.items():
        assert found[position].facts == facts
        assert found[position].state == state


def test_facts_that_do_not_follow_are_never_made_up(
    played: tuple[Ledger, Clerk], tmp_path: Path, clock: datetime
) -> None:
    """A decision on other facts than the entries give is said to be one."""
    ledger, _ = played
    file = tmp_path / "copy.db"
    with ledger.database.reading() as connection:
        connection.exec_driver_sql(f"VACUUM INTO '{file}'")
    with Ledger.open(f"sqlite:///{file}") as copy:
        lost = next(one for one in past_decisions(copy) if one.verdict.gate == "decided")
        with copy.database.writing() as connection:
            connection.execute(
                entries.update()
                .where(entries.c.position == lost.entry.position)
                .values(facts_digest="0" * 64)
            )
        report = preview(copy, tougher(copy), Look(False, True, None, 3))
    assert report.past is not None
    assert report.past.not_reproducible == 1
    assert report.past.positions == [lost.entry.position]


@pytest.mark.parametrize("few", [0, 10_000], ids=["several processes", "one process"])
def test_plan_equals_brute_force(
    played: tuple[Ledger, Clerk], clock: datetime, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Live and past, in one process and in several: the same answers change for the same reasons.

    And the record is what it was: a plan writes nothing.
    """
    ledger, clerk = played
    monkeypatch.setattr(plan_cases, "FEW", few)
    record = _record(ledger)
    report = preview(ledger, tougher(ledger), Look(True, True, None, 10_000))
    assert _record(ledger) == record
    before, after = packs_in_force({}), (load_pack(TOUGHER, "standard.yaml"),)
    assert report.live is not None
    assert report.past is not None
    assert report.past.not_reproducible == 0

    directory = ledger.directory()
    states = [state for number in range(250) if (state := ledger.measure(f"m-{number:05}"))]
    cases = [
        (state, gate, ledger.facts(state, directory, clock), clock)
        for state in states
        for gate in state.gates_ahead
    ]
    found = asyncio.run(judged_by_hand(before, after, cases))
    expected = [
        (case[0].id, case[1], 0, compare(*both))
        for case, both in zip(cases, found, strict=True)
        if compare(*both).effect != "same"
    ]
    assert len(expected) > 10
    assert told(report.live.tally) == as_told(expected)
    assert report.live.tally.subjects == sum(not state.ended for state in states)

    past = [
        (one.state, one.verdict.gate, one.facts or [], one.entry.at)
        for one in past_decisions(ledger)
    ]
    decisions = list(past_decisions(ledger))
    found = asyncio.run(judged_by_hand(before, after, past))
    expected = [
        (one.state.id, one.verdict.gate, one.entry.position, compare(one.verdict, both[1]))
        for one, both in zip(decisions, found, strict=True)
        if compare(one.verdict, both[1]).effect != "same"
    ]
    assert len(expected) > 3
    assert told(report.past.tally) == as_told(expected)
    assert report.past.tally.subjects == len(clerk.seen)


def test_a_pack_that_is_taken_away_frees_what_it_held(tmp_path: Path) -> None:
    """A built-in pack of its name would count again."""
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        portfolio.fill(ledger, 20, NOW, seed=5)
        stop = {
            "pack": "stop",
            "title": "Stop",
            "rules": [{"id": "stop", "gate": "identified", "require": "false", "message": "stop"}],
        }
        ledger.append_document("RulePack", "stop", stop, "rex", NOW, "apply-stop")
        change = prepare(ledger.directory().packs, (), frozenset({"stop"}), None)
        report = preview(ledger, change, Look(True, True, None, 3))
        applied = ledger.directory().packs
        text = b"pack: stop\ntitle: S\nrules: []"
        with pytest.raises(ConfigurationError, match="named twice"):
            prepare(applied, ((text, "stop.yaml"),), frozenset({"stop"}), None)
    assert report.live is not None
    assert set(report.live.tally.rules) == {("stop", "frees")}
    assert report.live.tally.changes == report.live.judged
    assert report.commands == ("sluice rules remove stop",)


def test_a_request_that_signs_and_asks_saw_the_measure_signed(tmp_path: Path) -> None:
    """Both entries are recorded at once; the judgement came between them."""
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        portfolio.record_surroundings(ledger, random.Random(1), NOW)
        writing = portfolio._Writing(portfolio.random_plan(random.Random(2), "m-00001", NOW), NOW)
        ledger.append(writing.drafts)
        writing.sign(random.Random(2), "identified")
        signing = [one.model_copy(update={"command": "both"}) for one in writing.drafts[1:]]
        assert signing
        state = ledger.measure("m-00001")
        assert state is not None
        signed = reduce(fold_measure, signing, state)
        facts = ledger.facts(signed, ledger.directory(), NOW)
        verdict = Verdict(
            gate="identified",
            verdict="pass",
            pack_digest="a" * 64,
            facts_digest=facts_digest(facts),
            at=NOW,
        )
        drafts = judged(signed, verdict, ledger.directory(), held=None, by="sam", command="both")
        ledger.append([*signing, *drafts])
        [decision] = past_decisions(ledger)
    assert decision.facts == facts


@pytest.mark.parametrize(
    ("policy", "held"), [("follow", {"waits", "idle"}), ("pin", {"idle"}), ("migrate", {"idle"})]
)
def test_who_keeps_a_version_is_judged_by_it(tmp_path: Path, policy: str, held: set[str]) -> None:
    """A waiting request that its pack's policy leaves with an older version is not affected."""

    def pack_of(require: str) -> dict[str, Any]:
        rule = {"id": "r", "gate": "identified", "require": require, "message": "m"}
        rules = [rule, {**rule, "id": "guard", "require": "false"}]
        return {"pack": "more", "title": "More", "policy": policy, "rules": rules}

    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        ledger.append_document("RulePack", "more", pack_of("true"), "rex", NOW, "apply")
        directory = ledger.directory()
        packs = packs_in_force(directory.packs)
        for name in ("waits", "idle"):
            plan = portfolio.random_plan(random.Random(1), name, NOW)
            ledger.append([define(plan, DOI, by="olga", at=NOW, command=name)])
        state = ledger.measure("waits")
        assert state is not None
        verdict = Verdict(
            gate="identified",
            verdict="block",
            blockers=(Blocker(rule="guard", answer="block", message="m"),),
            pack_digest="a" * 64,
            packs={pack.id: pack.digest for pack in packs},
            facts_digest="b" * 64,
            at=NOW,
        )
        ledger.append(judged(state, verdict, directory, held=None, by="olga", command="ask"))
        text = json.dumps(pack_of("measure.kpis > 99")).encode()
        change = prepare(directory.packs, ((text, "more.yaml"),), frozenset(), None)
        report = preview(ledger, change, Look(True, False, None, 9))
    assert report.live is not None
    assert report.live.lost == 0
    examples = [one for tally in report.live.tally.rules.values() for one in tally.examples]
    assert {one.measure for one in examples} == held
    assert report.live.keeping == 2 - len(held)
