"""The connector for Redmine on a real one, as a user who may do what a developer may."""

import hashlib
import hmac
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.conformance.subject import WRONG_SECRET, Subject, Wrap
from connectors.conformance.suite import ConformanceSuite
from connectors.contract import Webhook
from connectors.failures import Conflict, Rejected
from connectors.redmine.config import RedmineConfig
from connectors.redmine.connector import RedmineConnector
from tests.real_servers import WEBHOOK_SECRET, Server
from tests.webhook_receiver import Receiver

ADMIN_KEY = "0123456789abcdef0123456789abcdef01234567"
PLUGIN = Path("/usr/share/redmine/plugins/sluicegate_webhook/init.rb")
OUR_PLUGIN = Path(__file__).parents[2] / "deploy/redmine/sluicegate_webhook/init.rb"


@pytest.fixture(scope="session")
def seeded(redmine: Server) -> RedmineConfig:
    """A project with a developer; the key lies in the server's folder."""
    root = f"http://127.0.0.1:{redmine.port}"
    headers = {"X-Redmine-API-Key": ADMIN_KEY}
    with httpx.Client(base_url=root, headers=headers, timeout=60) as client:

        def sent(path: str, content: dict[str, Any]) -> dict[str, Any]:
            made = client.post(path, json=content).raise_for_status().json()
            return dict(next(iter(made.values())))

        tracking = {"enabled_module_names": ["issue_tracking"]}
        sent("/projects.json", {"project": {"name": "Gate", "identifier": "gate", **tracking}})
        names = {"login": "sluice", "firstname": "Sluice", "lastname": "Gate"}
        secrets = {"mail": "sluice@example.com", "password": "Str0ng-pass!"}
        user = sent("/users.json", {"user": {**names, **secrets}})
        listed = client.get("/roles.json").json()["roles"]
        role = next(one["id"] for one in listed if one["name"] == "Developer")
        member = {"user_id": user["id"], "role_ids": [role]}
        sent("/projects/gate/memberships.json", {"membership": member})
        key = client.get(f"/users/{user['id']}.json").json()["user"]["api_key"]
        field = client.get("/custom_fields.json").json()["custom_fields"][0]["id"]
    (redmine.data / "key").write_text(key)
    (redmine.data / "webhook-secret").write_text(WEBHOOK_SECRET)
    return RedmineConfig(
        url=root,
        key=f"file:{redmine.data / 'key'}",
        project="gate",
        external_id=field,
        tracker=1,
        webhook_secret=f"file:{redmine.data / 'webhook-secret'}",
    )


def change_as_admin(seeded: RedmineConfig, ref: str, content: dict[str, str]) -> None:
    """Changes an issue as somebody else."""
    headers = {"X-Redmine-API-Key": ADMIN_KEY}
    url = f"{seeded.url}/issues/{ref}.json"
    httpx.put(url, json={"issue": content}, headers=headers).raise_for_status()


def signed(content: object) -> Webhook:
    """A webhook as Redmine 7 signs it."""
    body = json.dumps(content).encode()
    signature = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return Webhook(headers={"x-redmine-signature-256": f"sha256={signature}"}, body=body)


class TestRedmine(ConformanceSuite):
    """Issues."""

    @pytest.fixture
    def subject(self, seeded: RedmineConfig, monkeypatch: pytest.MonkeyPatch) -> Subject:
        """Returns it on the server."""
        monkeypatch.setenv("TEST_WRONG", WRONG_SECRET)
        journals = count(1)

        def connect(wrap: Wrap | None, config: RedmineConfig = seeded) -> RedmineConnector:
            inner = httpx.AsyncHTTPTransport()
            return RedmineConnector(config, transport=wrap(inner) if wrap else inner)

        def webhook(at: datetime) -> Webhook:
            data = {"issue": {"id": 7}, "journal": {"id": next(journals)}}
            return signed({"type": "issue.updated", "timestamp": at.isoformat(), "data": data})

        async def comments(ref: str) -> list[str]:
            headers = {"X-Redmine-API-Key": ADMIN_KEY}
            async with httpx.AsyncClient(headers=headers, timeout=60) as client:
                url = f"{seeded.url}/issues/{ref}.json?include=journals"
                shown = (await client.get(url)).raise_for_status().json()
            return [one["notes"] or "" for one in shown["issue"]["journals"]]

        return Subject(
            connect=connect,
            comments=comments,
            secret=Path(seeded.key.removeprefix("file:")).read_text(),
            connect_wrongly=lambda: connect(
                None, seeded.model_copy(update={"key": "env:TEST_WRONG"})
            ),
            kind="issue",
            moves=("In Progress", "Closed"),
            # The workflow that Redmine brings lets a developer do everything but that.
            illegal="Rejected",
            webhook=webhook,
        )


@pytest.fixture
async def connector(seeded: RedmineConfig) -> AsyncIterator[RedmineConnector]:
    """A connection."""
    connector = RedmineConnector(seeded)
    yield connector
    await connector.aclose()


class Changing(httpx.AsyncBaseTransport):
    """Changes what issues look like, as another version of Redmine or a plugin does."""

    def __init__(self, change: Callable[[dict[str, Any]], None]) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._change = change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes a request on, and an answer back."""
        response = await self._inner.handle_async_request(request)
        if request.method != "GET" or "/issues/" not in request.url.path:
            return response
        content = json.loads(await response.aread())
        await response.aclose()
        self._change(content["issue"])
        return httpx.Response(response.status_code, json=content)

    async def aclose(self) -> None:
        """Closes the real transport."""
        await self._inner.aclose()


async def test_a_move_that_is_refused_without_a_word_is_rejected(seeded: RedmineConfig) -> None:
    """Redmine answers 204; where it does not tell what is allowed, what it shows counts."""

    def untold(issue: dict[str, Any]) -> None:
        del issue["allowed_statuses"]

    connector = RedmineConnector(seeded, transport=Changing(untold))
    made = await connector.upsert("issue", "silent", {"title": "silent"}, key="k")
    with pytest.raises(Rejected, match="as 'New' after it was moved"):
        await connector.transition("issue", made.ref, "Rejected", key="k")
    await connector.aclose()


async def test_where_the_lock_is_shown_it_locks(seeded: RedmineConfig, redmine: Server) -> None:
    """Somebody changes the issue between our reading and writing: Conflict, nothing lost."""
    raced: list[str] = []

    def locked(issue: dict[str, Any]) -> None:
        with closing(sqlite3.connect(redmine.data / "redmine.sqlite3")) as database:
            query = "select lock_version from issues where id = ?"
            issue["lock_version"] = database.execute(query, [issue["id"]]).fetchone()[0]
        if issue["subject"] == "race" and not raced:
            raced.append(str(issue["id"]))
            change_as_admin(seeded, issue["id"], {"subject": "theirs"})

    connector = RedmineConnector(seeded, transport=Changing(locked))
    made = await connector.upsert("issue", "raced", {"title": "before"}, key="k")
    made = await connector.upsert("issue", "raced", {"title": "before it"}, key="k")
    assert made.title == "before it"
    plain = RedmineConnector(seeded)
    made = await plain.upsert("issue", "raced", {"title": "race"}, key="k")
    with pytest.raises(Conflict) as conflict:
        await connector.upsert("issue", "raced", {"title": "ours"}, key="k", expect=made.version)
    assert raced == [made.ref]
    assert conflict.value.current is not None
    assert conflict.value.current.title == "theirs"
    await plain.aclose()
    await connector.aclose()


async def test_a_field_that_is_not_kept_is_rejected(connector: RedmineConnector) -> None:
    """Redmine passes over what it does not know; nobody is told that it was written."""
    with pytest.raises(Rejected, match="shows no_such_field of issue"):
        await connector.upsert("issue", "unkept", {"title": "a", "no_such_field": 1}, key="k")
    kept = {"text": "kept", "done_ratio": "30", "estimated_hours": "2.5"}
    made = await connector.upsert("issue", "unkept", kept, key="k")
    shown = [made.fields[name] for name in ("description", "done_ratio", "estimated_hours")]
    assert shown == ["kept", 30, 2.5]
    assert await connector.upsert("issue", "unkept", kept, key="again") == made


async def test_a_field_that_nobody_can_look_for_is_rejected(seeded: RedmineConfig) -> None:
    """Redmine would list every issue, and each blocker would become one more issue for ever."""
    connector = RedmineConnector(seeded)
    await connector.upsert("issue", "one", {"title": "one"}, key="k")
    lost = RedmineConnector(seeded.model_copy(update={"external_id": 4711}))
    with pytest.raises(Rejected, match="used as a filter"):
        await lost.find("issue", "two")
    await lost.aclose()
    await connector.aclose()


async def test_others_are_told_apart_from_us(
    connector: RedmineConnector, seeded: RedmineConfig
) -> None:
    """Who changed an issue last is its actor; a name that equals ours is not us."""
    made = await connector.upsert("issue", "actor", {"title": "ours"}, key="k")
    assert made.actor == (await connector.check()).account == "sluice"
    change_as_admin(seeded, made.ref, {"notes": "mine"})
    assert (await connector.get("issue", made.ref)).actor == "Redmine Admin (user 1)"


def plugin_is_installed() -> bool:
    """Tells whether the server runs our plugin as it is here."""
    return PLUGIN.exists() and PLUGIN.read_text() == OUR_PLUGIN.read_text()


@pytest.mark.skipif(
    not plugin_is_installed(),
    reason=f"our plugin for webhooks is not in {PLUGIN.parent}: make test-servers installs it",
)
async def test_our_plugin_signs_what_the_connector_believes(
    connector: RedmineConnector, redmine_webhooks: Receiver
) -> None:
    """Made and changed within one second: two genuine deliveries; a forged one is refused."""
    redmine_webhooks.clear()
    made = await connector.upsert("issue", "told", {"title": "told"}, key="k")
    await connector.comment("issue", made.ref, "told too", key="told")
    now = datetime.now(UTC)
    first, second = redmine_webhooks.next(), redmine_webhooks.next()
    hints = [connector.verify(one, now=now)[0] for one in (first, second)]
    assert {(one.kind, one.ref) for one in hints} == {("issue", made.ref)}
    assert hints[0].delivery != hints[1].delivery
    forged = first.model_copy(update={"body": first.body.replace(b"issue.", b"Issue.")})
    with pytest.raises(Rejected):
        connector.verify(forged, now=now)


def test_what_is_no_issue_points_at_nothing(seeded: RedmineConfig) -> None:
    """Redmine 7 tells of wiki pages too."""
    said = {"type": "news.created", "timestamp": "", "data": {"news": {"id": 1}}}
    connector = RedmineConnector(seeded)
    assert connector.verify(signed(said), now=datetime.now(UTC)) == ()
    with pytest.raises(Rejected, match="not understood"):
        connector.verify(signed([]), now=datetime.now(UTC))
