"""What a worker's connection can do is what its document says, not only its connector."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from connectors.registry import manifest_of
from console.sync_planning import faults_of
from ledger.writer import AsyncLedger
from measures.documents import Connection, document_content
from measures.mapping import MappedField, Mapping
from tests.desk import Desk, serving_desk
from worker.circuits import Circuits
from worker.connections import Connections

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
PAGE = Path(__file__).parents[3] / "docs" / "connectors-rest.md"


def desk_connection(url: str, **changed: Any) -> Connection:
    """The connection of the documentation, to a help desk that is there."""
    text = PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    settings = {**YAML(typ="safe", pure=True).load(text)["settings"], "url": url, **changed}
    return Connection(id="desk", connector="rest", settings=settings)


async def test_a_worker_knows_what_a_manifest_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And calls the system by it, through circuit and pace."""
    monkeypatch.setenv("DESK_KEY", "k3y")
    with serving_desk(Desk()) as url:
        async with await AsyncLedger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
            document = document_content(desk_connection(url))
            await ledger.append_document("Connection", "desk", document, "operator", NOW, "c")
            circuits = Circuits(ledger, timedelta(seconds=30), lambda: NOW)
            connections = Connections(ledger, tmp_path, circuits)
            desk = await connections.get("desk")
            assert desk.manifest.kinds == ("ticket",)
            assert desk.manifest.hold == "enforced"
            assert {"upsert", "throttle", "webhooks"} <= desk.manifest.can
            made = await desk.upsert("ticket", "sluice-1", {"title": "KYC is short"}, key="k")
            assert (made.title, made.status) == ("KYC is short", "new")
            assert (await desk.hold("Spring mailing", key="h")).state == "held"
            await connections.aclose()


async def test_a_mapping_is_planned_by_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kind that the manifest names is one, and one that it does not is none."""
    monkeypatch.setenv("DESK_KEY", "k3y")
    mapping = Mapping(
        id="blockers",
        version=1,
        connection="desk",
        object="ticket",
        purpose="blockers",
        fields=(MappedField(ours="title", theirs="title"),),
        statuses={"open": "new", "cleared": "done"},
    )
    with serving_desk(Desk()) as url:
        connection = desk_connection(url)
        [warning] = await faults_of(mapping, connection, tmp_path)
        assert warning.level == "warning"
        assert "cannot be moved back from 'done' to 'new'" in warning.message
        other = mapping.model_copy(update={"object": "issue"})
        [fault] = await faults_of(other, connection, tmp_path)
        assert "Help desk has no 'issue' through rest: ticket" in fault.message


def test_settings_that_do_not_fit_promise_nothing() -> None:
    """What the connector says of itself is left."""
    connection = desk_connection("https://desk.example.com", kinds={"ticket": {}})
    assert manifest_of("rest", connection.settings).kinds == ()
    settings = {"url": "https://mailer.example.com/x", "secret": "env:S"}
    assert manifest_of("webhook", settings).hold == "advisory"
    shown = {**settings, "look": "https://mailer.example.com/c/{ref}", "kinds": {"ticket": {}}}
    assert manifest_of("webhook", shown).hold == "enforced"
    assert "upsert" in manifest_of("webhook", shown).can
    assert "upsert" not in manifest_of("webhook", settings).can
