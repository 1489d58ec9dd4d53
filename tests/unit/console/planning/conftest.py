"""A ledger with a past, and the command on it."""

import asyncio
import random
import sys
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from bench import portfolio
from console import plan_cases, planning
from console.cli import run_command
from ledger.store import Ledger
from rules.judge import Judge
from rules.loader import packs_in_force
from tests.unit.console.planning.clerk import NOW, Clerk


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, Clerk]]:
    """A ledger of 250 measures, 40 of which have asked for gates again and again."""
    folder = tmp_path_factory.mktemp("played")
    chance = random.Random(7)
    with Ledger.open(f"sqlite:///{folder}/ledger.db") as ledger:
        portfolio.fill(ledger, 250, NOW, seed=3)

        async def play() -> Clerk:
            async with Judge(packs_in_force({})) as judge:
                clerk = Clerk(ledger, judge, chance)
                await clerk.live(120)
                return clerk

        yield ledger, asyncio.run(play())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, played: tuple[Ledger, Clerk]) -> datetime:
    """The moment at which plans are made: the last of the story."""
    now = played[1].now
    monkeypatch.setattr(planning, "system_clock", lambda: now)
    return now


@pytest.fixture
def sluice(
    played: tuple[Ledger, Clerk],
    clock: datetime,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """Runs `sluice rules plan` on the ledger."""
    url = played[0].database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("SLUICE_LEDGER_URL", url)
    monkeypatch.setattr(plan_cases, "FEW", 10_000)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sluice", "rules", "plan", *words])
        code = run_command()
        out, err = capsys.readouterr()
        return code, out, err

    return run
