"""The page of tiers tells of every connector, by the kit as it is."""

import re

import pytest

from connectors.conformance.examination import CHECKS
from connectors.registry import connector_names
from tools.tiers import PAGE, page, suites

ROW = re.compile(r"^\| `(\w+)` \| \w+ \| [^|]+ \| (\w+) \| (\d+) of (\d+) \| (\d+) \|$", re.M)


def found(connector: str, outcome: str = "passed", why: str = "") -> list[dict[str, str]]:
    """What the kit writes down of a connector whose every check ends in one way."""
    kept = {"connector": connector, "suite": "All", "outcome": outcome, "why": why}
    return [{**kept, "check": check.name} for check in CHECKS]


def test_every_connector_is_on_the_page_and_the_kit_is_todays() -> None:
    """Whoever adds a connector or a check runs `make test-servers` and `python -m tools.tiers`."""
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert {connector for connector, *_ in rows} == set(connector_names())
    for connector, tier, passed, applied, exempt in rows:
        assert tier in {"bronze", "silver", "gold", "platinum"}, connector
        assert passed == applied, connector
        assert int(applied) + int(exempt) == len(CHECKS), connector


def test_the_page_says_what_was_found() -> None:
    """Tier and counts in a row, reasons below it."""
    kept = [one for name in connector_names() for one in found(name)]
    kept = [one for one in kept if one["connector"] != "rt"]
    kept += found("rt", "exempt", "it has no objects")[:-1] + found("rt")[-1:]
    written = page(suites(kept))
    rows = {row[0]: row[1:] for row in ROW.findall(written)}
    every = str(len(CHECKS))
    assert rows["jira"] == ("platinum", every, every, "0")
    assert rows["rt"] == ("none", "1", "1", str(len(CHECKS) - 1))
    assert "- exempt: it has no objects: `says_what_it_is`, " in written


def test_what_was_not_examined_is_not_told() -> None:
    """Neither a connector without results nor a suite without all of today's checks."""
    kept = [one for name in connector_names() for one in found(name)]
    with pytest.raises(ValueError, match="not examined: jira"):
        suites(one for one in kept if one["connector"] != "jira")
    with pytest.raises(ValueError, match="rt All was not examined whole: says_what_it_is"):
        suites(one for one in kept if (one["connector"], one["check"]) != ("rt", "says_what_it_is"))
