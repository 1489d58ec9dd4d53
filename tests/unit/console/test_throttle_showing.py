"""What `sluice get throttles` and `sluice report load` say."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from console.cli import app
from console.throttle_showing import print_throttles, throttle_views
from ledger.store import Ledger
from measures.documents import Pool
from measures.launch import LaunchState
from measures.load_reports import report_load
from measures.plan import Campaign, Demand
from measures.pool import fold_pool, open_pool, reserve
from measures.requests import LoadInput


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    """A ledger in which a pool has throttled one launch an hour ago, and then heard of room."""
    now = datetime.now(UTC)
    month = f"{now:%Y-%m}"
    pool = Pool(id="kyc", title="Checks", unit="checks", owner="kim", capacity={month: 100})
    campaign = Campaign(
        connector="memory", ref="CMP", launch_on=now.date(), ends_on=now.date() + timedelta(days=9)
    )
    launch = LaunchState(
        ref="CMP", measure="spring", campaign=campaign, number=3, opened_at=now, changed_at=now,
        wanted="open", step=1,
    )  # fmt: skip
    drafts = [open_pool(pool, "operator", now, "open")]
    state = fold_pool(None, drafts[0])
    demand = Demand(pool="kyc", period=month, amount=60)
    reserved = reserve(state, "spring", (demand,), hard=True, at=now, command="reserve")[0]
    assert reserved is not None
    drafts.append(reserved)
    state = fold_pool(state, reserved)
    for minutes, load in ((0, 120), (1, 70)):
        ask = LoadInput(by="kim", value=load)
        at = now + timedelta(seconds=minutes)
        for draft in report_load(state, ask, {"spring": launch}, at, f"load-{load}"):
            drafts.append(draft)
            state = fold_pool(state, draft)
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as opened:
        for draft in drafts:
            opened.append([draft])
        yield opened


def test_the_latest_load_and_every_step_are_shown(ledger: Ledger, capsys: Any) -> None:
    """In the list the load and who is throttled; for one pool the steps with their reasons too."""
    [listed] = throttle_views(ledger)
    assert (listed.utilisation, listed.fresh, listed.shares) == (0.7, True, {"spring": 0.8})
    assert listed.steps == ()
    [view] = throttle_views(ledger, "kyc")
    [step] = view.steps
    assert (step.action, step.utilisation, step.shares) == (
        "throttle",
        1.2,
        {"spring": (1.0, 0.8)},
    )
    print_throttles([view], single=True)
    shown = capsys.readouterr().out
    for words in ("70.0%", "85% +-5%", "spring runs at 80%", "spring 100%>80%", "above 90%"):
        assert words in shown


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["report", "spring", "kyc", "--value", "1"], "load kyc"),
        (["report", "spring", "--utilisation", "1"], "load is reported of a pool"),
        (["report", "spring", "--spend", "5"], "--completed"),
    ],
)
def test_a_report_of_nothing_in_particular_is_a_usage_error(command: list[str], words: str) -> None:
    """Before any engine is looked for."""
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2
    assert words in " ".join(done.output.replace("│", " ").split())
