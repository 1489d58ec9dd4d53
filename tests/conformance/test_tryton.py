"""The connector for Tryton on a real database: its CRM, and campaigns that can be stopped."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.conformance.subject import WRONG_SECRET, Subject, Wrap
from connectors.conformance.suite import ConformanceSuite
from connectors.cursor import cursor_from
from connectors.failures import NotFound, Rejected, Unsupported
from connectors.tryton.connector import TrytonConnector
from connectors.tryton.settings import TrytonConfig

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
            employee=client.get("company.employee").json()[0]["id"],
        )


class _Tryton(ConformanceSuite):
    kind: str
    moves: tuple[str, ...] = ()

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
            kind=self.kind,
            moves=self.moves,
            campaign=CAMPAIGN,
        )


class TestLeads(_Tryton):
    """Leads, and campaigns."""

    kind, moves = "lead", ("lost",)


class TestOpportunities(_Tryton):
    """Opportunities, which begin as leads."""

    kind, moves = "opportunity", ("converted",)


class TestParties(_Tryton):
    """Parties."""

    kind = "party"


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


class Sales:
    """The people of sales, in Tryton's own pages."""

    def __init__(self, config: TrytonConfig) -> None:
        key = Path(config.key.removeprefix("file:")).read_text()
        self._client = httpx.Client(
            base_url=f"{config.url}/rest/model/", headers={"Authorization": f"Bearer {key}"}
        )

    def close(self, ref: str, *actions: str) -> None:
        """Gives the sale of an opportunity an address and a line, and moves it."""
        shown = self._client.get(f"sale.opportunity/{ref}", params=[("f", "sales"), ("f", "party")])
        sale, party = shown.json()["sales"][0], shown.json()["party"]
        address = self._ask("POST", "party.address", {"party": party, "street": "Main"})["id"]
        price = {"__class__": "Decimal", "decimal": "1"}
        line = {"type": "line", "quantity": 1, "unit_price": price, "description": "it"}
        sold = {"lines": [["create", [line]]]}
        where = {"invoice_address": address, "shipment_address": address}
        self._ask("PUT", f"sale.sale/{sale}", {**sold, **where})
        for action in actions:
            self._ask("POST", f"sale.sale/{sale}/{action}", {})

    def _ask(self, method: str, path: str, content: dict[str, Any]) -> dict[str, Any]:
        answer = self._client.request(method, path, json=content)
        return dict(answer.raise_for_status().json())


@pytest.fixture
async def crm(seeded: TrytonConfig) -> AsyncIterator[TrytonConnector]:
    """A connection."""
    connector = TrytonConnector(seeded)
    yield connector
    await connector.aclose()


@pytest.mark.parametrize(
    ("actions", "state"), [(("quote", "confirm"), "won"), (("cancel",), "lost")]
)
async def test_a_sale_decides_whether_an_opportunity_is_won(
    crm: TrytonConnector, seeded: TrytonConfig, actions: tuple[str, ...], state: str
) -> None:
    """Nobody else can; what is won shows as closed and as won, and among what has changed."""
    name = f"deal-{state}"
    cursor = cursor_from(datetime.now(UTC) - timedelta(seconds=1))
    made = await crm.upsert("opportunity", name, {"title": "Deal", "amount": 13_000}, key="k")
    assert (made.status, made.fields["amount"]) == ("opportunity", 13_000)
    await crm.transition("opportunity", made.ref, "converted", key="k")
    for wanted in ("won", "lost"):
        with pytest.raises(Rejected, match="won when its sale is confirmed"):
            await crm.transition("opportunity", made.ref, wanted, key="k")
    Sales(seeded).close(made.ref, *actions)
    page = await crm.changes("opportunity", cursor)
    assert [one.status for one in page.items if one.external_id == name] == [state]
    schema = await crm.describe("opportunity")
    assert state in schema.closed
    assert (state in schema.won) == (state == "won")


async def test_a_lead_is_no_opportunity_until_it_is_one(crm: TrytonConnector) -> None:
    """It is neither found nor listed as one; written as one, it becomes one."""
    cursor = cursor_from(datetime.now(UTC) - timedelta(seconds=1))
    lead = await crm.upsert("lead", "grows", {"title": "Lead"}, key="k")
    assert await crm.find("opportunity", "grows") is None
    with pytest.raises(NotFound, match=f"no opportunity {lead.ref}"):
        await crm.get("opportunity", lead.ref)
    assert lead.ref not in {one.ref for one in (await crm.changes("opportunity", cursor)).items}
    grown = await crm.upsert("opportunity", "grows", {"title": "Lead"}, key="k")
    assert (grown.ref, grown.status) == (lead.ref, "opportunity")


async def test_how_a_party_is_reached_is_made_changed_and_taken_back(crm: TrytonConnector) -> None:
    """Tryton keeps each way as a record of its own."""
    ways = {"email": "nora@acme.example", "phone": "+49301234567"}
    made = await crm.upsert("party", "acme", {"title": "Acme", **ways}, key="k")
    assert {name: made.fields[name] for name in ways} == ways
    changed = await crm.upsert(
        "party", "acme", {"email": "new@acme.example", "phone": None}, key="k"
    )
    assert changed.fields["email"] == "new@acme.example"
    assert not changed.fields["phone"]
    assert (await crm.find("party", "acm")) is None


async def test_campaigns_are_objects_too(crm: TrytonConnector) -> None:
    """They are listed, read, moved and noted on; they have no field for a name of ours."""
    page = await crm.changes("campaign", cursor_from(datetime(2020, 1, 1, tzinfo=UTC)))
    [shown] = [one for one in page.items if one.title == CAMPAIGN]
    await crm.hold(CAMPAIGN, key="k")
    await crm.release(CAMPAIGN, 1.0, key="k")
    assert (await crm.get("campaign", shown.ref)).status == "running"
    assert (await crm.transition("campaign", shown.ref, "stopped", key="k")).status == "stopped"
    with pytest.raises(Rejected):
        await crm.transition("campaign", shown.ref, "running", key="k")
    await crm.comment("campaign", shown.ref, "held", key="once")
    with pytest.raises(Unsupported, match="no field for a name of ours"):
        await crm.find("campaign", CAMPAIGN)


async def test_the_login_that_settings_name_is_ours(
    crm: TrytonConnector, seeded: TrytonConfig
) -> None:
    """Where the key may see several users, Tryton does not tell which is ours."""
    assert (await crm.check()).missing == ()
    other = TrytonConnector(seeded.model_copy(update={"user": "nobody"}))
    with pytest.raises(NotFound, match="no user 'nobody'"):
        await other.check()
    await other.aclose()
