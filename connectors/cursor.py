"""Reading what has changed from systems whose clocks are coarse, late, and not ours.

A poll looks a little behind the newest change that it has seen and remembers what it has
delivered within that stretch, so that two changes in one second, or one that the system's index
showed late, are neither lost nor delivered twice. Only the system's own times are compared.
"""

import base64
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.contract import Page, Remote
from connectors.failures import Rejected, RetryLater

Fetch = Callable[[datetime, int, int], Awaitable[Sequence[Remote]]]
"""Returns objects changed at or after a moment, oldest first, ties by ref: since, offset, size."""

Rows = Callable[[datetime], AsyncGenerator[Remote, None]]
"""Lists objects changed at or after a moment, oldest first."""

_PAGE = 100


def cursor_from(since: datetime) -> str:
    """Returns the cursor from which everything changed at or after a moment is read."""
    return _written(since, {})


def cursor_behind(place: str) -> str:
    """Returns the cursor that goes on where a system's own cursor points."""
    return _packed({"place": place})


def place_of(cursor: str) -> datetime | str:
    """Returns where a cursor points: a moment, or the system's own cursor.

    Raises:
        Rejected: the cursor is none of ours.
    """
    content = _unpacked(cursor)
    if isinstance(content, dict) and isinstance(content.get("place"), str):
        return str(content["place"])
    return _read(cursor)[0]


async def read_changes(
    fetch: Fetch, cursor: str, *, limit: int, overlap: timedelta, page: int = _PAGE
) -> Page:
    """Returns the next changes behind a cursor, from a system that numbers its pages.

    Args:
        fetch: how this system lists.
        cursor: as the page before gave it, or `cursor_from`.
        limit: at most so many.
        overlap: how far to look back behind the newest change seen.
        page: how many to ask the system for at once.

    Raises:
        Rejected: the cursor is none of ours.
    """

    async def rows(since: datetime) -> AsyncGenerator[Remote, None]:
        offset, size = 0, page
        while size == page:
            batch = await fetch(since, offset, page)
            for one in batch:
                yield one
            size = len(batch)
            newest = max(map(_changed, batch), default=since)
            # It goes on from a time, not a number: what changes meanwhile moves to the end, and
            # every number behind it with it. Only a page of one time is passed over by number.
            since, offset = (newest, 0) if newest > since else (since, offset + size)

    return await read_listing(rows, cursor, limit=limit, overlap=overlap)


async def read_listing(rows: Rows, cursor: str, *, limit: int, overlap: timedelta) -> Page:
    """Returns the next changes behind a cursor, from a system that lists in its own way.

    Args:
        rows: how this system lists; one may come twice.
        cursor: as the page before gave it, or `cursor_from`.
        limit: at most so many.
        overlap: how far to look back behind the newest change seen.

    Raises:
        Rejected: the cursor is none of ours.
    """
    since, seen = _read(cursor)
    behind = since - overlap
    found: list[Remote] = []
    delivered: dict[str, datetime] = {}
    more = False
    async with aclosing(rows(behind)) as listed:
        async for one in listed:
            key = _key(one)
            # A system that rounds the time it is asked for shows older ones too; nobody
            # remembers those, so they would come for ever.
            if key in seen or key in delivered or _changed(one) < behind:
                continue
            if len(found) == limit:
                more = True
                break
            found.append(one)
            delivered[key] = _changed(one)
    newest = max([since, *delivered.values()])
    # The whole stretch is remembered: dropping by exact time would deliver for ever where
    # the system rounds its times.
    kept = {key: at for key, at in {**seen, **delivered}.items() if at >= newest - overlap}
    return Page(items=tuple(found), cursor=_written(newest, kept), more=more)


def _key(one: Remote) -> str:
    return f"{one.ref}@{one.version}"


def _changed(one: Remote) -> datetime:
    if one.updated_at is None:
        msg = f"{one.kind} {one.ref} shows no time of its last change"
        raise RetryLater(msg)
    return one.updated_at


def _written(since: datetime, seen: dict[str, datetime]) -> str:
    return _packed(
        [since.astimezone(UTC).isoformat(), {k: at.isoformat() for k, at in seen.items()}]
    )


def _read(cursor: str) -> tuple[datetime, dict[str, datetime]]:
    try:
        since, seen = _unpacked(cursor)
        return (
            datetime.fromisoformat(since),
            {str(key): datetime.fromisoformat(at) for key, at in seen.items()},
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise _no_cursor(cursor, error) from None


def _packed(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def _unpacked(cursor: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, RecursionError) as error:
        raise _no_cursor(cursor, error) from None


def _no_cursor(cursor: str, why: Exception) -> Rejected:
    return Rejected(f"{cursor[:40]!r} is no cursor of ours: {why}")
