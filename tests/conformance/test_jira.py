"""The connector for Jira Cloud on a simulated site that keeps to the vendor's description."""

from datetime import datetime

import pytest

from connectors.conformance.subject import WRONG_SECRET, Subject, Wrap
from connectors.conformance.suite import ConformanceSuite
from connectors.contract import Webhook
from connectors.jira.adf import text_of
from connectors.jira.connector import JiraConnector
from connectors.jira.settings import JiraConfig
from tests.simulators.jira import JiraSite
from tests.simulators.jira_content import EMAIL, NAME_FIELD, PROJECT, SITE, TOKEN
from tests.simulators.jira_described import described

SECRET = "webhook-s3cret-of-the-site"


@pytest.fixture
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_JIRA", TOKEN)
    monkeypatch.setenv("TEST_JIRA_HOOK", SECRET)
    monkeypatch.setenv("TEST_WRONG", WRONG_SECRET)


def _subject(site: JiraSite, external_id: str = "labels") -> Subject:
    def connect(wrap: Wrap | None, token: str = "env:TEST_JIRA") -> JiraConnector:
        inner = described(site)
        config = JiraConfig(
            url=SITE,
            email=EMAIL,
            token=token,
            project=PROJECT,
            external_id=external_id,
            webhook_secret="env:TEST_JIRA_HOOK",
        )
        return JiraConnector(config, transport=wrap(inner) if wrap else inner)

    def sent(at: datetime) -> Webhook:
        return site.delivery(f"{PROJECT}-1", SECRET)

    async def said(ref: str) -> list[str]:
        return [text_of(one) for one in site.said(ref)]

    return Subject(
        connect=connect,
        secret=TOKEN,
        connect_wrongly=lambda: connect(None, "env:TEST_WRONG"),
        kind="issue",
        moves=("In Progress", "Done"),
        comments=said,
        webhook=sent,
    )


@pytest.mark.usefixtures("_secrets")
class TestJira(ConformanceSuite):
    """Our name is a label."""

    @pytest.fixture
    def subject(self) -> Subject:
        """Returns it on an empty site."""
        return _subject(JiraSite())


@pytest.mark.usefixtures("_secrets")
class TestJiraNamedByField(ConformanceSuite):
    """Our name is in a field, and the index is late."""

    @pytest.fixture
    def subject(self) -> Subject:
        """Returns it on an empty site whose index shows everything two questions late."""
        return _subject(JiraSite(lag=2), NAME_FIELD)
