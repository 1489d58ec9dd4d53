"""Where a connected system is: the address that a connection's settings name."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

_MORE = {"@": "it names somebody", "?": "it has a query", "#": "it has a mark"}


def _is_address(url: str) -> str:
    # What was written may hold a secret, so it is not repeated.
    why = next((why for sign, why in _MORE.items() if sign in url), "") or _unusable(url)
    if why:
        msg = f"write the system's address only, like https://desk.example.com/api: {why}"
        raise ValueError(msg)
    return url


def _unusable(url: str) -> str:
    if not url.isprintable() or " " in url:
        return "it holds a space or what cannot be seen"
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "its host or port is none"
    return "" if is_whole else "it is no http:// or https:// and a host"


Address = Annotated[str, Field(max_length=500), AfterValidator(_is_address)]
"""An address without user, password, query or mark: these could carry a secret to the ledger."""
