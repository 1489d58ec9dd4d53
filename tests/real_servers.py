"""Real servers of other systems, started from the scripts in ../shared/servers.

They run where somebody has installed them (`make test-servers` does); elsewhere their tests are
skipped and say so.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from worker.ports import free_port

SCRIPTS = Path(__file__).resolve().parents[2] / "shared" / "servers"
HOME = Path(os.environ.get("SERVERS_HOME", "~/.cache/gate-servers")).expanduser()


class Server:
    """A running server: where it listens, and its data."""

    def __init__(self, name: str, data: Path) -> None:
        self._scripts = SCRIPTS / name
        self.data = data
        self.port = free_port()
        self._environment = {
            **os.environ,
            "SERVERS_HOME": str(HOME),
            "D": str(data),
            "PORT": str(self.port),
        }

    def run(self, script: str) -> None:
        """Runs one of its scripts."""
        # What it starts keeps the output open for as long as it lives, so that goes to a file.
        with (self.data / f"{script}.log").open("wb") as log:
            done = subprocess.run(
                ["bash", str(self._scripts / script)],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=200,
            )
        assert done.returncode == 0, (self.data / f"{script}.log").read_text(errors="replace")

    def kill(self) -> None:
        """Ends it as a crash does."""
        with suppress(ProcessLookupError, FileNotFoundError):
            os.killpg(int((self.data / "pid").read_text()), signal.SIGKILL)


@contextmanager
def serving(name: str) -> Iterator[Server]:
    """Starts a server on empty data and ends it."""
    if not SCRIPTS.is_dir():
        pytest.skip(f"no scripts for real servers: {SCRIPTS} is not there")
    if not (HOME / name / "venv" / "bin" / "python").exists():
        pytest.skip(f"{name} is not installed in {HOME}: make test-servers installs it")
    data = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    data.chmod(0o755)  # Roundup runs as nobody
    server = Server(name, data)
    try:
        server.run("init.sh")
        server.run("start.sh")
        yield server
    finally:
        server.kill()
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def roundup() -> Iterator[Server]:
    """A Roundup tracker."""
    with serving("roundup") as server:
        yield server


@pytest.fixture(scope="session")
def tryton() -> Iterator[Server]:
    """A Tryton database."""
    with serving("tryton") as server:
        yield server
