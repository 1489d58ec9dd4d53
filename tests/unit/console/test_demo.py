"""The demo's folder: emptied when it is the demo's own, never anybody else's."""

import asyncio
import os
from pathlib import Path

import pytest

from console.demo import MARKER, _empty, _eventually, refuse_others
from measures.errors import ConfigurationError, EngineError


def test_its_own_folder_is_emptied(tmp_path: Path) -> None:
    """Everything goes but the marker; what a link leads to stays."""
    kept = tmp_path / "kept"
    kept.mkdir()
    state = tmp_path / "state"
    _empty(state)
    (state / "ledger.db").write_text("old")
    (state / "deep").mkdir()
    (state / "deep" / "file").touch()
    (state / "link").symlink_to(kept)
    _empty(state)
    assert [entry.name for entry in state.iterdir()] == [MARKER]
    assert kept.is_dir()


@pytest.mark.parametrize("name", ["token", "ledger.db", "notes.txt"])
def test_any_other_folder_is_refused(tmp_path: Path, name: str) -> None:
    """A real stack's too, whether or not it runs."""
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigurationError, match="not the demo's own"):
        _empty(tmp_path)
    assert os.listdir(tmp_path) == [name]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """Told, not a traceback."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="no folder"):
        refuse_others(tmp_path / "file")
    with pytest.raises(ConfigurationError):
        _empty(tmp_path / "file" / "below")


async def test_ctrl_c_ends_the_waiting() -> None:
    """An interrupted request fails as if nobody had answered; nothing is asked again then."""
    asked = asyncio.Event()

    async def look() -> bool:
        asked.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise EngineError("no answer within 30 s") from None
        return True

    waiting = asyncio.create_task(_eventually(look, bool))
    await asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
