"""`sluice simulate` leaves nothing behind, however a story ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from console.cli import app

STORY = "scenario: Own\nnow: 2031-01-12T09:00:00Z\nsteps:\n  - {wait: 1d}\n"


@pytest.fixture
def same_signals() -> Iterator[None]:
    """What the command does about signals is for its own process."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("same_signals")
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("broken", ["open", "play", ""])
def test_only_keep_keeps_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, *, keep: bool
) -> None:
    """Whether the stack does not start, the story breaks off, or it just fails."""

    @asynccontextmanager
    async def theatre(state_dir: Path, **_: Any) -> AsyncIterator[None]:
        os.makedirs(state_dir)
        if broken == "open":
            raise RuntimeError(broken)
        yield

    async def play(story: Any, *_: Any) -> Any:
        from console.playing import StoryResult

        if broken == "play":
            raise RuntimeError(broken)
        return StoryResult(scenario=story.title, file="", held=False, seconds=0, steps=())

    monkeypatch.setattr("console.theatre.open_theatre", theatre)
    monkeypatch.setattr("console.playing.play", play)
    monkeypatch.setenv("SLUICE_STATE_DIR", str(tmp_path / "state"))
    file = tmp_path / "own.yaml"
    file.write_text(STORY)
    ran = CliRunner().invoke(app, ["simulate", str(file), *(["--keep"] if keep else [])])
    assert ran.exit_code == 1
    assert len(list(tmp_path.glob("state/simulate/*"))) == int(keep)


@pytest.mark.time_skipping
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_story_that_is_ended_early_leaves_no_folder(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C and `kill` alike."""
    file = tmp_path / "own.yaml"
    file.write_text(STORY)
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("sluice")), "simulate", str(file)],
        env={**os.environ, "SLUICE_STATE_DIR": str(tmp_path / "state")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while not list(tmp_path.glob("state/simulate/*/stack.log")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        assert process.wait(20) != 0
    finally:
        process.kill()
    assert not list(tmp_path.glob("state/simulate/*"))
