"""The connector for Salesforce on a simulated organisation, described by hand."""

import pytest

from connectors.conformance.subject import WRONG_SECRET, Subject, Wrap
from connectors.conformance.suite import ConformanceSuite
from connectors.contract import Scalar
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.settings import SalesforceConfig
from tests.simulators.openapi import Described
from tests.simulators.salesforce import CLIENT, ROOT, SECRET, Salesforce, described

CAMPAIGN = "Spring mailing"


class _Salesforce(ConformanceSuite):
    kind: str
    extra: dict[str, Scalar]
    moves: tuple[str, ...]

    @pytest.fixture
    def subject(self, monkeypatch: pytest.MonkeyPatch) -> Subject:
        """Returns it on an organisation of its own."""
        monkeypatch.setenv("TEST_SALESFORCE", SECRET)
        monkeypatch.setenv("TEST_WRONG", WRONG_SECRET)
        system = Salesforce(page=3)
        system.insert("Campaign", Name=CAMPAIGN)

        def connect(wrap: Wrap | None, secret: str = "env:TEST_SALESFORCE") -> SalesforceConnector:
            way = Described(system, described())
            config = SalesforceConfig(url=ROOT, client_id=CLIENT, client_secret=secret)
            return SalesforceConnector(config, transport=wrap(way) if wrap else way)

        return Subject(
            connect=connect,
            secret=SECRET,
            connect_wrongly=lambda: connect(None, "env:TEST_WRONG"),
            kind=self.kind,
            extra=self.extra,
            moves=self.moves,
            campaign=CAMPAIGN,
        )


class TestLeads(_Salesforce):
    """Leads."""

    kind, extra, moves = "lead", {"Company": "Acme"}, ("Working - Contacted",)


class TestOpportunities(_Salesforce):
    """Opportunities."""

    kind = "opportunity"
    extra = {"StageName": "Prospecting", "CloseDate": "2031-03-02"}
    moves = ("Negotiation", "Closed Won")


class TestCampaigns(_Salesforce):
    """Campaigns as objects."""

    kind, extra, moves = "campaign", {}, ("In Progress", "Completed")
