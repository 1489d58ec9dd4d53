"""What a check of a connection found is said in words that somebody can act on."""

from datetime import timedelta

import pytest

from connectors.contract import Health
from console.connection_health import words_of


def test_who_we_are_is_all_that_is_said_where_all_is_well() -> None:
    """A few seconds between two clocks are nothing."""
    health = Health(account="sluice", version="8.2", clock_skew=timedelta(seconds=-4))
    assert words_of("crm", health) == ["crm: answers, we are sluice, version 8.2"]


@pytest.mark.parametrize(("seconds", "words"), [(90, "90 s ahead of"), (-7_200, "7,200 s behind")])
def test_what_somebody_should_see_to_follows(seconds: int, words: str) -> None:
    """Calls that are left, a clock that is off, rights that are missing."""
    health = Health(
        account="sluice",
        clock_skew=timedelta(seconds=seconds),
        missing=("tickets", "Lead: not updateable"),
        calls_left=14_999,
    )
    assert words_of("crm", health) == [
        "crm: answers, we are sluice",
        "calls left today: 14,999",
        f"its clock is {words} ours",
        "missing: tickets",
        "missing: Lead: not updateable",
    ]
