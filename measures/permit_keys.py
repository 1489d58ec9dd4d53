"""The public keys of permits, as a JWKS (RFC 7517) hands them to whoever checks."""

from collections.abc import Mapping
from typing import Any

from joserfc.jwk import OKPKey

from measures.errors import ConfigurationError
from measures.permits import PermitKey, moment, seconds
from measures.sealing import ALGORITHM, CURVE, UnsealedError, public_key, read_object, thumbprint

LARGEST_KEY_SET = 256 * 1024


class KeySet:
    """The public keys that count, and until when those that are retired do.

    Args:
        keys: what was published.
    """

    def __init__(self, keys: Mapping[str, PermitKey]) -> None:
        self.known = dict(keys)
        self.public: dict[str, OKPKey] = {kid: public_key(key.x) for kid, key in keys.items()}

    def why_not(self, kid: str, issued: int, now: int) -> str:
        """Says why what a known key has signed does not count; empty when it does."""
        key = self.known[kid]
        if key.retired_at is None or key.verify_until is None:
            return ""
        if issued > seconds(key.retired_at):
            return f"its key was retired on {key.retired_at:%Y-%m-%d}, before it was issued"
        if now >= seconds(key.verify_until):
            return f"its key no longer counts since {key.verify_until:%Y-%m-%d %H:%M} UTC"
        return ""


def read_key_set(text: str) -> KeySet:
    """Reads public keys as a JWKS (RFC 7517) holds them; keys of other kinds are passed over.

    Raises:
        ConfigurationError: it is none, holds a private key, or a key under a wrong name.
    """
    try:
        if len(text) > LARGEST_KEY_SET:
            raise UnsealedError("malformed", f"it has more than {LARGEST_KEY_SET} characters")
        listed = read_object(text.encode(errors="replace"), "text").get("keys")
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise UnsealedError("malformed", "it has no list of keys")
        keys: dict[str, PermitKey] = {}
        for one in listed:
            if {"d", "k", "p", "q"} & one.keys():
                raise UnsealedError("malformed", "it holds a private key: never pass this file on")
            if not _is_ours(one):
                continue
            key = _public(one)
            if key.kid in keys:
                raise UnsealedError("malformed", f"it holds the key {key.kid} twice")
            keys[key.kid] = key
        return KeySet(keys)
    except UnsealedError as error:
        raise ConfigurationError(
            f"these are no public keys: {error.message}; get them: sluice permit keys publish"
        ) from error


def key_set_of(keys: Mapping[str, PermitKey]) -> dict[str, Any]:
    """Returns public keys as a JWKS.

    A retired key has ``exp``, from when it no longer counts, and ``revoked``, since when nothing
    is signed with it, as OpenID Federation 1.0 (historical keys) has them.
    """
    listed: list[dict[str, Any]] = []
    for key in keys.values():
        jwk: dict[str, Any] = {
            "kty": "OKP",
            "crv": CURVE,
            "x": key.x,
            "kid": key.kid,
            "alg": ALGORITHM,
            "use": "sig",
        }
        if key.retired_at is not None and key.verify_until is not None:
            jwk["exp"] = seconds(key.verify_until)
            jwk["revoked"] = {"revoked_at": seconds(key.retired_at)}
        listed.append(jwk)
    return {"keys": listed}


def _is_ours(jwk: Mapping[str, Any]) -> bool:
    return (
        (jwk.get("kty"), jwk.get("crv")) == ("OKP", CURVE)
        and jwk.get("alg", ALGORITHM) in (ALGORITHM, "EdDSA")
        and jwk.get("use", "sig") == "sig"
        and "verify" in jwk.get("key_ops", ["verify"])
    )


def _public(jwk: Mapping[str, Any]) -> PermitKey:
    x, revoked = jwk.get("x"), jwk.get("revoked", {})
    if not isinstance(x, str) or jwk.get("kid") != thumbprint(x):
        raise UnsealedError("malformed", "a key's kid is not its RFC 7638 thumbprint")
    public_key(x)
    retired_at = revoked.get("revoked_at") if isinstance(revoked, dict) else None
    until = jwk.get("exp")
    if (retired_at is None) != (until is None):
        raise UnsealedError("malformed", f"the key {jwk['kid']} is half retired")
    try:
        return PermitKey(
            kid=thumbprint(x),
            x=x,
            retired_at=None if retired_at is None else moment(retired_at),
            verify_until=None if until is None else moment(until),
        )
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise UnsealedError("malformed", f"the key {jwk['kid']} has no such dates") from error
