"""What people see of the work in other systems that a measure waits for."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from console.link_showing import link_views, print_links
from ledger.store import Ledger
from measures.contact import lose
from measures.entry import Draft, measure_stream
from measures.objects import Observed, observe
from measures.plan import Measure

NOW = datetime(2031, 3, 10, 9, tzinfo=UTC)


def waiting(ledger: Ledger, *links: dict[str, Any]) -> None:
    """A measure with links becomes known."""
    whole = {"id": "m", "title": "M", "type": "t", "package": "p", "owner": "o", "links": links}
    plan = Measure.model_validate(whole, strict=False).model_dump(mode="json", by_alias=True)
    draft = Draft(
        stream=measure_stream("m"), number=1, kind="measure_defined", at=NOW, by="o", command="c",
        body={"plan": plan},
    )  # fmt: skip
    ledger.append([draft])


def link(name: str, ref: str, **fields: Any) -> dict[str, Any]:
    """A link to an issue."""
    return {"id": name, "connection": "tracker", "object": "issue", "ref": ref, **fields}


def printed(ledger: Ledger) -> str:
    """What is printed of the measure's links."""
    text, state = io.StringIO(), ledger.measure("m")
    assert state is not None
    print_links("m", link_views(ledger, state), Console(file=text, width=200))
    return text.getvalue()


def test_each_link_says_what_was_seen_when_and_where(tmp_path: Path) -> None:
    """Read, not yet read, and not there."""
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        waiting(ledger, link("a", "7"), link("b", "8", title="Form"), link("c", "9"))
        seen = Observed(status="chatting", title="Sign-up", actor="piet", url="http://t/7")
        ledger.append(observe(None, "tracker", "issue", "7", seen, NOW, "1"))
        ledger.append(observe(None, "tracker", "issue", "9", Observed(gone=True), NOW, "2"))
        told = printed(ledger)
    assert (
        "Waits for Sign-up: chatting by piet since 2031-03-10 09:00 UTC, not done"
        " (tracker:issue/7)\n  http://t/7" in told
    )
    assert "Waits for Form: nobody has read it yet (tracker:issue/8)" in told
    assert "there is no such object (since 2031-03-10 09:00 UTC)" in told


def test_what_a_system_refuses_says_why_and_where_to_correct_it(tmp_path: Path) -> None:
    """Measure and link are named, so that nobody has to search for the slip."""
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        waiting(ledger, link("form", "KYC form"))
        seen = Observed(refused="'KYC form' is no number of an issue")
        ledger.append(observe(None, "tracker", "issue", "KYC form", seen, NOW, "1"))
        told = printed(ledger)
        [view] = link_views(ledger, ledger.measure("m"))  # type: ignore[arg-type]
    assert (view.status, view.done, view.gone) == (None, None, False)
    assert (
        "Waits for issue KYC form: tracker refuses to show it since 2031-03-10 09:00 UTC: 'KYC"
        " form' is no number of an issue (tracker:issue/KYC form)\n"
        "  Is its name right? It is link form of m: object issue, ref KYC form. Correct it and:"
        " sluice apply -f FILE" in told
    )


def test_a_system_that_is_not_heard_is_named_with_the_reason(tmp_path: Path) -> None:
    """Who waits for it sees since when nothing is known."""
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        waiting(ledger, link("a", "7"))
        ledger.append(lose(None, "tracker", NOW, "it does not answer", NOW, "1"))
        told = printed(ledger)
    assert "tracker is not heard since 2031-03-10 09:00 UTC: it does not answer" in told
