"""The connector for Request Tracker on a real one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from connectors.conformance.subject import WRONG_SECRET, Subject, Wrap
from connectors.conformance.suite import ConformanceSuite
from connectors.cursor import cursor_from
from connectors.failures import Rejected
from connectors.rt import RtConfig, RtConnector
from connectors.secrets import read_secret
from tests.real_servers import Server


@pytest.fixture(scope="session")
def config(rt: Server) -> RtConfig:
    """The settings for the server; its token lies in its folder."""
    return RtConfig(url=f"http://127.0.0.1:{rt.port}", token=f"file:{rt.data / 'token'}")


class TestRequestTracker(ConformanceSuite):
    """Tickets."""

    @pytest.fixture
    def subject(self, config: RtConfig, monkeypatch: pytest.MonkeyPatch) -> Subject:
        """Returns it on the server."""
        monkeypatch.setenv("TEST_WRONG", WRONG_SECRET)

        def connect(wrap: Wrap | None, config: RtConfig = config) -> RtConnector:
            inner = httpx.AsyncHTTPTransport()
            return RtConnector(config, transport=wrap(inner) if wrap else inner)

        return Subject(
            connect=connect,
            secret=read_secret(config.token),
            connect_wrongly=lambda: connect(
                None, config.model_copy(update={"token": "env:TEST_WRONG"})
            ),
            kind="ticket",
            moves=("open", "resolved"),
        )


@pytest.fixture
async def connector(config: RtConfig) -> AsyncIterator[RtConnector]:
    """A connection."""
    connector = RtConnector(config)
    yield connector
    await connector.aclose()


async def test_what_rt_says_of_a_refusal_is_told(connector: RtConnector) -> None:
    """It answers 200; whoever has to mend it reads why."""
    made = await connector.upsert("ticket", "told", {"title": "told", "text": "why"}, key="k")
    with pytest.raises(Rejected, match="isn't a valid status for this ticket"):
        await connector.transition("ticket", made.ref, "nonsense", key="k")
    with pytest.raises(Rejected, match="shows Subjekt of ticket"):
        await connector.upsert("ticket", "told", {"Subjekt": "x"}, key="k")
    with pytest.raises(Rejected, match="200 letters"):
        await connector.upsert("ticket", "told", {"title": "x" * 201}, key="k")


async def test_names_are_only_names(connector: RtConnector) -> None:
    """Whatever stands in a name of ours, a query means nothing else by it."""
    tricky = "o'neill [x] {y} \\ ' OR id > 0 OR 'x' = '\u00e4"
    await connector.upsert("ticket", "plain", {"title": "plain"}, key="k")
    assert await connector.find("ticket", tricky) is None
    made = await connector.upsert("ticket", tricky, {"title": "tricky"}, key="k")
    again = await connector.upsert("ticket", tricky, {"title": "tricky"}, key="k")
    assert again.ref == made.ref
    assert made.external_id == tricky


async def test_a_queue_without_our_field_gets_no_ticket(config: RtConfig) -> None:
    """RT would pass over the field, and each try would make one more ticket."""
    lost = RtConnector(config.model_copy(update={"external_id": "No such field"}))
    before = await lost.changes("ticket", cursor_from(datetime(2020, 1, 1, tzinfo=UTC)))
    with pytest.raises(Rejected, match="no custom field 'No such field'"):
        await lost.upsert("ticket", "lost", {"title": "lost"}, key="k")
    after = await lost.changes("ticket", before.cursor)
    assert after.items == ()
    await lost.aclose()


async def test_times_mean_the_same_in_every_zone(connector: RtConnector, config: RtConfig) -> None:
    """RT reads times in a query in the zone of the user who asks."""
    token = read_secret(config.token)
    headers = {"Authorization": f"token {token}"}
    me = f"{config.url}/REST/2.0/user/{token.split('-')[1]}"
    try:
        await set_zone(me, headers, "Asia/Tokyo")
        made = await connector.upsert("ticket", "zone", {"title": "zone"}, key="k")
        assert made.updated_at is not None
        page = await connector.changes("ticket", cursor_from(made.updated_at))
        assert made.ref in {one.ref for one in page.items}
        later = await connector.changes("ticket", page.cursor)
        assert later.items == ()
    finally:
        await set_zone(me, headers, "UTC")


async def set_zone(user: str, headers: dict[str, str], zone: str) -> None:
    """Sets the zone that a user has chosen."""
    async with httpx.AsyncClient(headers=headers, timeout=30) as client:
        (await client.put(user, json={"Timezone": zone})).raise_for_status()
