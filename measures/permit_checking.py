"""Whether a permit lets a campaign run now; pure, with everything it looks at handed in.

Default deny: what is missing, unreadable, too old or unknown is no. Nothing of a permit is
believed, or told, before its signature fits.
"""

from typing import Literal

from pydantic import ValidationError

from measures.delivery import used_up
from measures.model import Amount, Line, Model, Moment, Sha256, Stored
from measures.permit_keys import KeySet
from measures.permits import (
    PERMIT_TYPE,
    REVOCATIONS_TYPE,
    PermitClaims,
    RevocationList,
    audience,
    moment,
    seconds,
)
from measures.sealing import UnsealedError, unseal

LEEWAY = 30
"""The seconds that clocks may differ; RFC 7519 knows a small leeway, more would be a loophole."""

LARGEST_PERMIT = 8 * 1024
"""Characters; a permit has about 1,300."""

Code = Literal[
    "valid", "malformed", "wrong-type", "wrong-algorithm", "unknown-key", "bad-signature",
    "wrong-issuer", "retired-key", "wrong-campaign", "not-yet", "expired", "outside-window",
    "wrong-content", "content-not-shown", "volume-spent", "budget-spent", "revoked",
    "list-unreadable", "list-too-old",
]  # fmt: skip
"""What a check can say, for programs."""


class Asked(Model):
    """What somebody who holds a permit wants to run, as it is now.

    Attributes:
        campaign: the campaign's name in its system, or ``CONNECTOR/NAME``.
        at: the time of the check.
        content: the SHA-256 of what is shown to people; None when it is not shown here.
        spent_volume: how many people it has reached so far.
        spent_budget: how much it has spent so far.
        issuer: whose permits count.
    """

    campaign: Line
    at: Moment
    content: Sha256 | None = None
    spent_volume: Amount = 0
    spent_budget: Amount = 0
    issuer: Line = "sluicegate"


class Checked(Stored):
    """What a check found.

    Attributes:
        valid: whether the campaign may run.
        code: why not, for programs; ``valid`` otherwise.
        message: the same for people, with what to do.
        claims: what the permit says; None unless its signature fits.
    """

    valid: bool
    code: Code
    message: str
    claims: PermitClaims | None = None


def check(permit: str, keys: KeySet, revocations: RevocationList, asked: Asked) -> Checked:
    """Tells whether a permit lets a campaign run.

    Args:
        permit: the signed text.
        keys: the public keys.
        revocations: which permits have ended; see `read_revocations` for one from a file.
        asked: what is to run.
    """
    text = permit.strip()
    now = seconds(asked.at)
    try:
        if len(text) > LARGEST_PERMIT:
            raise UnsealedError("malformed", f"it has more than {LARGEST_PERMIT} characters")
        kid, content = unseal(text, PERMIT_TYPE, keys.public)
        claims = _claims(content)
    except UnsealedError as error:
        return _no(error.code, f"this is no permit: {error.message}", None)
    faults = (
        _of_the_key(claims, keys, kid, now)
        or _of_the_campaign(claims, asked)
        or _of_the_time(claims, now)
        or _of_the_list(claims, revocations, now)
        or _of_what_runs(claims, asked)
    )
    if faults is not None:
        return _no(*faults, claims)
    left = moment(claims.exp)
    return Checked(
        valid=True,
        code="valid",
        message=f"{claims.jti} lets {claims.aud} run until {left:%Y-%m-%d %H:%M} UTC",
        claims=claims,
    )


def read_revocations(text: str, keys: KeySet, asked: Asked) -> RevocationList:
    """Reads a signed list of revoked permits.

    Whether it is too old is told by `check`.

    Raises:
        UnsealedError: it is not one, or one by somebody else.
    """
    kid, content = unseal(text.strip(), REVOCATIONS_TYPE, keys.public)
    try:
        listed = RevocationList.model_validate_json(content)
    except ValidationError as error:
        raise UnsealedError("malformed", "it says what no list says") from error
    if listed.iss != asked.issuer:
        raise UnsealedError("wrong-issuer", f"{listed.iss} issued it, not {asked.issuer}")
    if why := keys.why_not(kid, listed.iat, seconds(asked.at)):
        raise UnsealedError("retired-key", why)
    return listed


_Fault = tuple[str, str] | None


def _claims(content: bytes) -> PermitClaims:
    try:
        return PermitClaims.model_validate_json(content)
    except ValidationError as error:
        raise UnsealedError("malformed", "it says what no permit of this release says") from error


def _of_the_key(claims: PermitClaims, keys: KeySet, kid: str, now: int) -> _Fault:
    why = keys.why_not(kid, claims.iat, now)
    return ("retired-key", f"{why}; ask for a new permit") if why else None


def _of_the_campaign(claims: PermitClaims, asked: Asked) -> _Fault:
    if claims.iss != asked.issuer:
        return "wrong-issuer", f"{claims.iss} issued it, not {asked.issuer}"
    campaign = claims.campaign
    named = audience(campaign.connector, campaign.ref)
    if claims.aud != named or asked.campaign not in (named, campaign.ref):
        return "wrong-campaign", f"it is for {claims.aud}, not for {asked.campaign}"
    return None


def _of_the_time(claims: PermitClaims, now: int) -> _Fault:
    if now < max(claims.nbf, claims.iat) - LEEWAY:
        return "not-yet", f"it is valid from {moment(claims.nbf):%Y-%m-%d %H:%M} UTC on"
    if now >= claims.exp + LEEWAY:
        return (
            "expired",
            f"it ran out at {moment(claims.exp):%Y-%m-%d %H:%M} UTC;"
            f" ask for a new one: sluice permit issue {claims.measure}",
        )
    today = moment(now).date()
    if not claims.campaign.launch_on <= today <= claims.campaign.ends_on:
        return (
            "outside-window",
            f"the campaign may run from {claims.campaign.launch_on} to {claims.campaign.ends_on}",
        )
    return None


def _of_the_list(claims: PermitClaims, listed: RevocationList, now: int) -> _Fault:
    if now >= listed.exp + LEEWAY or listed.iat > now + LEEWAY:
        return (
            "list-too-old",
            f"the list of revoked permits is of {moment(listed.iat):%Y-%m-%d %H:%M} UTC and counts"
            f" until {moment(listed.exp):%Y-%m-%d %H:%M} UTC; get one: sluice permit bundle",
        )
    line = listed.ended(claims)
    if line is None:
        return None
    since = f"{moment(line.at):%Y-%m-%d %H:%M} UTC"
    return "revoked", f"it was ended at {since} ({line.why}); ask: sluice explain {claims.measure}"


def _of_what_runs(claims: PermitClaims, asked: Asked) -> _Fault:
    if claims.content is not None and asked.content is None:
        return "content-not-shown", "it is bound to a content; show it: --content FILE"
    if asked.content is not None and asked.content != claims.content:
        return (
            "wrong-content",
            "it was not granted for this content; ask for a permit for it:"
            f" sluice permit issue {claims.measure} --content FILE",
        )
    return used_up(
        volume=claims.campaign.volume,
        budget=claims.campaign.budget,
        reached=asked.spent_volume,
        spent=asked.spent_budget,
    )


def _no(code: str, message: str, claims: PermitClaims | None) -> Checked:
    return Checked.model_validate(
        {"valid": False, "code": code, "message": message, "claims": claims}
    )
