"""The embedded Temporal server: which program, with what settings, and when it is ready.

Two kinds, both from wheels, so that nothing is downloaded at run time: the dev server keeps its
state in a file and comes back with it; the time-skipping test server forgets everything when it
dies, which the stories use as "Temporal is lost".
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import UpdateNamespaceInfo
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from measures.errors import ConfigurationError
from worker.keeper import until
from worker.ports import listens

NAMESPACE = "default"
SEARCH_ATTRIBUTES = (
    "SluiceStage",
    "SluiceVerdict",
    "SluiceType",
    "SluicePackage",
    "SluiceOwner",
)
TOKEN_KEY = "sluice-token"  # noqa: S105 - the name under which the namespace keeps the token

_ONE_CALL = timedelta(seconds=2)


class Server(Protocol):
    """A Temporal server that can be started again and again on the same ports."""

    @property
    def port(self) -> int:
        """Where it listens."""

    @property
    def command(self) -> Sequence[str]:
        """The program with its arguments."""

    @property
    def ui_url(self) -> str | None:
        """Where its Web UI is."""

    async def until_ready(self, pid: int) -> None:
        """Return once the process with this id serves what workers need."""


class DevServer(NamedTuple):
    """The Temporal CLI's own server, durable in a SQLite file."""

    port: int
    ui_port: int
    database: Path
    token: str

    @property
    def command(self) -> Sequence[str]:
        """The program with the settings that were measured to matter."""
        return [
            program("temporal", override="TEMPORAL_BIN"),
            "server",
            "start-dev",
            # Nothing of the user's own Temporal settings may steer this server.
            "--disable-config-env",
            "--disable-config-file",
            "--log-level=error",
            "--ip=127.0.0.1",
            f"--port={self.port}",
            f"--ui-port={self.ui_port}",
            "--ui-disable-news-fetch",
            f"--db-filename={self.database}",
            # Without these two SQLite syncs 88 times per measure's life: 0.4 of the rate.
            "--sqlite-pragma=journal_mode=WAL",
            "--sqlite-pragma=synchronous=NORMAL",
            # With four partitions a burst of starts drains at 42 a second.
            "--dynamic-config-value=matching.numTaskqueueReadPartitions=1",
            "--dynamic-config-value=matching.numTaskqueueWritePartitions=1",
            # With ten, the eleventh request to a pool at the same moment waits for a second.
            "--dynamic-config-value=history.maxInFlightUpdates=500",
            "--dynamic-config-value=system.forceSearchAttributesCacheRefreshOnRead=false",
            *(f"--search-attribute={name}=Keyword" for name in SEARCH_ATTRIBUTES),
        ]

    @property
    def ui_url(self) -> str | None:
        """Where its Web UI is."""
        return f"http://127.0.0.1:{self.ui_port}"

    async def until_ready(self, pid: int) -> None:
        """Return once its namespace is there, marked as this state folder's own."""
        client = await _first_contact(pid, self.port)
        request = UpdateNamespaceRequest(
            namespace=NAMESPACE, update_info=UpdateNamespaceInfo(data={TOKEN_KEY: self.token})
        )
        if await namespace_token(client) != self.token:
            await client.workflow_service.update_namespace(request, timeout=_ONE_CALL)


class TimeSkippingServer(NamedTuple):
    """The test server, empty after every start."""

    port: int

    @property
    def command(self) -> Sequence[str]:
        """The program with its arguments."""
        # Without --enable-time-skipping, which would let time run away whenever nothing runs:
        # so it stands at the clock until a story moves it through the test service.
        return [program("temporal-test-server"), str(self.port)]

    @property
    def ui_url(self) -> str | None:
        """It has none."""
        return None

    async def until_ready(self, pid: int) -> None:
        """Return once it knows the search attributes, without which workflow tasks fail."""
        client = await _first_contact(pid, self.port)
        kinds = dict.fromkeys(SEARCH_ATTRIBUTES, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD)
        request = AddSearchAttributesRequest(namespace=NAMESPACE, search_attributes=kinds)
        try:
            await client.operator_service.add_search_attributes(request, timeout=_ONE_CALL)
        except RPCError as error:
            if error.status is not RPCStatusCode.ALREADY_EXISTS:
                raise


async def namespace_token(client: Client) -> str | None:
    """Return the token a stack left in the server's namespace, None on a foreign server."""
    request = DescribeNamespaceRequest(namespace=NAMESPACE)
    answer = await client.workflow_service.describe_namespace(request, timeout=_ONE_CALL)
    return answer.namespace_info.data.get(TOKEN_KEY)


def program(name: str, override: str | None = None) -> str:
    """Return the path of a program that came with the Python environment.

    Args:
        name: The program's file name beside the running Python.
        override: An environment variable that may name another one.

    Raises:
        ConfigurationError: It is not there.
    """
    chosen = os.environ.get(override) if override else None
    path = Path(chosen) if chosen else Path(sys.executable).parent / name
    if not os.access(path, os.X_OK):
        told = f"{override} names it" if chosen else "it comes with the locked requirements"
        raise ConfigurationError(f"there is no program {path} ({told}): run make setup")
    return str(path)


async def _first_contact(pid: int, port: int) -> Client:
    """Return a client once the process listens and its namespace answers."""
    await until(lambda: listens(pid, port))
    client = await Client.connect(f"127.0.0.1:{port}", namespace=NAMESPACE, lazy=True)
    while True:
        # RuntimeError is what the SDK raises for a connection that the server, which listens
        # before it is healthy, did not take yet; the next call connects anew.
        with contextlib.suppress(RPCError, RuntimeError):
            await namespace_token(client)
            return client
        await asyncio.sleep(0.03)
