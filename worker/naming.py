"""Giving the installation the name that the settings say."""

import asyncio
import logging

from ledger.writer import AsyncLedger

_log = logging.getLogger("sluicegate.worker")


async def name_installation(ledger: AsyncLedger, name: str) -> None:
    """Keeps the installation's name with the ledger, for all workers and commands.

    Args:
        ledger: the record.
        name: as the settings have it; empty to leave the one that the ledger has.

    Raises:
        LedgerError: it cannot be kept.
    """
    if not name:
        return
    before = await asyncio.to_thread(ledger.ledger.name_installation, name)
    if before != name:
        _log.warning(
            "this installation was %s and is %s from now on (SLUICE_INSTALLATION): objects that it"
            " made in other systems keep their names",
            before,
            name,
        )
