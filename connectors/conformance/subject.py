"""What the kit is told about the connector that it examines."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from connectors.contract import Connector, Scalar, Webhook

Wrap = Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]
"""Puts something between a connector and its system."""


WRONG_SECRET = "not-the-secret-of-anybody"  # noqa: S105  (it opens nothing)
"""What `Subject.connect_wrongly` connects with."""


@dataclass(frozen=True)
class Subject:
    """A connector and just enough about the system behind it.

    Attributes:
        connect: makes a connection whose transport is wrapped; None leaves it as it is.
        secret: the secret that the connection uses, which must show nowhere; empty if none.
        connect_wrongly: makes a connection with `WRONG_SECRET`.
        kind: the kind of object that is written; empty for a connector that writes none.
        extra: fields that a new object needs beside its title.
        moves: statuses that a new object can be moved to, one after the other.
        illegal: a status that it cannot be moved to.
        campaign: a campaign that may be held and released.
        makes_campaigns: whether a campaign that is not there is made when it is held.
        comments: reads an object's comments in another way than the connector writes them.
        webhook: makes a genuine webhook, sent at a moment, and its kind and ref.
    """

    connect: Callable[[Wrap | None], Connector]
    secret: str
    connect_wrongly: Callable[[], Connector] | None = None
    kind: str = ""
    extra: dict[str, Scalar] = field(default_factory=dict)
    moves: tuple[str, ...] = ()
    illegal: str = "no-such-status"
    campaign: str | None = None
    makes_campaigns: bool = False
    comments: Callable[[str], Awaitable[Sequence[str]]] | None = None
    webhook: Callable[[datetime], Webhook] | None = None
