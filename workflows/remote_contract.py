"""What crosses the border about remote objects: names, ids, messages.

The names are persisted in histories: never rename one.
"""

from typing import Any, Literal

from measures.answers import Refusal
from measures.model import Moment, Stored
from measures.people import ENGINE
from measures.remote import RemoteState, Side

REMOTE_WORKFLOW = "RemoteObject"

TELL_REMOTES = "tell_remotes"
ACT_ON_REMOTE = "act_on_remote"
BRING_REMOTE = "bring_remote"

REMOTE_ORDER = "remote_order"
REMOTE_CHANGED = "remote_changed"
TRY_NOW = "try_now"

RemoteVerb = Literal["look_up", "order", "brought", "lose_sight", "resume", "settle", "forget"]


class RemotesTelling(Stored):
    """Asks for a measure's remote objects to be told what it wants of them.

    Attributes:
        move: the mapping whose newest version the measure takes now; empty for none.
        by: who asks.
    """

    measure: str
    move: str = ""
    by: str = ENGINE


class RemotesTold(Stored):
    """What was told.

    Attributes:
        number: the measure's last entry that was considered.
        concerned: whether the measure has remote objects by any mapping.
        told: the ids of the objects that were told something new.
    """

    number: int
    concerned: bool
    told: tuple[str, ...] = ()


class RemoteStart(Stored):
    """How an object's workflow begins; without a state it goes on with what the ledger knows."""

    id: str
    state: RemoteState | None = None


class RemoteAct(Stored):
    """One piece of news for an object, to be decided and recorded.

    Attributes:
        ask: its model as plain data; see `measures.syncing` and `measures.remote`.
    """

    id: str
    verb: RemoteVerb
    ask: dict[str, Any] = {}
    at: Moment
    command: str


class RemoteRecord(Stored):
    """What came of it: the object's whole state, which is small."""

    state: RemoteState | None = None
    refused: Refusal | None = None


class RemoteNews(Stored):
    """That an object has changed in its system.

    Attributes:
        version: what it shows now; empty where that is not known.
        seen_at: when that was seen.
    """

    version: str = ""
    seen_at: Moment


class RemoteResume(Stored):
    """Asks for an object that went to and fro to be written again."""

    by: str
    reason: str


class RemoteForget(Stored):
    """Asks for an object to be left as it is, in step or not."""

    by: str
    reason: str


class RemoteSettle(Stored):
    """Decides whose value counts where the two sides of an object do not agree.

    Attributes:
        fields: about which fields; all that are asked about where it names none.
    """

    by: str
    side: Side
    fields: tuple[str, ...] = ()
    reason: str = ""


class RemoteAnswer(Stored):
    """What an object answers a person: whether the request was taken, and its state."""

    accepted: bool
    refused: str = ""
    message: str = ""
    state: RemoteState | None = None
