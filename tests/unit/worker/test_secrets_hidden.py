"""No secret shows, whoever repeats it: a system, a connector of somebody else's, or a library."""

import base64
import io
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest
import structlog
from temporalio.exceptions import ApplicationError

from connectors import registry
from connectors.contract import ConnectionConfig, Connector, Manifest
from connectors.failures import Rejected, RetryLater
from connectors.secrets import SecretRef, read_secret, without_secrets
from ledger.writer import AsyncLedger
from measures.documents import Connection, document_content
from worker.activities.telling import told_to_temporal
from worker.circuits import Circuits
from worker.connections import Connections
from worker.logs import set_up_logs
from worker.settings import WorkerSettings

SECRET = 'hush "ü/+ 100%'
FORMS = (
    SECRET,
    "hush",
    base64.b64encode(f"bot:{SECRET}".encode()).decode(),
    base64.urlsafe_b64encode(f"bot:{SECRET}".encode()).decode().rstrip("="),
)


class Parrot(BaseHTTPRequestHandler):
    """A system that repeats what it was sent, as pages for developers do."""

    def do_GET(self) -> None:
        """Answers with everything, a good way down the page."""
        said = self.headers.get("Authorization")
        # What is shown of a page is cut at 500 characters: in the middle of the password.
        body = f"{'.' * 480}{said} {self.path} {self.headers}".encode()
        self.send_response(500)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", f"last={said}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def parrot() -> Iterator[str]:
    """The address of such a system."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def secret(tmp_path: Path) -> str:
    """Where the secret lies."""
    place = tmp_path / "secret"
    place.write_text(SECRET)
    return f"file:{place}"


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """What a worker logs at its most talkative."""
    lines = io.StringIO()
    monkeypatch.setattr(sys, "stderr", lines)
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    set_up_logs(WorkerSettings.load(log_level="debug", log_format="text"))
    yield lines.getvalue
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class CarelessConfig(ConnectionConfig):
    """Where the secret lies."""

    key: SecretRef


class Careless(Connector):
    """Somebody else's connector, which logs and repeats its secret."""

    manifest: ClassVar[Manifest] = Manifest(
        name="careless", title="Careless", api="1", kinds=(), can=frozenset(), http=False
    )
    Config: ClassVar[type[ConnectionConfig]] = CarelessConfig

    def __init__(self, config: CarelessConfig, *, transport: object = None) -> None:
        self._key = read_secret(config.key)

    async def look(self, ref: str) -> None:
        """Fails in its own words."""
        logging.getLogger("careless").debug("asking with %s, %r", self._key, {"k": self._key})
        raise Rejected(f"not with {self._key}")


@asynccontextmanager
async def connected(tmp_path: Path, document: Connection) -> AsyncIterator[tuple[Any, AsyncLedger]]:
    """A connection as a worker uses it."""
    async with await AsyncLedger.open(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        await ledger.append_document(
            "Connection",
            document.id,
            document_content(document),
            "operator",
            datetime.now(UTC),
            "c",
        )
        connections = Connections(ledger, tmp_path, Circuits(ledger, timedelta(seconds=30)))
        yield await connections.get(document.id), ledger
        await connections.aclose()


def shows_none(*texts: object) -> None:
    """No form of the secret is in any of these."""
    for text in map(str, texts):
        for form in FORMS:
            assert form not in text


async def test_a_system_that_repeats_our_password(
    parrot: str, secret: str, tmp_path: Path, logged: Callable[[], str]
) -> None:
    """Neither the failure, nor the ledger's database, nor a log at level debug shows it."""
    settings = {"url": parrot, "user": "bot", "password": secret}
    document = Connection(id="desk", connector="roundup", settings=settings)
    async with connected(tmp_path, document) as (desk, ledger):
        with pytest.raises(RetryLater) as failure:
            await desk.get("issue", "1")
        kept = await ledger.connection_states()
    said = logged()
    assert "500" in str(failure.value)
    assert "***" in kept["desk"].last_error
    assert "Set-Cookie" in said
    shows_none(failure.value, kept, said)


async def test_a_connector_that_repeats_its_secret(
    secret: str,
    tmp_path: Path,
    logged: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What others wrote is not trusted to hide it."""
    door = EntryPoint("careless", "tests.unit.worker.test_secrets_hidden:Careless", registry.GROUP)
    points = {**registry._points(), "careless": door}
    monkeypatch.setattr(registry, "_points", lambda: points)
    document = Connection(id="odd", connector="careless", settings={"key": secret})
    async with connected(tmp_path, document) as (odd, ledger):
        with pytest.raises(Rejected, match=r"not with \*\*\*") as failure:
            await odd.look("x")
        kept = await ledger.connection_states()
    said = logged()
    assert "asking with ***" in said
    shows_none(failure.value, kept, said, repr(odd.credentials))


def test_nothing_but_a_failure_s_words_gets_into_a_history() -> None:
    """What it came from is not cleaned, and a history is kept."""
    failure = RetryLater("not understood", timedelta(seconds=9))
    failure.__cause__ = ValueError(SECRET)
    with pytest.raises(ApplicationError) as told, told_to_temporal():
        raise failure
    assert told.value.__cause__ is None
    assert told.value.next_retry_delay == timedelta(seconds=9)


@pytest.mark.parametrize(
    "text", ["", "nothing of that sort", "YWJjZGVmZ2g=", "a" * 100, "++++++++"]
)
def test_what_is_no_secret_stays(text: str) -> None:
    """Also what looks like Base64."""
    assert without_secrets(text, frozenset({SECRET})) == text
