"""Sealing plain data so that anybody may check who wrote it: compact JWS with Ed25519.

One algorithm (``Ed25519``, RFC 8037 and 9864), one type per use, one key per `kid`; whatever a
header asks for beyond that is refused before any key is touched (RFC 8725, 3.1, 3.10 and 3.11).
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Literal, NoReturn

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from measures.digest import canonical
from measures.errors import ConfigurationError, SluicegateError

ALGORITHM = "Ed25519"
CURVE: Literal["Ed25519"] = "Ed25519"
LONGEST = 2 * 1024 * 1024
"""The largest sealed text in characters, the most that a workflow hands out: a list of 15,000
measures with revoked permits. A longer one is not made, so that nothing is valid without it."""

_REGISTRY = jws.JWSRegistry(algorithms=[ALGORITHM])
# The library's own limit would refuse a list of a thousand measures.
_REGISTRY.max_payload_length = LONGEST

_SEALED = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_HEADER = {"alg", "kid", "typ"}
_PUBLIC_BYTES = 32


class UnsealedError(SluicegateError):
    """A text is not what one of these keys has sealed.

    Attributes:
        code: a stable name such as ``bad-signature``, for programs.
        message: what is wrong with it, for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def seal(content: Mapping[str, Any], kind: str, key: OKPKey) -> str:
    """Returns plain data as a signed text; the same data and key make the same text.

    Args:
        content: plain JSON data.
        kind: what it is, the header's ``typ``.
        key: an Ed25519 private key.
    """
    header = {"alg": ALGORITHM, "kid": key_id(key), "typ": kind}
    return jws.serialize_compact(header, canonical(content), key, registry=_REGISTRY)


def unseal(text: str, kind: str, keys: Mapping[str, OKPKey]) -> tuple[str, bytes]:
    """Returns which key sealed a text, and the JSON text of its content.

    Args:
        text: as `seal` made it.
        kind: what it must be.
        keys: the public keys that count, by `kid`.

    Raises:
        UnsealedError: ``malformed``, ``wrong-type``, ``wrong-algorithm``, ``unknown-key`` or
            ``bad-signature``; nothing in the text is to be believed then.
    """
    if len(text) > LONGEST or not _SEALED.fullmatch(text):
        raise UnsealedError("malformed", "it is not three parts of base64url with dots between")
    first, second, third = text.split(".")
    # Every other spelling of the same bytes would be a second text for one permit.
    decoded = [_decode(part) for part in (first, second, third)]
    header = read_object(decoded[0], "header")
    if set(header) != _HEADER or not all(isinstance(value, str) for value in header.values()):
        raise UnsealedError("malformed", "its header holds other things than alg, kid and typ")
    if header["alg"] != ALGORITHM:
        raise UnsealedError("wrong-algorithm", f"it is not signed with {ALGORITHM}")
    if header["typ"] != kind:
        raise UnsealedError("wrong-type", f"it is no {kind}")
    key = keys.get(header["kid"])
    if key is None:
        raise UnsealedError("unknown-key", "no published key has signed it")
    try:
        jws.deserialize_compact(text, key, registry=_REGISTRY)
    except (JoseError, ValueError) as error:
        raise UnsealedError("bad-signature", "its signature does not fit its content") from error
    read_object(decoded[1], "content")
    return header["kid"], decoded[1]


def read_object(text: bytes, what: str) -> dict[str, Any]:
    """Reads a JSON object in which no name is there twice.

    Raises:
        UnsealedError: ``malformed``.
    """
    try:
        content = json.loads(text.decode(), object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise UnsealedError("malformed", f"its {what} cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise UnsealedError("malformed", f"its {what} is no JSON object")
    return content


def key_id(key: OKPKey) -> str:
    """Returns the name of a key: the thumbprint of its public half (RFC 7638, SHA-256)."""
    return thumbprint(str(key.as_dict(private=False)["x"]))


def thumbprint(x: str) -> str:
    """Returns the RFC 7638 thumbprint of an Ed25519 public key.

    Args:
        x: the key as a JWK writes it.
    """
    members = canonical({"crv": CURVE, "kty": "OKP", "x": x})
    return _encode(hashlib.sha256(members).digest())


def public_key(x: str) -> OKPKey:
    """Returns the Ed25519 public key that a JWK writes as `x`.

    Raises:
        UnsealedError: ``malformed``.
    """
    if len(_decode(x)) != _PUBLIC_BYTES:
        raise UnsealedError("malformed", "a key is not 32 bytes long")
    return OKPKey.import_key({"kty": "OKP", "crv": CURVE, "x": x})


def new_key() -> OKPKey:
    """Returns a fresh Ed25519 private key from the system's random source."""
    return OKPKey.generate_key(CURVE)


def private_key(text: str, where: str) -> OKPKey:
    """Reads an Ed25519 private key, PEM (PKCS 8) or JWK.

    Args:
        text: the key; no part of it is ever shown.
        where: how messages call the place it comes from.

    Raises:
        ConfigurationError: it is none.
    """
    stripped = text.strip()
    try:
        given = json.loads(stripped) if stripped.startswith("{") else stripped
        key = OKPKey.import_key(given)
        fits = key.is_private and key.curve_name == CURVE
    except Exception:
        fits = False
    if not fits:
        raise ConfigurationError(
            f"{where} holds no Ed25519 private key; make one:"
            " openssl genpkey -algorithm ed25519 -out permit-key.pem"
        )
    return key


def _decode(part: str) -> bytes:
    try:
        content = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise UnsealedError("malformed", "a part of it is no base64url") from error
    if _encode(content) != part:
        raise UnsealedError("malformed", "a part of it is no canonical base64url")
    return content


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "a name is there twice"
        raise ValueError(msg)
    return found


def _refuse(name: str) -> NoReturn:
    msg = f"{name} is no JSON"
    raise ValueError(msg)
