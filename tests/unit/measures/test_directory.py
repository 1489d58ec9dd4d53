"""People, delegations and the tree at one moment."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

from measures.directory import Directory
from measures.people import Delegation
from measures.tree import Node


def delegated(giver: str, to: str, role: str, starts: str, ends: str) -> Delegation:
    """A delegation."""
    fields = {"from": giver, "to": to, "role": role, "starts": starts, "ends": ends}
    return Delegation.model_validate_json(json.dumps(fields))


def test_a_delegate_acts_from_the_first_day_to_the_last(
    directory: Callable[..., Directory],
) -> None:
    """Both days included, in that role only."""
    known = directory(delegated("sam", "wim", "sponsor", "2031-02-15", "2031-05-01"))
    assert known.acting_for("sam", "sponsor", date(2031, 2, 14)) is None
    assert known.acting_for("sam", "sponsor", date(2031, 2, 15)) == "wim"
    assert known.acting_for("sam", "sponsor", date(2031, 5, 1)) == "wim"
    assert known.acting_for("sam", "sponsor", date(2031, 5, 2)) is None
    assert known.acting_for("sam", "committee", date(2031, 3, 1)) is None


def test_one_turns_to_the_delegate_once(directory: Callable[..., Directory]) -> None:
    """Several persons with one delegate are one address, in the order of the persons."""
    known = directory(
        delegated("tom", "vera", "committee", "2031-01-01", "2031-12-31"),
        delegated("uma", "vera", "committee", "2031-01-01", "2031-12-31"),
    )
    at = datetime(2031, 3, 1, tzinfo=UTC)
    assert known.who_acts(("tom", "uma", "kim"), "committee", at) == ("vera", "kim")


def test_own_rights_come_before_those_of_others(directory: Callable[..., Directory]) -> None:
    """A member who also acts for another uses their own vote first."""
    known = directory(delegated("tom", "uma", "committee", "2031-01-01", "2031-12-31"))
    rights = known.principals("uma", ("tom", "uma", "vera"), "committee", date(2031, 3, 1))
    assert rights == ["uma", "tom"]


def test_roles_are_those_of_the_own_document(directory: Callable[..., Directory]) -> None:
    """A delegation gives no role."""
    known = directory(delegated("sam", "kim", "sponsor", "2031-01-01", "2031-12-31"))
    assert known.has_role("sam", "sponsor")
    assert not known.has_role("kim", "sponsor")
    assert not known.has_role("nobody", "sponsor")


def test_the_path_leads_from_the_root_and_ends_even_in_a_circle() -> None:
    """An unknown place has no path."""
    nodes = {
        "bank": Node(id="bank", level="organization", name="Bank"),
        "growth": Node(id="growth", level="portfolio", name="Growth", parent="bank"),
        "a": Node(id="a", level="project", name="A", parent="b"),
        "b": Node(id="b", level="program", name="B", parent="a"),
    }
    known = Directory(nodes=nodes)
    assert [node.id for node in known.path("growth")] == ["bank", "growth"]
    assert [node.id for node in known.path("a")] == ["b", "a"]
    assert known.path("nowhere") == []
