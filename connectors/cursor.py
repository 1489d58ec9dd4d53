"""Reading what has changed from systems whose clocks are coarse, late, and not ours.

A poll looks a little behind the newest change that it has seen and remembers what it has
delivered within that stretch, so that two changes in one second, or one that the system's index
showed late, are neither lost nor delivered twice.

Only the system's own times are compared, but what is dated ahead of our clock moves no cursor: one
row of a wrong date would hide every later change until that date has come. Such rows are delivered
like others and remembered by their version instead.
"""

import base64
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from connectors.contract import Page, Remote
from connectors.failures import Rejected, RetryLater

Fetch = Callable[[datetime, int, int], Awaitable[Sequence[Remote]]]
"""Returns objects changed at or after a moment, oldest first, ties by ref: since, offset, size."""

Rows = Callable[[datetime], AsyncGenerator[Remote, None]]
"""Lists objects changed at or after a moment, oldest first."""

_PAGE = 100

MOST_AHEAD = 1000
"""So many rows that are dated ahead are remembered one by one."""


class _Position(NamedTuple):
    """How far a system has been read.

    Attributes:
        since: the newest change that was seen and is not dated ahead.
        seen: what was delivered from a little before that on, with its time.
        passed: of what is dated ahead, everything up to here was delivered, and is forgotten.
    """

    since: datetime
    seen: dict[str, datetime] = {}
    passed: datetime | None = None


def cursor_from(since: datetime) -> str:
    """Returns the cursor from which everything changed at or after a moment is read."""
    return _written(_Position(since))


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
    return _read(cursor).since


async def read_changes(
    fetch: Fetch,
    cursor: str,
    *,
    limit: int,
    overlap: timedelta,
    page: int = _PAGE,
    now: datetime | None = None,
) -> Page:
    """Returns the next changes behind a cursor, from a system that numbers its pages.

    Args:
        fetch: how this system lists.
        cursor: as the page before gave it, or `cursor_from`.
        limit: at most so many.
        overlap: how far to look back behind the newest change seen.
        page: how many to ask the system for at once.
        now: our time; this moment if left out.

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

    return await read_listing(rows, cursor, limit=limit, overlap=overlap, now=now)


async def read_listing(
    rows: Rows, cursor: str, *, limit: int, overlap: timedelta, now: datetime | None = None
) -> Page:
    """Returns the next changes behind a cursor, from a system that lists in its own way.

    Args:
        rows: how this system lists; one may come twice.
        cursor: as the page before gave it, or `cursor_from`.
        limit: at most so many.
        overlap: how far to look back behind the newest change seen.
        now: our time; this moment if left out.

    Raises:
        Rejected: the cursor is none of ours.
    """
    now = now or datetime.now(UTC)
    position = _read(cursor)
    # Our own clock may have been put back, and older releases followed what was dated ahead.
    since, seen = min(position.since, now), position.seen
    behind = since - overlap
    found: list[Remote] = []
    delivered: dict[str, datetime] = {}
    next_at: datetime | None = None
    async with aclosing(rows(behind)) as listed:
        async for one in listed:
            key, at = _key(one), _changed(one)
            # A system that rounds the time it is asked for shows older ones too; nobody
            # remembers those, so they would come for ever.
            if key in seen or key in delivered or at < behind:
                continue
            if position.passed is not None and now < at <= position.passed:
                continue
            if len(found) == limit:
                next_at = at
                break
            found.append(one)
            delivered[key] = at
    known = {**seen, **delivered}
    listed_to = now if next_at is None else min(next_at, now)
    newest = max([since, *(at for at in known.values() if at <= listed_to)])
    # The whole stretch is remembered: dropping by exact time would deliver for ever where
    # the system rounds its times.
    kept = {key: at for key, at in known.items() if at >= newest - overlap}
    after = _without_too_many_ahead(_Position(newest, kept, position.passed), now, next_at)
    return Page(items=tuple(found), cursor=_written(after), more=next_at is not None)


def _without_too_many_ahead(
    position: _Position, now: datetime, next_at: datetime | None
) -> _Position:
    """Forgets the earliest of what is dated ahead, where that is more than can be remembered.

    They count as delivered by their time then. What gets such a time only later is delivered when
    that time has come.

    Args:
        position: how far the system has been read.
        now: our time.
        next_at: the time of what is to be delivered next; None where all was.
    """
    ahead = sorted((at, key) for key, at in position.seen.items() if at > now)
    too_many = ahead[: max(0, len(ahead) - MOST_AHEAD)]
    forgotten = {key: at for at, key in too_many if next_at is None or at < next_at}
    passed = max([*forgotten.values(), position.passed or now])
    kept = {key: at for key, at in position.seen.items() if key not in forgotten}
    return _Position(position.since, kept, passed if passed > now else None)


def _key(one: Remote) -> str:
    return f"{one.ref}@{one.version}"


def _changed(one: Remote) -> datetime:
    if one.updated_at is None:
        msg = f"{one.kind} {one.ref} shows no time of its last change"
        raise RetryLater(msg)
    return one.updated_at


def _written(position: _Position) -> str:
    seen = {key: at.isoformat() for key, at in position.seen.items()}
    passed = [position.passed.isoformat()] if position.passed is not None else []
    return _packed([position.since.astimezone(UTC).isoformat(), seen, *passed])


def _read(cursor: str) -> _Position:
    try:
        since, seen, *passed = _unpacked(cursor)
        return _Position(
            datetime.fromisoformat(since),
            {str(key): datetime.fromisoformat(at) for key, at in seen.items()},
            *map(datetime.fromisoformat, passed),
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
