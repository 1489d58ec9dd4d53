"""A campaign system in a file: for the demo, for stories, and for tests.

It is a real little system apart from the engine: it keeps its campaigns when workers die, and
everybody on the machine sees the same ones.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from connectors.base import CampaignState, HoldProof

_SCHEMA = """
CREATE TABLE IF NOT EXISTS campaigns (
    ref TEXT PRIMARY KEY, state TEXT NOT NULL, changed_at TEXT NOT NULL, changes INTEGER NOT NULL
)
"""


class MemoryConnector:
    """Campaigns in one SQLite file."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "campaigns.db"

    async def hold(self, ref: str, *, key: str) -> HoldProof:
        """Stops a campaign; one it does not know yet is made, held."""
        return await asyncio.to_thread(self._set, ref, "held")

    async def release(self, ref: str, *, key: str) -> HoldProof:
        """Lets a campaign run."""
        return await asyncio.to_thread(self._set, ref, "released")

    async def show(self, ref: str) -> HoldProof | None:
        """Returns what it shows of a campaign."""
        return await asyncio.to_thread(self._show, ref)

    def _set(self, ref: str, state: CampaignState) -> HoldProof:
        with self._open() as database:
            database.execute(
                "INSERT INTO campaigns VALUES (?, ?, ?, 1) ON CONFLICT (ref) DO UPDATE SET"
                " state = excluded.state, changed_at = excluded.changed_at, changes = changes + 1"
                " WHERE state <> excluded.state",
                (ref, state, datetime.now(UTC).isoformat()),
            )
        proof = self._show(ref)
        assert proof is not None, "it was written above"
        return proof

    def _show(self, ref: str) -> HoldProof | None:
        with self._open() as database:
            row = database.execute("SELECT state FROM campaigns WHERE ref = ?", (ref,)).fetchone()
        if row is None:
            return None
        return HoldProof(ref=ref, state=row[0], level="enforced", read_at=datetime.now(UTC))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._path, timeout=10)
        try:
            with database:
                database.execute(_SCHEMA)
                yield database
        finally:
            database.close()
