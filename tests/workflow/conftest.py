"""An engine with everything in it but processes: real server, sandboxed workflows, real ledger."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from ledger.store import Ledger
from measures.answers import Answer
from measures.documents import Pool, document_content
from measures.entry import Entry, measure_stream
from measures.people import Delegation, Person
from measures.plan import Measure
from measures.requests import CapacityInput, ReasonInput, ReportInput, SignInput
from measures.state import MeasureState
from worker.assembly import assemble
from worker.settings import WorkerSettings
from workflows.client import SluiceClient
from workflows.contract import PoolAnswer

PEOPLE = {
    "olga": ("owner",),
    "piet": ("owner",),
    "sam": ("sponsor",),
    "wim": ("sponsor",),
    "carla": ("controller",),
    "tom": ("committee",),
    "uma": ("committee",),
    "vera": ("committee",),
    "kim": ("operations",),
    "rex": ("administrator",),
}
_tags = itertools.count(1)


class Engine:
    """One worker on one server with one ledger.

    Names are the test's own: the server and the ledger are shared by the tests of a process.
    """

    def __init__(
        self, settings: WorkerSettings, client: SluiceClient, ledger: Ledger, today: date
    ) -> None:
        self.settings = settings
        self.client = client
        self.ledger = ledger
        self.today = today
        self.tag = f"t{next(_tags)}"
        self.defined: list[str] = []

    def renamed(self, today: date | None = None) -> "Engine":
        """The same engine for another test."""
        return Engine(self.settings, self.client, self.ledger, today or self.today)

    def renamed_as(self, other: "Engine") -> "Engine":
        """The same engine, using the names of another's test."""
        same = self.renamed()
        same.tag = other.tag
        return same

    @property
    def lists(self) -> bool:
        """Whether its server can list workflows; the time-skipping one cannot."""
        return self.settings.task_queue != "shared" or self.settings.max_cached_workflows > 0

    def id(self, name: str) -> str:
        """A name that no other test uses."""
        return f"{name}-{self.tag}"

    def now(self) -> datetime:
        """A moment of today."""
        return datetime.combine(self.today, datetime.now(UTC).timetz())

    def day(self, days: int) -> str:
        """A day so many from now."""
        return (self.today + timedelta(days=days)).isoformat()

    def period(self) -> str:
        """A month that is not over."""
        return (self.today + timedelta(days=40)).isoformat()[:7]

    # --- documents ---

    def plan(self, name: str = "spring", **fields: Any) -> Measure:
        """A plan that passes the first two gates, without campaign and demands."""
        whole: dict[str, Any] = {
            "id": self.id(name),
            "title": f"The {name} measure",
            "description": "Saves postage",
            "type": "efficiency",
            "category": "cost",
            "package": "media",
            "owner": "olga",
            "sponsor": "sam",
            "controller": "carla",
            "business_unit": "Retail",
            "function": "Operations",
            "legal_entity": "Bank AG",
            "steering_committee": ["tom", "uma", "vera"],
            "kpis": [
                {"id": "letters", "title": "Letters", "baseline": 9, "target": 2, "owner": "olga",
                 "cadence": "monthly"}
            ],
            "milestones": [
                {"id": "live", "title": "Live", "due": self.day(20), "owner": "olga"}
            ],
            "finance": {"currency": "EUR", "plan": {"ebitda": 100, "cost": 20}},
            **fields,
        }  # fmt: skip
        return Measure.model_validate(whole, strict=False)

    def campaign(self, opens: int = 0) -> dict[str, Any]:
        """A campaign whose window opens in so many days."""
        return {
            "connector": "memory",
            "ref": self.id("CMP"),
            "launch_on": self.day(opens),
            "ends_on": self.day(opens + 30),
        }

    async def define(self, name: str = "spring", **fields: Any) -> str:
        """Defines a measure and returns its id."""
        plan = self.plan(name, **fields)
        await self.client.define(plan, "operator")
        self.defined.append(plan.id)
        return plan.id

    async def pool(self, name: str = "kyc", amount: float | None = None) -> str:
        """Opens a pool and returns its id."""
        stated = {} if amount is None else {self.period(): amount}
        pool = Pool(id=self.id(name), title=name, unit="checks", owner="kim", capacity=stated)
        await self.client.open_pool(pool, "operator")
        return pool.id

    def demand(self, name: str, amount: float) -> dict[str, Any]:
        """A demand on a pool in the period."""
        return {"pool": self.id(name), "period": self.period(), "amount": amount}

    # --- requests ---

    async def capacity(self, name: str, amount: float) -> PoolAnswer:
        """Reports capacity."""
        ask = CapacityInput(by="kim", period=self.period(), amount=amount)
        return await self.client.report_capacity(self.id(name), ask)

    async def sign(
        self, measure: str, by: str, role: str, gate: str = "decided", **options: Any
    ) -> Answer:
        """Signs."""
        decision = options.pop("decision", "approve")
        ask = SignInput(by=by, gate=gate, role=role, decision=decision)
        return await self.client.sign(measure, ask, **options)

    async def approve(self, measure: str) -> None:
        """Sponsor and committee sign the decision."""
        await self.sign(measure, "sam", "sponsor")
        await self.sign(measure, "tom", "committee")
        await self.sign(measure, "uma", "committee")

    async def report(self, measure: str, by: str, **news: Any) -> Answer:
        """Reports."""
        ask = ReportInput.model_validate({"by": by, **news}, strict=False)
        return await self.client.report(measure, ask)

    async def reach(self, measure: str, stage: str) -> Answer:
        """Moves on through gates that open, signing what is to be signed."""
        if stage not in ("identified", "detailed"):
            await self.approve(measure)
        while True:
            answer = await self.client.advance(measure, "olga")
            assert answer.verdict == "pass", answer
            if answer.stage == stage:
                return answer

    def built_in_rules_again(self) -> None:
        """Takes back the packs that a test has put in force: they would judge the next test's."""
        for name in self.ledger.directory().packs:
            self.ledger.remove_document("RulePack", name, "over", "x", self.now(), f"end-{name}")

    # --- looking ---

    def state(self, measure: str) -> MeasureState:
        """What the ledger says of a measure."""
        state = self.ledger.measure(measure)
        assert state is not None
        return state

    def entries(self, measure: str, *kinds: str) -> list[Entry]:
        """A measure's entries."""
        return list(self.ledger.entries(measure_stream(measure), kinds=kinds or None))

    async def until(self, look: Callable[[], Any], what: str = "", seconds: float = 20) -> Any:
        """Waits until a look finds something, and returns it."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < deadline, what or "it did not happen in time"
            await asyncio.sleep(0.01)
        return found

    async def until_stage(self, measure: str, stage: str) -> None:
        """Waits until a measure has moved by itself."""
        await self.until(
            lambda: self.state(measure).stage == stage,
            f"{measure} did not reach {stage}: {self.state(measure).request}",
        )


Begin = Callable[..., Any]


async def server_day(client: Client) -> date:
    """The day on the server's clock; the dev server shares the machine's."""
    try:
        answer = await client.test_service.get_current_time(Empty())
    except Exception:  # the dev server has no such service
        return datetime.now(UTC).date()
    return answer.time.ToDatetime(tzinfo=UTC).date()


def write_people(ledger: Ledger) -> None:
    """Everybody becomes known."""
    for name, roles in PEOPLE.items():
        person = Person.model_validate(
            {"id": name, "name": name.title(), "roles": roles}, strict=False
        )
        ledger.append_document(
            "Person", name, document_content(person), "operator", datetime.now(UTC), f"p-{name}"
        )


def write_delegation(ledger: Ledger, delegation: Delegation) -> None:
    """A delegation becomes known."""
    ledger.append_document(
        "Delegation",
        delegation.id,
        document_content(delegation),
        "operator",
        datetime.now(UTC),
        delegation.id,
    )


@asynccontextmanager
async def run_engine(
    server: WorkflowEnvironment,
    folder: Path,
    *,
    queue: str,
    cached: int = 1000,
    fresh: bool = False,
    watch: float = 0,
    circuit: float = 30,
    poll: float = 60,
    ledger: str = "ledger.db",
    installation: str = "",
) -> AsyncIterator[Engine]:
    """Runs a worker with sandboxed workflows until the block is left.

    Args:
        fresh: over a connection of its own, as another process would have it.
        watch: the seconds between two looks at the campaigns' systems; none by default.
        circuit: the seconds for which a system that is down is left alone at first.
        poll: the seconds between two polls of a system.
        ledger: the file of the record; the systems in files are those of the folder.
        installation: the installation's name.
    """
    temporal = server.client
    if fresh:
        address = temporal.service_client.config.target_host
        temporal = await Client.connect(address, data_converter=pydantic_data_converter)
    settings = WorkerSettings.load(
        temporal_address="127.0.0.1:1",
        task_queue=queue,
        ledger_url=f"sqlite:///{folder / ledger}",
        state_dir=folder,
        max_cached_workflows=cached,
        graceful_shutdown_seconds=1,
        watch_seconds=watch,
        circuit_seconds=circuit,
        poll_seconds=poll,
        installation=installation,
    )
    with Ledger.open(settings.ledger_url.get_secret_value()) as record:
        write_people(record)
        async with assemble(settings, temporal, SandboxedWorkflowRunner()) as worker, worker:
            client = SluiceClient(temporal, queue)
            yield Engine(settings, client, record, await server_day(temporal))


@pytest.fixture(scope="session")
async def _engine(
    workflow_server: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    # The time-skipping server never takes back what it gave to a worker's own (sticky) queue.
    cached = 0 if workflow_server.supports_time_skipping else 1000
    async with run_engine(workflow_server, folder, queue="shared", cached=cached) as engine:
        yield engine


@pytest.fixture
def engine(_engine: Engine) -> Iterator[Engine]:
    """An engine on the chosen server."""
    engine = _engine.renamed()
    yield engine
    engine.built_in_rules_again()


@pytest.fixture(scope="session")
async def _skipping(
    time_skipping_server: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Engine]:
    folder = tmp_path_factory.mktemp("skipping")
    async with run_engine(time_skipping_server, folder, queue="skipping", cached=0) as engine:
        yield engine


@pytest.fixture
async def skipping(_skipping: Engine) -> AsyncIterator[Engine]:
    """An engine whose time can be moved on with `env.sleep`."""
    engine = _skipping.renamed(await server_day(_skipping.client.temporal))
    yield engine
    # What ran on would be judged on every day that a later test skips, a permit renewed on each.
    for measure in engine.defined:
        state = engine.ledger.measure(measure)
        if state is not None and not state.ended:
            over = ReasonInput(by=state.plan.owner or "olga", reason="the test is over")
            assert (await engine.client.cancel(measure, over)).accepted
    engine.built_in_rules_again()


@pytest.fixture
def own_engine(dev_server: WorkflowEnvironment, tmp_path: Path) -> Callable[..., Any]:
    """Runs an engine of the test's own, with its own ledger and queue."""

    def run(**options: Any) -> Any:
        options.setdefault("queue", f"own-{next(_tags)}")
        return run_engine(options.pop("server", dev_server), tmp_path, **options)

    return run
