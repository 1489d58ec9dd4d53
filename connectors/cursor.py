"""Reading what has changed from systems whose clocks are coarse, late, and not ours.

A poll looks a little behind the newest change that it has seen and remembers what it has
delivered within that stretch, so that two changes in one second, or one that the system's index
showed late, are neither lost nor delivered twice. Only the system's own times are compared.
"""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from connectors.contract import Page, Remote
from connectors.failures import Rejected, RetryLater

Fetch = Callable[[datetime, int, int], Awaitable[Sequence[Remote]]]
"""Returns objects changed at or after a moment, oldest first, ties by ref: since, offset, size."""

_PAGE = 100


def cursor_from(since: datetime) -> str:
    """Returns the cursor from which everything changed at or after a moment is read."""
    return _written(since, {})


async def read_changes(
    fetch: Fetch, cursor: str, *, limit: int, overlap: timedelta, page: int = _PAGE
) -> Page:
    """Returns the next changes behind a cursor.

    Args:
        fetch: how this system lists.
        cursor: as the page before gave it, or `cursor_from`.
        limit: at most so many.
        overlap: how far to look back behind the newest change seen.
        page: how many to ask the system for at once.

    Raises:
        Rejected: the cursor is none of ours.
    """
    since, seen = _read(cursor)
    found: list[Remote] = []
    offset, more = 0, True
    while len(found) < limit:
        batch = await fetch(since - overlap, offset, page)
        fresh = [one for one in batch if _key(one) not in seen]
        found += fresh[: limit - len(found)]
        offset += len(batch)
        if len(batch) < page:
            more = len(fresh) > 0 and found[-1] is not fresh[-1]
            break
    delivered = {_key(one): _changed(one) for one in found}
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
    content = [since.astimezone(UTC).isoformat(), {k: at.isoformat() for k, at in seen.items()}]
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def _read(cursor: str) -> tuple[datetime, dict[str, datetime]]:
    try:
        since, seen = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return (
            datetime.fromisoformat(since),
            {str(key): datetime.fromisoformat(at) for key, at in seen.items()},
        )
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        msg = f"{cursor[:40]!r} is no cursor of ours: {error}"
        raise Rejected(msg) from None
