"""How full a pool is, in a terminal and as a picture."""

import io
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from console.pool_chart import bars, picture
from console.pool_showing import accepted_age, print_pool, print_pools
from measures.people import Person
from measures.pool_view import FeedView, PeriodView, PoolView, Share, Waiter
from rules.loader import builtin_packs

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script> & [bold]x[/]"
FULL = PeriodView(
    period="2031-03", capacity=100, held=120, over=20, free=0, waited_for=7, reported_at=NOW,
    by="kim", source="report", age_seconds=90_000, stale=True,
    shares=(Share(measure="a", amount=120, covered=100, hard=True, priority=5, since=NOW),),
    waiting=(Waiter(measure="b", amount=7, priority=9, since=NOW, kept=False),),
)  # fmt: skip
HALF = PeriodView(
    period="2031-W18", capacity=60, held=30, kept=10, free=20, reported_at=NOW, by="kim",
    source="document", age_seconds=59,
)  # fmt: skip
VIEW = PoolView(
    id="kyc", title=HOSTILE, unit="[red]checks[/]", owner="kim",
    periods=(FULL, HALF, PeriodView(period="2031-06", noted=3)),
)  # fmt: skip


def shown(view: PoolView = VIEW, width: int = 80) -> str:
    """What is printed, without colours."""
    out = Console(file=io.StringIO(), width=width, color_system=None)
    print_pool(view, {"kim": Person(id="kim", name="Kim")}, out)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_a_pool_is_explained_without_colours_in_80_columns() -> None:
    """Every chart line is one line; words from outside are no markup."""
    lines = shown().splitlines()
    assert lines[0].startswith(f"{HOSTILE} (kyc), in [red]checks[/]")
    text = "\n".join(lines)
    for wanted in (
        "2031-03   ████████████████████▓▓▓▓  120 of 100 held (120%), 0 free",
        "2031-W18  ██████▒▒····  30 of 60 held (50%), 20 free",
        "2031-06     0 held",
        "stated  1d ago by kim (report)",
        "stated  59s ago by kim (document)",
        "20 [red]checks[/] are held that are not there",
        "holds   a: 120, of which 100 are covered",
        "waits   1. b: 7, since 2031-01-12 09:00 (priority 9); nothing is kept for it",
        "unknown nobody stated it: sluice capacity kyc --period 2031-06",
    ):
        assert wanted in shown(width=200), wanted
    assert all(len(line) <= 80 for line in lines)
    assert "█ held  ▓ held beyond the capacity  ▒ kept for who waits  · free" in text


def test_a_pool_without_capacity_says_how_to_state_it() -> None:
    """Rather than an empty chart."""
    empty = VIEW.model_copy(update={"periods": ()})
    assert "sluice capacity kyc --period PERIOD --amount N --as kim" in shown(empty, 200)
    assert ET.fromstring(picture(empty)).tag.endswith("svg")


@pytest.mark.parametrize(("encoding", "sign"), [("utf-8", "█"), ("ascii", "#"), ("none", "#")])
def test_bars_are_drawn_with_what_the_terminal_has(encoding: str, sign: str) -> None:
    """The same lengths either way."""
    drawn = bars(VIEW, encoding)
    assert drawn["2031-W18"].plain.startswith(sign)
    assert [len(bar.plain) for bar in drawn.values()] == [24, 12, 0]


def test_a_line_per_period(capsys: pytest.CaptureFixture[str]) -> None:
    """Also a pool for which nothing is stated has one."""
    print_pools([VIEW, PoolView(id="void", title="V", unit="u", owner="kim")])
    words = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert words[1][:2] + words[1][3:] == [
        "kyc", "[red]checks[/]", "2031-03", "100", "120", "0", "7", "1d", "(stale)", "report",
    ]  # fmt: skip
    assert words[-1][0] == "void"


def test_the_picture_is_safe_and_well_formed() -> None:
    """Titles are text, not elements; nothing runs and nothing is fetched."""
    drawn = picture(VIEW)
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(drawn).iter()}
    assert "script" not in tags
    assert "&lt;script&gt;" in drawn
    assert "href" not in drawn
    for name in ("held", "held beyond the capacity", "kept for who waits", "free", "2031-W18"):
        assert name in drawn


def test_the_strictest_rule_says_what_is_stale() -> None:
    """The standard pack asks for a statement of the last 24 hours."""
    assert accepted_age(builtin_packs()) == timedelta(hours=24)
    assert accepted_age(()) is None


def test_feeds_are_shown_with_how_they_fare() -> None:
    """When each was last read, and what is wrong with it, with what to do."""
    read = FeedView(gives="load", source="desk:queue/kyc.n", every="1m", last_success=NOW)
    wrong = {"last_error": "[b]there is no such field", "last_error_at": NOW + timedelta(minutes=1)}
    feeds = (
        read,
        read.model_copy(update={**wrong, "gives": "capacity"}),
        FeedView(gives="utilisation", source="crm:q/a.n", every="1h"),
    )
    lines = shown(VIEW.model_copy(update={"feeds": feeds}), width=200).splitlines()
    assert lines[1:7] == [
        "fed: load from desk:queue/kyc.n, every 1m; last read 2031-01-12 09:00:00",
        "fed: capacity from desk:queue/kyc.n, every 1m; last read 2031-01-12 09:00:00",
        "   fails   2031-01-12 09:01:00: [b]there is no such field",
        "   check   sluice connectors check desk",
        "fed: utilisation from crm:q/a.n, every 1h; not read yet",
        "   waits   a worker reads it: sluice up, or sluice worker",
    ]
