"""Documents of kind Mapping: what people may write, and whom they concern."""

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from measures.mapping import Mapping, concern, same

WHOLE: dict[str, Any] = {
    "id": "tickets",
    "version": 1,
    "connection": "desk",
    "object": "issue",
    "purpose": "blockers",
    "fields": [{"ours": "title", "theirs": "summary"}],
}


def mapping(**fields: Any) -> Mapping:
    """A mapping as it is read from a file."""
    return Mapping.model_validate({**WHOLE, **fields}, strict=False)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"fields": [{"ours": "stage", "theirs": "x"}]}, "stage is nothing of ours"),
        ({"fields": WHOLE["fields"] * 2}, "summary is mapped twice"),
        ({"fields": []}, "at least 1"),
        ({"statuses": {"closed": "Done"}}, "a blocker is open or cleared, not closed"),
        ({"purpose": "measure", "rules": ["decided.*"]}, "rules go with purpose blockers"),
        ({"purpose": "measure", "fields": [{"ours": "stage", "theirs": "s", "policy": "remote"}]},
         "stage follows from the measure's life"),
        ({"purpose": "measure", "fields": [{"ours": "owner", "theirs": "o", "policy": "newest"}]},
         "say on whose behalf, as: PERSON"),
        ({"status_policy": "remote"},
         "needs purpose: measure, and as: PERSON, .*, and statuses"),
        ({"status_policy": "remote", "purpose": "measure", "statuses": {"decided": "Go"}},
         "needs as: PERSON, on whose behalf gates are asked for$|needs as: PERSON"),
        ({"version": 0}, "greater than or equal to 1"),
        ({"flips": {"most": 0}}, "greater than or equal to 1"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(fields: dict[str, Any], says: str) -> None:
    """In words that say what to write."""
    with pytest.raises(ValidationError, match=says):
        mapping(**fields)


def test_a_mapping_from_before_statuses_could_ask_keeps_its_digest() -> None:
    """Whatever was recorded by it stays as it is."""
    assert "status_policy" not in mapping().model_dump()
    asks = mapping(status_policy="remote", purpose="measure", statuses={"a": "b"}, **{"as": "olga"})
    assert asks.model_dump()["status_policy"] == "remote"


def test_whom_it_concerns() -> None:
    """Each list narrows it down; without lists everybody."""
    plan = SimpleNamespace(type="campaign", package="media")
    assert concern([mapping()], plan) == [mapping()]
    assert mapping(**{"for": {"types": ["campaign"], "packages": ["media"]}}).concerns(plan)
    assert not mapping(**{"for": {"types": ["campaign"], "packages": ["shop"]}}).concerns(plan)
    assert not mapping(**{"for": {"types": ["efficiency"]}}).concerns(plan)


def test_which_rules_it_covers() -> None:
    """All without a list; stars stand for anything."""
    assert mapping().covers("decided.any")
    chosen = mapping(rules=["decided.*", "launch.no-blackout"])
    assert chosen.covers("decided.controller-has-signed")
    assert chosen.covers("launch.no-blackout")
    assert not chosen.covers("launch.no-blackouts")


def test_values_are_all_that_is_shown() -> None:
    """Who has no account there leaves the field empty; without values ours is theirs."""
    [field] = mapping(fields=[{"ours": "owner", "theirs": "o", "values": {"olga": "u-1"}}]).fields
    assert (field.shown("olga"), field.shown("piet")) == ("u-1", None)
    [plain] = mapping().fields
    assert plain.shown("piet") == "piet"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("a", "a ", True),
        (None, "", True),
        (5, "5", True),
        ("two\nlines", "two\r\nlines", True),
        ("two\nlines", "two lines", False),
        (0, None, False),
        ("a", "b", False),
    ],
)
def test_what_counts_as_the_same(one: Any, other: Any, is_same: bool) -> None:
    """Systems pad texts, write numbers as texts, and show nothing in two ways."""
    assert same(one, other) is is_same
    assert same(other, one) is is_same
