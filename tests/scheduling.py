"""Which tests run in one process, and which begin, where `make test` runs them in several."""

from collections.abc import Sequence
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

TOGETHER: Sequence[tuple[str, ...]] = (
    *((file,) for file in IN_THEIR_ORDER),
    (
        "tests/conformance/test_redmine.py",
        "tests/conformance/test_rest.py",
        "tests/conformance/test_roundup.py",
    ),
    ("tests/conformance/test_rt.py",),
    (
        "tests/conformance/test_tryton.py",
        "tests/journeys/test_both_ways.py",
        "tests/journeys/test_tryton.py",
    ),
    ("tests/journeys/test_connectors_new.py",),
)
"""Files whose tests run in one process: they share what takes long to make, as a real server."""

LONG = ("tests/journeys/", "tests/workflow/", "tests/unit/worker/")
"""Where processes start and end; these begin first, so that none is left alone with them."""

SHORT = "tests/unit/measures/"
"""Where nothing takes long; these begin last, and all processes end at nearly the same moment."""


class _FilesTogether(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out tests one by one, but those of files that share something to the same process.

    That is what pytest-xdist's groups are for, but 3.8 does not see the marks with pytest 9. What
    shares comes first, those that share most before others; the rest as it was collected.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        return next((files[0] for files in TOGETHER if file in files), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Schedules for `--dist loadgroup`, which `make test` uses."""
    grouped = config.getvalue("dist") == "loadgroup"
    return _FilesTogether(config, log) if grouped else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Lets what takes long begin before the rest, where processes share the tests."""
    if hasattr(config, "workerinput"):
        items.sort(
            key=lambda item: (not item.nodeid.startswith(LONG), item.nodeid.startswith(SHORT))
        )
