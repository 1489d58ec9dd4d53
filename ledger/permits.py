"""What the ledger knows of permits: public keys, which stand, which no longer count."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ledger.reading import Reader
from measures.entry import Entry, subject_of
from measures.model import restore
from measures.permits import (
    LONGEST_LIFETIME,
    PERMIT_KEY,
    PermitKey,
    RevokedPermits,
    audience,
    merged,
    seconds,
)
from measures.state import MeasureState

ENDINGS = ("permit_revoked", "permit_expired")
_CLOCKS_APART = timedelta(days=1)
"""How far the clocks of those who write entries may lie apart, generously."""

_LISTED_AFTER = timedelta(hours=1)
"""How long after its end a permit stays listed: whose clock is late must not find it valid."""


def permit_keys(reader: Reader) -> list[PermitKey]:
    """Returns every public key that was ever published, by its name."""
    return [restore(PermitKey, document.body) for document in reader.documents(PERMIT_KEY)]


def revoked_permits(reader: Reader, now: datetime) -> tuple[RevokedPermits, ...]:
    """Returns which permits have ended although their date has not come, one line per measure."""
    since = now - LONGEST_LIFETIME - _CLOCKS_APART
    return merged(
        line
        for entry in reader.entries(kinds=ENDINGS, since=since)
        if (line := _line(entry)) is not None and line.until >= seconds(now - _LISTED_AFTER)
    )


def standing_permits(reader: Reader) -> Iterator[MeasureState]:
    """Yields the measures that have a permit, in the order of their latest grants."""
    streams: dict[str, None] = {}
    for entry in reader.entries(kinds=("permit_granted",)):
        streams.pop(entry.stream, None)
        streams[entry.stream] = None
    for stream in streams:
        state = reader.measure(subject_of(stream))
        if state is not None and state.permit is not None:
            yield state


def measures_of_campaign(reader: Reader, name: str) -> list[str]:
    """Returns the measures that have not ended and whose campaign has a name.

    Args:
        reader: the ledger.
        name: the campaign's name in its system, or ``CONNECTOR/NAME``.
    """
    found = []
    for stream, _ in reader.running():
        kind, _, measure = stream.partition(":")
        state = reader.measure(measure) if kind == "measure" else None
        campaign = state.plan.campaign if state is not None else None
        if campaign and name in (campaign.ref, audience(campaign.connector, campaign.ref)):
            found.append(measure)
    return found


def last_expiry(reader: Reader, kid: str, now: datetime) -> datetime:
    """Returns when the last permit that a key has signed runs out; now when none is left."""
    since = now - LONGEST_LIFETIME - _CLOCKS_APART
    ends = [
        datetime.fromisoformat(entry.body["expires_at"])
        for entry in reader.entries(kinds=("permit_granted",), since=since)
        if entry.body.get("kid") == kid
    ]
    return max([now, *ends])


def _line(entry: Entry) -> RevokedPermits | None:
    body = entry.body
    if not body.get("through") or not body.get("until"):
        return None  # of a release whose permits nobody could hold in their hands
    return RevokedPermits(
        measure=subject_of(entry.stream),
        through=body["through"],
        at=seconds(entry.at),
        why=body["why"],
        until=seconds(datetime.fromisoformat(body["until"])),
    )
