"""The connector for GitHub issues on a simulated repository."""

from datetime import datetime

import pytest

from connectors.conformance.subject import WRONG_SECRET, Subject, Wrap
from connectors.conformance.suite import ConformanceSuite
from connectors.contract import Webhook
from connectors.github.connector import GithubConnector
from connectors.github.settings import GithubConfig
from tests.simulators.github import API, REPOSITORY, TOKEN, GithubRepository
from tests.simulators.github_described import described

SECRET = "webhook-s3cret-of-the-repository"


class TestGithub(ConformanceSuite):
    """Issues among pull requests."""

    @pytest.fixture
    def subject(self, monkeypatch: pytest.MonkeyPatch) -> Subject:
        """Returns it on a repository with a pull request."""
        monkeypatch.setenv("TEST_GITHUB", TOKEN)
        monkeypatch.setenv("TEST_GITHUB_HOOK", SECRET)
        monkeypatch.setenv("TEST_WRONG", WRONG_SECRET)
        repository = GithubRepository()
        repository.make("Mend it", pull_request=True)

        def connect(wrap: Wrap | None, token: str = "env:TEST_GITHUB") -> GithubConnector:
            inner = described(repository)
            config = GithubConfig(
                url=API, repository=REPOSITORY, token=token, webhook_secret="env:TEST_GITHUB_HOOK"
            )
            return GithubConnector(config, transport=wrap(inner) if wrap else inner)

        def sent(at: datetime) -> Webhook:
            return repository.delivery(SECRET)

        async def said(ref: str) -> list[str]:
            return repository.said(int(ref))

        return Subject(
            connect=connect,
            secret=TOKEN,
            connect_wrongly=lambda: connect(None, "env:TEST_WRONG"),
            kind="issue",
            moves=("completed", "open", "not_planned"),
            comments=said,
            webhook=sent,
        )
