"""The connector for Tryton on a real database: leads, and campaigns that can be stopped."""

import json
from pathlib import Path

import httpx
import pytest

from connectors.conformance.subject import WRONG_SECRET, Subject, Wrap
from connectors.conformance.suite import ConformanceSuite
from connectors.failures import Unsupported
from connectors.tryton import TrytonConfig, TrytonConnector

CAMPAIGN = "Spring mailing"


@pytest.fixture(scope="module")
def seeded(tryton: "Server") -> TrytonConfig:  # noqa: F821
    """A database with a campaign and what a new lead needs."""
    root = f"http://127.0.0.1:{tryton.port}/crm"
    key = tryton.data / "token"
    headers = {"Authorization": f"Bearer {key.read_text()}"}
    with httpx.Client(base_url=f"{root}/rest/model/", headers=headers) as client:

        def made(model: str, content: dict[str, str]) -> int:
            return int(client.post(model, json=content).raise_for_status().json()["id"])

        made(
            "marketing.automation.scenario",
            {"name": CAMPAIGN, "model": "party.party", "domain": json.dumps([])},
        )
        return TrytonConfig(
            url=root,
            key=f"file:{key}",
            party=made("party.party", {"name": "Somebody"}),
            company=client.get("company.company").json()[0]["id"],
            currency=client.get("currency.currency").json()[0]["id"],
        )


class TestTryton(ConformanceSuite):
    """Leads and campaigns."""

    @pytest.fixture
    def subject(self, seeded: TrytonConfig, monkeypatch: pytest.MonkeyPatch) -> Subject:
        """Returns it on the database."""
        monkeypatch.setenv("TEST_WRONG", WRONG_SECRET)

        def connect(wrap: Wrap | None, config: TrytonConfig = seeded) -> TrytonConnector:
            inner = httpx.AsyncHTTPTransport()
            return TrytonConnector(config, transport=wrap(inner) if wrap else inner)

        return Subject(
            connect=connect,
            secret=Path(seeded.key.removeprefix("file:")).read_text(),
            connect_wrongly=lambda: connect(
                None, seeded.model_copy(update={"key": "env:TEST_WRONG"})
            ),
            kind="lead",
            moves=("lost",),
            campaign=CAMPAIGN,
        )


async def test_what_cannot_run_in_part_stays_stopped(seeded: TrytonConfig) -> None:
    """Tryton knows no parts: where 10 % may run, nothing does."""
    connector = TrytonConnector(seeded)
    await connector.release(CAMPAIGN, 1.0, key="all")
    with pytest.raises(Unsupported, match="whole or not at all"):
        await connector.throttle(CAMPAIGN, 0.1, key="some")
    seen = await connector.look(CAMPAIGN)
    assert seen is not None
    assert seen.state == "held"
    await connector.aclose()
