"""News from a ServiceNow instance, signed by the business rule that the docs show."""

import base64
import hmac
import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.contract import Webhook
from connectors.failures import Rejected
from connectors.servicenow.connector import ServiceNowConnector
from connectors.servicenow.settings import ServiceNowConfig
from tests.simulators.servicenow import PASSWORD, USER, ServiceNow


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_NOW", PASSWORD)


def connector_with(secret: str | None) -> ServiceNowConnector:
    """A connection whose webhooks are signed with a secret."""
    config = ServiceNowConfig(
        url="https://now.test", user=USER, password="env:TEST_NOW", webhook_secret=secret
    )
    return ServiceNowConnector(config, transport=ServiceNow())


NODE = shutil.which("node")
PAGE = Path(__file__).parents[3] / "docs" / "connectors-servicenow.md"
_INSTANCE = """
const crypto = require('crypto');
const properties = {'sluice.webhook.secret': process.env.SECRET, 'sluice.webhook.url': 'u'};
const gs = {generateGUID: () => crypto.randomBytes(16).toString('hex'), warn: console.error,
  getProperty: (name) => properties[name]};
class GlideDateTime { getNumericValue() { return Date.now(); } }
class GlideCertificateEncryption {
  generateMac(key, algorithm, data) {
    if (algorithm !== 'HmacSHA256') throw new Error(algorithm);
    return crypto.createHmac('sha256', Buffer.from(key, 'base64')).update(data).digest('base64');
  }
}
const sent = {headers: {}};
class RESTMessageV2 {
  setEndpoint(url) { sent.url = url; }
  setHttpMethod(method) { sent.method = method; }
  setRequestHeader(name, value) { sent.headers[name] = value; }
  setRequestBody(body) { sent.body = body; }
  execute() { return {getStatusCode: () => 202}; }
}
const sn_ws = {RESTMessageV2};
const previous = null;
const current = {
  getTableName: () => 'incident', getUniqueValue: () => 'd71f', getDisplayValue: () => 'INC1',
};
"""
"""As much of an instance as the business rule uses."""


@pytest.mark.skipif(NODE is None, reason="no node to run the business rule of the docs with")
def test_the_business_rule_of_the_docs_signs_as_we_verify(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The script that people copy leads to a hint; without its secret it does not."""
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    monkeypatch.setenv("TEST_HOOK", secret)
    script = PAGE.read_text().partition("```javascript\n")[2].partition("```")[0]
    done = subprocess.run(
        [str(NODE), "-e", f"{_INSTANCE}\n{script}\nconsole.log(JSON.stringify(sent));"],
        env={**os.environ, "SECRET": secret},
        capture_output=True,
        text=True,
        check=True,
    )
    sent = json.loads(done.stdout)
    webhook = Webhook(headers=sent["headers"], body=sent["body"].encode())
    connector, now = connector_with("env:TEST_HOOK"), datetime.now(UTC)
    (hint,) = connector.verify(webhook, now=now)
    assert (hint.kind, hint.ref) == ("incident", "d71f")
    monkeypatch.setenv("TEST_HOOK", "whsec_" + base64.b64encode(b"j" * 32).decode())
    with pytest.raises(Rejected, match="signature is missing, wrong"):
        connector_with("env:TEST_HOOK").verify(webhook, now=now)


def signed(secret: bytes, body: bytes, now: datetime, name: str = "id") -> Webhook:
    """A webhook with a right signature."""
    at = str(int(now.timestamp()))
    mac = hmac.digest(secret, f"{name}.{at}.".encode() + body, "sha256")
    return Webhook(
        headers={
            "webhook-id": name,
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
        },
        body=body,
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff\xfe", b'{"table": "incident"}'])
def test_a_signed_webhook_that_names_no_row(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """It is refused, whatever it holds."""
    monkeypatch.setenv("TEST_HOOK", base64.b64encode(b"k" * 32).decode())
    now = datetime.now(UTC)
    with pytest.raises(Rejected, match="names no row"):
        connector_with("env:TEST_HOOK").verify(signed(b"k" * 32, body, now), now=now)


def test_news_of_other_tables_concerns_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Genuine, but none of ours; and without a secret nothing can be genuine."""
    monkeypatch.setenv("TEST_HOOK", base64.b64encode(b"k" * 32).decode())
    now = datetime.now(UTC)
    webhook = signed(b"k" * 32, b'{"table": "problem", "sys_id": "1"}', now)
    assert connector_with("env:TEST_HOOK").verify(webhook, now=now) == ()
    with pytest.raises(Rejected, match="until the connection's webhook_secret is set"):
        connector_with(None).verify(webhook, now=now)


def test_the_same_words_under_another_name_are_another_delivery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sent again with the same name later on, it is the same one."""
    monkeypatch.setenv("TEST_HOOK", base64.b64encode(b"k" * 32).decode())
    connector, now = connector_with("env:TEST_HOOK"), datetime.now(UTC)
    body = b'{"table": "incident", "sys_id": "1"}'

    def delivery(name: str, at: datetime) -> str:
        (hint,) = connector.verify(signed(b"k" * 32, body, at, name), now=at)
        return hint.delivery

    assert delivery("a", now) == delivery("a", now + timedelta(minutes=1))
    assert delivery("a", now) != delivery("b", now)
