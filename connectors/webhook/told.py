"""What a receiver of webhooks has acknowledged: all that is known of one that shows nothing."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS told (
    receiver TEXT, kind TEXT, ref TEXT, content TEXT NOT NULL, PRIMARY KEY (receiver, kind, ref)
)
"""


class Told:
    """What one receiver has acknowledged, in a file of the state folder.

    Args:
        path: the file, shared by all workers of a machine.
        receiver: whose.
    """

    def __init__(self, path: Path, receiver: str) -> None:
        self._path = path
        self._receiver = receiver

    def read(self, kind: str, ref: str) -> dict[str, Any] | None:
        """Returns what was acknowledged last of an object; None if nothing was."""
        with self._open() as database:
            row = database.execute(
                "SELECT content FROM told WHERE receiver = ? AND kind = ? AND ref = ?",
                (self._receiver, kind, ref),
            ).fetchone()
        content: dict[str, Any] | None = json.loads(row[0]) if row else None
        return content

    def write(self, kind: str, ref: str, content: dict[str, Any]) -> None:
        """Remembers what was acknowledged."""
        with self._open() as database:
            database.execute(
                "INSERT INTO told VALUES (?, ?, ?, ?) ON CONFLICT (receiver, kind, ref)"
                " DO UPDATE SET content = excluded.content",
                (self._receiver, kind, ref, json.dumps(content)),
            )

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
