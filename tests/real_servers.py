"""Real servers of other systems, started from scripts in tests/servers or ../shared/servers.

They run where somebody has installed them (`make test-servers` does); elsewhere their tests are
skipped and say so. Empty data that take long to make are kept there, in `SERVERS_HOME`.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.webhook_receiver import Receiver
from worker.ports import free_port

OURS = Path(__file__).resolve().parent / "servers"
SCRIPTS = Path(__file__).resolve().parents[2] / "shared" / "servers"
USUAL = "/var/tmp/gate-servers" if os.getuid() == 0 else "~/.cache/gate-servers"
"""As the Makefile has it: Roundup's server runs as nobody, who cannot look below /root."""

HOME = Path(os.environ.get("SERVERS_HOME", USUAL)).expanduser()

WEBHOOK_SECRET = "a secret between server and engine"


class Server:
    """A running server: where it listens, and its data."""

    def __init__(
        self, scripts: Path, data: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._scripts = scripts
        self.data = data
        self.port = free_port()
        self._environment = {
            **os.environ,
            "SERVERS_HOME": str(HOME),
            "D": str(data),
            "PORT": str(self.port),
            **(environment or {}),
        }

    def prepare(self, places: str | None) -> None:
        """Makes its empty data, or copies what was made before.

        Args:
            places: the one file of them that says where data and port are; None makes them anew.
        """
        kept = HOME / self._scripts.name / f"empty-{self._version()}"
        if places is None or not kept.exists():
            self.run("init.sh")
            if places is not None:
                self._keep(kept, places)
            return
        shutil.copytree(kept, self.data, dirs_exist_ok=True)
        file = self.data / places
        text = file.read_text().replace("{data}", str(self.data))
        file.write_text(text.replace("{port}", str(self.port)))

    def _keep(self, kept: Path, places: str) -> None:
        made = kept.with_name(f"{kept.name}-{os.getpid()}")
        shutil.copytree(self.data, made)
        file = made / places
        text = file.read_text().replace(str(self.data), "{data}")
        file.write_text(text.replace(str(self.port), "{port}"))
        try:
            made.rename(kept)
        except OSError:  # another process was faster
            shutil.rmtree(made)

    def _version(self) -> str:
        """Changes with the scripts and with what is installed."""
        scripts = [file.read_bytes() for file in sorted(self._scripts.iterdir()) if file.is_file()]
        installed = (HOME / self._scripts.name).glob("venv/lib/*/site-packages/*.dist-info")
        packages = sorted(one.name for one in installed)
        return hashlib.sha256(b"".join([*scripts, *map(str.encode, packages)])).hexdigest()[:12]

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
def serving(
    name: str,
    *,
    installed: Path,
    environment: Mapping[str, str] | None = None,
    places: str | None = None,
) -> Iterator[Server]:
    """Starts a server on empty data and ends it.

    Args:
        name: the server.
        installed: a file that is there once it is installed.
        environment: what its scripts are told beside where data and port are.
        places: as `Server.prepare` has it.
    """
    scripts = OURS / name if (OURS / name / "start.sh").exists() else SCRIPTS / name
    if not scripts.is_dir():
        pytest.skip(f"no scripts for a real {name} server: {scripts} is not there")
    if not installed.exists():
        pytest.skip(f"{name} is not installed ({installed}): make test-servers installs it")
    data = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    data.chmod(0o755)  # Roundup runs as nobody
    server = Server(scripts, data, environment)
    try:
        server.prepare(places)
        server.run("start.sh")
        yield server
    finally:
        server.kill()
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def roundup() -> Iterator[Server]:
    """A Roundup tracker."""
    with serving("roundup", installed=HOME / "roundup/venv/bin/python") as server:
        yield server


@pytest.fixture(scope="session")
def tryton() -> Iterator[Server]:
    """A Tryton database; to make an empty one takes half a minute of processor time."""
    installed = HOME / "tryton/venv/bin/python"
    with serving("tryton", installed=installed, places="trytond.conf") as server:
        yield server


@pytest.fixture(scope="session")
def redmine_webhooks() -> Iterator[Receiver]:
    """Receives what Redmine tells."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def redmine(redmine_webhooks: Receiver) -> Iterator[Server]:
    """A Redmine, with our plugin for webhooks where that is installed."""
    if os.geteuid() != 0:
        pytest.skip("Debian's Redmine keeps its instances in /etc: only root can make one")
    # Its instances have names; one of our own leaves those of others alone.
    instance = f"sluice-test-{os.getpid()}"
    environment = {
        "INST": instance,
        "SLUICE_WEBHOOK_URL": redmine_webhooks.url,
        "SLUICE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
    installed = Path("/usr/share/redmine/config.ru")
    try:
        with serving("redmine", installed=installed, environment=environment) as server:
            yield server
    finally:
        for place in ("/etc/redmine", "/var/lib/redmine"):
            shutil.rmtree(Path(place, instance), ignore_errors=True)


@pytest.fixture(scope="session")
def rt() -> Iterator[Server]:
    """A Request Tracker."""
    installed = Path("/usr/share/request-tracker5/libexec/rt-server")
    with serving("rt", installed=installed) as server:
        yield server
