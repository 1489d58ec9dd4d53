"""The connector by manifest: the example of the documentation, on a real server over HTTP."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from connectors.conformance.subject import WRONG_SECRET, Subject, Wrap
from connectors.conformance.suite import ConformanceSuite
from connectors.contract import Connector
from connectors.failures import Conflict, Rejected
from connectors.registry import connect
from tests.desk import Desk, serving_desk, standard_delivery
from tests.real_servers import Server

ROOT = Path(__file__).parents[2]
KEY = "Str0ng-key-of-the-desk"
SECRET = "whsec_YSBzZWNyZXQgb2YgdGhlIGRlc2ssIDMyIGJ5dGVz"


def documented() -> dict[str, Any]:
    """Returns the settings that the documentation shows."""
    page = (ROOT / "docs" / "connectors-rest.md").read_text(encoding="utf-8")
    return settings_in(page.split("```yaml\n")[1].split("```")[0])


def settings_in(text: str) -> dict[str, Any]:
    """Returns the settings of a connection's document."""
    settings: dict[str, Any] = YAML(typ="safe", pure=True).load(text)["settings"]
    return settings


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A help desk's address."""
    with serving_desk(Desk(f"Bearer {KEY}")) as url:
        yield url


class TestRest(ConformanceSuite):
    """Tickets, campaigns and webhooks."""

    @pytest.fixture
    def subject(self, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Subject:
        """Returns the documented connection, to a help desk that is there."""
        monkeypatch.setenv("DESK_KEY", KEY)
        monkeypatch.setenv("DESK_WEBHOOK", SECRET)
        monkeypatch.setenv("DESK_WRONG", WRONG_SECRET)

        def connected(wrap: Wrap | None, key: str = "env:DESK_KEY") -> Connector:
            inner = httpx.AsyncHTTPTransport()
            settings = {**documented(), "url": url, "access": {"bearer": key}}
            return connect("rest", settings, tmp_path, wrap(inner) if wrap else inner)

        return Subject(
            connect=connected,
            secret=KEY,
            connect_wrongly=lambda: connected(None, "env:DESK_WRONG"),
            kind="ticket",
            moves=("working", "done"),
            campaign="Spring mailing",
            webhook=lambda moment: standard_delivery(SECRET, moment),
        )


def example_subject(
    name: str, exchanged: dict[str, str], variable: str, place: Path, **more: Any
) -> Subject:
    """Returns a manifest of the examples, with what names a place exchanged for what is there."""
    example = (ROOT / "examples" / "connectors" / name).read_text(encoding="utf-8")
    for written, there in exchanged.items():
        assert written in example
        example = example.replace(written, there)

    def connected(wrap: Wrap | None, secret: str = variable) -> Connector:
        inner = httpx.AsyncHTTPTransport()
        settings = settings_in(example.replace(f"env:{variable}", f"env:{secret}"))
        return connect("rest", settings, place, wrap(inner) if wrap else inner)

    return Subject(
        connect=connected,
        secret=os.environ[variable],
        connect_wrongly=lambda: connected(None, "WRONG_SECRET"),
        kind="issue",
        **more,
    )


class TestRoundupByManifest(ConformanceSuite):
    """Issues of a real tracker, by the example alone."""

    @pytest.fixture
    def subject(self, roundup: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Subject:
        """Returns the example, to a tracker that is there."""
        monkeypatch.setenv("TRACKER_PASSWORD", "Str0ng-pass!")
        monkeypatch.setenv("WRONG_SECRET", WRONG_SECRET)
        here = f"http://127.0.0.1:{roundup.port}"
        exchanged = {
            "https://tracker.example.com/support": f"{here}/gate",
            "https://tracker.example.com": here,
            "user: sluice": "user: admin",
            "username: sluice": "username: admin",
        }
        return example_subject(
            "roundup-by-manifest.yaml",
            exchanged,
            "TRACKER_PASSWORD",
            tmp_path,
            moves=("in-progress", "resolved"),
        )


REDMINE_KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def redmine_url(redmine: Server) -> str:
    """A Redmine with a project of our own."""
    root = f"http://127.0.0.1:{redmine.port}"
    headers = {"X-Redmine-API-Key": REDMINE_KEY}
    project = {"name": "By manifest", "identifier": "by-manifest"}
    with httpx.Client(base_url=root, headers=headers, timeout=60) as client:
        made = {"project": {**project, "enabled_module_names": ["issue_tracking"]}}
        client.post("/projects.json", json=made).raise_for_status()
        fields = client.get("/custom_fields.json").raise_for_status().json()["custom_fields"]
    assert [one["id"] for one in fields] == [1]
    return root


class TestRedmineByManifest(ConformanceSuite):
    """Issues and comments of a real Redmine, by the example alone."""

    @pytest.fixture
    def subject(self, redmine_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Subject:
        """Returns the example, to a Redmine that is there."""
        monkeypatch.setenv("REDMINE_KEY", REDMINE_KEY)
        monkeypatch.setenv("WRONG_SECRET", WRONG_SECRET)
        exchanged = {
            "https://redmine.example.com": redmine_url,
            "project_id: support": "project_id: by-manifest",
        }
        return example_subject(
            "redmine-by-manifest.yaml",
            exchanged,
            "REDMINE_KEY",
            tmp_path,
            moves=("In Progress", "Closed"),
        )


async def test_a_change_that_redmine_says_was_overtaken_is_a_conflict(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It answers two who write at the same moment so; a wrong value it names."""
    monkeypatch.setenv("REDMINE_KEY", REDMINE_KEY)
    errors: list[str] = []
    issue = {
        "id": 7,
        "subject": "Checks",
        "status": {"name": "New"},
        "updated_on": "2031-01-12T09:00:00Z",
        "author": {"name": "Sluice"},
        "journals": [],
        "custom_fields": [{"id": 1, "value": "blocker-1"}],
    }

    def redmine(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            return httpx.Response(422, json={"errors": errors})
        return httpx.Response(200, json={"issue": issue})

    subject = example_subject("redmine-by-manifest.yaml", {}, "REDMINE_KEY", tmp_path)
    connector = subject.connect(lambda _: httpx.MockTransport(redmine))
    with pytest.raises(Conflict) as overtaken:
        await connector.transition("issue", "7", "Closed", key="k")
    assert overtaken.value.current is not None
    errors.append("Status is not included in the list")
    with pytest.raises(Rejected, match="Status is not included"):
        await connector.transition("issue", "7", "Closed", key="k")
    await connector.aclose()
