"""Which tests run in one process, where `make test` runs them in several."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

IN_THEIR_ORDER = (
    "tests/journeys/test_command_line.py",
    "tests/journeys/test_connections.py",
    "tests/journeys/test_documents.py",
    "tests/journeys/test_record_case.py",
    "tests/journeys/test_rollout.py",
    "tests/journeys/test_sync.py",
    "tests/journeys/test_waivers.py",
)
"""Files whose tests share a running stack, which each file has to itself: the fixture `office`."""


class _FilesInTheirOrder(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out tests one by one, but those of a file that shares a stack to the same process.

    That is what pytest-xdist's groups are for, but 3.8 does not see the marks with pytest 9.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((file for file in IN_THEIR_ORDER if nodeid.startswith(file)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Schedules for `--dist loadgroup`, which `make test` uses."""
    grouped = config.getvalue("dist") == "loadgroup"
    return _FilesInTheirOrder(config, log) if grouped else None
