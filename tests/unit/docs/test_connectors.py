"""What is said of connectors is true of those that are installed."""

from pathlib import Path

from connectors.conformance.examination import CHECKS
from connectors.registry import connector_names

PAGE = Path(__file__).resolve().parents[3] / "docs" / "connectors.md"


def test_every_connector_has_its_row() -> None:
    """Under the name that a document writes."""
    page = PAGE.read_text(encoding="utf-8")
    assert [one for one in connector_names() if f"\n| `{one}` |" not in page] == []


def test_the_checks_are_counted() -> None:
    """Who adds one says so."""
    assert f"Each of its {len(CHECKS)} checks is a test." in PAGE.read_text(encoding="utf-8")
