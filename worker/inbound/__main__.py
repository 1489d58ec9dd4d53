"""`python -m worker.inbound`: a webhook server, alone or in the local stack.

It needs the ledger's database and the secrets of the connections; neither Temporal nor a worker:
what comes in while they are away waits in the inbox.
"""

import asyncio
import socket
import sys
from datetime import timedelta

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from ledger.inbox import Inbox
from ledger.settings import power_proof
from ledger.writer import AsyncLedger
from measures.errors import ConfigurationError
from worker.circuits import Circuits
from worker.connections import Connections
from worker.inbound.app import webhook_app
from worker.inbound.intake import Intake
from worker.metrics import metrics_page
from worker.process import run_process
from worker.settings import WebhookSettings

MOST_CONNECTIONS = 1000
"""Of senders at once; beyond them 503 is answered."""

LIFE_SECONDS = 20
"""For a whole delivery: who sends a byte now and then keeps nobody else out."""


class OneDelivery(H11Protocol):
    """An HTTP connection for one delivery, which ends in time, whatever its sender does."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins its time."""
        super().connection_made(transport)
        self._over = self.loop.call_later(LIFE_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends it."""
        self._over.cancel()
        super().connection_lost(exc)


async def serve(settings: WebhookSettings) -> None:
    """Takes webhooks until it is told to stop.

    Raises:
        ConfigurationError: nothing can listen on the address.
    """
    listening = _listen(settings.webhook_address)
    # What is acknowledged is not sent again, so it must survive a power cut as well.
    url = power_proof(settings.ledger_url.get_secret_value())
    async with await AsyncLedger.open(url) as ledger:
        connections = Connections(
            ledger, settings.state_dir, Circuits(ledger, timedelta(seconds=30))
        )
        intake = Intake(Inbox(ledger.ledger.database), settings.webhook_rate)
        server = uvicorn.Server(served(webhook_app(connections, intake, settings.webhook_url)))
        try:
            await connections.make_ready("webhooks")
            with metrics_page(settings.metrics_address):
                await server.serve(sockets=[listening])
        finally:
            await connections.aclose()


def served(app: Starlette) -> uvicorn.Config:
    """Returns how the application is served."""
    return uvicorn.Config(
        app,
        http=OneDelivery,
        ws="none",
        lifespan="on",
        # One that were kept could end in the middle of the next delivery.
        headers=[("Connection", "close")],
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=5,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
    )


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    try:
        return socket.create_server(
            (host.strip("[]"), int(port)),
            family=socket.AF_INET6 if host.startswith("[") else socket.AF_INET,
            backlog=1024,
        )
    except (OSError, OverflowError) as error:
        msg = f"SLUICE_WEBHOOK_ADDRESS: nothing can listen on {address}: {error}"
        raise ConfigurationError(msg) from error


if __name__ == "__main__":
    sys.exit(run_process("webhooks", WebhookSettings.load, serve))
