"""What the tests of webhooks share: a connection that signs, and deliveries of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from connectors.signatures import standard_signature
from ledger.store import Ledger
from ledger.tables import inbox
from measures.documents import Connection, document_content

SECRET = "whsec_bm9ib2R5IGtub3dzIHRoaXMgb25l"
SECRET_NAME = "TEST_DESK_SECRET"
CONNECTION = "desk"


def connect_desk(ledger: Ledger) -> None:
    """The system in a file becomes known under a name of its own, with a secret."""
    desk = Connection(id=CONNECTION, connector="memory", settings={"secret": f"env:{SECRET_NAME}"})
    ledger.append_document(
        "Connection", desk.id, document_content(desk), "operator", datetime.now(UTC), "desk"
    )


def body_of(*refs: str, kind: str = "ticket") -> bytes:
    """A delivery's body that names these objects."""
    return json.dumps({"events": [{"kind": kind, "ref": ref} for ref in refs]}).encode()


def signed(
    name: str, body: bytes, *, secret: str = SECRET, age: timedelta = timedelta(0)
) -> dict[str, str]:
    """The headers of a delivery."""
    sent = str(int((datetime.now(UTC) - age).timestamp()))
    return {
        "webhook-id": name,
        "webhook-timestamp": sent,
        "webhook-signature": standard_signature(secret, name, sent, body),
    }


def kept(ledger: Ledger) -> list[dict[str, Any]]:
    """Everything in the inbox, in the order in which it came."""
    with ledger.database.reading() as connection:
        rows = connection.execute(select(inbox).order_by(inbox.c.id)).mappings().all()
    return [dict(row) for row in rows]


def url_of(folder: Path) -> str:
    """The address of the ledger in a folder."""
    return f"sqlite:///{folder / 'ledger.db'}"
