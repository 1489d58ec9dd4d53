"""`sluice explain facts` and `sluice explain CODE`: the reference, without leaving the terminal."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from console.cli import app
from measures.errors import RefusedError
from measures.facts import FACT_KINDS
from rules.codes import CODES
from rules.fields import fields_of
from rules.loader import builtin_packs, load_pack
from rules.looking import looks_of

RULES = """\
pack: test
title: Test
rules:
  - id: first
    gate: decided
    when: {demand: {kind: demand}}
    expect: {offer: {kind: offer, pool: $demand.pool, unit: checks}}
    require: offer.available >= demand.amount
    at_least: measure.quorum
    distinct: offer.owner
    message: "{offer.title}"
  - {id: second, gate: decided, expect: {proof: {kind: evidence}}, message: m}
"""


@pytest.fixture(autouse=True)
def _nothing_runs_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a ledger: the built-in packs count."""
    monkeypatch.chdir(tmp_path)


def told(*arguments: str) -> Any:
    """The answer as data."""
    done = CliRunner().invoke(app, ["explain", *arguments, "-o", "json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_what_decides_is_looked_at_and_what_is_only_shown_is_not() -> None:
    """Patterns, joins of both sides, conditions, counts; a kind without a field too."""
    looks = looks_of(load_pack(RULES, "test.yaml").rules)
    assert looks == {
        "demand": {"pool": ["first"], "amount": ["first"]},
        "offer": {
            "unit": ["first"], "pool": ["first"], "available": ["first"], "owner": ["first"],
        },
        "measure": {"quorum": ["first"]},
        "evidence": {},
    }  # fmt: skip


def test_all_facts() -> None:
    """Every kind with every field, its type and its meaning."""
    kinds = {kind["kind"]: kind for kind in told("facts")["kinds"]}
    assert list(kinds) == list(FACT_KINDS)
    for name, kind in kinds.items():
        assert kind["meaning"]
        assert kind["outside"] == FACT_KINDS[name].OUTSIDE
        assert [f["field"] for f in kind["fields"]] == [n for n in fields_of(name) if n != "kind"]
        assert all(field["meaning"] and field["type"] for field in kind["fields"])
    fields = {field["field"]: field for field in kinds["kpi"]["fields"]}
    assert fields["latest"]["may_be_missing"]
    assert not fields["owner"]["may_be_missing"]
    assert fields["result"]["values"] == ["met", "not-met", "unknown"]


@pytest.mark.parametrize("gate", ["decided", "launch", "closed"])
def test_the_facts_of_a_gate(gate: str) -> None:
    """Those that decide there, with the rules that look at them."""
    rules = [rule for pack in builtin_packs() for rule in pack.rules if gate in rule.gates]
    kinds = {
        kind["kind"]: {field["field"]: field["rules"] for field in kind["fields"]}
        for kind in told("facts", "--gate", gate)["kinds"]
    }
    assert kinds == looks_of(rules)


def test_facts_for_people() -> None:
    """Who states it, what it can be, which rule wants it."""
    shown = CliRunner().invoke(app, ["explain", "facts", "--gate", "decided"]).output
    assert "offer (stated by others: absent means not known)" in shown
    assert "looked at by decided.capacity-covers-demand" in shown
    assert "evidence" not in shown
    assert (
        "sluice explain facts --gate GATE" in CliRunner().invoke(app, ["explain", "facts"]).output
    )


def test_a_gate_that_is_not_there() -> None:
    """Is answered with the right one; and --gate goes with facts only."""
    done = CliRunner().invoke(app, ["explain", "facts", "--gate", "decidet"])
    assert isinstance(done.exception, RefusedError)
    assert "did you mean 'decided'?" in done.exception.message
    assert CliRunner().invoke(app, ["explain", "spring", "--gate", "decided"]).exit_code == 2


@pytest.mark.parametrize("code", CODES)
def test_a_code(code: str) -> None:
    """Title, why and both examples, for people and programs."""
    shown = CliRunner().invoke(app, ["explain", code]).output
    assert shown.startswith(f"{code} {CODES[code].title}\n")
    for line in CODES[code].right.splitlines():
        assert line in shown
    assert told(code)["why"] == CODES[code].why


def test_a_code_that_is_not_there() -> None:
    """Is answered with a near one."""
    done = CliRunner().invoke(app, ["explain", "R999"])
    assert isinstance(done.exception, RefusedError)
    assert "there is no fault code R999" in done.exception.message
    assert "sluice explain codes" in done.exception.message
    near = CliRunner().invoke(app, ["explain", "R312"])
    assert isinstance(near.exception, RefusedError)
    assert "did you mean R31" in near.exception.message


def test_a_code_in_small_letters() -> None:
    """Is found where no measure is called so."""
    shown = CliRunner().invoke(app, ["explain", "r302"]).output
    assert shown.startswith(f"R302 {CODES['R302'].title}\n")


def test_all_codes() -> None:
    """Each with its title."""
    shown = CliRunner().invoke(app, ["explain", "codes"]).output
    for name, code in CODES.items():
        assert f"{name}  {code.title}" in shown


@pytest.mark.parametrize("words", [["pool"], ["spring", "kyc"], ["facts", "--svg", "x.svg"]])
def test_only_a_pool_takes_a_second_name_and_a_picture(words: list[str]) -> None:
    """Anything else is wrong usage, and says how a pool is explained."""
    done = CliRunner().invoke(app, ["explain", *words])
    assert done.exit_code == 2
    assert "sluice explain pool POOL" in done.output
