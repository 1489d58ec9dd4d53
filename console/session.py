"""One command's way to the engine: which server, which ledger, on whose behalf.

What opens something loads it: a command that only looks never loads the client of the engine.
"""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from console.settings import ConsoleSettings
from measures.errors import ConfigurationError, EngineError, RefusedError
from measures.people import OPERATOR
from workflows.stackfile import Stack, read_stack

if TYPE_CHECKING:
    from console.applying import Applied, Applier
    from console.reading import Located
    from ledger.store import Ledger
    from workflows.client import SluiceClient
    from workflows.settings import TemporalSettings

_LEDGER_VARIABLES = {"SLUICE_LEDGER_URL", "SLUICE_LEDGER_URL_FILE"}
_SERVER_VARIABLES = {"SLUICE_TEMPORAL_ADDRESS", "SLUICE_TEMPORAL_ADDRESS_FILE"}


def system_clock() -> datetime:
    """Returns the machine's time."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Place:
    """Where a command finds the engine.

    Attributes:
        stack: the local stack it belongs to; None when settings name a server elsewhere.
        person: who asks when the command does not say; None when nobody is set.
    """

    settings: ConsoleSettings
    stack: Stack | None
    person: str | None

    @property
    def embedded(self) -> bool:
        """Tells whether the engine is the local stack, where one person plays all parts."""
        return self.stack is not None

    @cached_property
    def ledger_url(self) -> str:
        """The ledger's database."""
        if not _LEDGER_VARIABLES & os.environ.keys():
            # The stack's file leaves a password out; a ledger named by settings comes from there.
            if self.stack is not None:
                return self.stack.ledger_url
            if not _SERVER_VARIABLES & os.environ.keys():
                return f"sqlite:///{self.settings.state_dir / 'ledger.db'}"
        return self.settings.ledger_url.get_secret_value()

    def foreseen(self, as_person: str | None) -> str:
        """Returns on whose behalf documents would be applied; needs no running engine."""
        return as_person or self.person or OPERATOR

    def acting(self, as_person: str | None, otherwise: str | None = None) -> str:
        """Returns on whose behalf a command acts.

        Args:
            as_person: what ``--as`` says.
            otherwise: who acts when nobody is named; None when somebody must be.

        Raises:
            EngineError: there is neither a local stack nor a server named by settings.
            RefusedError: ``embedded-only`` for ``--as`` away from the local stack,
                ``who-are-you`` when nobody is named.
        """
        if not self.embedded and not _SERVER_VARIABLES & os.environ.keys():
            raise EngineError(
                f"no stack runs on {self.settings.state_dir}; start one: sluice up,"
                " or name a Temporal server: SLUICE_TEMPORAL_ADDRESS"
            )
        if as_person is not None and not self.embedded:
            raise RefusedError(
                "embedded-only",
                "--as works with the local stack only (sluice up);"
                " elsewhere your own environment says who you are: SLUICE_PERSON",
            )
        person = as_person or self.person or otherwise
        if person is None:
            how = "--as PERSON" if self.embedded else "SLUICE_PERSON=person"
            raise RefusedError("who-are-you", f"say on whose behalf: {how}")
        return person


def find_place() -> Place:
    """Returns where the engine is: a server that the settings name, else the local stack.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    settings = ConsoleSettings.load()
    elsewhere = _SERVER_VARIABLES & os.environ.keys()
    stack = None if elsewhere else read_stack(settings.state_dir)
    return Place(settings, stack, settings.person)


@contextmanager
def open_ledger(place: Place) -> Iterator["Ledger"]:
    """Opens the ledger for one command.

    Raises:
        ConfigurationError: there is none yet.
    """
    from ledger.store import Ledger

    with Ledger.open(place.ledger_url, create=False) as ledger:
        yield ledger


def check_documents(place: Place, documents: Sequence["Located"], by: str) -> list["Applied"]:
    """Returns what applying documents would do; needs no running engine.

    Where none has run yet, they are checked against each other.

    Raises:
        RefusedError: ``unknown-person`` when nobody of that name can apply.
    """
    from console.applying import Applier

    try:
        with open_ledger(place) as ledger:
            return Applier(ledger, None, system_clock).check(documents, by)
    except ConfigurationError:
        return Applier(None, None, system_clock).check(documents, by)


@asynccontextmanager
async def open_client(place: Place) -> AsyncIterator["SluiceClient"]:
    """Connects to the engine.

    Raises:
        EngineError: no server answers.
    """
    from workflows.client import SluiceClient
    from workflows.client.connecting import connect

    settings: TemporalSettings = place.settings
    if place.stack is not None:
        settings = settings.model_copy(
            update={"temporal_address": place.stack.address, "temporal_namespace": "default"}
        )
    yield SluiceClient(await connect(settings), settings.task_queue)


@asynccontextmanager
async def open_applier(place: Place) -> AsyncIterator[tuple["Applier", "Ledger", "SluiceClient"]]:
    """Opens everything that applying documents needs."""
    from console.applying import Applier

    async with open_client(place) as client:
        with open_ledger(place) as ledger:
            yield Applier(ledger, client, system_clock), ledger, client
