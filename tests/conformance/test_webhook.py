"""The connector that tells by signed webhooks, to the example's receiver over HTTP."""

import runpy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from connectors.conformance.examination import examine_one
from connectors.conformance.platinum import platinum
from connectors.conformance.subject import Subject, Wrap
from connectors.conformance.suite import ConformanceSuite
from connectors.contract import Connector
from connectors.failures import NotFound, Rejected, RetryLater
from connectors.registry import connect, settings_faults
from tests.desk import serving, standard_delivery

EXAMPLE = Path(__file__).parents[2] / "examples" / "webhook"
SECRET = "whsec_YSBzZWNyZXQgb2YgdGhlIG1haWxlciwgMzIgYnl0ZXM="
ANOTHER = "whsec_YW5vdGhlciBzZWNyZXQgb2YgMzIgYnl0ZXMgb3IgbW9yZQ=="
CAMPAIGN = "Spring mailing & more/2"


class Running:
    """The example's receiver, and where it listens."""

    def __init__(self, receiver: Any, port: int) -> None:
        self.receiver = receiver
        self.url = f"http://127.0.0.1:{port}"

    def settings(self, **changed: Any) -> dict[str, Any]:
        """Returns the settings of the example, to this receiver; None takes one away."""
        text = (EXAMPLE / "connection.yaml").read_text().replace("http://127.0.0.1:8085", self.url)
        settings = {**YAML(typ="safe", pure=True).load(text)["settings"], **changed}
        return {name: value for name, value in settings.items() if value is not None}


@contextmanager
def running() -> Iterator[Running]:
    """Starts the example's receiver."""
    example = runpy.run_path(str(EXAMPLE / "receiver.py"))
    receiver = example["Receiver"](SECRET, [CAMPAIGN])
    server = example["serve"](receiver, 0)
    server.RequestHandlerClass.log_message = lambda *_: None
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield Running(receiver, server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Running]:
    """One for all."""
    with running() as one:
        yield one


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECEIVER_SECRET", SECRET)
    monkeypatch.setenv("WRONG_SECRET", ANOTHER)


def subject_of(settings: dict[str, Any], place: Path, **more: Any) -> Subject:
    """Returns what the kit needs to know."""

    def connected(wrap: Wrap | None, secret: str = "env:RECEIVER_SECRET") -> Connector:
        inner = httpx.AsyncHTTPTransport()
        changed = {**settings, "secret": secret}
        return connect("webhook", changed, place, wrap(inner) if wrap else inner)

    return Subject(
        connect=connected,
        secret=SECRET,
        connect_wrongly=lambda: connected(None, "env:WRONG_SECRET"),
        kind="ticket",
        moves=("working", "done"),
        campaign=CAMPAIGN,
        webhook=lambda moment: standard_delivery(SECRET, moment),
        **more,
    )


class TestWebhook(ConformanceSuite):
    """As the example has it: the receiver shows its campaigns, so a hold is enforced."""

    @pytest.fixture
    def subject(self, receiver: Running, tmp_path: Path) -> Subject:
        """Returns the example's connection."""
        return subject_of(receiver.settings(), tmp_path)


class TestWebhookWithoutLook(ConformanceSuite):
    """A receiver that shows nothing: a hold is a message, and says so."""

    @pytest.fixture
    def subject(self, receiver: Running, tmp_path: Path) -> Subject:
        """Returns a connection without `look`."""
        return subject_of(receiver.settings(look=None), tmp_path, makes_campaigns=True)


async def test_it_can_be_examined_again(receiver: Running, tmp_path: Path) -> None:
    """What the receiver was told by an earlier examination is not taken for what it is told now."""
    subject = subject_of(receiver.settings(), tmp_path)
    for check in platinum.all * 2:
        result = await examine_one(subject, check)
        assert result.outcome == "passed", result


async def test_what_a_hold_is_worth(receiver: Running, tmp_path: Path) -> None:
    """Enforced only where the receiver shows it; what it shows counts, not what it was told."""
    proved = connect("webhook", receiver.settings(), tmp_path)
    assert proved.manifest.hold == "enforced"
    assert (await proved.hold(CAMPAIGN, key="h")).level == "enforced"
    assert (await proved.release(CAMPAIGN, 0.25, key="r")).share == 0.25
    receiver.receiver.campaigns[CAMPAIGN] = {"state": "released", "share": 0.5}  # by hand
    seen = await proved.look(CAMPAIGN)
    assert seen is not None
    assert (seen.state, seen.share) == ("released", 0.5)
    assert await proved.look("another") is None
    with pytest.raises(NotFound):
        await proved.hold("another", key="h")
    told = connect("webhook", receiver.settings(look=None), tmp_path)
    assert told.manifest.hold == "advisory"
    assert await told.look("another") is None
    held = await told.hold("another", key="h")
    assert (held.level, held.state) == ("advisory", "held")
    shown = await told.look("another")
    assert shown is not None
    assert (shown.level, shown.state) == ("advisory", "held")
    for one in (proved, told):
        await one.aclose()


async def test_a_repeat_is_the_same_delivery(receiver: Running, tmp_path: Path) -> None:
    """Its id follows from what is told and the key, so the receiver does nothing twice."""
    before = set(receiver.receiver.events)
    first = connect("webhook", receiver.settings(), tmp_path)
    await first.hold(CAMPAIGN, key="entry 7")
    await first.hold(CAMPAIGN, key="entry 7")
    # Another machine remembers nothing, and tells it under the same id.
    second = connect("webhook", receiver.settings(), tmp_path / "elsewhere")
    for one in (first, second):
        await one.upsert("ticket", "sluice-1", {"title": "KYC is short"}, key="entry 8")
        await one.comment("ticket", "sluice-1", "why", key="entry 9")
        await one.aclose()
    events = [one for name, one in receiver.receiver.events.items() if name not in before]
    assert events == [
        {"type": "campaign.hold", "data": {"campaign": CAMPAIGN, "state": "held", "share": 0.0}},
        {
            "type": "object.upsert",
            "data": {"kind": "ticket", "id": "sluice-1", "fields": {"title": "KYC is short"}},
        },
        {"type": "object.comment", "data": {"kind": "ticket", "id": "sluice-1", "text": "why"}},
    ]


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ((200, {"received": "msg_of_somebody_else"}), RetryLater),
        ((200, {"ok": True}), RetryLater),
        ((200, "fine"), RetryLater),
        ((202, None), RetryLater),
        ((307, {}), Rejected),
        ((503, {}), RetryLater),
    ],
)
async def test_an_answer_that_does_not_repeat_the_id_is_none(
    answer: tuple[int, Any], failure: type[Exception], tmp_path: Path
) -> None:
    """A proxy's 200 acknowledges nothing, so nothing is remembered as told."""
    with serving(lambda *_: answer) as url:
        connector = connect("webhook", {"url": url, "secret": "env:RECEIVER_SECRET"}, tmp_path)
        with pytest.raises(failure):
            await connector.hold(CAMPAIGN, key="k")
        assert await connector.look(CAMPAIGN) is None
        await connector.aclose()


async def test_what_cannot_be_told_is_refused(receiver: Running, tmp_path: Path) -> None:
    """Too large, or a field that the settings do not name."""
    connector = connect("webhook", receiver.settings(), tmp_path)
    with pytest.raises(Rejected, match="262,144 at most"):
        await connector.upsert("ticket", "sluice-2", {"text": "x" * 300_000}, key="k")
    with pytest.raises(Rejected, match="no field 'owner' of ticket, only title, text"):
        await connector.upsert("ticket", "sluice-2", {"owner": "olga"}, key="k")
    assert await connector.find("ticket", "sluice-2") is None
    await connector.aclose()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"url": "http://user@127.0.0.1/"}, "it names somebody"),
        ({"url": "http://127.0.0.1/?a=b"}, "it has a query"),
        ({"look": "http://elsewhere.example.com/{ref}"}, "look is not at"),
        ({"look": "http://127.0.0.1:1/campaigns"}, "a place for {ref}"),
        ({"kinds": {"campaign": {}}}, "without being named"),
        ({"kinds": {"ticket": {"closed": ["done"]}}}, "done is not among statuses"),
        ({"secret": "whsec_x"}, "write where the secret lies"),
    ],
)
def test_settings_that_cannot_be(changed: dict[str, Any], said: str) -> None:
    """Each is refused when the document is applied."""
    settings = {"url": "http://127.0.0.1:1/", "secret": "env:RECEIVER_SECRET", **changed}
    faults = settings_faults("webhook", settings)
    assert any(said in message for _, message in faults), faults


def test_the_documented_connection_can_be() -> None:
    """Its settings are right as they stand."""
    page = (EXAMPLE.parents[1] / "docs" / "connectors-webhook.md").read_text(encoding="utf-8")
    text = page.split("```yaml\n")[1].split("```")[0]
    document = YAML(typ="safe", pure=True).load(text)
    assert document["connector"] == "webhook"
    assert settings_faults("webhook", document["settings"]) == []


async def test_every_event_is_documented(receiver: Running, tmp_path: Path) -> None:
    """What the receiver gets stands in the table, with what it carries."""
    before = set(receiver.receiver.events)
    connector = connect("webhook", receiver.settings(), tmp_path)
    await connector.check()
    await connector.release(CAMPAIGN, 0.5, key="1")
    await connector.throttle(CAMPAIGN, 0.7, key="2")
    await connector.hold(CAMPAIGN, key="3")
    await connector.upsert("ticket", "sluice-9", {"title": "t"}, key="4")
    await connector.transition("ticket", "sluice-9", "done", key="5")
    await connector.comment("ticket", "sluice-9", "why", key="6")
    await connector.aclose()
    page = (EXAMPLE.parents[1] / "docs" / "connectors-webhook.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    sent = [one for name, one in receiver.receiver.events.items() if name not in before]
    assert len(sent) == 7
    for event in sent:
        [row] = [one for one in rows if f"`{event['type']}`" in one.split("|")[1]]
        for name in event["data"]:
            assert f"`{name}`" in row.split("|")[2], (event, row)
