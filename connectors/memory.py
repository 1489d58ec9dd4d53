"""A campaign and ticket system in a file: for the demo, for stories, and for tests.

It is a real little system apart from the engine: it keeps what it has when workers die, and
everybody on the machine sees the same ones. A person may change them behind the engine's back
(`set_by_hand`), and a file named `crm-is-down` beside it takes it down.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from connectors import memory_tickets
from connectors.contract import (
    ConnectionConfig,
    Connector,
    Health,
    Hint,
    Manifest,
    Page,
    Remote,
    RemoteSchema,
    Scalar,
    Webhook,
)
from connectors.cursor import read_changes
from connectors.failures import Rejected, RetryLater
from connectors.memory_tickets import KIND, Tickets
from connectors.secrets import SecretRef, read_secret
from connectors.signatures import delivery_of, refuse_forged
from measures.launch import CampaignState, Sighting

DOWN = "crm-is-down"
"""The file that takes the system down while it exists."""

ENGINE = "engine"
"""Who the engine is there."""

_T = TypeVar("_T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS campaigns (
    ref TEXT PRIMARY KEY, state TEXT NOT NULL, changed_at TEXT NOT NULL, changes INTEGER NOT NULL,
    share REAL NOT NULL DEFAULT 1
)
"""


class MemoryConfig(ConnectionConfig):
    """It needs no settings: its file lies in the state folder.

    Attributes:
        secret: where the secret lies with which its webhooks are signed; without it there are none.
    """

    secret: SecretRef | None = None


class MemoryConnector(Connector):
    """Campaigns and tickets in one SQLite file."""

    manifest: ClassVar[Manifest] = Manifest(
        name="memory",
        title="the system in a file",
        api="1",
        kinds=(KIND,),
        can=frozenset(
            {
                "describe",
                "find",
                "upsert",
                "transition",
                "comment",
                "changes",
                "hold",
                "throttle",
                "webhooks",
            }
        ),
        hold="enforced",
        calls_a_second=1000.0,
        http=False,
    )
    Config: ClassVar[type[ConnectionConfig]] = MemoryConfig

    def __init__(self, state_dir: Path, secret: str = "") -> None:
        self._secret = secret
        self._path = state_dir / "campaigns.db"
        self._down = state_dir / DOWN

    @classmethod
    def connect(cls, config: Any, place: Path, transport: object = None) -> "MemoryConnector":
        """Opens the system of a state folder."""
        secret = config.secret if isinstance(config, MemoryConfig) else None
        return cls(place, read_secret(secret) if secret else "")

    async def check(self) -> Health:
        """Tells whether it answers."""
        self._refuse_when_down()
        return Health(account=ENGINE)

    async def hold(self, ref: str, *, key: str) -> Sighting:
        """Stops a campaign; one it does not know yet is made, held."""
        return await asyncio.to_thread(self._told, ref, "held", 0.0)

    async def release(self, ref: str, share: float, *, key: str) -> Sighting:
        """Lets a share of a campaign run."""
        return await asyncio.to_thread(self._told, ref, "released", share)

    async def throttle(self, ref: str, share: float, *, key: str) -> Sighting:
        """Changes the share that runs."""
        return await asyncio.to_thread(self._told, ref, "released", share)

    async def look(self, ref: str) -> Sighting | None:
        """Returns what it shows of a campaign."""
        self._refuse_when_down()
        return await asyncio.to_thread(self._show, ref)

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns a ticket's fields and statuses."""
        self._refuse_when_down()
        return memory_tickets.describe(kind)

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads a ticket."""
        return await self._asked(lambda tickets: tickets.get(kind, ref))

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for a ticket by our name for it."""
        return await self._asked(lambda tickets: tickets.find(kind, external_id))

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: str | None = None,
    ) -> Remote:
        """Makes or changes a ticket."""
        return await self._asked(lambda tickets: tickets.upsert(kind, external_id, patch, expect))

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Moves a ticket to a status."""
        return await self._asked(lambda tickets: tickets.move(kind, ref, status, expect))

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a comment, once per key."""
        await self._asked(lambda tickets: tickets.comment(kind, ref, text, key))

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns tickets that have changed behind a cursor."""

        async def fetch(since: datetime, offset: int, size: int) -> Sequence[Remote]:
            return await self._asked(lambda tickets: tickets.changed(kind, since, offset, size))

        return await read_changes(fetch, cursor, limit=limit, overlap=self.manifest.overlap)

    def verify(self, webhook: Webhook, *, now: datetime) -> tuple[Hint, ...]:
        """Believes a Standard Webhook that its secret signed: `{"events": [{"kind", "ref"}]}`."""
        if not self._secret:
            raise self._cannot("send webhooks without a secret")
        refuse_forged("standard", webhook, [self._secret], now=now)
        delivery = delivery_of("standard", webhook)
        try:
            events = json.loads(webhook.body)["events"]
            return tuple(
                Hint(kind=str(one["kind"]), ref=str(one["ref"]), delivery=f"{delivery}/{number}")
                for number, one in enumerate(events)
            )
        except (ValueError, KeyError, TypeError) as error:
            msg = f"the webhook's content is not understood: {error!r}"
            raise Rejected(msg) from error

    @contextmanager
    def by_hand(self, person: str) -> Iterator[Tickets]:
        """Opens the tickets for a person, who changes them in the system's own pages."""
        with self._tickets(person) as tickets:
            yield tickets

    async def _asked(self, ask: Callable[[Tickets], _T]) -> _T:
        self._refuse_when_down()

        def work() -> _T:
            with self._tickets(ENGINE) as tickets:
                return ask(tickets)

        return await asyncio.to_thread(work)

    @contextmanager
    def _tickets(self, actor: str) -> Iterator[Tickets]:
        with self._open() as database:
            # What is read decides what is written, so nobody may write in between.
            database.execute("BEGIN IMMEDIATE")
            yield Tickets(database, actor)

    def set_by_hand(self, ref: str, state: CampaignState, share: float = 1.0) -> None:
        """Changes a campaign as a person does in the system's own pages."""
        self._set(ref, state, share if state == "released" else 0.0)

    def take_down(self, *, down: bool = True) -> None:
        """Makes the system unreachable, or reachable again."""
        if down:
            self._down.touch()
        else:
            self._down.unlink(missing_ok=True)

    def _told(self, ref: str, state: CampaignState, share: float) -> Sighting:
        self._refuse_when_down()
        self._set(ref, state, share)
        seen = self._show(ref)
        assert seen is not None, "it was written above"
        return seen

    def _set(self, ref: str, state: CampaignState, share: float) -> None:
        with self._open() as database:
            database.execute(
                "INSERT INTO campaigns VALUES (?, ?, ?, 1, ?) ON CONFLICT (ref) DO UPDATE SET"
                " state = excluded.state, share = excluded.share,"
                " changed_at = excluded.changed_at, changes = changes + 1"
                " WHERE state <> excluded.state OR share <> excluded.share",
                (ref, state, datetime.now(UTC).isoformat(), share),
            )

    def _show(self, ref: str) -> Sighting | None:
        with self._open() as database:
            row = database.execute(
                "SELECT state, share FROM campaigns WHERE ref = ?", (ref,)
            ).fetchone()
        if row is None:
            return None
        share = row[1] if row[0] == "released" else 0.0
        return Sighting(
            ref=ref, state=row[0], share=share, level="enforced", read_at=datetime.now(UTC)
        )

    def _refuse_when_down(self) -> None:
        if self._down.exists():
            msg = f"the system in a file does not answer ({DOWN} in the state folder takes it down)"
            raise RetryLater(msg)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._path, timeout=10)
        try:
            with database:
                database.execute(_SCHEMA)
                columns = {row[1] for row in database.execute("PRAGMA table_info(campaigns)")}
                if "share" not in columns:  # a file of an older release
                    database.execute(
                        "ALTER TABLE campaigns ADD COLUMN share REAL NOT NULL DEFAULT 1"
                    )
                yield database
        finally:
            database.close()
