"""Sealed texts: what one key sealed is read back, and nothing else ever is."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from measures.errors import ConfigurationError
from measures.sealing import (
    UnsealedError,
    key_id,
    new_key,
    private_key,
    public_key,
    seal,
    thumbprint,
    unseal,
)

KIND = "sluice-permit+jwt"
KEY = new_key()
STRANGER = new_key()
X = str(KEY.as_dict(private=False)["x"])
KEYS = {key_id(KEY): public_key(X)}
CONTENT: dict[str, Any] = {"sub": "measure:spring", "exp": 1_900_000_000}
GOOD = seal(CONTENT, KIND, KEY)


def b64(content: bytes | str) -> str:
    """Base64url without padding."""
    raw = content.encode() if isinstance(content, str) else content
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Any, content: bytes | str, key: OKPKey = KEY) -> str:
    """Any header and content, with a signature that fits."""
    head = header if isinstance(header, str) else json.dumps(header)
    text = f"{b64(head)}.{b64(content)}"
    return f"{text}.{b64(key.private_key.sign(text.encode()))}"  # type: ignore[union-attr]


def hs256(secret: bytes) -> str:
    """The trick of signing by HMAC with what everybody has: the public key."""
    header = {"alg": "HS256", "kid": key_id(KEY), "typ": KIND}
    text = f"{b64(json.dumps(header))}.{b64(json.dumps(CONTENT))}"
    return f"{text}.{b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def with_header(**changed: Any) -> str:
    """A text with another header, and a signature over it by the right key."""
    header = {"alg": "Ed25519", "kid": key_id(KEY), "typ": KIND, **changed}
    return signed(header, json.dumps(CONTENT))


def other_part(number: int, part: str) -> str:
    """The good text with one part replaced."""
    parts = GOOD.split(".")
    parts[number] = part
    return ".".join(parts)


HEADER = GOOD.split(".")[0]
HEAD = '{"alg":"Ed25519","kid":"' + key_id(KEY) + '","typ":"' + KIND + '"'

ATTACKS = {
    "no algorithm": (with_header(alg="none"), "wrong-algorithm"),
    "no algorithm, no signature": (
        f"{b64(json.dumps({'alg': 'none', 'typ': KIND, 'kid': key_id(KEY)}))}."
        f"{b64(json.dumps(CONTENT))}.",
        "malformed",
    ),
    "no algorithm, any case": (with_header(alg="nOnE"), "wrong-algorithm"),
    "HMAC with the public key": (hs256(X.encode()), "wrong-algorithm"),
    "HMAC with the raw public key": (hs256(base64.urlsafe_b64decode(X + "=")), "wrong-algorithm"),
    "the old name of the algorithm": (with_header(alg="EdDSA"), "wrong-algorithm"),
    "another kind of text": (seal(CONTENT, "sluice-revocations+jwt", KEY), "wrong-type"),
    "a plain JWT": (with_header(typ="JWT"), "wrong-type"),
    "another key": (seal(CONTENT, KIND, STRANGER), "unknown-key"),
    "another key under our name": (
        signed(json.loads(HEAD + "}"), json.dumps(CONTENT), STRANGER),
        "bad-signature",
    ),
    "a key that is a path": (with_header(kid="../../etc/passwd"), "unknown-key"),
    "a key that is a statement": (with_header(kid="' OR 1=1 --"), "unknown-key"),
    "a key that is empty": (with_header(kid=""), "unknown-key"),
    "a key that is a number": (with_header(kid=1), "malformed"),
    "its own key along": (with_header(jwk=STRANGER.as_dict(private=False)), "malformed"),
    "an address of keys": (with_header(jku="https://evil.example/keys"), "malformed"),
    "a certificate's address": (with_header(x5u="https://evil.example/x"), "malformed"),
    "something critical": (with_header(crit=["exp"]), "malformed"),
    "unencoded content": (with_header(b64=False, crit=["b64"]), "malformed"),
    "a header without a type": (
        signed({"alg": "Ed25519", "kid": key_id(KEY)}, "{}"),
        "malformed",
    ),
    "a header twice": (signed(HEAD + ',"alg":"none"}', json.dumps(CONTENT)), "malformed"),
    "a claim twice": (signed(HEAD + "}", '{"exp":1,"exp":9}'), "malformed"),
    "a claim twice, deep": (signed(HEAD + "}", '{"a":{"b":1,"b":2}}'), "malformed"),
    "no number": (signed(HEAD + "}", '{"exp":NaN}'), "malformed"),
    "a list": (signed(HEAD + "}", "[]"), "malformed"),
    "no text": (signed(HEAD + "}", b"\xff\xfe{}"), "malformed"),
    "very deep": (signed(HEAD + "}", '{"a":' * 5000 + "1" + "}" * 5000), "malformed"),
    "another content": (other_part(1, b64(json.dumps({**CONTENT, "exp": 2}))), "bad-signature"),
    "no signature": (other_part(2, ""), "malformed"),
    "a short signature": (other_part(2, GOOD.split(".")[2][:20]), "bad-signature"),
    "a signature of zeros": (other_part(2, b64(bytes(64))), "bad-signature"),
    "two parts": (".".join(GOOD.split(".")[:2]), "malformed"),
    "four parts": (GOOD + ".e30", "malformed"),
    "five parts, encrypted": (GOOD + ".e30.e30", "malformed"),
    "truncated": (GOOD[:-10], "bad-signature"),
    "nothing": ("", "malformed"),
    "huge": ("a" * 3_000_000 + "." + GOOD, "malformed"),
    "padded": (GOOD + "=", "malformed"),
    "a space inside": (GOOD[:50] + " " + GOOD[50:], "malformed"),
    "a line end after it": (GOOD + "\n", "malformed"),
    "letters of another alphabet": (GOOD.replace("e", "е", 1), "malformed"),
    "digits of another alphabet": (GOOD + "١", "malformed"),
    "a JSON form": (json.dumps({"payload": "e30", "signatures": []}), "malformed"),
}


def test_what_was_sealed_is_read_back() -> None:
    """With the key's name; and the same content makes the same text."""
    kid, content = unseal(GOOD, KIND, KEYS)
    assert (kid, json.loads(content)) == (key_id(KEY), CONTENT)
    assert seal(dict(reversed(CONTENT.items())), KIND, KEY) == GOOD


def test_a_long_list_is_read_back() -> None:
    """Of more measures than any house will have at one time."""
    content = {"revoked": [{"measure": f"measure-{n}", "through": n} for n in range(10_000)]}
    _, read = unseal(seal(content, KIND, KEY), KIND, KEYS)
    assert json.loads(read) == content


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_else_is(name: str) -> None:
    """Each attack is refused, for its own reason."""
    text, code = ATTACKS[name]
    with pytest.raises(UnsealedError) as caught:
        unseal(text, KIND, KEYS)
    assert caught.value.code == code


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 127))
def test_a_changed_byte_is_refused(place: int, flips: int) -> None:
    """Wherever it stands and however small the change."""
    changed = GOOD[:place] + chr(ord(GOOD[place]) ^ flips) + GOOD[place + 1 :]
    with pytest.raises(UnsealedError):
        unseal(changed, KIND, KEYS)


@given(st.text(max_size=300))
def test_any_text_is_refused_and_breaks_nothing(text: str) -> None:
    """Only what was sealed counts."""
    with pytest.raises(UnsealedError):
        unseal(text, KIND, KEYS)


def test_every_spelling_of_the_last_letter_but_one_is_refused() -> None:
    """The last letter of a signature has four bits that mean nothing; one text per permit."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    read = []
    for letter in letters:
        try:
            unseal(GOOD[:-1] + letter, KIND, KEYS)
        except UnsealedError:
            continue
        read.append(letter)
    assert read == [GOOD[-1]]


def test_the_thumbprint_is_the_standards() -> None:
    """RFC 8037, appendix A.3."""
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert thumbprint(x) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no key",
        json.dumps(KEY.as_dict(private=False)),
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        '{"kty":"oct","k":"c2VjcmV0LWNhbmFyeQ"}',
        '{"kty":"OKP","crv":"X25519","x":"' + X + '","d":"' + X + '"}',
    ],
    # The public key is another one in each process; by its text they would disagree on the name.
    ids=["empty", "words", "public", "pem", "symmetric", "x25519"],
)
def test_what_is_no_private_key_is_refused_without_showing_it(text: str) -> None:
    """The message says where it was looked for and how to make one."""
    with pytest.raises(ConfigurationError) as caught:
        private_key(text, "the variable KEY")
    shown = str(caught.value)
    assert "the variable KEY holds no Ed25519 private key; make one: openssl" in shown
    assert "canary" not in shown
    assert X not in shown


def test_a_private_key_is_read_as_pem_and_as_jwk() -> None:
    """As openssl and others write it."""
    pem = KEY.as_pem(private=True).decode()
    assert key_id(private_key(pem, "x")) == key_id(KEY)
    assert key_id(private_key(json.dumps(KEY.as_dict(private=True)), "x")) == key_id(KEY)
