"""The system in a file passes what applies to it."""

import itertools
import json
from datetime import datetime
from pathlib import Path

import pytest

from connectors.conformance.subject import Subject
from connectors.conformance.suite import ConformanceSuite
from connectors.contract import Webhook
from connectors.memory import MemoryConnector
from connectors.signatures import standard_signature

SECRET = "whsec_bm9ib2R5IGtub3dzIHRoaXMgb25l"
_numbers = itertools.count(1)


def _webhook(at: datetime) -> Webhook:
    body = json.dumps({"events": [{"kind": "ticket", "ref": "1"}]}).encode()
    name, sent = f"msg-{next(_numbers)}", str(int(at.timestamp()))
    signature = standard_signature(SECRET, name, sent, body)
    headers = {
        "webhook-id": name,
        "webhook-timestamp": sent,
        "webhook-signature": signature,
    }
    return Webhook(headers=headers, body=body)


class TestMemory(ConformanceSuite):
    """Tickets and campaigns; it speaks no HTTP, and makes every campaign that it is asked for."""

    @pytest.fixture
    def subject(self, tmp_path: Path) -> Subject:
        """Returns it in a folder of its own."""
        return Subject(
            connect=lambda _: MemoryConnector(tmp_path, SECRET),
            secret=SECRET,
            kind="ticket",
            moves=("in work", "done"),
            campaign="CMP-1",
            makes_campaigns=True,
            webhook=_webhook,
        )
