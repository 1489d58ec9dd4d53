"""What Temporal alone costs: five updates with one trivial local activity each, and nothing else.

`python -m bench.bare ADDRESS QUEUE production|default` runs its worker in a process of its own.
"""

import asyncio
import sys
from datetime import timedelta

import uvloop
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker

UPDATES = 5


@activity.defn
async def add_one(number: int) -> int:
    """Does next to nothing."""
    return number + 1


@workflow.defn(name="BareLife")
class BareLife:
    """Lives until it has taken five updates."""

    @workflow.init
    def __init__(self) -> None:
        self._number = 0
        self._turn = asyncio.Lock()

    @workflow.run
    async def run(self) -> None:
        """Waits for the last update."""
        await workflow.wait_condition(
            lambda: self._number == UPDATES and workflow.all_handlers_finished()
        )

    @workflow.update
    async def step(self) -> int:
        """Takes one update."""
        async with self._turn:
            self._number = await workflow.execute_local_activity(
                add_one, self._number, start_to_close_timeout=timedelta(seconds=30)
            )
            return self._number


async def serve(address: str, queue: str, *, as_production: bool) -> None:
    """Runs a worker: with the settings of our own (worker/assembly.py), or Temporal's defaults."""
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    if as_production:
        worker = Worker(
            client,
            task_queue=queue,
            workflows=[BareLife],
            activities=[add_one],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_cached_workflows=10_000,
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
            workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        )
    else:
        worker = Worker(client, task_queue=queue, workflows=[BareLife], activities=[add_one])
    await worker.run()


def main() -> None:
    """Serves until it is ended."""
    address, queue, kind = sys.argv[1:]
    if kind == "production":
        uvloop.run(serve(address, queue, as_production=True))
    else:
        asyncio.run(serve(address, queue, as_production=False))


if __name__ == "__main__":
    main()
