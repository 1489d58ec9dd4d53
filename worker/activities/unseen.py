"""What a workflow has not seen yet of its own record."""

import asyncio

from ledger.writer import AsyncLedger
from measures.entry import Draft


async def unseen(ledger: AsyncLedger, stream: str, known: int) -> tuple[Draft, ...]:
    """Returns what was recorded of a life beyond what its workflow knows.

    Args:
        ledger: the record.
        stream: the life.
        known: the number of the last entry that the workflow has seen.
    """
    entries = await asyncio.to_thread(lambda: list(ledger.ledger.entries(stream)))
    return tuple(
        Draft.model_validate(entry.model_dump()) for entry in entries if entry.number > known
    )
