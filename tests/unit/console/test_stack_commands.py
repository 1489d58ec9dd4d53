"""`sluice up`: where it keeps its things."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def up(folder: Path, *options: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Runs the command in a folder."""
    return subprocess.run(
        [sys.executable, "-c", "from console.cli import main; main()", "up", *options],
        cwd=folder,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_settings_name_the_folder(tmp_path: Path) -> None:
    """As they do for every other command; the option wins."""
    assert f"{tmp_path}/.sluice" in up(tmp_path, "--stop").stderr
    assert f"{tmp_path}/there" in up(tmp_path, "--stop", SLUICE_STATE_DIR="there").stderr
    ran = up(tmp_path, "--stop", "--state", "here", SLUICE_STATE_DIR="there")
    assert f"{tmp_path}/here" in ran.stderr


@pytest.mark.parametrize("state", ["file", "file/below", "/proc/x"])
def test_what_can_be_no_folder_is_told(tmp_path: Path, state: str) -> None:
    """In one line."""
    (tmp_path / "file").touch()
    ran = up(tmp_path, "--state", state)
    assert ran.returncode == 2
    assert len(ran.stderr.splitlines()) == 1
    assert f"{state} cannot be the state folder" in ran.stderr
