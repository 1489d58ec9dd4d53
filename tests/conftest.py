"""What the tests of all packages share: real Temporal servers, from the wheels.

`--workflow-environment` says on which server the tests of workflows run that work on both; each
server is started once per test process, only when a test asks for it, and never downloaded.
"""

import gc
import signal
from collections.abc import AsyncIterator

import hypothesis
import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from rules.judge import Judge
from rules.preview import Preview
from worker.server import NAMESPACE, SEARCH_ATTRIBUTES, program


@pytest.fixture(scope="session", autouse=True)
def _patient_judges() -> None:
    """Gives judges time on a busy machine; tests of the deadline name their own."""
    for judging in (Judge, Preview):
        judging.__init__.__kwdefaults__["deadline_ms"] = 30_000  # type: ignore[misc]


def pytest_configure() -> None:
    """Lets what tests start be ended with Ctrl-C, and takes time limits off properties.

    Where the run began in the background, Ctrl-C would not end them: a shell starts such jobs with
    SIGINT ignored, and every child of theirs inherits that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What a property says holds on a busy machine too.
    hypothesis.settings.register_profile("unhurried", deadline=None)
    hypothesis.settings.load_profile("unhurried")


def pytest_collection_finish() -> None:
    """Spares what is loaded from garbage collection, which took a tenth of the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the choice of server."""
    parser.addoption(
        "--workflow-environment",
        choices=("local", "time-skipping"),
        default="local",
        help="the server that workflow tests run on: the dev server, or the one that skips time",
    )


@pytest.fixture(scope="session")
async def dev_server() -> AsyncIterator[WorkflowEnvironment]:
    """The dev server of the Temporal CLI, as `sluice up` runs it but in memory."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=program("temporal", override="TEMPORAL_BIN"),
        dev_server_log_level="error",
        data_converter=pydantic_data_converter,
        search_attributes=[SearchAttributeKey.for_keyword(name) for name in SEARCH_ATTRIBUTES],
        dev_server_extra_args=[
            "--dynamic-config-value=matching.numTaskqueueReadPartitions=1",
            "--dynamic-config-value=matching.numTaskqueueWritePartitions=1",
            "--dynamic-config-value=history.maxInFlightUpdates=500",
        ],
    ) as server:
        yield server


@pytest.fixture(scope="session")
async def time_skipping_server() -> AsyncIterator[WorkflowEnvironment]:
    """The server whose clock stands until a test moves it on with `sleep`."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=program("temporal-test-server"),
        data_converter=pydantic_data_converter,
    ) as server:
        kinds = dict.fromkeys(SEARCH_ATTRIBUTES, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD)
        await server.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=NAMESPACE, search_attributes=kinds)
        )
        yield server


@pytest.fixture(scope="session")
def workflow_server(request: pytest.FixtureRequest) -> WorkflowEnvironment:
    """The server that `--workflow-environment` chooses."""
    chosen = request.config.getoption("--workflow-environment")
    name = "dev_server" if chosen == "local" else "time_skipping_server"
    server: WorkflowEnvironment = request.getfixturevalue(name)
    return server
