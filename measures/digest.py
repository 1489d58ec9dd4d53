"""One digest for one content: canonical JSON (RFC 8785), then SHA-256."""

import hashlib
import json
import math
import re
from typing import Any

import rfc8785

# The C encoder of the standard library writes the canonical form already, twenty times as fast, but
# for floats that are whole or need an exponent, long integers, and keys whose order UTF-16 would
# change. A number follows a key's closing quote and colon, a comma, a bracket, or nothing. A text
# that only looks like such a number takes the slow way: it is never wrong, just slower.
_NUMBER_TO_REWRITE = re.compile(
    r'(?:":|[,\[])-?(?:[0-9]+(?:\.0(?![0-9])|(?:\.[0-9]+)?[eE])|[0-9]{16})|^-?[0-9]'
)


def canonical(content: Any) -> bytes:
    """Returns the canonical JSON of plain data, the same bytes on every machine.

    Whole numbers beyond 2**53 and whole floats are brought to one form first, since RFC 8785
    numbers are IEEE doubles: ``1`` and ``1.0`` are the same content.

    Raises:
        ValueError: when the content holds NaN, infinity, or something that is not JSON.
    """
    try:
        plain = json.dumps(
            content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        if plain.isascii() and not _NUMBER_TO_REWRITE.search(plain):
            return plain.encode()
        return rfc8785.dumps(_as_doubles(content))
    except (TypeError, OverflowError, rfc8785.CanonicalizationError) as error:
        raise ValueError(str(error)) from error


def digest(content: Any) -> str:
    """Returns the SHA-256 of the canonical JSON of plain data, in hexadecimal."""
    return hashlib.sha256(canonical(content)).hexdigest()


def _as_doubles(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _as_doubles(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_as_doubles(value) for value in content]
    if isinstance(content, float) and math.isfinite(content) and content == int(content):
        return int(content) if abs(content) < 2**53 else content
    if isinstance(content, int) and not isinstance(content, bool) and abs(content) >= 2**53:
        return float(content)
    return content
