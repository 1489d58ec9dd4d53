"""A connection as its settings make it, ready to be examined: faults can come in between."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import httpx

from connectors.conformance.subject import WRONG_SECRET, Subject, Wrap
from connectors.contract import Connector
from connectors.registry import connect, connector_class
from connectors.secrets import read_secret, secrets_named

_WRONG = "SLUICE_CONFORMANCE_WRONG_SECRET"


def subject_of(name: str, settings: Mapping[str, Any], place: Path) -> Subject:
    """Returns a connection to examine, as far as its settings tell.

    Args:
        name: the connector.
        settings: as the connection's document has them.
        place: the state folder, for connectors that keep something there.

    Raises:
        ConfigurationError: there is no such connector, or the settings do not fit it.
        AuthFailed: a secret is not where its reference says.
    """
    connect(name, settings, place)  # tells what is wrong with the settings, or the secrets
    cls = connector_class(name)
    named = secrets_named(cls.Config.model_validate(settings, strict=False))

    def connected(wrap: Wrap | None) -> Connector:
        transport = httpx.AsyncHTTPTransport() if cls.manifest.http else None
        wrapped = wrap(transport) if wrap and transport else transport
        return connect(name, settings, place, wrapped)

    def wrongly() -> Connector:
        os.environ[_WRONG] = WRONG_SECRET
        return connect(name, _exchanged(settings, named.values(), f"env:{_WRONG}"), place)

    return Subject(
        connect=connected,
        secret=next(map(read_secret, named.values()), ""),
        connect_wrongly=wrongly if named else None,
    )


def _exchanged(content: Any, named: Collection[str], reference: str) -> Any:
    """Returns settings in which every secret lies elsewhere."""
    match content:
        case str():
            return reference if content in named else content
        case Mapping():
            return {key: _exchanged(one, named, reference) for key, one in content.items()}
        case list() | tuple():
            return [_exchanged(one, named, reference) for one in content]
        case _:
            return content
