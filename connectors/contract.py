"""The contract: what the engine may ask of a connected system, and what it gets back.

A connector derives from `Connector` and fills what its system can do; the rest answers
`Unsupported`. Whatever it raises is one of the six failures of `connectors.failures`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from connectors.failures import Unsupported
from measures.launch import Sighting
from measures.model import Moment, Stored

if TYPE_CHECKING:  # loading it takes longer than many a command
    import httpx

Scalar = str | int | float | bool | None
"""What a field of a remote object can hold."""

Capability = Literal[
    "describe", "find", "upsert", "transition", "comment", "hold", "throttle", "changes", "webhooks"
]
"""What a connector can do beside `check` and `get`."""

ProofLevel = Literal["enforced", "advisory"]
"""Whether a hold really stops a campaign, or is a label that people are asked to heed."""


class ConnectionConfig(BaseModel):
    """What a connection is told: the base of every connector's own settings.

    Unknown keys are refused. A secret is never written here: it is named by reference
    (`connectors.secrets.SecretRef`) and read only when a request is sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Manifest(Stored):
    """What a connector says of itself.

    Attributes:
        name: its name, as the entry point has it.
        title: the system's name, for people.
        api: the version of the system's interface that it speaks.
        kinds: the kinds of object that it reads and writes, e.g. issue.
        can: what it can do beside reading one object.
        hold: what a hold of a campaign is worth; None where there are no campaigns.
        overlap: how far back a poll looks behind what it has seen, because clocks of remote
            systems are coarse and their indexes late.
        calls_a_second: how many calls a connection may send by default.
        lock: whether the system itself refuses to write over what has changed since it was read.
        idempotency: whether the system itself takes an idempotency key.
        http: whether it speaks HTTP, so that the conformance kit can come in between.
    """

    name: str
    title: str
    api: str
    kinds: tuple[str, ...]
    can: frozenset[Capability]
    hold: ProofLevel | None = None
    overlap: timedelta = timedelta(seconds=2)
    calls_a_second: float = 5.0
    lock: bool = False
    idempotency: bool = False
    http: bool = True


class Health(Stored):
    """What a connection's check found.

    Attributes:
        account: who the system takes us for; the actor of our own writes.
        version: the version that the system shows; empty where it shows none.
        clock_skew: how far the system's clock is ahead of ours; None where it shows none.
        missing: rights that are missing, in the system's words.
        calls_left: how many calls the system still allows today; None where it does not tell.
    """

    account: str
    version: str = ""
    clock_skew: timedelta | None = None
    missing: tuple[str, ...] = ()
    calls_left: int | None = None


class RemoteField(Stored):
    """One field of a kind of remote object.

    Attributes:
        name: as the system names it.
        title: as people see it.
        type: text, number, boolean, date, datetime, choice or other.
        writable: whether it can be written.
        required: whether a new object needs it.
        choices: the values of a choice.
    """

    name: str
    title: str = ""
    type: Literal["text", "number", "boolean", "date", "datetime", "choice", "other"] = "text"
    writable: bool = True
    required: bool = False
    choices: tuple[str, ...] = ()


class RemoteSchema(Stored):
    """What a kind of remote object looks like.

    Attributes:
        kind: the kind.
        fields: its fields by name.
        statuses: the statuses that it can show.
        closed: those of them that mean done.
        won: those of the closed that mean success, as a won opportunity; empty where none does.
        moves: from each status to those that can follow; empty where the system does not tell.
    """

    kind: str
    fields: dict[str, RemoteField] = {}
    statuses: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    won: tuple[str, ...] = ()
    moves: dict[str, tuple[str, ...]] = {}


class Remote(Stored):
    """One object as its system shows it.

    Attributes:
        kind: its kind.
        ref: its name there; opaque.
        external_id: the name that we gave it; empty where it has none.
        title: its title.
        status: its status, in the system's words.
        version: changes whenever the object does; opaque, only ever compared for equality.
        updated_at: when it last changed, by the system's clock.
        actor: who changed it last, where the system tells.
        url: where people look at it.
        fields: everything else that was read.
    """

    kind: str
    ref: str
    external_id: str = ""
    title: str = ""
    status: str = ""
    version: str
    updated_at: Moment | None = None
    actor: str = ""
    url: str = ""
    fields: dict[str, Any] = {}


class Page(Stored):
    """Some of what has changed.

    Attributes:
        items: changed objects, each as it is now; one may come again.
        cursor: where to go on; opaque.
        more: whether there is more to read at once.
    """

    items: tuple[Remote, ...] = ()
    cursor: str
    more: bool = False


class Hint(Stored):
    """What a verified webhook points at; the object itself is read anew.

    Attributes:
        kind: the kind of object.
        ref: its name in the system.
        delivery: what makes this delivery the same when it comes again.
    """

    kind: str
    ref: str
    delivery: str


class Webhook(Stored):
    """A webhook as it came in, before anybody believes it.

    Attributes:
        method: the HTTP method.
        url: the whole URL that the sender called, as it signed it.
        headers: names in lower case.
        body: the raw body: signatures cover bytes, not what they mean.
    """

    method: str = "POST"
    url: str = ""
    headers: dict[str, str]
    body: bytes


class Connector:
    """One connection to one system.

    Attributes:
        manifest: what it says of itself.
        Config: the model of its settings.
    """

    manifest: ClassVar[Manifest]
    Config: ClassVar[type[ConnectionConfig]]

    @classmethod
    def manifest_for(cls, config: Any) -> Manifest:
        """Returns what a connection with these settings can do: mostly what every one can."""
        return cls.manifest

    @classmethod
    def connect(
        cls, config: Any, place: Path, transport: "httpx.AsyncBaseTransport | None" = None
    ) -> "Connector":
        """Makes a connection with settings that fit `Config`; nothing is sent yet.

        Args:
            config: the settings.
            place: a folder of the engine's, for a connector that keeps something there.
            transport: what to send through instead of the network.
        """
        return cls(config, transport=transport)  # type: ignore[call-arg]

    async def aclose(self) -> None:
        """Ends the connection."""

    async def check(self) -> Health:
        """Finds out who we are there, and what we may not do.

        Raises:
            ConnectorError: see `connectors.failures`; so do all others.
        """
        raise self._cannot("be checked")

    async def describe(self, kind: str) -> RemoteSchema:
        """Returns the fields, statuses and moves of a kind of object."""
        raise self._cannot(f"describe {kind}")

    async def get(self, kind: str, ref: str) -> Remote:
        """Reads an object."""
        raise self._cannot(f"read {kind}")

    async def find(self, kind: str, external_id: str) -> Remote | None:
        """Looks for an object by the name that we gave it."""
        raise self._cannot(f"look for {kind}")

    async def upsert(
        self,
        kind: str,
        external_id: str,
        patch: Mapping[str, Scalar],
        *,
        key: str,
        expect: str | None = None,
    ) -> Remote:
        """Makes an object, or changes the one that has this name, and reads it back.

        Args:
            kind: the kind of object.
            external_id: the name that we give it.
            patch: fields to set: `title`, `text`, or names that `describe` tells.
            key: the idempotency key.
            expect: the version it must have; None where any will do.
        """
        raise self._cannot(f"write {kind}")

    async def transition(
        self, kind: str, ref: str, status: str, *, key: str, expect: str | None = None
    ) -> Remote:
        """Moves an object to a status; what it shows afterwards counts, not what it answered."""
        raise self._cannot(f"move {kind}")

    async def comment(self, kind: str, ref: str, text: str, *, key: str) -> None:
        """Adds a comment, once per key."""
        raise self._cannot(f"comment on {kind}")

    async def hold(self, ref: str, *, key: str) -> Sighting:
        """Stops a campaign and reads back what it shows. The same key again changes nothing."""
        raise self._cannot(f"hold campaign {ref}")

    async def release(self, ref: str, share: float, *, key: str) -> Sighting:
        """Lets a share of a campaign, above 0 to 1, run and reads back what it shows."""
        raise self._cannot(f"release campaign {ref}")

    async def throttle(self, ref: str, share: float, *, key: str) -> Sighting:
        """Changes the share of a campaign that runs, without stopping it in between."""
        raise self._cannot(f"throttle campaign {ref}")

    async def look(self, ref: str) -> Sighting | None:
        """Returns what the system shows of a campaign; None when it knows none of that name."""
        raise self._cannot(f"show campaign {ref}")

    async def changes(self, kind: str, cursor: str, *, limit: int = 100) -> Page:
        """Returns what has changed behind a cursor, each change at least once.

        Args:
            kind: the kind of object.
            cursor: as the page before gave it; `connectors.cursor.cursor_from` makes the first.
            limit: at most so many.
        """
        raise self._cannot(f"list changed {kind}")

    def verify(self, webhook: Webhook, *, now: datetime) -> tuple[Hint, ...]:
        """Checks that a webhook comes from the system and returns what it points at.

        Raises:
            Rejected: it does not, or it is too old.
        """
        raise self._cannot("send webhooks")

    def _cannot(self, what: str) -> Unsupported:
        return Unsupported(f"{self.manifest.title} cannot {what} through {self.manifest.name}")
