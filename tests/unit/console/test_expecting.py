"""How a story's expectations are compared with what is seen."""

from typing import Any

import pytest

from console.expecting import differences

SEEN: dict[str, Any] = {
    "stage": "decided",
    "accepted": True,
    "number": 3,
    "blockers": ["a", "b"],
    "reserved": {"kyc": {"2031-03": 13000}},
    "reminders": [{"to": "sam", "day": 30}, {"to": "tom", "day": 60}],
    "message": "not enough",
    "nothing": {},
}


@pytest.mark.parametrize(
    "expected",
    [
        {"stage": "decided", "accepted": True},
        {"number": 3.0},
        {"blockers": ["b", "a"]},
        {"reserved": {"kyc": {"2031-03": 13000}}},
        {"nothing": {}},
        {"reminders": [{"day": 60}, {"to": "sam"}]},
        {"blockers": {"at_least": 2}, "number": {"at_least": 3, "at_most": 3}},
        {"message": {"contains": "enough"}, "blockers": {"contains": "a"}},
    ],
)
def test_what_holds(expected: Any) -> None:
    """What is named is equal; lists are sets; maps field by field; bounds in place of values."""
    assert differences(expected, SEEN) == []


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ({"stage": "closed"}, "stage: expected 'closed', seen 'decided'"),
        ({"accepted": 1}, "accepted: expected 1, seen True"),
        ({"number": True}, "number"),
        ({"stagee": "x"}, "stagee: expected 'x', but there is only stage"),
        ({"blockers": ["a"]}, "blockers: expected ['a'], seen ['a', 'b']"),
        ({"blockers": ["a", "a"]}, "blockers"),
        ({"blockers": []}, "blockers"),
        ({"reserved": {}}, "reserved: expected nothing"),
        ({"reserved": {"kyc": {"2031-03": 1}}}, "reserved.kyc.2031-03: expected 1, seen 13000"),
        ({"reminders": [{"to": "sam"}, {"to": "uma"}]}, "reminders"),
        ({"blockers": {"at_least": 3}}, "blockers: expected at_least 3"),
        ({"number": {"at_most": 2}}, "number: expected at_most 2, seen 3"),
        ({"message": {"contains": "plenty"}}, "contains 'plenty'"),
        ({"stage": {"at_least": 1}}, "stage"),
        ({"number": {"at_least": "two"}}, "number: expected at_least 'two'"),
        ({"number": {"at_most": None}}, "number: expected at_most None"),
        ({"accepted": {"at_least": 1}}, "accepted"),
        ({"message": {"contains": 3}}, "message: expected contains 3"),
        ({"stage": {"x": 1}}, "stage"),
        ({"stage": ["decided"]}, "stage"),
    ],
)
def test_what_does_not_hold(expected: Any, words: str) -> None:
    """Each difference says where, what was expected and what was seen."""
    [difference] = differences(expected, SEEN)
    assert words in difference


def test_all_differences_are_told_at_once() -> None:
    """One sentence each."""
    assert len(differences({"stage": "x", "number": 0, "accepted": True}, SEEN)) == 2
