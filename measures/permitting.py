"""What happens to a launch permit: granted, renewed, revoked, run out; pure.

A permit stands as long as the measure's state holds it. Whatever ends it writes that down, so
that the list of revoked permits can be made from the ledger alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from measures.digest import digest
from measures.directory import Directory
from measures.drafting import Drafting
from measures.duties import refuse_uninvolved
from measures.entry import Draft, EntryKind, measure_stream
from measures.errors import RefusedError
from measures.judging import since_when
from measures.people import ENGINE, OPERATOR
from measures.permits import (
    RENEWED_AFTER,
    Permit,
    PermitClaims,
    PermittedCampaign,
    Why,
    audience,
    moment,
    seconds,
    window_of,
)
from measures.requests import RevokePermitInput
from measures.state import LaunchWait, MeasureState
from measures.verdict import Verdict


@dataclass(frozen=True)
class Issuer:
    """Who issues permits, for how long, and how they are signed.

    Attributes:
        name: the `iss` of every permit.
        lifetime: how long one is valid where its window does not end before.
        kid: the name of the key that signs.
        sign: makes the signed text; the same claims make the same text.
    """

    name: str
    lifetime: timedelta
    kid: str
    sign: Callable[[PermitClaims], str]


def launch_judged(
    state: MeasureState,
    verdict: Verdict,
    *,
    by: str,
    command: str,
    issuer: Issuer | None = None,
    content: str | None = None,
    asker: str | None = None,
) -> list[Draft]:
    """Drafts the answer to a request for the launch permit.

    One that stands is renewed when it is bound to the same content, and replaced by one for other
    content. Who names none keeps the content of the one that stands or stood last, or of the launch
    that waits: a permit never becomes valid for any content by being asked for again; revoke it
    first.

    Args:
        issuer: signs it; without one the permit is only in the measure's state.
        content: the SHA-256 of what is shown to people, where the asker gives it.
        asker: who waits if it is denied for what clears by itself; `by` unless it is named.

    Raises:
        RefusedError: ``window-over`` when there is no time left to run in.
    """
    drafting = Drafting(state, by=by, at=verdict.at, command=command)
    standing = state.permit
    bound = standing or state.launch_waits
    if content is None:
        content = (bound.content if bound is not None else None) or state.bound_to
    if verdict.passed:
        if standing is not None and standing.id and standing.content != content:
            drafting.end_permit(standing, "replaced")
        _grant(drafting, verdict, issuer, content)
    else:
        _write_verdict(drafting, "permit_denied", verdict, _waits(verdict, asker or by, content))
        rules = ", ".join(verdict.blocking_rules)
        drafting.end_permit(standing, "gate-shut", f"the launch gate is shut: {rules}")
    return drafting.drafts


def renewed(state: MeasureState, verdict: Verdict, *, command: str, issuer: Issuer) -> list[Draft]:
    """Drafts what becomes of a standing permit when its gate has been judged again.

    A shut gate ends it at once. Where nobody can tell (stale facts, a judge that does not answer)
    it is not renewed, but what was granted on good facts stands until it runs out.
    """
    permit = state.permit
    if permit is None or permit.expires_at is None:
        return []
    now = verdict.at
    due = permit.renew_at is not None and now >= permit.renew_at
    if verdict.passed and due:
        drafting = Drafting(state, by=ENGINE, at=now, command=command)
        _grant(drafting, verdict, issuer, permit.content)
        return drafting.drafts
    if now >= permit.expires_at:
        return ended(state, "expired", "nobody renewed it", by=ENGINE, at=now, command=command)
    if verdict.verdict == "block":
        return launch_judged(
            state, verdict, by=ENGINE, asker=permit.by, command=command, content=permit.content
        )
    return []


def asked_again(
    state: MeasureState, verdict: Verdict, *, command: str, issuer: Issuer
) -> list[Draft]:
    """Drafts the answer to a launch that waited; nothing while it waits for the same."""
    waits = state.launch_waits
    if waits is None:
        return []
    before = state.last_verdict
    same = before is not None and before.gate == verdict.gate
    if not verdict.passed and same and before is not None:
        unmoved = [b.subject for b in before.blockers] == [b.subject for b in verdict.blockers]
        if unmoved and waits.look_at == verdict.look_again_at:
            return []
    return launch_judged(
        state,
        verdict,
        by=waits.by if verdict.passed else ENGINE,
        asker=waits.by,
        command=command,
        issuer=issuer,
        content=waits.content,
    )


_CLEARS_ITSELF = ("blackout", "audience_conflict", "launch", "link", "surge")
"""What a launch waits for: kinds of fact that end by themselves, elsewhere, or by one word."""


def _waits(verdict: Verdict, by: str, content: str | None) -> dict[str, Any]:
    """Returns who waits, where all that is in the way clears without asking again."""
    kinds = {blocker.subject.partition(":")[0] for blocker in verdict.blockers}
    if not kinds <= set(_CLEARS_ITSELF):
        return {}
    if any(b.answer != "block" and not b.subject.startswith("link:") for b in verdict.blockers):
        return {}  # of these facts only what another system shows becomes known by itself
    wait = LaunchWait(by=by, content=content, look_at=verdict.look_again_at)
    return {"waits": wait.model_dump(mode="json")}


def revoke(
    state: MeasureState,
    ask: RevokePermitInput,
    directory: Directory,
    at: datetime,
    command: str,
) -> list[Draft]:
    """Drafts the end of a permit before its time.

    Raises:
        RefusedError: ``no-permit``, ``unknown-permit`` or ``not-entitled``.
    """
    if ask.by != ENGINE:
        refuse_uninvolved(state.plan, directory, ask.by, "revoke its permit", (OPERATOR,))
    permit = state.permit
    if permit is None:
        raise RefusedError("no-permit", f"measure {state.id} has no permit that could be revoked")
    if ask.permit is not None and ask.permit != permit.id:
        raise RefusedError(
            "unknown-permit",
            f"measure {state.id}: {ask.permit} is not its permit, that is {permit.id}",
        )
    return ended(state, "revoked", ask.reason, by=ask.by, at=at, command=command)


def ended(
    state: MeasureState, why: Why, reason: str, *, by: str, at: datetime, command: str
) -> list[Draft]:
    """Drafts that the standing permit has ended."""
    drafting = Drafting(state, by=by, at=at, command=command)
    drafting.end_permit(state.permit, why, reason)
    return drafting.drafts


def next_permit_due(permit: Permit | None, tried_at: datetime | None) -> datetime | None:
    """Returns when a permit must be looked at next: renewed, or else ended.

    Args:
        permit: the standing one.
        tried_at: when it was last tried to renew it; once tried, it is tried again at its end.
    """
    if permit is None or permit.expires_at is None:
        return None
    if permit.renew_at is not None and (tried_at is None or tried_at < permit.renew_at):
        return permit.renew_at
    return permit.expires_at


def _grant(
    drafting: Drafting, verdict: Verdict, issuer: Issuer | None, content: str | None
) -> None:
    extra: dict[str, Any] = {}
    if issuer is not None:
        claims = _claims(drafting.state, verdict, issuer, content)
        extra = _remembered(drafting.state.permit, claims, window_of(drafting.state.plan)[1])
        extra |= {"kid": issuer.kid, "token": issuer.sign(claims)}
    _write_verdict(drafting, "permit_granted", verdict, extra)


def _write_verdict(
    drafting: Drafting, kind: EntryKind, verdict: Verdict, extra: dict[str, Any]
) -> None:
    verdict = since_when(drafting.state, verdict)
    drafting.write(
        kind,
        {"verdict": verdict.model_dump(mode="json"), **extra},
        facts_digest=verdict.facts_digest,
        pack_digest=verdict.pack_digest,
    )


def _claims(
    state: MeasureState, verdict: Verdict, issuer: Issuer, content: str | None
) -> PermitClaims:
    campaign = state.plan.campaign
    assert campaign is not None, "only a campaign asks for a permit"
    opens, closes = window_of(state.plan)
    begins = max(verdict.at, opens)
    ends = min(begins + issuer.lifetime, closes)
    if seconds(ends) <= seconds(begins):
        raise RefusedError(
            "window-over",
            f"measure {state.id}: {campaign.ref} may run until {campaign.ends_on}, which is over",
        )
    number = state.number + 1
    fields = set(PermittedCampaign.model_fields)
    return PermitClaims(
        iss=issuer.name,
        sub=measure_stream(state.id),
        aud=audience(campaign.connector, campaign.ref),
        jti=f"{state.id}/{number}",
        iat=seconds(verdict.at),
        nbf=seconds(begins),
        exp=seconds(ends),
        entry=number,
        campaign=PermittedCampaign(**campaign.model_dump(include=fields)),
        plan=digest(state.plan.model_dump(mode="json", by_alias=True)),
        content=content,
        verdict=digest(since_when(state, verdict).model_dump(mode="json")),
        pack=verdict.pack_digest,
        facts=verdict.facts_digest,
    )


def _remembered(before: Permit | None, claims: PermitClaims, closes: datetime) -> dict[str, Any]:
    """Returns what the measure's state keeps of a permit, as the entry says it."""
    begins, expires_at = moment(claims.nbf), moment(claims.exp)
    earlier = before.last_expiry if before is not None else None
    renew_at = begins + (expires_at - begins) * RENEWED_AFTER
    return {
        "permit": claims.model_dump(mode="json"),
        "expires_at": expires_at.isoformat(),
        "renew_at": renew_at.isoformat() if expires_at < closes else None,
        "last_expiry": max(earlier or expires_at, expires_at).isoformat(),
    }
