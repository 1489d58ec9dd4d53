"""The packs that come with the product, kept in the ledger.

A measure may keep the version that judged it. After an upgrade the product brings another one,
so what it brought before must be read from the ledger.
"""

from datetime import UTC, datetime

from ledger.writer import AsyncLedger
from measures.documents import BUILTIN_PACK, document_content
from measures.people import ENGINE
from rules.loader import builtin_packs


async def record_builtin_packs(ledger: AsyncLedger) -> None:
    """Records each built-in pack whose content the ledger does not hold yet."""
    for pack in builtin_packs():
        if await ledger.pack_version(pack.id, pack.digest) is None:
            await ledger.append_document(
                BUILTIN_PACK,
                pack.id,
                document_content(pack.document),
                ENGINE,
                datetime.now(UTC),
                f"builtin:{pack.digest}",
            )
