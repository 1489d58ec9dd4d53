"""The launch permit: what it says, what a measure remembers of it, which no longer count.

A permit is a signed text that others check without asking anybody. It says which campaign may
run, when, how large and with which content, and on which verdict that rests. It lives a day or
so; while the launch gate still passes, the measure has it renewed.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import Field

from measures.model import Amount, Id, Line, Model, Moment, Sha256, Stored, midnight_after
from measures.plan import Measure

PERMIT_TYPE = "sluice-permit+jwt"
REVOCATIONS_TYPE = "sluice-revocations+jwt"
"""What the headers say, so that one is never taken for the other (RFC 8725, 3.11)."""

PERMIT_KEY = "PermitKey"
"""The kind under which the ledger keeps public keys; nobody applies it."""

LONGEST_LIFETIME = timedelta(days=7)
"""No permit is valid for longer; so a list needs to look back no further."""

RENEWED_AFTER = 0.75
"""The part of a permit's time after which it is renewed; the rest is for trying again."""

Seconds = Annotated[int, Field(ge=0, le=253_402_300_799)]
"""A NumericDate of RFC 7519 without fractions: seconds since 1970, up to the year 9999."""

Why = Literal[
    "revoked", "gate-shut", "hold", "cancelled", "stepped-back", "plan-changed", "replaced",
    "closed", "expired", "guardrail", "volume-spent", "budget-spent",
]  # fmt: skip
"""Why a permit ended, for programs; reasons in words stay in the ledger."""


class PermittedCampaign(Model):
    """What may run: the campaign as planned.

    Attributes:
        connector: the connected system that runs it
        ref: the name of the campaign in that system
        launch_on: the first day (UTC) on which it may run
        ends_on: the last day (UTC) on which it may run
        budget: the most it may spend
        volume: the most people it may reach
    """

    connector: Id
    ref: Line
    launch_on: date
    ends_on: date
    budget: Amount | None = None
    volume: Amount | None = None


class PermitClaims(Model):
    """What a permit says; unknown claims are refused rather than passed over.

    Attributes:
        iss: who issued it
        sub: the measure's stream, ``measure:ID``
        aud: for which campaign: ``CONNECTOR/REF``
        jti: the permit's name: the measure's id and the entry that granted it
        iat: when it was issued
        nbf: from when it is valid
        exp: from when it is no longer valid
        entry: the number of the entry in the measure's life that granted it
        campaign: what may run
        plan: the digest of the whole plan
        content: the SHA-256 of what is shown to people, where the asker gave it
        verdict: the digest of the verdict of the launch gate
        pack: the digest of the packs that judged
        facts: the digest of the facts that were judged
    """

    iss: Line
    sub: Line
    aud: Line
    jti: Line
    iat: Seconds
    nbf: Seconds
    exp: Seconds
    entry: Annotated[int, Field(ge=1)]
    campaign: PermittedCampaign
    plan: Sha256
    content: Sha256 | None = None
    verdict: Sha256
    pack: Sha256
    facts: Sha256

    @property
    def measure(self) -> str:
        """The measure's id."""
        return self.sub.partition(":")[2]


class Permit(Stored):
    """That a campaign may launch, by which verdict and until when.

    Attributes:
        id: its name; empty when a release without signed permits granted it.
        number: the entry that granted it.
        expires_at: from when it no longer stands; None for one of an older release.
        renew_at: when it is to be renewed; None when its window ends before that.
        last_expiry: when the last of it and those renewed by it runs out.
        content: the SHA-256 of what is shown to people, where the asker gave it.
        token: the signed text.
    """

    by: str
    at: Moment
    pack_digest: str
    facts_digest: str
    id: str = ""
    number: int = 0
    expires_at: Moment | None = None
    renew_at: Moment | None = None
    last_expiry: Moment | None = None
    content: str | None = None
    token: str = ""


class PermitEnd(Stored):
    """How the latest permit of a measure ended.

    Attributes:
        permit: its name.
        why, reason: why, for programs and for people.
        by: the person who ended it, or ``engine``.
    """

    permit: str
    why: str
    reason: str = ""
    by: str
    at: Moment


class RevokedPermits(Model):
    """That permits of a measure no longer count.

    Attributes:
        measure: whose
        through: the last entry whose permit is revoked; every earlier one is too
        at: since when
        why: why, for programs
        until: when the last of them would have run out; after that the line is left out
    """

    measure: Id
    through: Annotated[int, Field(ge=1)]
    at: Seconds
    why: Line
    until: Seconds


class RevocationList(Model):
    """Every permit that was ended before its time and has not run out yet, as of a moment.

    Attributes:
        iss: who issued it
        iat: as of when
        exp: from when it is too old to be believed
        revoked: one line per measure
    """

    iss: Line
    iat: Seconds
    exp: Seconds
    revoked: tuple[RevokedPermits, ...] = ()

    def ended(self, claims: PermitClaims) -> RevokedPermits | None:
        """Returns the line that ends a permit; None when there is none."""
        for line in self.revoked:
            if line.measure == claims.measure and claims.entry <= line.through:
                return line
        return None


class PermitKey(Stored):
    """A public key as the ledger keeps it.

    Attributes:
        kid: its name, the RFC 7638 thumbprint.
        x: the key as a JWK writes it.
        retired_at: since when nothing more is signed with it; None while something may be.
        verify_until: when what it has signed no longer counts; None while it may sign.
    """

    kid: str
    x: str
    retired_at: Moment | None = None
    verify_until: Moment | None = None


def seconds(moment: datetime) -> int:
    """Returns a moment as a NumericDate, the fraction cut off."""
    return int(moment.timestamp())


def moment(numeric: int) -> datetime:
    """Returns a NumericDate as a moment in UTC."""
    return datetime.fromtimestamp(numeric, UTC)


def audience(connector: str, ref: str) -> str:
    """Returns the audience of a campaign's permits."""
    return f"{connector}/{ref}"


def window_of(plan: Measure) -> tuple[datetime, datetime]:
    """Returns from when, and up to when, a plan's campaign may run; its days are UTC days."""
    campaign = plan.campaign
    assert campaign is not None, "only a campaign has a window"
    begins = datetime.combine(campaign.launch_on, time(), UTC)
    return begins, midnight_after(campaign.ends_on)


def merged(lines: Iterable[RevokedPermits]) -> tuple[RevokedPermits, ...]:
    """Returns one line per measure, which ends what all its lines end; sorted by measure."""
    latest: dict[str, RevokedPermits] = {}
    for line in lines:
        known = latest.get(line.measure)
        if known is None:
            latest[line.measure] = line
            continue
        newer, older = (line, known) if line.through >= known.through else (known, line)
        until = max(newer.until, older.until)
        latest[line.measure] = newer.model_copy(update={"until": until})
    return tuple(latest[name] for name in sorted(latest))
