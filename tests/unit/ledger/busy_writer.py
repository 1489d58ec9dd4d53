"""A process that appends capacity reports until it is told how many, and says each one aloud.

Run by tests as `python busy_writer.py URL POOL APPENDS`; prints `POOL NUMBER HASH` after
an append is acknowledged. Another writer of the same pool is met on purpose: who comes second
goes on behind what was recorded.
"""

import sys
from datetime import UTC, datetime

from ledger.store import Ledger
from measures.documents import Pool
from measures.entry import Draft, pool_stream
from measures.pool import open_pool

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)


def write(ledger: Ledger, name: str, appends: int) -> None:
    """Appends to a pool, and tells what was acknowledged."""
    pool = Pool(id=name, title="Checks", unit="checks", owner="kim")
    number = ledger.append([open_pool(pool, "kim", NOW, "open")])[-1].number
    for turn in range(appends):
        draft = Draft(
            stream=pool_stream(name),
            number=number + 1,
            kind="capacity_reported",
            at=NOW,
            by="kim",
            command=f"{turn}",
            body={"period": "2031-03", "amount": turn},
        )
        for entry in ledger.append([draft]):
            number = entry.number
            sys.stdout.write(f"{name} {entry.number} {entry.hash}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    with Ledger.open(sys.argv[1]) as opened:
        write(opened, sys.argv[2], int(sys.argv[3]))
