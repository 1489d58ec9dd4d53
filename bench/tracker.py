"""A small ticket system of its own: `python -m bench.tracker FILE PORT`, to be killed and started.

What it knows is in a SQLite file, so it comes back with all of it.
"""

import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tickets (
    id INTEGER PRIMARY KEY, state TEXT NOT NULL, version INTEGER NOT NULL, changed TEXT NOT NULL
)
"""


class Tickets:
    """The tickets of a file, for the system's pages and for the people who change them."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with closing(self._open()) as database, database:
            database.execute(_SCHEMA)

    def change(self, ref: int, state: str) -> datetime:
        """Makes or changes a ticket and returns when."""
        now = datetime.now(UTC)
        with closing(self._open()) as database, database:
            database.execute(
                "INSERT INTO tickets VALUES (?, ?, 1, ?) ON CONFLICT (id) DO UPDATE SET"
                " state = excluded.state, changed = excluded.changed, version = version + 1",
                (ref, state, now.isoformat()),
            )
        return now

    def one(self, ref: str) -> dict[str, Any] | None:
        """Returns a ticket; None when there is none."""
        found = self._rows("WHERE id = ?", ref)
        return found[0] if found else None

    def changed(self, since: str, offset: int, limit: int) -> list[dict[str, Any]]:
        """Returns what has changed since a moment, oldest first."""
        where = "WHERE changed >= ? ORDER BY changed, id LIMIT ? OFFSET ?"
        return self._rows(where, since, limit, offset)

    def _rows(self, where: str, *values: object) -> list[dict[str, Any]]:
        with closing(self._open()) as database:
            database.row_factory = sqlite3.Row
            rows = database.execute(f"SELECT * FROM tickets {where}", values).fetchall()
        return [{**dict(row), "title": f"Ticket {row['id']}"} for row in rows]

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=30)


def pages(tickets: Tickets) -> Starlette:
    """Returns the system's interface."""

    async def one(request: Request) -> Response:
        found = tickets.one(request.path_params["ref"])
        return JSONResponse({"ticket": found}, 200 if found else 404)

    async def changed(request: Request) -> Response:
        asked = request.query_params
        rows = tickets.changed(asked["since"], int(asked["offset"]), int(asked["limit"]))
        return JSONResponse({"tickets": rows})

    async def me(_: Request) -> Response:
        return JSONResponse({"name": "engine"})

    return Starlette(
        routes=[Route("/tickets/{ref}", one), Route("/tickets", changed), Route("/me", me)]
    )


if __name__ == "__main__":
    uvicorn.run(
        pages(Tickets(Path(sys.argv[1]))),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        log_level="error",
    )
