"""The supervisor brings back what dies, leaves nothing behind and knows its own."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from temporalio.api.testservice.v1 import SleepRequest
from temporalio.client import Client

from worker.keeper import Keeper, KeepsDyingError, until
from worker.ports import free_port, is_free, listens
from worker.server import TimeSkippingServer, namespace_token
from workflows.stackfile import Stack, read_stack

T = TypeVar("T")
Start = Callable[..., subprocess.Popen[str]]


def eventually(look: Callable[[], T | None], seconds: float = 30) -> T:
    """Return what a look finds once it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def gone(pid: int) -> bool:
    """Tell whether a process has ended; a zombie waits only for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def running(state: Path) -> Stack:
    """Return the stack once everything in it answers."""

    def look() -> Stack | None:
        stack = read_stack(state)
        return stack if stack and stack.ready else None

    return eventually(look)


def replaced(state: Path, before: Stack) -> Stack:
    """Return the stack once another server answers in the place of an earlier one."""

    def look() -> Stack | None:
        stack = running(state)
        return stack if stack.server.pid != before.server.pid else None

    return eventually(look)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start supervisors and end whatever a test left alive."""
    started: list[subprocess.Popen[str]] = []

    def go(*arguments: str, state: Path = tmp_path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "worker.stack", "--state", str(state), "--no-worker"]
        process = subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield go
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


async def test_it_tells_where_it_is_and_marks_its_server(start: Start, tmp_path: Path) -> None:
    """The file leads to a server that carries the state folder's own token."""
    process = start()

    stack = running(tmp_path)

    client = await Client.connect(stack.address)
    assert await namespace_token(client) == stack.token
    assert stack.worker is None
    assert stack.ledger_url == f"sqlite:///{tmp_path / 'ledger.db'}"
    assert (tmp_path / "stack.json").stat().st_mode & 0o077 == 0
    process.terminate()
    _, said = process.communicate(timeout=30)
    # On a busy machine one that does not answer in time is replaced, and that is told.
    assert stack.server.generation == 1 + said.count("↻ Temporal server ")


@pytest.mark.parametrize("kind", [(), ("--time-skipping",)], ids=["dev", "time-skipping"])
def test_a_killed_server_comes_back_on_the_same_port(
    start: Start, tmp_path: Path, kind: tuple[str, ...]
) -> None:
    """After kill -9 the address stays, the process and the generation change."""
    supervisor = start(*kind)
    first = running(tmp_path)

    for _ in range(2):
        before = running(tmp_path)
        os.kill(before.server.pid, signal.SIGKILL)
        replaced(tmp_path, before)

    last = running(tmp_path)
    assert last.address == first.address
    assert last.generation > first.generation
    assert last.time_skipping is bool(kind)
    supervisor.terminate()
    _, said = supervisor.communicate(timeout=30)
    # On a busy machine a server now and then ends by itself while it starts. Each process but
    # the first stands for a death that was told, and just two of them were ours.
    assert said.count("Temporal server was killed (signal 9): starting it again") == 2
    assert last.server.generation == 1 + said.count(": starting it again")


async def test_the_time_skipping_server_moves_only_when_told(start: Start, tmp_path: Path) -> None:
    """It starts at the real clock and jumps by exactly what a story asks for."""
    start("--time-skipping")
    clock = (await Client.connect(running(tmp_path).address)).test_service
    year = Duration()
    year.FromTimedelta(timedelta(days=365))

    before = (await clock.get_current_time(Empty())).time.ToDatetime(UTC)
    await clock.unlock_time_skipping_with_sleep(SleepRequest(duration=year))
    after = (await clock.get_current_time(Empty())).time.ToDatetime(UTC)

    assert abs(before - datetime.now(UTC)) < timedelta(seconds=30)
    assert timedelta(days=365) <= after - before < timedelta(days=365, seconds=30)


def test_a_killed_supervisor_leaves_no_process(start: Start, tmp_path: Path) -> None:
    """The system ends the server with it, and the file no longer counts."""
    process = start()
    stack = running(tmp_path)

    os.kill(process.pid, signal.SIGKILL)

    # The server dies with the thread that started it; the lock goes with the last thread.
    process.wait()
    eventually(lambda: gone(stack.server.pid))
    assert read_stack(tmp_path) is None
    # The next start takes the left-over folder and the same port.
    start()
    assert running(tmp_path).address == stack.address


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and a service manager's stop both end in order, with exit code 0."""
    process = start()
    stack = running(tmp_path)

    process.send_signal(number)

    assert process.wait(timeout=20) == 0
    assert gone(stack.server.pid)
    assert not (tmp_path / "stack.json").exists()


def test_a_signal_during_the_start_ends_everything(start: Start, tmp_path: Path) -> None:
    """An impatient Ctrl-C leaves nothing behind either."""
    process = start()
    eventually((tmp_path / "server.log").exists)

    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=20) == 0
    children = subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True, check=True
    ).stdout
    assert not [line for line in children.splitlines() if str(tmp_path) in line]


def test_a_second_start_names_the_first(start: Start, tmp_path: Path) -> None:
    """It exits 2, or 0 when attaching is meant, with the address that answers."""
    start()
    stack = running(tmp_path)

    for arguments, code in (((), 2), (("--attach",), 0)):
        second = start(*arguments)
        _, said = second.communicate(timeout=20)
        assert second.returncode == code
        assert stack.address in said

    assert running(tmp_path) == stack


def test_stop_ends_the_running_stack(start: Start, tmp_path: Path) -> None:
    """`--stop` returns when it is over, and is fine when nothing runs."""
    process = start()
    stack = running(tmp_path)

    for _ in range(2):
        assert start("--stop").wait(timeout=20) == 0

    assert process.wait(timeout=5) == 0
    assert gone(stack.server.pid)


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """A demo that is killed takes its stack along when asked to."""
    command = [sys.executable, "-m", "worker.stack", "--no-worker", "--state", str(tmp_path)]
    code = (
        f"import os, subprocess; subprocess.run([*{command}, '--with-parent=' + str(os.getpid())])"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    stack = running(tmp_path)

    parent.kill()
    parent.wait()

    eventually(lambda: gone(stack.supervisor_pid) and gone(stack.server.pid))


def test_it_does_not_outlive_a_parent_that_ended_before_it_began(tmp_path: Path) -> None:
    """Ctrl-C at the very start leaves no stack behind."""
    command = [sys.executable, "-m", "worker.stack", "--no-worker", "--state", str(tmp_path)]
    gone_already = subprocess.Popen([sys.executable, "-c", ""])
    gone_already.wait()
    ended = subprocess.run(
        [*command, f"--with-parent={gone_already.pid}"],
        stderr=subprocess.DEVNULL,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 0


async def test_a_foreign_server_is_told_apart(start: Start, tmp_path: Path) -> None:
    """Another stack's server has another token, another owner, and keeps its port."""
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    start(state=theirs)
    foreign = running(theirs)
    port = int(foreign.address.rpartition(":")[2])

    refused = start("--port", str(port), state=mine)
    _, said = refused.communicate(timeout=20)
    assert refused.returncode == 1
    assert f"port {port} belongs to another program" in said

    start(state=mine)
    stack = running(mine)
    assert stack.address != foreign.address
    assert stack.token != foreign.token
    assert not listens(stack.server.pid, port)
    assert listens(foreign.server.pid, port)
    assert await namespace_token(await Client.connect(foreign.address)) == foreign.token


def test_a_copied_file_does_not_count(start: Start, tmp_path: Path) -> None:
    """A stack file of another folder is not taken for this folder's stack."""
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    start(state=theirs)
    start(state=mine)
    running(theirs)
    running(mine)

    shutil.copy(theirs / "stack.json", mine / "stack.json")

    assert read_stack(mine) is None


def test_nothing_runs_on_an_unknown_folder(tmp_path: Path) -> None:
    """Looking is not starting."""
    assert read_stack(tmp_path / "absent") is None


def test_a_taken_port_is_passed_over() -> None:
    """The preferred port is given only when nobody listens on it."""
    port = free_port()
    assert free_port(port) == port
    listener = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: listens(listener.pid, port))
        assert not is_free(port)
        assert free_port(port) != port
        assert not listens(os.getpid(), port)
    finally:
        listener.kill()
        listener.wait()


def keeper(tmp_path: Path, code: str) -> Keeper:
    """Return a keeper of a small Python program."""

    async def never(pid: int) -> None:
        await until(lambda: gone(pid))
        await asyncio.Event().wait()

    return Keeper(
        "worker",
        [sys.executable, "-c", code],
        tmp_path / "worker.log",
        until_ready=never,
        grace_seconds=0.3,
    )


async def test_a_child_that_never_starts_is_given_up(tmp_path: Path) -> None:
    """After five deaths in a row the message has the cause and where to read on."""
    kept = keeper(tmp_path, "raise SystemExit('no such setting: SLUICE_X')")

    with pytest.raises(KeepsDyingError) as given_up:
        await kept.keep()

    said = str(given_up.value)
    assert "worker ended with exit code 1, 5 times in a row" in said
    assert "no such setting: SLUICE_X" in said
    assert str(tmp_path / "worker.log") in said
    assert kept.child.generation == 5


async def test_a_child_that_does_not_end_is_killed(tmp_path: Path) -> None:
    """A child deaf to SIGTERM gets its time and then SIGKILL."""
    deaf = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); open('{0}', 'w'); time.sleep(99)"
    )
    kept = keeper(tmp_path, deaf.format(tmp_path / "deaf"))
    keeping = asyncio.create_task(kept.keep())
    await until((tmp_path / "deaf").exists)

    keeping.cancel()
    await kept.end()

    assert gone(kept.child.pid)


async def test_a_server_that_refuses_its_first_callers_is_asked_again() -> None:
    """Temporal listens before its frontend is healthy: on a busy machine it was ended as broken."""
    refused = 0

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal refused
        refused += 1
        writer.close()

    port = free_port()
    listening = await asyncio.start_server(refuse, "127.0.0.1", port)
    server = TimeSkippingServer(port)
    contact = asyncio.ensure_future(server.until_ready(os.getpid()))
    async with asyncio.timeout(20), listening:
        await until(lambda: refused >= 3 or contact.done())
    assert not contact.done(), contact.exception()
    contact.cancel()
