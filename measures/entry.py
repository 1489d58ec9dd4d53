"""What is written down: facts in the past tense, one after the other, per stream.

A stream is the life of one thing (``measure:spring-signups``, ``pool:kyc``,
``document:Person/olga``). Its state is nothing but its entries folded in order, so the ledger
alone is enough to start everything again.
"""

from typing import Any, Literal

from measures.model import Moment, Stored

EntryKind = Literal[
    # documents
    "document_applied",
    # a measure's life
    "measure_defined",
    "measure_amended",
    "gate_judged",
    "stage_advanced",
    "stage_stepped_back",
    "signed_off",
    "sign_offs_voided",
    "reported",
    "capacity_reserved",
    "capacity_released",
    "permit_granted",
    "permit_denied",
    "guardrail_breached",
    "permit_revoked",
    "permit_expired",
    "campaign_told",
    "hold_placed",
    "hold_released",
    "measure_cancelled",
    "reminder_sent",
    "escalation_sent",
    "pack_migrated",
    "blocker_waived",
    "waiver_revoked",
    "waiver_expired",
    "surge_confirmed",
    "surge_declined",
    "queue_simulated",
    # a pool's life
    "pool_opened",
    "pool_changed",
    "capacity_reported",
    "reservation_made",
    "reservation_dropped",
    "reservation_expired",
    "queue_joined",
    "queue_left",
    "load_reported",
    "throttle_decided",
    # a launch's life
    "launch_opened",
    "launch_wanted",
    "launch_paused",
    "launch_unpaused",
    "share_ordered",
    "ramp_step_reached",
    "ramp_judged",
    "campaign_observed",
    "campaign_unconfirmed",
    "campaign_put_back",
    "launch_escalated",
    "launch_ended",
    # a remote object's life
    "remote_wanted",
    "remote_written",
    "remote_unreachable",
    "remote_observed",
    "remote_reverted",
    "remote_flagged",
    "remote_taken",
    "remote_asked",
    "remote_suspended",
    "remote_resumed",
    "remote_settled",
    "remote_ended",
    # what other systems show
    "object_observed",
    "object_forgotten",
    "connection_lost",
    "connection_restored",
]
"""The kinds of entry. They are persisted: never rename one, never give one another meaning."""


class Draft(Stored):
    """An entry before the ledger gave it its place.

    Attributes:
        stream: whose life it belongs to.
        number: its place in that life, from 1, without gaps.
        kind: what happened.
        at: when, by the clock of the workflow that decided it.
        by: the person who caused it, or ``engine``.
        command: the id of the request that caused it; the same request never makes a second one.
        body: the details, plain JSON.
        facts_digest, pack_digest: what a decision was judged on and by.
    """

    stream: str
    number: int
    kind: EntryKind
    at: Moment
    by: str
    command: str
    body: dict[str, Any] = {}
    facts_digest: str = ""
    pack_digest: str = ""


class Entry(Draft):
    """An entry in its place.

    Attributes:
        position: its place in the whole ledger, from 1, without gaps.
        previous: the hash of the entry before it in the ledger, or 64 zeros.
        hash: SHA-256 over the canonical JSON of everything above, `previous` included.
    """

    position: int
    previous: str
    hash: str


GENESIS = "0" * 64
"""What the first entry of a ledger follows."""

_REMEMBERED = 64
"""How many requests a life remembers."""


def refuse_gap(entry: Draft, number: int) -> None:
    """Refuses an entry that does not follow the one before it.

    Args:
        entry: the next one.
        number: that of the one before; 0 when there is none.

    Raises:
        ValueError: one is missing, or it is there already.
    """
    if entry.number != number + 1:
        msg = f"{entry.stream}: entry {entry.number} cannot follow entry {number}"
        raise ValueError(msg)


def remembered(commands: tuple[str, ...], entry: Draft) -> tuple[str, ...]:
    """Returns the latest requests of a life, oldest first, so that a repeated one changes nothing.

    Temporal itself forgets update ids at continue-as-new and with a lost server.
    """
    known = commands if entry.command in commands else (*commands, entry.command)
    return known[-_REMEMBERED:]


def measure_stream(measure: str) -> str:
    """Returns the stream of a measure; also the id of its workflow."""
    return f"measure:{measure}"


def pool_stream(pool: str) -> str:
    """Returns the stream of a pool; also the id of its workflow."""
    return f"pool:{pool}"


def launch_stream(ref: str) -> str:
    """Returns the stream of a campaign's launch; also the id of its workflow."""
    return f"launch:{ref}"


def remote_stream(remote: str) -> str:
    """Returns the stream of a remote object, by its whole id; also the id of its workflow."""
    return f"remote:{remote}"


def object_stream(connection: str, kind: str, ref: str) -> str:
    """Returns the stream of what was observed of an object in a connected system."""
    return f"object:{connection}/{kind}/{ref}"


def connection_stream(connection: str) -> str:
    """Returns the stream of whether a connected system is heard."""
    return f"connection:{connection}"


def document_stream(kind: str, name: str) -> str:
    """Returns the stream of a document's versions."""
    return f"document:{kind}/{name}"


def subject_of(stream: str) -> str:
    """Returns the id of the thing whose life a stream is."""
    return stream.partition(":")[2]
