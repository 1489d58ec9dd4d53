"""Can those who hold the roles give every approval? Duties, delegations, and who is twice."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from measures.decisions import define
from measures.directory import Directory
from measures.folding import fold_measure
from measures.lifecycle import DOI
from measures.people import Delegation, Person, Role
from measures.plan import Measure
from measures.state import MeasureState, SignOff
from rules.loader import builtin_packs, load_pack
from rules.proof.approvals import approval_claims
from rules.proof.claims import Claim

DAY = date(2031, 1, 12)
NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
ROLES: dict[str, tuple[Role, ...]] = {
    "olga": ("owner", "committee"), "sam": ("sponsor", "committee"), "carla": ("controller",),
    "tom": ("committee",), "uma": ("committee",), "vera": ("committee",), "nobody": (),
}  # fmt: skip


def directory(*delegations: Delegation) -> Directory:
    """Everybody, and who acts for whom."""
    people = {name: Person(id=name, name=name, roles=roles) for name, roles in ROLES.items()}
    return Directory(people=people, delegations=delegations)


def acting(principal: str, delegate: str, role: Role) -> Delegation:
    """A delegation for the whole year."""
    return Delegation.model_validate(
        {"from": principal, "to": delegate, "role": role, "starts": date(2031, 1, 1),
         "ends": date(2031, 12, 31)}
    )  # fmt: skip


def state(**fields: Any) -> MeasureState:
    """A measure that has just been defined."""
    named = {"owner": "olga", "sponsor": "sam", "controller": "carla",
             "steering_committee": ("tom", "uma", "vera"), **fields}  # fmt: skip
    plan = Measure(id="spring", title="Spring", type="campaign", package="p", **named)
    return fold_measure(None, define(plan, DOI, by="olga", at=NOW, command="c"))


def claims(measure: MeasureState, *delegations: Delegation, pack: str = "") -> list[Claim]:
    """What is said about one measure, by the standard pack or another."""
    packs = [load_pack(pack, "p.yaml")] if pack else list(builtin_packs())
    return list(approval_claims([measure], directory(*delegations), packs, DAY))


def test_everybody_can_sign() -> None:
    """The usual plan."""
    assert [one.outcome for one in claims(state())] == ["proved"]


def test_a_committee_of_the_owner_cannot_decide() -> None:
    """Two of three must approve; the owner never may, so two remain, and then one."""
    assert [c.outcome for c in claims(state(steering_committee=("olga", "tom", "uma")))] == [
        "proved"
    ]
    (found,) = [c for c in claims(state(steering_committee=("olga", "tom"))) if c.outcome != "note"]
    assert found.outcome == "defect"
    assert found.rules == ("decided.committee-has-signed",)
    assert "gate decided of measure spring needs 2 committee approvals; only tom may" in found.text
    assert "its owner olga cannot sign as committee" in found.text


def test_one_person_is_not_two() -> None:
    """The sponsor is also one of two members of the committee: one gate, one signature."""
    (found,) = claims(state(steering_committee=("sam", "tom")))
    assert found.outcome == "defect"
    assert set(found.rules) == {"decided.sponsor-has-signed", "decided.committee-has-signed"}
    assert "nobody signs a gate twice" in found.text
    assert "only sam and tom may give them" in found.text


def test_a_delegate_helps() -> None:
    """Somebody else signs for the sponsor, so both approvals can be given."""
    measure = state(steering_committee=("sam", "tom"))
    assert [c.outcome for c in claims(measure, acting("sam", "uma", "sponsor"))] == ["proved"]


def test_a_delegate_who_signs_for_two_is_one() -> None:
    """Two members have delegated to the same person and cannot come themselves, as owners do."""
    measure = state(owner="tom", steering_committee=("tom", "uma"))
    both = (acting("tom", "vera", "committee"), acting("uma", "vera", "committee"))
    assert [c.outcome for c in claims(measure, *both)] == ["proved"]  # uma signs herself
    alone = state(owner="tom", steering_committee=("tom", "nobody"))
    (found,) = claims(alone, *both)
    assert "only vera (for tom) may give them" in found.text
    assert "nobody lacks the role committee" in found.text


def test_the_sponsor_never_confirms_as_controller() -> None:
    """Not by delegation either: the only one who could is the sponsor's delegate."""
    measure = state(controller="nobody", sponsor="sam")
    (found,) = claims(measure)
    assert found.rules == ("closed.controller-has-confirmed",)
    assert "nobody may give it" in found.text


def test_nobody_is_named_yet() -> None:
    """A draft is no defect."""
    found = {c.outcome for c in claims(state(sponsor=None, controller=None))}
    assert found == {"note", "proved"}


def test_what_was_signed_counts() -> None:
    """Who has signed for somebody cannot sign the same gate for another."""
    measure = state(owner="tom", steering_committee=("tom", "uma", "vera"))
    signed = SignOff(gate="decided", role="committee", by="uma", on_behalf_of="tom",
                     decision="approve", at=NOW, content="x")  # fmt: skip
    assert claims(measure)[0].outcome == "proved"
    measure = measure.model_copy(update={"sign_offs": (signed,)})
    assert claims(measure, acting("tom", "uma", "committee"))[0].outcome == "proved"
    strict = STRICT.replace("at_least: 1", "at_least: 3")
    (found,) = claims(measure, acting("tom", "uma", "committee"), pack=strict)
    assert found.outcome == "defect"


STRICT = """
pack: strict
title: Strict
rules:
  - id: decided.not-the-sponsor
    gate: decided
    expect: {signoff: {kind: signoff, gate: decided, role: committee, decision: approve}}
    require: signoff.by != measure.sponsor
    at_least: 1
    distinct: signoff.on_behalf_of
    message: somebody else than the sponsor
"""


@pytest.mark.parametrize(("committee", "outcome"), [(("sam",), "defect"), (("tom",), "proved")])
def test_the_condition_of_the_rule_counts(committee: tuple[str, ...], outcome: str) -> None:
    """Who may sign but does not count for the rule gives no approval."""
    (found,) = claims(state(steering_committee=committee), pack=STRICT)
    assert found.outcome == outcome
