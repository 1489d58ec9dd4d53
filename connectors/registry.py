"""Finding connectors: built-in and foreign ones come through the same door."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

from connectors.base import Connector
from measures.errors import ConfigurationError

GROUP = "sluicegate.connectors"


def installed_connectors(state_dir: Path) -> dict[str, Connector]:
    """Returns every connector that an installed package offers, by name."""
    return {point.name: point.load()(state_dir) for point in entry_points(group=GROUP)}


def connector_names() -> frozenset[str]:
    """Returns the names of the connectors that are installed, without making any."""
    return frozenset(point.name for point in entry_points(group=GROUP))


def connector_named(connectors: Mapping[str, Connector], name: str) -> Connector:
    """Returns a connector by name.

    Raises:
        ConfigurationError: there is none of that name.
    """
    try:
        return connectors[name]
    except KeyError:
        known = ", ".join(sorted(connectors)) or "none"
        msg = f"there is no connector {name!r}; installed: {known}"
        raise ConfigurationError(msg) from None
