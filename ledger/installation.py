"""The installation's own name, kept with the ledger, so that all its processes use the same.

It is part of our names for objects in other systems. A ledger gets one at random when it is made;
somebody may give it another, which then counts for objects that are made from then on.
"""

from sqlalchemy import Connection, select, update

from ledger import tables

_NAME = "installation"
_C = tables.marks.c


def name_of(connection: Connection) -> str:
    """Returns the installation's name."""
    found: str = connection.execute(select(_C.value).where(_C.name == _NAME)).scalar_one()
    return found


def rename(connection: Connection, name: str) -> str:
    """Gives the installation a name, and returns the one that it had."""
    before = name_of(connection)
    if name != before:
        connection.execute(update(tables.marks).where(_C.name == _NAME).values(value=name))
    return before
