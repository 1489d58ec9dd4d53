"""Whose documents are taken, before anything is asked of the engine."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.apply_commands import ending
from console.applying import Applied, Applier
from console.exits import Exit
from console.reading import read_text
from console.session import system_clock
from ledger.store import Ledger
from measures.documents import document_content
from measures.errors import RefusedError

COMPANY = """\
- {kind: Person, id: piet, name: Piet, roles: [owner]}
- {kind: Person, id: sam, name: Sam, roles: [sponsor]}
- {kind: Person, id: rex, name: Rex, roles: [administrator]}
"""
PROMOTED = "{kind: Person, id: piet, name: Piet, roles: [owner, administrator]}"
LENT = """\
{kind: Delegation, from: sam, to: piet, role: sponsor, starts: 2031-01-01, ends: 2031-12-31}
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger that knows the company."""
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as opened:
        for located in read_text(COMPANY, "company.yaml").documents:
            opened.append_document(
                located.kind,
                located.id,
                document_content(located.document),
                by="operator",
                at=system_clock(),
                command=str(uuid.uuid4()),
            )
        yield opened


def told(ledger: Ledger, text: str, by: str) -> list[Applied]:
    """What applying a file would do."""
    return Applier(ledger, None, system_clock).check(read_text(text, "a.yaml").documents, by)


def test_who_is_unknown_applies_nothing(ledger: Ledger) -> None:
    """The whole call is refused: it is not the fault of a document."""
    for text in (PROMOTED, COMPANY):
        with pytest.raises(RefusedError) as caught:
            told(ledger, text, "ghost")
        assert caught.value.code == "unknown-person"


@pytest.mark.parametrize("text", [PROMOTED, LENT], ids=["person", "delegation"])
def test_who_may_not_write_a_document_is_told_at_it(ledger: Ledger, text: str) -> None:
    """With where it stands; administrators and the operator may."""
    [refused] = told(ledger, text, "piet")
    assert (refused.outcome, refused.code, refused.line) == ("refused", "not-entitled", 1)
    assert "piet" in refused.message
    for by in ("rex", "operator"):
        [taken] = told(ledger, text, by)
        assert taken.outcome in ("created", "changed")


def test_nobody_makes_themselves_administrator_on_the_way(ledger: Ledger) -> None:
    """Rights are those of before the call."""
    outcomes = [result.outcome for result in told(ledger, f"- {PROMOTED}\n- {LENT}", "piet")]
    assert outcomes == ["refused", "refused"]


def test_what_changes_nothing_is_nobodys_right(ledger: Ledger) -> None:
    """A folder is applied again as a whole."""
    assert {result.outcome for result in told(ledger, COMPANY, "piet")} == {"unchanged"}


def test_a_call_that_is_not_allowed_ends_so(ledger: Ledger) -> None:
    """Unlike one whose documents are wrong."""
    assert ending(told(ledger, PROMOTED, "piet"), faulty=False) is Exit.NOT_ALLOWED
    wrong = LENT.replace("sam", "sim")
    assert ending(told(ledger, wrong, "rex"), faulty=False) is Exit.FAILED
    assert ending(told(ledger, COMPANY, "rex"), faulty=False) is Exit.DONE
    assert ending([], faulty=True) is Exit.FAILED
