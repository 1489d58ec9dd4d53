"""The connections that commands can name, and the name under which the engine writes there."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from measures.documents import Connection


def known_connections() -> dict[str, "Connection"]:
    """Returns the connections that documents make; none where nothing has run yet."""
    from console.session import find_place, open_ledger
    from measures.errors import ConfigurationError

    try:
        with open_ledger(find_place()) as ledger:
            return ledger.directory().connections
    except ConfigurationError:
        return {}  # nothing has run here yet, so nothing is connected


def known_installation() -> str:
    """Returns this installation's own name; empty where nothing has run yet."""
    from console.session import find_place, open_ledger
    from measures.errors import ConfigurationError

    try:
        with open_ledger(find_place()) as ledger:
            return ledger.installation()
    except ConfigurationError:
        return ""


def named_connection(name: str) -> "Connection":
    """Returns a connection; a connector that needs no settings is one by itself.

    Raises:
        RefusedError: ``not-found``.
    """
    from connectors.registry import connector_names, needs_no_settings
    from measures.documents import Connection
    from measures.errors import RefusedError

    found = known_connections().get(name)
    if found is not None:
        return found
    if name in connector_names() and needs_no_settings(name):
        return Connection(id=name, connector=name)
    raise RefusedError(
        "not-found",
        f"there is no connection {name!r}; `sluice get connections` lists them, and a document of"
        " kind Connection makes one",
    )


def state_folder() -> "Path":
    """Returns the folder in which connectors may keep something."""
    from console.session import find_place

    return find_place().settings.state_dir
