"""The command line as people use it: real processes in a folder of their own."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.scheduling import IN_THEIR_ORDER
from workflows.stackfile import Stack, read_stack

SLUICE = Path(sys.executable).with_name("sluice")
TODAY = datetime.now(UTC).date()


class Ran:
    """What a command said, and how it ended."""

    def __init__(self, done: "subprocess.CompletedProcess[str]") -> None:
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def data(self) -> Any:
        """What `-o json` printed."""
        return json.loads(self.out)

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


class Warm:
    """The process that commands are forked from, see `warm.py`."""

    def __init__(self, folder: Path) -> None:
        self._address = str(folder / "warm")
        script = Path(__file__).with_name("warm.py")
        self._process = subprocess.Popen([sys.executable, script, self._address])

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()

    def run(
        self, words: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float
    ) -> "subprocess.CompletedProcess[str]":
        """Runs `sluice` as `subprocess.run` would."""
        eventually(lambda: Path(self._address).exists())
        request = json.dumps({"words": words, "cwd": str(cwd), "env": dict(env)}).encode()
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection,
            Path(os.devnull).open("rb") as nothing,
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile("w+") as err,
        ):
            connection.settimeout(timeout)
            connection.connect(self._address)
            files = [nothing.fileno(), out.fileno(), err.fileno()]
            socket.send_fds(connection, [request], files)
            process = int(connection.recv(20))
            try:
                code = int(connection.recv(20))
            except TimeoutError:
                os.kill(process, signal.SIGKILL)
                raise
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(list(words), code, out.read(), err.read())


class Shell:
    """Somebody at a terminal in one folder."""

    def __init__(self, folder: Path, warm: Warm) -> None:
        self.folder = folder
        self._warm = warm
        self.state = folder / ".sluice"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SLUICE_")}
        # A busy machine must not turn a verdict into inconclusive.
        patient = {"SLUICE_JUDGE_DEADLINE_MS": "30000"}
        self.environment = {**kept, **patient, "COLUMNS": "120"}

    def sluice(self, *words: str, **environment: str) -> Ran:
        """Runs a command."""
        env = {**self.environment, **environment}
        return Ran(self._warm.run(words, self.folder, env, timeout=60))

    def asks(self, *words: str, **environment: str) -> Any:
        """Runs a command that must end well and returns its data."""
        ran = self.sluice(*words, "-o", "json", **environment)
        assert ran.code == 0, ran
        return ran.data

    def write(self, name: str, text: str) -> Path:
        """Writes a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    @property
    def stack(self) -> Stack | None:
        """The stack that runs here."""
        return read_stack(self.state)

    def up(self) -> "subprocess.Popen[str]":
        """Starts `sluice up` and waits until everything answers."""
        started = subprocess.Popen(
            [str(SLUICE), "up"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            eventually(lambda: (stack := self.stack) and stack.ready)
        except AssertionError as late:
            # Left running it would be a fault of whichever test comes next.
            msg = f"the stack did not start in time: {ended(started)}"
            raise AssertionError(msg) from late
        return started


def eventually(look: Callable[[], Any], seconds: float = 40) -> Any:
    """Waits until a look finds something, and returns it."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.03)
    return found


def ended(process: "subprocess.Popen[str]") -> str:
    """Ends a stack as Ctrl-C does and returns what it said."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=40)
    return out


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """The process that commands are forked from."""
    process = Warm(tmp_path_factory.mktemp("warm"))
    yield process
    process.close()


@pytest.fixture(scope="session")
def make_shell(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Callable[[], Shell]:
    """Makes shells in empty folders."""
    return lambda: Shell(tmp_path_factory.mktemp("place"), warm)


@pytest.fixture
def shell(make_shell: Callable[[], Shell]) -> Shell:
    """A shell where nothing runs."""
    return make_shell()


@pytest.fixture(scope="module")
def office(request: pytest.FixtureRequest, make_shell: Callable[[], Shell]) -> Iterator[Shell]:
    """A shell beside a running stack in which the company is known, new for each file.

    A pack in force judges every measure of a stack, so files would see what others applied.
    """
    file = request.path.relative_to(request.config.rootpath).as_posix()
    assert file in IN_THEIR_ORDER, f"{file} shares a stack: name it in tests/scheduling.py"
    with _office(make_shell()) as shell:
        yield shell


@pytest.fixture(scope="session")
def open_office() -> Callable[[Shell], AbstractContextManager[Shell]]:
    """Opens an office at a shell that is set up otherwise."""
    return _office


@contextmanager
def _office(shell: Shell) -> Iterator[Shell]:
    process = shell.up()
    try:
        shell.write("company.yaml", COMPANY.replace("PERIOD", period()))
        applied = shell.sluice("apply", "-f", "company.yaml")
        assert applied.code == 0, applied
        yield shell
    finally:
        ended(process)


def day(days: int) -> date:
    """A day so many from now."""
    return TODAY + timedelta(days=days)


def period() -> str:
    """A month that is not over."""
    return day(40).isoformat()[:7]


COMPANY = """\
- {kind: Person, id: ada, name: Ada Owner, roles: [owner]}
- {kind: Person, id: ben, name: Ben Sponsor, roles: [sponsor]}
- {kind: Person, id: cleo, name: Cleo Controller, roles: [controller]}
- {kind: Person, id: dan, name: Dan Member, roles: [committee]}
- {kind: Person, id: eve, name: Eve Operations, roles: [operations]}
- {kind: Node, id: firm, level: organization, name: Firm}
- {kind: Node, id: sales, level: portfolio, name: Sales, parent: firm}
- {kind: Node, id: web, level: program, name: Web, parent: sales}
- {kind: Node, id: shop, level: project, name: Shop, parent: web}
- {kind: Node, id: summer, level: package, name: Summer, parent: shop}
- {kind: Pool, id: desk, title: Help desk, unit: calls, owner: eve, capacity: {PERIOD: 100}}
"""

MEASURE = """\
kind: Measure
id: {id}
title: {title}
description: More orders in summer
type: campaign
package: summer
owner: ada
sponsor: ben
controller: cleo
business_unit: Retail
function: Marketing
legal_entity: Firm AG
steering_committee: [dan]
kpis: [{{id: orders, title: Orders, baseline: 10, target: 20, owner: ada, cadence: weekly}}]
milestones: [{{id: live, title: Live, due: {due}, owner: ada}}]
demands: [{{pool: desk, period: {period}, amount: {amount}}}]
finance: {{currency: EUR, plan: {{ebitda: 1000, cost: 10}}}}
campaign: {{connector: memory, ref: {id}, launch_on: {opens}, ends_on: {closes}}}
"""


@pytest.fixture(scope="session")
def measure_text() -> Callable[..., str]:
    """Writes a measure's document."""

    def write(name: str, amount: int = 50, **fields: Any) -> str:
        values = {
            "id": name,
            "title": name.title(),
            "amount": amount,
            "due": day(20),
            "period": period(),
            "opens": day(0),
            "closes": day(30),
        }
        return MEASURE.format(**{**values, **fields})

    return write


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Any]:
    """Waits until a look finds something."""
    return eventually


@pytest.fixture(scope="session")
def end() -> Callable[..., str]:
    """Ends a stack as Ctrl-C does."""
    return ended
