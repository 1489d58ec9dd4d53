"""A campaign system in a file: for the demo, for stories, and for tests.

It is a real little system apart from the engine: it keeps its campaigns when workers die, and
everybody on the machine sees the same ones. A person may change them behind the engine's back
(`set_by_hand`), and a file named `crm-is-down` beside it takes it down.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from connectors.contract import ConnectionConfig, Connector, Health, Manifest
from connectors.failures import RetryLater
from measures.launch import CampaignState, Sighting

DOWN = "crm-is-down"
"""The file that takes the system down while it exists."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS campaigns (
    ref TEXT PRIMARY KEY, state TEXT NOT NULL, changed_at TEXT NOT NULL, changes INTEGER NOT NULL,
    share REAL NOT NULL DEFAULT 1
)
"""


class MemoryConfig(ConnectionConfig):
    """It needs no settings: its file lies in the state folder."""


class MemoryConnector(Connector):
    """Campaigns in one SQLite file."""

    manifest: ClassVar[Manifest] = Manifest(
        name="memory",
        title="the campaign system in a file",
        api="1",
        kinds=(),
        can=frozenset({"hold", "throttle"}),
        hold="enforced",
        calls_a_second=1000.0,
        http=False,
    )
    Config: ClassVar[type[ConnectionConfig]] = MemoryConfig

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "campaigns.db"
        self._down = state_dir / DOWN

    @classmethod
    def connect(cls, config: Any, place: Path, transport: object = None) -> "MemoryConnector":
        """Opens the campaigns of a state folder."""
        return cls(place)

    async def check(self) -> Health:
        """Tells whether it answers."""
        self._refuse_when_down()
        return Health(account="engine")

    async def hold(self, ref: str, *, key: str) -> Sighting:
        """Stops a campaign; one it does not know yet is made, held."""
        return await asyncio.to_thread(self._told, ref, "held", 0.0)

    async def release(self, ref: str, share: float, *, key: str) -> Sighting:
        """Lets a share of a campaign run."""
        return await asyncio.to_thread(self._told, ref, "released", share)

    async def throttle(self, ref: str, share: float, *, key: str) -> Sighting:
        """Changes the share that runs."""
        return await asyncio.to_thread(self._told, ref, "released", share)

    async def look(self, ref: str) -> Sighting | None:
        """Returns what it shows of a campaign."""
        self._refuse_when_down()
        return await asyncio.to_thread(self._show, ref)

    def set_by_hand(self, ref: str, state: CampaignState, share: float = 1.0) -> None:
        """Changes a campaign as a person does in the system's own pages."""
        self._set(ref, state, share if state == "released" else 0.0)

    def take_down(self, *, down: bool = True) -> None:
        """Makes the system unreachable, or reachable again."""
        if down:
            self._down.touch()
        else:
            self._down.unlink(missing_ok=True)

    def _told(self, ref: str, state: CampaignState, share: float) -> Sighting:
        self._refuse_when_down()
        self._set(ref, state, share)
        seen = self._show(ref)
        assert seen is not None, "it was written above"
        return seen

    def _set(self, ref: str, state: CampaignState, share: float) -> None:
        with self._open() as database:
            database.execute(
                "INSERT INTO campaigns VALUES (?, ?, ?, 1, ?) ON CONFLICT (ref) DO UPDATE SET"
                " state = excluded.state, share = excluded.share,"
                " changed_at = excluded.changed_at, changes = changes + 1"
                " WHERE state <> excluded.state OR share <> excluded.share",
                (ref, state, datetime.now(UTC).isoformat(), share),
            )

    def _show(self, ref: str) -> Sighting | None:
        with self._open() as database:
            row = database.execute(
                "SELECT state, share FROM campaigns WHERE ref = ?", (ref,)
            ).fetchone()
        if row is None:
            return None
        share = row[1] if row[0] == "released" else 0.0
        return Sighting(
            ref=ref, state=row[0], share=share, level="enforced", read_at=datetime.now(UTC)
        )

    def _refuse_when_down(self) -> None:
        if self._down.exists():
            msg = f"the campaign system does not answer ({self._down} takes it down)"
            raise RetryLater(msg)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._path, timeout=10)
        try:
            with database:
                database.execute(_SCHEMA)
                columns = {row[1] for row in database.execute("PRAGMA table_info(campaigns)")}
                if "share" not in columns:  # a file of an older release
                    database.execute(
                        "ALTER TABLE campaigns ADD COLUMN share REAL NOT NULL DEFAULT 1"
                    )
                yield database
        finally:
            database.close()
