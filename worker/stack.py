"""The local stack: one Temporal server and one worker, kept alive under one supervisor.

`sluice up`, `sluice demo` and `sluice simulate` start it as
`python -m worker.stack --state DIR`. It starts the server, then the worker, then the webhook
server where it is asked for, waits until each answers, writes `DIR/stack.json` (see
`workflows.stackfile`) and from then on starts again what dies, on the same ports. SIGINT or
SIGTERM ends it: first the workers, so that running work can finish, then the server. Should the
supervisor itself be killed, the system kills its children.
"""

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import SecretStr

from measures.errors import ConfigurationError
from worker.keeper import Keeper, KeepsDyingError, until
from worker.ports import free_port, is_free, listens
from worker.server import DevServer, Server, TimeSkippingServer
from worker.settings import WorkerSettings
from workflows.stackfile import (
    LOCK_FILE,
    STACK_FILE,
    TOKEN_FILE,
    Stack,
    read_stack,
    supervisor_alive,
    supervisor_lock,
    write_stack,
)

_SERVER_GRACE_SECONDS = 5
_START_SECONDS = 90
_STOP_SECONDS = 20
_PORTS_FILE = "ports.json"
_WEBHOOK_PORT_FILE = "webhooks.port"


def main() -> int:
    """Supervise, or act on the stack that is already there."""
    parser = argparse.ArgumentParser(prog="python -m worker.stack", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder for everything it keeps")
    parser.add_argument("--time-skipping", action="store_true", help="use the test server")
    parser.add_argument("--no-worker", action="store_true", help="start the server only")
    parser.add_argument("--webhooks", action="store_true", help="start a webhook server too")
    parser.add_argument("--port", type=int, help="Temporal's port instead of a free one")
    parser.add_argument("--attach", action="store_true", help="a running stack is fine: exit 0")
    parser.add_argument("--stop", action="store_true", help="end the running stack")
    parser.add_argument("--json", action="store_true", help="print stack.json when it is up")
    parser.add_argument(
        "--with-parent", type=int, metavar="PID", help="end when that starting process ends"
    )
    options = parser.parse_args()
    try:
        state_dir: Path = options.state.resolve()
        state_dir.mkdir(parents=True, exist_ok=True)
        (state_dir / LOCK_FILE).open("a").close()
    except OSError as error:
        _say(f"✗ {options.state} cannot be the state folder: {error.strerror}")
        return 2
    if options.stop:
        return _stop_running(state_dir)
    try:
        with _only_supervisor(state_dir):
            return asyncio.run(_supervise(state_dir, options))
    except BlockingIOError:
        return _tell_running(state_dir, attach=options.attach)
    except (ConfigurationError, KeepsDyingError) as error:
        _say(f"✗ {error}")
        return 1


async def _supervise(state_dir: Path, options: argparse.Namespace) -> int:
    """Start everything and stay until told to end."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ending: list[asyncio.Task[object]] = [asyncio.create_task(stop.wait())]
    if options.with_parent:
        # Named by itself: one that ended before this line would leave a stranger as our parent.
        parent = options.with_parent
        ending.append(asyncio.create_task(until(lambda: os.getppid() != parent, every=0.5)))

    supervisor = _Supervisor(state_dir, options)
    try:
        await supervisor.run(ending)
    finally:
        for task in ending:
            task.cancel()
        await supervisor.end()
        _say("✓ stack has ended")
    return 0


class _Supervisor:
    """The processes of one stack and the file that tells where they are."""

    def __init__(self, state_dir: Path, options: argparse.Namespace) -> None:
        self._state_dir = state_dir
        self._time_skipping: bool = options.time_skipping
        self._print_json: bool = options.json
        self._token = _token(state_dir)
        self._server_kind = _choose_server(state_dir, self._token, options)
        self._settings = _worker_settings(state_dir, self._server_kind)
        self._server = self._server_keeper()
        self._worker = None if options.no_worker else self._worker_keeper()
        self._webhook_port = _webhook_port(state_dir) if options.webhooks else 0
        self._webhooks = self._webhook_keeper() if options.webhooks else None
        keepers = (self._server, self._worker, self._webhooks)
        self._keepers = [keeper for keeper in keepers if keeper]
        self._running: list[asyncio.Task[None]] = []
        self._generation = 0
        # What a killed supervisor left behind tells nothing any more.
        for stale in (state_dir / STACK_FILE, *state_dir.glob("worker-*.ready")):
            stale.unlink(missing_ok=True)

    async def run(self, ending: list[asyncio.Task[object]]) -> None:
        """Start one after the other, then keep all of them until one of the tasks is done.

        Raises:
            KeepsDyingError: A child cannot be kept alive.
        """
        for keeper in self._keepers:
            keeper.on_change = self._publish
            self._running.append(asyncio.create_task(keeper.keep()))
            answered = asyncio.create_task(keeper.was_ready.wait())
            await self._first_of([answered, *ending])
            if not answered.done():
                answered.cancel()
                return
        _say(f"✓ stack is up on {self._state_dir}")
        if self._print_json:
            print((self._state_dir / STACK_FILE).read_text(), end="", flush=True)
        await self._first_of(ending)

    async def end(self) -> None:
        """End the worker, then the server, and take the file away."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        (self._state_dir / STACK_FILE).unlink(missing_ok=True)
        for keeper in reversed(self._keepers):
            await keeper.end()

    async def _first_of(
        self, awaited: list[asyncio.Task[bool]] | list[asyncio.Task[object]]
    ) -> None:
        """Wait for one of the tasks, or for a keeper that gives up."""
        await asyncio.wait([*self._running, *awaited], return_when=asyncio.FIRST_COMPLETED)
        for task in self._running:
            if task.done():
                task.result()

    def _publish(self) -> None:
        """Write where everything is, from the moment all of it answered once."""
        if not all(keeper.was_ready.is_set() for keeper in self._keepers):
            return
        self._generation += 1
        write_stack(
            Stack(
                token=self._token,
                generation=self._generation,
                address=self._settings.temporal_address,
                ui_url=self._server_kind.ui_url,
                ledger_url=self._settings.ledger_place,
                state_dir=self._state_dir,
                supervisor_pid=os.getpid(),
                server=self._server.child,
                worker=self._worker.child if self._worker else None,
                webhooks=self._webhooks.child if self._webhooks else None,
                webhooks_url=self._webhooks_url if self._webhooks else None,
                time_skipping=self._time_skipping,
            )
        )

    def _server_keeper(self) -> Keeper:
        web = self._server_kind.ui_url
        return Keeper(
            "Temporal server",
            self._server_kind.command,
            self._state_dir / "server.log",
            until_ready=self._server_kind.until_ready,
            grace_seconds=_SERVER_GRACE_SECONDS,
            where=self._settings.temporal_address + (f", Web UI {web}" if web else ""),
        )

    def _worker_keeper(self) -> Keeper:
        def is_ready(pid: int) -> bool:
            return (self._state_dir / f"worker-{pid}.ready").exists()

        return Keeper(
            "worker",
            # -P: a folder named `worker` where the user happens to stand is not meant.
            [sys.executable, "-P", "-m", "worker"],
            self._state_dir / "worker.log",
            until_ready=lambda pid: until(lambda: is_ready(pid)),
            # One second more than it takes for itself, so that it ends by its own will.
            grace_seconds=self._settings.graceful_shutdown_seconds + 1,
            environment=_worker_environment(self._settings),
        )

    @property
    def _webhooks_url(self) -> str:
        return f"http://127.0.0.1:{self._webhook_port}/webhooks/"

    def _webhook_keeper(self) -> Keeper:
        port = self._webhook_port
        return Keeper(
            "webhook server",
            [sys.executable, "-P", "-m", "worker.inbound"],
            self._state_dir / "webhooks.log",
            until_ready=lambda pid: until(lambda: listens(pid, port)),
            grace_seconds=self._settings.graceful_shutdown_seconds + 1,
            environment={
                **_worker_environment(self._settings),
                **_beside(self._settings.metrics_address),
                "SLUICE_WEBHOOK_ADDRESS": f"127.0.0.1:{port}",
            },
            where=self._webhooks_url,
        )


# --- what to start ----------------------------------------------------------------------------


def _choose_server(state_dir: Path, token: str, options: argparse.Namespace) -> Server:
    """Describe the server, on the ports of the last time if they are still free."""
    if options.port and not is_free(options.port):
        raise ConfigurationError(
            f"port {options.port} belongs to another program, perhaps another Temporal server: "
            "choose another one, or leave --port out for a free one"
        )
    remembered: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError):
        remembered = json.loads((state_dir / _PORTS_FILE).read_text())
    port = options.port or free_port(remembered.get("port"))
    ui_port = free_port(remembered.get("ui_port"), other_than=port)
    (state_dir / _PORTS_FILE).write_text(json.dumps({"port": port, "ui_port": ui_port}))
    if options.time_skipping:
        return TimeSkippingServer(port)
    return DevServer(port, ui_port, state_dir / "temporal.db", token)


def _webhook_port(state_dir: Path) -> int:
    """Return where webhooks come in: on the port of the last time if that is still free."""
    remembered = None
    with contextlib.suppress(OSError, ValueError):
        remembered = int((state_dir / _WEBHOOK_PORT_FILE).read_text())
    port = free_port(remembered)
    (state_dir / _WEBHOOK_PORT_FILE).write_text(str(port))
    return port


def _worker_settings(state_dir: Path, server: Server) -> WorkerSettings:
    """Return the settings the worker will see, so that a wrong one is told before any start."""
    chosen = {"SLUICE_LEDGER_URL", "SLUICE_LEDGER_URL_FILE"} & os.environ.keys()
    own = {} if chosen else {"ledger_url": SecretStr(f"sqlite:///{state_dir / 'ledger.db'}")}
    return WorkerSettings.load(
        temporal_address=f"127.0.0.1:{server.port}",
        temporal_namespace="default",
        state_dir=state_dir,
        **own,
    )


def _worker_environment(settings: WorkerSettings) -> Mapping[str, str]:
    """Return the worker's environment: the user's own, but talking to this stack's server."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SLUICE_TEMPORAL_", "SLUICE_STATE_DIR"))
    }
    return {
        **inherited,
        "SLUICE_TEMPORAL_ADDRESS": settings.temporal_address,
        "SLUICE_TEMPORAL_NAMESPACE": settings.temporal_namespace,
        "SLUICE_LEDGER_URL": settings.ledger_url.get_secret_value(),
        "SLUICE_STATE_DIR": str(settings.state_dir),
    }


def _beside(metrics_address: str | None) -> Mapping[str, str]:
    """Return where the webhook server's metrics are: on the port behind the worker's."""
    if metrics_address is None:
        return {}
    host, _, port = metrics_address.rpartition(":")
    return {"SLUICE_METRICS_ADDRESS": f"{host}:{int(port) + 1}"}


def _token(state_dir: Path) -> str:
    """Return the folder's own mark, made at its first use."""
    path = state_dir / TOKEN_FILE
    with contextlib.suppress(FileNotFoundError):
        if token := path.read_text().strip():
            return token
    path.touch(mode=0o600)
    path.write_text(secrets.token_hex(16) + "\n")
    return path.read_text().strip()


# --- the stack that is already there ----------------------------------------------------------


@contextlib.contextmanager
def _only_supervisor(state_dir: Path) -> Iterator[None]:
    """Hold the state folder and leave this process' id for `--stop`.

    Raises:
        BlockingIOError: Another supervisor holds it.
    """
    with contextlib.ExitStack() as held:
        deadline = time.monotonic() + 1
        while True:
            try:
                lock = held.enter_context(supervisor_lock(state_dir))
                break
            except BlockingIOError:
                # Commands that look whether a stack runs hold the lock for an instant.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _tell_running(state_dir: Path, *, attach: bool) -> int:
    """Name the stack that holds the folder."""
    deadline = time.monotonic() + (_START_SECONDS if attach else 0)
    while (stack := read_stack(state_dir)) is None and supervisor_alive(state_dir):
        if time.monotonic() >= deadline:
            _say(f"✗ a stack is just starting on {state_dir}: try again in a moment")
            return 2
        time.sleep(0.05)
    if stack is None:
        _say(f"✗ the stack on {state_dir} has just ended: run the same command again")
        return 2
    web = f", Web UI {stack.ui_url}" if stack.ui_url else ""
    _say(
        f"{'✓' if attach else '✗'} a stack already runs on {state_dir}: "
        f"Temporal {stack.address}{web}, process {stack.supervisor_pid}"
    )
    return 0 if attach else 2


def _stop_running(state_dir: Path) -> int:
    """End the stack that holds the folder and wait until it has."""
    if not supervisor_alive(state_dir):
        _say(f"✓ no stack runs on {state_dir}")
        return 0
    pid = int((state_dir / LOCK_FILE).read_text() or 0)
    deadline = time.monotonic() + _STOP_SECONDS
    if pid:
        os.kill(pid, signal.SIGTERM)
    while supervisor_alive(state_dir):
        if time.monotonic() > deadline:
            _say(f"✗ the stack on {state_dir} does not end: kill -9 {pid} ends its children too")
            return 1
        time.sleep(0.05)
    _say(f"✓ the stack on {state_dir} has ended")
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
