"""A receiver of Sluicegate's webhooks, with nothing but Python's own library.

    RECEIVER_SECRET=whsec_... python receiver.py 8085 "Spring mailing"

It believes only what is signed (standardwebhooks.com), acknowledges each event by repeating its
id, does nothing twice, and shows its campaigns, so that a hold is proved and not just announced.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

TOLERANCE = 300
"""Seconds."""


class Receiver:
    """What it knows: its campaigns, and the events that it has had."""

    def __init__(self, secret: str, campaigns: list[str]) -> None:
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self.campaigns = {one: {"state": "held", "share": 0.0} for one in campaigns}
        self.events: dict[str, dict[str, Any]] = {}

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        """Returns the status and content that answer a request."""
        name = headers.get("webhook-id", "")
        if not self._is_genuine(name, headers, body):
            return 401, {"error": "not signed by whom I know, or too old"}
        if method == "GET":
            campaign = self.campaigns.get(unquote(path.rpartition("/")[2]))
            return (200, campaign) if campaign else (404, {"error": "no such campaign"})
        event = json.loads(body)
        if name not in self.events:
            self._act(event["type"], event["data"])
            self.events[name] = event
        return 200, {"received": name}

    def _act(self, event: str, data: dict[str, Any]) -> None:
        if event.startswith("campaign."):
            self.campaigns[data["campaign"]] = {"state": data["state"], "share": data["share"]}
        # object.upsert, object.transition and object.comment: here goes what you do with them.

    def _is_genuine(self, name: str, headers: Any, body: bytes) -> bool:
        sent = headers.get("webhook-timestamp", "")
        if not sent.isdecimal() or abs(time.time() - int(sent)) > TOLERANCE:
            return False
        signed = f"{name}.{sent}.".encode() + body
        right = base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode()
        given = headers.get("webhook-signature", "").split()
        return any(hmac.compare_digest(one, f"v1,{right}") for one in given)


def serve(receiver: Receiver, port: int) -> ThreadingHTTPServer:
    """Returns a server on this machine, ready to serve."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, content = receiver.answer(self.command, self.path, self.headers, body)
            written = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        do_GET = do_POST = _serve  # noqa: N815  (so http.server calls them)

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    serve(Receiver(os.environ["RECEIVER_SECRET"], sys.argv[2:]), int(sys.argv[1])).serve_forever()
