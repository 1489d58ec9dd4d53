"""Finding connectors: built-in and foreign ones come through the same door."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from connectors.contract import Connector, Manifest
from measures.errors import ConfigurationError

if TYPE_CHECKING:
    import httpx

GROUP = "sluicegate.connectors"


@cache
def _points() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def connector_names() -> tuple[str, ...]:
    """Returns the names of the connectors that are installed, without loading any."""
    return tuple(sorted(_points()))


def connector_class(name: str) -> type[Connector]:
    """Returns an installed connector.

    Raises:
        ConfigurationError: there is none of that name, or its package is broken.
    """
    point = _points().get(name)
    if point is None:
        known = ", ".join(connector_names()) or "none"
        msg = f"there is no connector {name!r}; installed: {known}"
        raise ConfigurationError(msg)
    try:
        found = point.load()
    except Exception as error:  # a foreign package may fail in any way
        msg = f"the connector {name!r} of {point.value} cannot be loaded: {error!r}"
        raise ConfigurationError(msg) from error
    if not (isinstance(found, type) and issubclass(found, Connector)):
        msg = (
            f"{point.value} is no connector: it does not derive from connectors.contract.Connector"
        )
        raise ConfigurationError(msg)
    return found


def needs_no_settings(name: str) -> bool:
    """Tells whether a connector works without a document, under its own name."""
    fields = connector_class(name).Config.model_fields.values()
    return not any(field.is_required() for field in fields)


def settings_faults(
    name: str, settings: Mapping[str, Any]
) -> list[tuple[tuple[str | int, ...], str]]:
    """Returns what is wrong with a connection's settings: where, and what.

    Raises:
        ConfigurationError: there is no such connector.
    """
    try:
        connector_class(name).Config.model_validate(settings, strict=False)
    except ValidationError as error:
        # The input is never repeated: who mistakes the reference for the secret shows it to nobody.
        found = error.errors(include_input=False)
        return [(one["loc"], one["msg"].removeprefix("Value error, ")) for one in found]
    return []


def manifest_of(name: str, settings: Mapping[str, Any]) -> Manifest:
    """Returns what a connection with these settings can do.

    Where they do not fit, that is what its connector says of itself.

    Raises:
        ConfigurationError: there is no such connector.
    """
    found = connector_class(name)
    try:
        return found.manifest_for(found.Config.model_validate(settings, strict=False))
    except ValidationError:
        return found.manifest


def connect(
    name: str,
    settings: Mapping[str, Any],
    place: Path,
    transport: "httpx.AsyncBaseTransport | None" = None,
) -> Connector:
    """Makes a connection; nothing is sent yet.

    Args:
        name: the connector.
        settings: as the connection's document has them.
        place: the state folder, for connectors that keep something there.
        transport: what to send through instead of the network.

    Raises:
        ConfigurationError: there is no such connector, or the settings do not fit it.
        ConnectorError: a secret is not where its reference says.
    """
    faults = settings_faults(name, settings)
    if faults:
        where, what = faults[0]
        msg = f"settings of connector {name!r}: {'.'.join(map(str, where))}: {what}"
        raise ConfigurationError(msg)
    found = connector_class(name)
    return found.connect(found.Config.model_validate(settings, strict=False), place, transport)
