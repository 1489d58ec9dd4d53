"""What checks have in common that make objects and look for them."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from connectors.conformance.bronze import kind_of
from connectors.conformance.results import ExemptError
from connectors.conformance.subject import Subject
from connectors.contract import Capability, Connector, Remote
from connectors.cursor import cursor_from
from connectors.failures import Conflict

_PAUSE = 0.2
"""Seconds between two looks at a list that may be late."""


def needs(connector: Connector, capability: Capability) -> None:
    """Exempts a connector that cannot do what a check is about."""
    if capability not in connector.manifest.can:
        raise ExemptError(f"it cannot {capability}")


async def made_anew(subject: Subject, connector: Connector, title: str = "conformance") -> Remote:
    """Makes an object that nobody has made before."""
    needs(connector, "upsert")
    patch = {"title": title, **subject.extra}
    return await connector.upsert(kind_of(subject), new_name(), patch, key=new_name())


async def conflict_of(writing: Awaitable[object]) -> Conflict:
    """Returns the conflict that a write ends in.

    Raises:
        AssertionError: it does not end in one.
    """
    try:
        await writing
    except Conflict as conflict:
        return conflict
    msg = "it overwrote what somebody else had changed"
    raise AssertionError(msg)


async def news(
    connector: Connector,
    kind: str,
    cursor: str,
    until: Callable[[Sequence[Remote]], bool],
    *,
    limit: int = 100,
) -> tuple[list[Remote], str]:
    """Reads changes until what is awaited has come, and to the end of what is there.

    Lists may be late by as much as polls overlap; after that, what is missing is missing.
    """
    seen: list[Remote] = []
    late = asyncio.get_running_loop().time() + connector.manifest.overlap.total_seconds()
    while True:
        page = await connector.changes(kind, cursor, limit=limit)
        assert len(page.items) <= limit, "it gives more than was asked for"
        seen += page.items
        cursor = page.cursor
        if page.more:
            continue
        if until(seen) or asyncio.get_running_loop().time() > late:
            return seen, cursor
        await asyncio.sleep(_PAUSE)


def new_name() -> str:
    """Returns a name that no object has, and a key that nothing was done under."""
    return f"sluice-{uuid.uuid4().hex[:12]}"


def just_now() -> str:
    """Returns the cursor from which everything is read that is made from now on."""
    return cursor_from(datetime.now(UTC) - timedelta(seconds=1))
