"""Who could sign a gate next: those whose signature would be taken."""

from datetime import date

from measures.people import Delegation
from measures.signers import Signer, signers_of
from tests.unit.measures.conftest import NOW, Life


def names(life: Life, gate: str, role: str) -> list[str]:
    """Who could sign, in the order in which they are asked."""
    assert life.state is not None
    return [one.by for one in signers_of(life.state, gate, life.directory, NOW)[role]]


def test_who_has_approved_is_asked_first_and_who_rejected_last(life: Life) -> None:
    """An amendment voids sign-offs: the same people are asked again."""
    life.reach("detailed")
    assert names(life, "decided", "committee") == ["tom", "uma", "vera"]
    life.sign("tom", "decided", "committee", "reject")
    life.sign("vera", "decided", "committee")
    assert names(life, "decided", "committee") == ["vera", "uma", "tom"]


def test_whoever_may_not_sign_is_not_named(life: Life) -> None:
    """Roles are borne by document, and duties stay apart."""
    assert life.state is not None
    life.reach("detailed")
    life.amend("olga", steering_committee=["kim", "olga", "uma"])
    assert names(life, "decided", "committee") == ["uma"]
    assert names(life, "closed", "controller") == ["carla"]


def test_a_delegate_signs_for_who_delegated(life: Life) -> None:
    """And once, whatever rights they were lent: the others who lent theirs sign themselves."""
    assert life.state is not None
    lent = [
        Delegation(
            from_=person, to="vera", role="committee",
            starts=date(2031, 1, 1), ends=date(2031, 12, 31),
        )
        for person in ("tom", "uma")
    ]  # fmt: skip
    directory = life.directory.model_copy(update={"delegations": tuple(lent)})
    signers = signers_of(life.state, "decided", directory, NOW)["committee"]
    assert signers == (Signer("tom", "tom"), Signer("uma", "uma"), Signer("vera", "vera"))
    others = life.state.plan.model_copy(update={"steering_committee": ("tom",)})
    state = life.state.model_copy(update={"plan": others})
    assert signers_of(state, "decided", directory, NOW)["committee"] == (Signer("vera", "tom"),)


def test_who_delegated_signs_where_the_delegate_may_not(life: Life) -> None:
    """Else nothing would open the gate until the delegation is over."""
    lent = Delegation(
        from_="sam", to="olga", role="sponsor", starts=date(2031, 1, 1), ends=date(2031, 12, 31)
    )
    life.directory = life.directory.model_copy(update={"delegations": (lent,)})
    assert names(life, "decided", "sponsor") == ["sam"]


def test_a_delegate_who_has_signed_for_one_is_not_asked_for_the_other(life: Life) -> None:
    """Kim acts for two, and used the right of the second."""
    lent = [
        Delegation(
            from_=person, to="kim", role="committee",
            starts=date(2031, 1, 1), ends=date(2031, 12, 31),
        )
        for person in ("tom", "uma")
    ]  # fmt: skip
    life.directory = life.directory.model_copy(update={"delegations": tuple(lent[1:])})
    life.sign("kim", "decided", "committee")
    life.directory = life.directory.model_copy(update={"delegations": tuple(lent)})
    assert life.state is not None
    signers = signers_of(life.state, "decided", life.directory, NOW)["committee"]
    assert signers == (Signer("kim", "uma"), Signer("tom", "tom"), Signer("vera", "vera"))
