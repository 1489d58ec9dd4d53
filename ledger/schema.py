"""Brings the tables up to date when a ledger is opened."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from ledger.database import Database
from measures.errors import ConfigurationError

HEAD = "0009"
"""The newest migration; a test compares it with what lies in `migrations/versions`."""

_MIGRATIONS = Path(__file__).parent / "migrations"


def prepare(database: Database, *, create: bool) -> None:
    """Creates or migrates the tables unless they are up to date; any number may do so at once.

    Args:
        database: where.
        create: whether a ledger is made where there is none.

    Raises:
        ConfigurationError: when a newer release made them, or there is no ledger to open.
        LedgerError: when the database does not answer.
    """
    if create:
        database.make_room()
    found = None
    if create or database.has_file:
        with database.reading() as connection:
            found = _revision(connection)
    if found == HEAD:
        return
    if found is None and not create:
        msg = f"there is no ledger at {database.place}; `sluice up` makes one, --ledger names one"
        raise ConfigurationError(msg)
    with database.writing() as connection:
        if _revision(connection) != HEAD:  # nobody else did it while we waited
            _migrate(connection, database.place)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(connection: Connection, place: str) -> None:
    # Loaded only here: it takes 0.1 s, and a ledger that is up to date does not need it.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        msg = f"ledger {place}: a newer release wrote it ({error}); use that release"
        raise ConfigurationError(msg) from error
