"""`sluice actuals`: what is reported once makes one version, however often it is said."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.conversion_commands import _record
from ledger.store import Ledger
from measures.conversion import Conversion
from measures.documents import document_content
from measures.errors import RefusedError
from measures.model import restore
from measures.requests import ActualsInput


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger that knows one conversion."""
    known = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    conversion = restore(
        Conversion,
        {"id": "clicks", "title": "Clicks", "from": "clicks", "to": "leads", "ratio": 0.05,
         "error": 0.2, "owner": "olga"},
    )  # fmt: skip
    now = datetime(2026, 1, 1, tzinfo=UTC)
    known.append_document("Conversion", "clicks", document_content(conversion), "olga", now, "c")
    return known


def test_the_same_report_again_makes_no_new_version(ledger: Ledger) -> None:
    """A script that runs twice must not make it look as if something had changed."""
    ask = ActualsInput(by="olga", period="2026-03", went_in=1000, came_out=60)
    before, after, version = _record(ledger, "clicks", ask)
    assert (version, before == after) == (2, False)
    again = _record(ledger, "clicks", ask)
    assert again == (after, after, 2)
    _, corrected, version = _record(ledger, "clicks", ask.model_copy(update={"came_out": 61}))
    assert (version, corrected.actuals["2026-03"].came_out) == (3, 61)


def test_the_same_report_by_somebody_else_is_refused(ledger: Ledger) -> None:
    """What is known already entitles nobody."""
    ask = ActualsInput(by="olga", period="2026-03", went_in=1000, came_out=60)
    _record(ledger, "clicks", ask)
    with pytest.raises(RefusedError) as found:
        _record(ledger, "clicks", ask.model_copy(update={"by": "kim"}))
    assert found.value.code == "not-entitled"
