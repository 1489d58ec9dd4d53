"""The connector for ServiceNow on a simulated instance, by a description of the Table API."""

import base64
import hashlib
import hmac
import itertools
import json
from datetime import datetime

import pytest

from connectors.conformance.subject import WRONG_SECRET, Subject, Wrap
from connectors.conformance.suite import ConformanceSuite
from connectors.contract import Webhook
from connectors.servicenow.connector import ServiceNowConnector
from connectors.servicenow.settings import ServiceNowConfig
from tests.simulators.openapi import Described, Description
from tests.simulators.servicenow import PASSWORD, USER, ServiceNow
from tests.simulators.servicenow_description import TABLE_API

KEY = base64.b64encode(b"a key of twenty-four bytes").decode()


class TestServiceNow(ConformanceSuite):
    """Incidents."""

    @pytest.fixture
    def subject(self, monkeypatch: pytest.MonkeyPatch) -> Subject:
        """Returns it on an instance of its own."""
        monkeypatch.setenv("TEST_NOW", PASSWORD)
        monkeypatch.setenv("TEST_NOW_HOOK", f"whsec_{KEY}")
        monkeypatch.setenv("TEST_WRONG", WRONG_SECRET)
        instance = Described(ServiceNow(), Description(TABLE_API))

        def connect(wrap: Wrap | None, password: str = "env:TEST_NOW") -> ServiceNowConnector:
            config = ServiceNowConfig(
                url="https://now.test",
                user=USER,
                password=password,
                webhook_secret="env:TEST_NOW_HOOK",
            )
            return ServiceNowConnector(config, transport=wrap(instance) if wrap else instance)

        return Subject(
            connect=connect,
            secret=PASSWORD,
            connect_wrongly=lambda: connect(None, "env:TEST_WRONG"),
            kind="incident",
            moves=("In Progress", "On Hold", "Resolved", "Closed"),
            webhook=told,
        )


_NUMBERS = itertools.count(1)


def told(at: datetime) -> Webhook:
    """What the business rule of docs/connectors-servicenow.md sends."""
    sys_id = hashlib.md5(b"an incident").hexdigest()
    name, written = f"delivery-{next(_NUMBERS)}", str(int(at.timestamp()))
    body = json.dumps({"table": "incident", "sys_id": sys_id, "operation": "update"}).encode()
    signed = f"{name}.{written}.".encode() + body
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), signed, "sha256")).decode()
    headers = {
        "webhook-id": name,
        "webhook-timestamp": written,
        "webhook-signature": f"v1,{signature}",
    }
    return Webhook(url="https://sluice.example.com/webhooks/now", headers=headers, body=body)
