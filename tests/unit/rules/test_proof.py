"""Proofs of packs: clean packs give no defect, every seeded defect is found and named."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from rules.lifecycle_files import builtin_lifecycles
from rules.loader import builtin_packs, load_pack
from rules.proof.claims import Claim
from rules.proof.packs import prove_packs

TODAY = date(2031, 1, 12)
DEFECTS = sorted((Path(__file__).parent / "defects").glob("*.yaml"))


def read(file: Path) -> tuple[dict[str, Any], tuple[Claim, ...]]:
    """Reads what a defect must be found as, and proves its pack on its own."""
    wanted, pack = file.read_text(encoding="utf-8").split("\n---\n")
    loaded = load_pack(pack, file.name)
    lifecycle = builtin_lifecycles()[loaded.lifecycle]
    return YAML(typ="safe").load(wanted), tuple(prove_packs([loaded], lifecycle, TODAY))


@cache
def proof_of_the_built_in_packs(lifecycle: str) -> tuple[Claim, ...]:
    """Proves what is in force when nobody has applied anything."""
    return tuple(prove_packs(builtin_packs(), builtin_lifecycles()[lifecycle], TODAY))


@pytest.mark.parametrize("lifecycle", sorted({pack.lifecycle for pack in builtin_packs()}))
def test_built_in_packs_are_proved_whole(lifecycle: str) -> None:
    """Neither a defect nor a doubt nor a warning."""
    found = [one for one in proof_of_the_built_in_packs(lifecycle) if one.outcome != "proved"]
    assert found == []


def test_there_are_enough_seeded_defects() -> None:
    """A corpus that shrinks proves less."""
    assert len(DEFECTS) >= 20


@pytest.mark.parametrize("file", DEFECTS, ids=lambda file: file.stem)
def test_seeded_defect_is_found(file: Path) -> None:
    """It is found as what it is, names its rules, and says an example in words."""
    wanted, claims = read(file)
    fitting = [
        one
        for one in claims
        if one.name == wanted["claim"]
        and one.outcome == wanted.get("outcome", "defect")
        and one.subject == wanted["subject"]
        and sorted(one.rules) == sorted(wanted.get("rules", []))
    ]
    assert fitting, "\n".join(f"{c.outcome} {c.name} {c.subject} {c.rules}" for c in claims)
    for part in wanted["says"]:
        assert part in fitting[0].text
    # Of the gates that the pack guards, nothing else is called a defect.
    others = [
        one
        for one in claims
        if one.outcome == "defect"
        and one is not fitting[0]
        and one.rules
        and not wanted.get("also")
    ]
    assert others == []


VOTES = (
    "- {id: a, gate: detailed, message: m, at_least: %s, distinct: s.on_behalf_of,"
    " expect: {s: {kind: signoff, gate: detailed, role: committee, decision: approve}}}\n"
)


def detailed(rules: str) -> Claim:
    """What is said of whether the gate `detailed` can open."""
    pack = load_pack(f"pack: many\ntitle: Many\nrules:\n{rules}", "many.yaml")
    lifecycle = builtin_lifecycles()["doi"]
    (found,) = [
        one
        for one in prove_packs([pack], lifecycle, TODAY)
        if (one.name, one.subject) == ("gate-can-open", "detailed")
    ]
    return found


@pytest.mark.parametrize(
    "rules",
    [
        "- {id: a, gate: detailed, message: m, require: kpi.has_target, expect: {kpi: {kind: kpi}},"
        " at_least: measure.kpis, distinct: kpi.id}\n"
        "- {id: b, gate: detailed, message: m, require: measure.kpis == 7}\n",
        VOTES % 12,
        VOTES % "measure.quorum"
        + "- {id: b, gate: detailed, message: m, require: measure.committee_size >= 5}\n",
    ],
    ids=["seven KPIs", "twelve votes", "a quorum of three"],
)
def test_more_facts_are_looked_at_when_a_rule_needs_them(rules: str) -> None:
    """Many are asked for, and there can be as many."""
    assert detailed(rules).outcome == "proved"


def test_what_needs_more_facts_than_are_looked_at_is_not_called_impossible() -> None:
    """Forty votes are many, but nothing forbids them; the message says how many were looked at."""
    found = detailed(VOTES % 40)
    assert found.outcome == "not-proved"
    assert found.text == "no example was found with at most 12 signoff facts for a"


def test_a_plan_that_can_still_be_amended_binds_no_later_gate() -> None:
    """Between `detailed` and `decided` the type may change."""
    rules = (
        '- {id: a, gate: detailed, message: m, require: measure.type == "x"}\n'
        '- {id: b, gate: decided, message: m, require: measure.type == "y"}\n'
    )
    pack = load_pack(f"pack: free\ntitle: Free\nrules:\n{rules}", "free.yaml")
    claims = prove_packs([pack], builtin_lifecycles()["doi"], TODAY)
    (found,) = [o for o in claims if (o.name, o.subject) == ("gate-can-open", "decided")]
    assert (found.outcome, found.text) == ("proved", "it opens with measure.type 'y'")


def test_an_example_has_passed_the_gates_before_where_it_can() -> None:
    """Behind a gate that wants a committee of three, the example has one."""
    rules = (
        "- {id: a, gate: identified, message: m, require: measure.committee_size == 3}\n"
        "- {id: b, gate: detailed, message: m, require: measure.committee_size < 9}\n"
    )
    assert detailed(rules).text == "it opens with measure.committee_size 3"
