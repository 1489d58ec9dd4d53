"""Recognising a secret that stands in a manifest itself, where everybody who reads it would see it.

A manifest goes into the ledger and stays there. So what is named like a secret and has its value
written beside it is refused, and so is a value that has the form of a well-known kind of key. What
is named otherwise and looks like anything else cannot be told from a plain word.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from connectors.rest.template import names_in

_SECRETS = frozenset(
    {"password", "passwd", "passphrase", "pwd", "secret", "token", "credential", "apikey",
     "authorization", "cookie", "jwt"}
)  # fmt: skip
_KEYS = frozenset({"api", "access", "auth", "private", "app", "subscription", "account"})
_HARMLESS = frozenset({"x-atlassian-token", "x-csrf-token", "x-xsrf-token"})
"""Headers that are named so and only say that a request is meant."""

_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_FORMS = re.compile(
    r"^(Bearer|Basic|Token) \S{8,}$"
    r"|^(gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|[sr]k_(live|test)_)\w{8,}"
    r"|^AKIA[0-9A-Z]{16}$|^eyJ[\w-]{8,}\.[\w-]+\.|-----BEGIN [A-Z ]*PRIVATE KEY"
)
_PLACES = ("env:", "file:")

HELP = (
    "say where it lies under `access`, as basic, bearer, header: {name, value: env:NAME},"
    " query: {name, value: env:NAME} or oauth2"
)
"""What to write instead."""


def is_secret(name: str) -> bool:
    """Tells whether something of this name is a secret, as `apiKey` or `X-Auth-Token`."""
    if name.lower() in _HARMLESS:
        return False
    words = [word.lower() for word in _WORD.findall(name)]
    last = words[-1].removesuffix("s") if words else ""
    return last in _SECRETS or (last == "key" and bool(_KEYS & set(words[:-1])))


def refuse_literals(content: Any) -> Any:
    """Returns the parameters of a query, or a body, in which no secret is written out.

    Raises:
        ValidationError: with the place of each that is.
    """
    found: list[InitErrorDetails] = [
        InitErrorDetails(
            # The value is not repeated.
            type=PydanticCustomError("secret", "{why}", {"why": why}),
            loc=place,
            input=None,
        )
        for place, why in _literals(content, ())
    ]
    if found:
        raise ValidationError.from_exception_data("manifest", found)
    return content


def _literals(
    content: Any, place: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(content, Mapping):
        for name, one in content.items():
            if is_secret(str(name)) and _is_literal(one):
                yield (*place, name), f"{name} carries a secret: {HELP}"
            else:
                yield from _literals(one, (*place, name))
    elif isinstance(content, list | tuple):
        for number, one in enumerate(content):
            yield from _literals(one, (*place, number))
    elif isinstance(content, str) and content.startswith(_PLACES):
        yield place, f"a secret is not read from here: {HELP}"
    elif isinstance(content, str) and _FORMS.search(content):
        yield place, f"this is a secret written out: {HELP}"


def _is_literal(value: Any) -> bool:
    """Tells whether a value is written out: a place for one, such as {title}, is none."""
    if isinstance(value, str):
        return bool(value) and not names_in(value)
    return isinstance(value, int | float) and not isinstance(value, bool)
