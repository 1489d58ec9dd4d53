"""A stack to measure on: its own server, worker and ledger in a folder that is thrown away."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from ruamel.yaml import YAML

from ledger.store import Ledger
from measures.documents import Document, RulePack, document_content
from measures.errors import EngineError
from measures.people import Person
from measures.plan import Finance, Kpi, Measure, Milestone
from workflows.client import SluiceClient
from workflows.client.connecting import connect
from workflows.settings import TemporalSettings
from workflows.stackfile import Stack, read_stack

HOUSE = Path(__file__).resolve().parent.parent
GATES = ("identified", "detailed", "decided", "implemented", "closed")
_START_SECONDS = 60.0


@dataclass
class Engine:
    """A running stack and the ways in."""

    folder: Path
    client: SluiceClient
    ledger: Ledger

    @property
    def stack(self) -> Stack:
        """Where everything is right now; another process after a kill."""
        stack = read_stack(self.folder)
        if stack is None:
            raise EngineError(f"the stack in {self.folder} has ended")
        return stack

    @property
    def server_pid(self) -> int:
        """The Temporal server."""
        return self.stack.server.pid

    @property
    def worker_pid(self) -> int:
        """The worker; the processes that judge rules are its children."""
        worker = self.stack.worker
        assert worker is not None, "a stack to measure has a worker"
        return worker.pid

    async def until(self, changed: Callable[[Stack], bool]) -> None:
        """Waits until the stack has changed as wanted."""
        await _until(self.folder, changed)

    def apply(self, *documents: Document) -> None:
        """Records documents as `sluice apply` does."""
        for document in documents:
            self.ledger.append_document(
                document.kind,
                document.id,
                document_content(document),
                by="operator",
                at=datetime.now(UTC),
                command=f"bench-{time.monotonic_ns()}",
            )


@asynccontextmanager
async def open_engine(
    *options: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Engine]:
    """Starts a stack of real processes on an empty folder and ends it; nothing is left.

    Args:
        options: further ones of the stack's supervisor.
        environment: further settings and secrets.
    """
    place = HOUSE / ".sluice"
    place.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=place) as name:
        folder = Path(name)
        supervisor = _start(folder, options, environment or {})
        try:
            stack = await _until(folder, lambda _: True)
            settings = TemporalSettings.load(temporal_address=stack.address)
            client = SluiceClient(await connect(settings), settings.task_queue)
            with Ledger.open(stack.ledger_url) as ledger:
                yield Engine(folder, client, ledger)
        finally:
            supervisor.terminate()
            await asyncio.to_thread(supervisor.wait)


def _start(
    folder: Path, options: Sequence[str], environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    stack = [
        sys.executable,
        "-P",
        "-m",
        "worker.stack",
        "--state",
        str(folder),
        f"--with-parent={os.getpid()}",
        *options,
    ]
    own = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    own |= environment
    with (folder / "stack.log").open("wb") as log:
        return subprocess.Popen(
            stack, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, env=own
        )


async def _until(folder: Path, changed: Callable[[Stack], bool]) -> Stack:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        stack = read_stack(folder)
        if stack is not None and stack.ready and changed(stack):
            return stack
        await asyncio.sleep(0.02)
    log = (folder / "stack.log").read_text(errors="replace")[-2000:]
    raise EngineError(f"the stack in {folder} does not get ready:\n{log}")


PEOPLE = (
    Person(id="olga", name="Olga Marin", roles=("owner",)),
    Person(id="sam", name="Sam Okafor", roles=("sponsor",)),
    Person(id="carla", name="Carla Romero", roles=("controller",)),
    Person(id="tom", name="Tom Lindqvist", roles=("committee",)),
)


def sign_off_pack(name: str) -> RulePack:
    """Returns a pack that asks for one sign-off at each of the five gates.

    It is the sponsor's, and at closing the controller's, without whom nothing closes.
    """
    roles = {gate: "controller" if gate == "closed" else "sponsor" for gate in GATES}
    return RulePack(
        pack=name,
        title="One sign-off at each gate",
        rules=tuple(
            {
                "id": f"{gate}.{role}-has-approved",
                "title": f"the {role} has approved this content",
                "gate": gate,
                "expect": {
                    "signoff": {
                        "kind": "signoff",
                        "gate": gate,
                        "role": role,
                        "decision": "approve",
                    }
                },
                "require": f"signoff.on_behalf_of == measure.{role}",
                "message": f"the {role} {{measure.{role}}} has not approved",
                "command": f"sluice sign {{measure.id}} --gate {gate} --role {role}",
                "clear_by": f"measure.{role}",
            }
            for gate, role in roles.items()
        ),
    )


def standard_pack_and_sign_offs() -> RulePack:
    """Returns the built-in pack with one sign-off at each of the five gates added."""
    written = YAML(typ="safe").load(HOUSE / "rules" / "packs" / "standard.yaml")
    rules = (*written["rules"], *sign_off_pack("standard").rules)
    return RulePack(pack="standard", title=written["title"], rules=rules)


def small_measure(name: str) -> Measure:
    """Returns a measure with nothing but the people that the gates need."""
    return Measure(
        id=name,
        title=f"Measure {name}",
        type="initiative",
        package="bench",
        owner="olga",
        sponsor="sam",
        controller="carla",
    )


def full_measure(name: str) -> Measure:
    """Returns a measure that passes the built-in pack once it is signed."""
    return small_measure(name).model_copy(
        update={
            "description": "What it is and why it is worth the while",
            "business_unit": "Retail",
            "function": "Marketing",
            "legal_entity": "Example Bank AG",
            "steering_committee": ("tom",),
            "kpis": (
                Kpi(
                    id="signups",
                    title="Sign-ups a month",
                    baseline=100,
                    target=130,
                    owner="olga",
                    cadence="weekly",
                ),
            ),
            "milestones": (
                Milestone(
                    id="ready",
                    title="All is ready",
                    due=date(2031, 3, 1),
                    owner="olga",
                    done_on=date(2031, 2, 1),
                ),
            ),
            "finance": Finance(currency="EUR", plan={"ebitda": 100, "cost": 10}),
        }
    )
