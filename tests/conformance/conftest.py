"""Keeps what the kit found, for `python -m tools.tiers`."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from connectors.conformance.results import Check

KEPT = Path(__file__).parents[2] / ".sluice" / "conformance"
"""One file per suite and check: processes that run side by side do not meet."""

REAL = {"redmine", "roundup", "rt", "tryton"}
"""Fixtures that are real servers, see tests/real_servers.py."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Writes down the outcome of each check."""
    report = yield
    spec = getattr(item, "callspec", None)
    check = spec.params.get("check") if spec else None
    if call.when == "call" and isinstance(check, Check):
        # `check` skips only where it does not apply; where a server is missing, setup does.
        outcome = {"passed": "passed", "failed": "failed", "skipped": "exempt"}[report.outcome]
        why = report.longrepr[2].removeprefix("Skipped: ") if outcome == "exempt" else ""
        # The file is named after the connector; a real server comes as a fixture of its name.
        connector = item.path.stem.removeprefix("test_")
        suite = item.nodeid.split("::")[1].removeprefix("Test")
        real = any(name in REAL for name in getattr(item, "fixturenames", ()))
        found = {"connector": connector, "suite": suite, "real": real, "check": check.name}
        found |= {"outcome": outcome, "why": why}
        KEPT.mkdir(parents=True, exist_ok=True)
        (KEPT / f"{connector}.{suite}.{check.name}.json").write_text(json.dumps(found))
    return report
