"""The campaign system in a file passes what applies to it."""

from pathlib import Path

from connectors.conformance.examination import examine
from connectors.conformance.subject import Subject
from connectors.memory import MemoryConnector


async def test_it_holds_campaigns_and_fails_nothing(tmp_path: Path) -> None:
    """It has no objects, speaks no HTTP, and makes every campaign that it is asked for."""
    subject = Subject(
        connect=lambda _: MemoryConnector(tmp_path),
        secret="",
        campaign="CMP-1",
        makes_campaigns=True,
    )
    results = {one.check.name: one for one in await examine(subject)}
    assert [one for one in results.values() if one.outcome == "failed"] == []
    for name in ("knows_who_we_are", "holds_and_releases", "says_what_its_hold_is_worth"):
        assert results[name].outcome == "passed", results[name]
