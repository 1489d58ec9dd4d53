"""Secrets by reference: settings name where a secret lies, never the secret itself."""

import os
from pathlib import Path
from typing import Annotated

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
    return value


def secrets_named(config: BaseModel) -> dict[str, str]:
    """Returns the references to secrets among a connection's settings, by setting."""
    settings = config.model_dump().items()
    return {k: v for k, v in settings if isinstance(v, str) and v.startswith(_SCHEMES)}


def without_secrets(text: str, secrets: frozenset[str]) -> str:
    """Returns a text in which no secret can be read."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text
