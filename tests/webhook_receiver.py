"""Receives webhooks that real servers send to this machine."""

import queue
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType

from connectors.contract import Webhook


class Receiver:
    """Takes every webhook and keeps it.

    Attributes:
        url: where to send them.
    """

    def __init__(self) -> None:
        received: queue.Queue[Webhook] = queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(length)
                received.put(Webhook(url=self.path, headers=headers, body=body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._received = received
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/test"

    def __enter__(self) -> "Receiver":
        """Begins to listen."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Listens no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def clear(self) -> None:
        """Forgets what came so far."""
        while not self._received.empty():
            self._received.get_nowait()

    def next(self) -> Webhook:
        """Returns the next webhook; waits for it."""
        return self._received.get(timeout=30)
