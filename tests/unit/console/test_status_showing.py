"""What a status and a blocker show of values: words for people, never Python's own notation."""

import pytest

from console.explaining import print_reason, print_status
from measures.status import Reason


def test_a_status_shows_values_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """A flag is yes, a map within a map is named by both."""
    print_status(
        {
            "id": "m",
            "ended": True,
            "reserved": {"kyc": {"2031-03": 7000, "2031-04": 1}},
            "finance": {"currency": "EUR", "plan": {"ebitda": 1200000}, "actual": {}},
        }
    )
    assert capsys.readouterr().out.splitlines() == [
        "id             m",
        "ended          yes",
        "reserved       kyc 2031-03: 7,000, kyc 2031-04: 1",
        "finance        currency: EUR, plan ebitda: 1,200,000",
    ]


def test_what_is_not_there_is_seen_as_none(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty name left a gap before the comma."""
    seen = {"sponsor": "", "described": True, "actual": None, "needed": 13000}
    reason = Reason(
        rule="identified.x", answer="block", message="no", wanted="", seen=seen,
        subject="measure:m", since=None, who=(), command="", pack="", line=0,
    )  # fmt: skip
    print_reason(1, reason, {})
    assert "seen    sponsor none, described yes, actual unknown, needed 13,000" in (
        capsys.readouterr().out
    )
