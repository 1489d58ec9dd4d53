"""The connector for HubSpot on a simulated account, checked by HubSpot's own descriptions."""

import itertools
from datetime import datetime

import pytest

from connectors.conformance.subject import WRONG_SECRET, Subject, Wrap
from connectors.conformance.suite import ConformanceSuite
from connectors.contract import Webhook
from connectors.hubspot.connector import HubspotConnector
from connectors.hubspot.settings import HubspotConfig
from tests.simulators.hubspot import SECRET, TOKEN, Hubspot, described, webhook

CAMPAIGN = "Spring mailing"


class _Hubspot(ConformanceSuite):
    kind: str
    moves: tuple[str, ...]

    @pytest.fixture
    def subject(self, monkeypatch: pytest.MonkeyPatch) -> Subject:
        """Returns it on an account of its own."""
        monkeypatch.setenv("TEST_HUBSPOT", TOKEN)
        monkeypatch.setenv("TEST_HUBSPOT_APP", SECRET)
        monkeypatch.setenv("TEST_WRONG", WRONG_SECRET)
        system, way = Hubspot(), None
        system.campaign(CAMPAIGN)
        way = described(system)
        numbers = itertools.count(1)

        def connect(wrap: Wrap | None, token: str = "env:TEST_HUBSPOT") -> HubspotConnector:
            config = HubspotConfig(token=token, client_secret="env:TEST_HUBSPOT_APP")
            return HubspotConnector(config, transport=wrap(way) if wrap else way)

        def told(now: datetime) -> Webhook:
            event = {"subscriptionType": f"{self.kind}.propertyChange", "objectId": 7}
            return webhook(now, {**event, "eventId": next(numbers), "attemptNumber": 0})

        return Subject(
            connect=connect,
            secret=TOKEN,
            connect_wrongly=lambda: connect(None, "env:TEST_WRONG"),
            kind=self.kind,
            moves=self.moves,
            campaign=CAMPAIGN,
            webhook=told,
        )


class TestContacts(_Hubspot):
    """Contacts, by their lead status."""

    kind, moves = "contact", ("Connected", "Unqualified")


class TestDeals(_Hubspot):
    """Deals, by their stage, also in another pipeline."""

    kind, moves = "deal", ("Contract sent", "Partners: Contract sent", "Closed won")


class TestTickets(_Hubspot):
    """Tickets, by their stage."""

    kind, moves = "ticket", ("Waiting on us", "Closed")
