"""The connector for Roundup on a real tracker."""

import httpx
import pytest

from connectors.conformance.subject import WRONG_SECRET, Subject, Wrap
from connectors.conformance.suite import ConformanceSuite
from connectors.roundup import RoundupConfig, RoundupConnector

PASSWORD = "Str0ng-pass!"


class TestRoundup(ConformanceSuite):
    """Issues."""

    @pytest.fixture
    def subject(self, roundup: "Server", monkeypatch: pytest.MonkeyPatch) -> Subject:  # noqa: F821
        """Returns it on the tracker."""
        monkeypatch.setenv("TEST_ROUNDUP", PASSWORD)
        monkeypatch.setenv("TEST_WRONG", WRONG_SECRET)
        url = f"http://127.0.0.1:{roundup.port}/gate/"

        def connect(wrap: Wrap | None, secret: str = "env:TEST_ROUNDUP") -> RoundupConnector:
            inner = httpx.AsyncHTTPTransport()
            config = RoundupConfig(url=url, user="admin", password=secret)
            return RoundupConnector(config, transport=wrap(inner) if wrap else inner)

        return Subject(
            connect=connect,
            secret=PASSWORD,
            connect_wrongly=lambda: connect(None, "env:TEST_WRONG"),
            kind="issue",
            moves=("in-progress", "resolved"),
        )
