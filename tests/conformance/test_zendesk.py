"""The connector for Zendesk on a simulated account, by Zendesk's own description."""

import base64
import hmac
import itertools
import json
from datetime import datetime, timedelta

import httpx
import pytest

from connectors.conformance.subject import WRONG_SECRET, Subject, Wrap
from connectors.conformance.suite import ConformanceSuite
from connectors.contract import Webhook
from connectors.zendesk.connector import ZendeskConnector
from connectors.zendesk.settings import ZendeskConfig
from tests.simulators.openapi import Described
from tests.simulators.zendesk import TOKEN, USER, Zendesk
from tests.simulators.zendesk_described import zendesk

SECRET = "dGhlIHNlY3JldCBvZiBhIHdlYmhvb2s="


class MinuteLater(httpx.AsyncBaseTransport):
    """Asks an account for changes a minute after everything else: before, it tells none."""

    def __init__(self, account: Zendesk) -> None:
        self._account = account

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Lets time pass, then passes the request on."""
        if "/incremental/" in request.url.path:
            self._account.clock.move(timedelta(seconds=61))
        return await self._account.handle_async_request(request)


class TestZendesk(ConformanceSuite):
    """Tickets."""

    @pytest.fixture
    def subject(self, monkeypatch: pytest.MonkeyPatch) -> Subject:
        """Returns it on an account of its own."""
        monkeypatch.setenv("TEST_DESK", TOKEN)
        monkeypatch.setenv("TEST_DESK_HOOK", SECRET)
        monkeypatch.setenv("TEST_WRONG", WRONG_SECRET)
        account = Described(MinuteLater(Zendesk()), zendesk())

        def connect(wrap: Wrap | None, token: str = "env:TEST_DESK") -> ZendeskConnector:
            config = ZendeskConfig(
                url="https://desk.test",
                user=USER,
                token=token,
                webhook_secret="env:TEST_DESK_HOOK",
            )
            return ZendeskConnector(config, transport=wrap(account) if wrap else account)

        return Subject(
            connect=connect,
            secret=TOKEN,
            connect_wrongly=lambda: connect(None, "env:TEST_WRONG"),
            kind="ticket",
            moves=("open", "pending", "hold", "solved", "closed"),
            illegal="new-born",
            webhook=told,
        )


_NUMBERS = itertools.count(1)


def told(at: datetime) -> Webhook:
    """An event as Zendesk sends it ("Ticket events")."""
    body = json.dumps(
        {
            "account_id": 22129848,
            "detail": {"id": "5158", "status": "SOLVED", "subject": "Blocked"},
            "event": {"current": "SOLVED", "previous": "OPEN"},
            "id": f"2b24ef10-19d3-4740-93cf-{next(_NUMBERS):012}",
            "subject": "zen:ticket:5158",
            "time": at.isoformat(),
            "type": "zen:event-type:ticket.status_changed",
            "zendesk_event_version": "2022-11-06",
        }
    ).encode()
    written = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    mac = hmac.digest(SECRET.encode(), written.encode() + body, "sha256")
    headers = {
        "x-zendesk-webhook-signature": base64.b64encode(mac).decode(),
        "x-zendesk-webhook-signature-timestamp": written,
    }
    return Webhook(url="https://sluice.example.com/webhooks/desk", headers=headers, body=body)
