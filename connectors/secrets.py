"""Secrets by reference: settings name where a secret lies, never the secret itself."""

import base64
import binascii
import json
import os
import re
from collections.abc import Iterator, Set
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, quote_plus

from pydantic import AfterValidator, BaseModel

from connectors.failures import AuthFailed

HIDDEN = "***"
_SCHEMES = ("env:", "file:")


def _is_reference(text: str) -> str:
    scheme = next((one for one in _SCHEMES if text.startswith(one)), None)
    if scheme is None or not text.removeprefix(scheme).strip():
        # What was written may be the secret: it is not repeated.
        msg = "write where the secret lies, not the secret: env:NAME or file:PATH"
        raise ValueError(msg)
    return text


SecretRef = Annotated[str, AfterValidator(_is_reference)]
"""Where a secret lies: ``env:NAME`` or ``file:PATH``."""


def read_secret(reference: str) -> str:
    """Reads a secret from where its reference says.

    Raises:
        AuthFailed: it is not there, or empty.
    """
    if reference.startswith("env:"):
        value = os.environ.get(reference.removeprefix("env:"), "")
    else:
        path = Path(reference.removeprefix("file:")).expanduser()
        try:
            value = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            msg = f"the secret {reference} cannot be read: {type(error).__name__}"
            raise AuthFailed(msg) from None
    value = value.strip()
    if not value:
        msg = f"the secret {reference} is not there or empty"
        raise AuthFailed(msg)
    _read.add(value)
    return value


def read_secrets(reference: str | None) -> tuple[str, ...]:
    """Reads one secret or several with spaces between, as while one is being changed.

    Raises:
        AuthFailed: there is a reference, and nothing where it points.
    """
    several = tuple(read_secret(reference).split()) if reference else ()
    _read.update(several)
    return several


def secrets_named(config: BaseModel) -> dict[str, str]:
    """Returns the references to secrets among a connection's settings, by setting.

    However deep they lie: that of ``access: {bearer: env:KEY}`` is `access.bearer`.
    """
    return dict(_references(config.model_dump(), ""))


def _references(content: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(content, str) and content.startswith(_SCHEMES):
        yield place, content
    elif isinstance(content, dict):
        for name, one in content.items():
            yield from _references(one, f"{place}.{name}".lstrip("."))
    elif isinstance(content, (list, tuple)):
        for number, one in enumerate(content):
            yield from _references(one, f"{place}.{number}".lstrip("."))


def without_secrets(text: str, secrets: Set[str]) -> str:
    """Returns a text in which no secret can be read, neither plain nor as it travels.

    A system that repeats what it was sent repeats part of an address or of a header: percent
    encoded (RFC 3986), escaped as JSON (RFC 8259), or in Base64 as in Basic authentication
    (RFC 7617).
    """
    if not secrets:
        return text
    written = {form for secret in secrets for form in _forms(secret)}
    for form in sorted(written, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return _BASE64.sub(lambda found: HIDDEN if _carries(found[0], secrets) else found[0], text)


def hidden(text: str) -> str:
    """Returns a text in which no secret can be read that this process has ever read."""
    return without_secrets(text, _read)


_read: set[str] = set()
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")


@lru_cache(maxsize=1000)
def _forms(secret: str) -> frozenset[str]:
    escaped = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return frozenset({secret, quote(secret, safe=""), quote_plus(secret), *escaped})


def _carries(written: str, secrets: Set[str]) -> bool:
    plain = written.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(plain + "=" * (-len(plain) % 4))
    except binascii.Error:
        return False
    return any(secret.encode() in decoded for secret in secrets)
