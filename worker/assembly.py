"""The one place where a worker's parts are made and handed to each other."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import (
    PollerBehaviorAutoscaling,
    UnsandboxedWorkflowRunner,
    Worker,
    WorkflowRunner,
)

from ledger.writer import AsyncLedger
from rules.judge import Judge
from rules.loader import builtin_packs
from worker.activities.campaigns import CampaignActivities
from worker.activities.capacity import CapacityActivities
from worker.activities.court import Court
from worker.activities.launches import LaunchActivities
from worker.activities.loads import LoadActivities
from worker.activities.measures import MeasureActivities
from worker.activities.permits import PermitActivities
from worker.activities.pools import PoolActivities
from worker.activities.remote_objects import RemoteObjectActivities
from worker.activities.remotes import RemoteActivities
from worker.activities.taking_over import TakingOver
from worker.builtin_packs import record_builtin_packs
from worker.circuits import Circuits
from worker.connections import Connections
from worker.feeding import FEED_SECONDS, Feeding
from worker.inbound.loops import keeping_up
from worker.metrics import LedgerCollector, metrics_page
from worker.naming import name_installation
from worker.probing import Probing
from worker.repeating import repeating
from worker.settings import WorkerSettings
from worker.signing import KeyRing
from worker.watch import Watch
from workflows.capacity_pool import CapacityPool
from workflows.client import SluiceClient
from workflows.launch_control import LaunchControl
from workflows.measure_lifecycle import MeasureLifecycle
from workflows.remote_object import RemoteObject
from workflows.revocation_signing import RevocationSigning

WORKFLOWS = (MeasureLifecycle, CapacityPool, LaunchControl, RemoteObject, RevocationSigning)
"""Everything that runs durably; the replay tests read it too."""

PROBE_SECONDS = 1.0
"""How often a worker looks whether a circuit is to be checked, or has closed."""

STICKY_TIMEOUT = timedelta(seconds=1)
"""How long a task waits for the worker that has the workflow in memory before any may take it."""


@asynccontextmanager
async def assemble(
    settings: WorkerSettings, client: Client, runner: WorkflowRunner | None = None
) -> AsyncIterator[Worker]:
    """Makes a worker, ready to run.

    Args:
        settings: everything it can be told from outside.
        client: connected, with the pydantic data converter.
        runner: how workflow code is run. Workflows are proved deterministic by the sandboxed
            runs and the replays of the test suite, so production runs them without it.
    """
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(
            await AsyncLedger.open(settings.ledger_url.get_secret_value())
        )
        await name_installation(ledger, settings.installation)
        await record_builtin_packs(ledger)
        keys = KeyRing(ledger, settings)
        await keys.publish()
        counted = LedgerCollector(ledger.ledger)
        stack.enter_context(metrics_page(settings.metrics_address, counted))
        judge = await stack.enter_async_context(
            Judge(
                builtin_packs(),
                deadline_ms=settings.judge_deadline_ms,
                processes=settings.judge_processes,
            )
        )
        court = Court(ledger, judge)
        measures = MeasureActivities(ledger, court, keys)
        pools = PoolActivities(ledger)
        asking = SluiceClient(client, settings.task_queue)
        capacity = CapacityActivities(asking)
        circuits = Circuits(ledger, timedelta(seconds=settings.circuit_seconds))
        connections = Connections(ledger, settings.state_dir, circuits)
        stack.push_async_callback(connections.aclose)
        campaigns = CampaignActivities(connections)
        launches = LaunchActivities(ledger, court, asking)
        remotes = RemoteActivities(ledger, asking)
        objects = RemoteObjectActivities(connections, TakingOver(ledger, asking))
        loads = LoadActivities(ledger)
        permits = PermitActivities(keys)
        watch = Watch(ledger, connections, asking)
        await stack.enter_async_context(repeating(watch.look, settings.watch_seconds))
        feeding = Feeding(ledger, connections, asking)
        stack.push_async_callback(feeding.aclose)
        await stack.enter_async_context(repeating(feeding.look, FEED_SECONDS))
        probing = Probing(ledger, circuits, connections, asking)
        await stack.enter_async_context(repeating(probing.look, PROBE_SECONDS))
        every = timedelta(seconds=settings.poll_seconds)
        await stack.enter_async_context(keeping_up(ledger, connections, asking, every))
        yield Worker(
            client,
            task_queue=settings.task_queue,
            workflows=WORKFLOWS,
            activities=[
                measures.act_on_measure,
                pools.act_on_pool,
                loads.act_on_load,
                capacity.reserve_capacity,
                capacity.take_places,
                permits.sign_revocations,
                campaigns.bring_campaign,
                campaigns.look_at_campaign,
                launches.act_on_launch,
                launches.tell_launch,
                remotes.tell_remotes,
                remotes.act_on_remote,
                objects.bring_remote,
            ],
            workflow_runner=runner or UnsandboxedWorkflowRunner(),
            max_cached_workflows=settings.max_cached_workflows,
            sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
            graceful_shutdown_timeout=timedelta(seconds=settings.graceful_shutdown_seconds),
            workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        )
