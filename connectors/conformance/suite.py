"""The kit for pytest: a class to derive from, one test per check."""

import pytest

from connectors.conformance.examination import CHECKS, examine_one
from connectors.conformance.results import Check
from connectors.conformance.subject import Subject


class ConformanceSuite:
    """Derive from it and give a fixture `subject`; pytest-asyncio runs the rest."""

    @pytest.fixture
    def subject(self) -> Subject:
        """Returns the connector to examine."""
        msg = f"{type(self).__name__} needs a fixture `subject`"
        raise NotImplementedError(msg)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
    async def test(self, subject: Subject, check: Check) -> None:
        """One check."""
        result = await examine_one(subject, check)
        if result.outcome == "exempt":
            pytest.skip(result.detail)
        assert result.outcome == "passed", result.detail
