"""Webhooks: what is genuine is kept once, and nothing else leaves a trace."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from sqlalchemy import delete

from ledger.inbox import Inbox
from ledger.tables import inbox
from ledger.writer import AsyncLedger
from tests.unit.worker.hooks import (
    CONNECTION,
    SECRET,
    SECRET_NAME,
    body_of,
    connect_desk,
    kept,
    signed,
    url_of,
)
from worker.circuits import Circuits
from worker.connections import Connections
from worker.inbound import __main__ as process
from worker.inbound import intake as intakes
from worker.inbound.app import MOST_BYTES, webhook_app
from worker.inbound.intake import Intake
from worker.inbound.tally import Tally

PATH = f"/webhooks/{CONNECTION}"


@asynccontextmanager
async def the_app(folder: Path, *, rate: float = 10_000, url: str = "") -> AsyncIterator[Any]:
    """The application over a ledger of its own."""
    async with await AsyncLedger.open(url_of(folder)) as ledger:
        connect_desk(ledger.ledger)
        circuits = Circuits(ledger, timedelta(seconds=30))
        connections = Connections(ledger, folder, circuits)
        intake = Intake(Inbox(ledger.ledger.database), rate)
        app = webhook_app(connections, intake, url)
        async with app.router.lifespan_context(app):
            yield app, ledger.ledger
        await connections.aclose()


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_NAME, SECRET)


@asynccontextmanager
async def asking(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A sender."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hooks.test") as sender:
        yield sender


async def test_a_genuine_delivery_is_kept_and_acknowledged(tmp_path: Path) -> None:
    """Every object that it names, in one write."""
    async with the_app(tmp_path) as (app, ledger), asking(app) as sender:
        body = body_of("1", "2")
        answer = await sender.post(PATH, content=body, headers=signed("m1", body))
        assert (answer.status_code, answer.json()) == (202, {"message": "2 taken"})
        assert [(row["kind"], row["ref"]) for row in kept(ledger)] == [
            ("ticket", "1"), ("ticket", "2"),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"secret": "whsec_c29tZWJvZHkgZWxzZSBoYXMgdGhpcw=="}, 401),
        ({"age": timedelta(minutes=6)}, 401),
        ({"age": timedelta(minutes=-6)}, 401),
    ],
)
async def test_what_is_not_genuine_leaves_nothing(
    tmp_path: Path, change: dict[str, Any], status: int
) -> None:
    """Another's secret, or an old time."""
    async with the_app(tmp_path) as (app, ledger), asking(app) as sender:
        body = body_of("1")
        answer = await sender.post(PATH, content=body, headers=signed("m1", body, **change))
        assert answer.status_code == status
        assert SECRET not in answer.text
        unsigned = await sender.post(PATH, content=body)
        assert unsigned.status_code == 401
        assert kept(ledger) == []


async def test_what_cannot_be_taken_is_said(tmp_path: Path) -> None:
    """Unknown places, other methods, bodies that are too large, names that no system has."""
    async with the_app(tmp_path) as (app, ledger), asking(app) as sender:
        assert (await sender.post("/webhooks/nobody", content=b"{}")).status_code == 404
        assert (await sender.post("/webhooks/memory", content=b"{}")).status_code == 404
        assert (await sender.get(PATH)).status_code == 405
        assert (await sender.head(PATH)).status_code == 405
        large = b" " * (MOST_BYTES + 1)
        assert (await sender.post(PATH, content=large)).status_code == 413

        async def parts() -> AsyncIterator[bytes]:
            for _ in range(MOST_BYTES // 1000 + 1):
                yield b" " * 1000

        assert (await sender.post(PATH, content=parts())).status_code == 413
        strange = body_of("a\x00b")
        answer = await sender.post(PATH, content=strange, headers=signed("m1", strange))
        assert answer.status_code == 400
        assert (await sender.get("/health")).status_code == 200
        assert kept(ledger) == []


async def test_a_secret_that_is_not_there_is_our_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sender is asked to come again; the log says what is missing."""
    monkeypatch.delenv(SECRET_NAME)
    async with the_app(tmp_path) as (app, _), asking(app) as sender:
        body = body_of("1")
        assert (
            await sender.post(PATH, content=body, headers=signed("m1", body))
        ).status_code == 503
    monkeypatch.setenv(SECRET_NAME, SECRET)


async def test_a_flood_is_slowed_down(tmp_path: Path) -> None:
    """Whoever sends too fast is told when to come again; nothing that was refused is kept."""
    async with the_app(tmp_path, rate=1) as (app, ledger), asking(app) as sender:
        answers = []
        for number in range(8):
            body = body_of(str(number))
            answers.append(await sender.post(PATH, content=body, headers=signed(f"{number}", body)))
        codes = [one.status_code for one in answers]
        assert codes == [202] * 4 + [429] * 4
        assert all(int(one.headers["Retry-After"]) >= 1 for one in answers[4:])
        assert len(kept(ledger)) == 4


async def test_a_full_inbox_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs: the sender is asked to keep it."""
    monkeypatch.setattr(intakes, "MOST_KEPT", 1)
    async with the_app(tmp_path) as (app, ledger):
        Inbox(ledger.database).put(
            [intakes.News(CONNECTION, "ticket", "1", "before")], datetime.now(UTC)
        )
        async with asking(app) as sender:
            body = body_of("2")
            answer = await sender.post(PATH, content=body, headers=signed("m", body))
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
        assert len(kept(ledger)) == 1


async def test_what_senders_sign_is_the_public_address(tmp_path: Path) -> None:
    """A proxy in front calls the server by another name than senders do."""
    seen: list[str] = []
    async with the_app(tmp_path, url="https://hooks.example.com/in") as (app, _):
        receiver = app.routes[0].endpoint.__self__
        connector = await receiver._connections.get(CONNECTION)
        verify = connector.inner.verify
        connector.inner.verify = lambda webhook, now: (
            seen.append(webhook.url), verify(webhook, now=now),
        )[1]  # fmt: skip
        async with asking(app) as sender:
            body = body_of("1")
            await sender.post(f"{PATH}?a=b", content=body, headers=signed("m", body))
    assert seen == [f"https://hooks.example.com/in{PATH}?a=b"]


DELIVERIES = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
        st.sampled_from(["genuine", "genuine", "forged", "tampered", "old", "unsigned"]),
    ),
    max_size=12,
)


@given(sent=DELIVERIES, seed=st.integers(0, 999))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_forged_replayed_reordered_and_doubled_deliveries_change_nothing_wrongly(
    sent: list[tuple[int, list[str], str]], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever comes, in whatever order, how often: the inbox holds each genuine delivery once."""
    folder = tmp_path_factory.mktemp("hooks")

    async def play() -> None:
        async with the_app(folder) as (app, ledger), asking(app) as sender:
            with ledger.database.writing() as connection:
                connection.execute(delete(inbox))
            genuine: set[tuple[str, str, str]] = set()
            posts = []
            for number, refs, manner in sent:
                body = body_of(*refs)
                name = f"m{number}-{'-'.join(refs)}"
                headers = signed(name, body)
                match manner:
                    case "genuine":
                        genuine |= {(name, str(place), ref) for place, ref in enumerate(refs)}
                    case "forged":
                        other = "whsec_c29tZWJvZHkgZWxzZSBoYXMgdGhpcw=="
                        headers = signed(name, body, secret=other)
                    case "tampered":
                        body = body.replace(b"ticket", b"ticker")
                    case "old":
                        headers = signed(name, body, age=timedelta(hours=1))
                    case "unsigned":
                        headers = {}
                posts.append((body, headers, manner == "genuine"))
            posts += posts
            random.Random(seed).shuffle(posts)
            for body, headers, good in posts:
                answer = await sender.post(PATH, content=body, headers=headers)
                assert answer.status_code == (202 if good else 401)
            rows = kept(ledger)
            assert sorted(row["ref"] for row in rows) == sorted(ref for *_, ref in genuine)
            assert len({row["delivery"] for row in rows}) == len(rows)

    asyncio.run(play())


@asynccontextmanager
async def the_server(app: Any) -> AsyncIterator[int]:
    """The application as the process serves it; gives its port."""
    listening = process._listen("127.0.0.1:0")
    config = process.served(app)
    config.lifespan = "off"
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


@pytest.mark.parametrize(
    "first",
    [b"", b"POST /webhooks/desk HTTP/1.1\r\nHost: x\r\n", b"POST /webhooks/desk HTTP/1.1\r\n"
     b"Host: x\r\nContent-Length: 10\r\n\r\n1"],
    ids=["nothing", "half a head", "half a body"],
)  # fmt: skip
async def test_who_is_slow_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    """A sender that sends nothing, or a byte now and then, keeps its place for a while only."""
    monkeypatch.setattr(process, "LIFE_SECONDS", 0.3)
    async with the_app(tmp_path) as (app, ledger), the_server(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()
        with contextlib.suppress(ConnectionResetError):
            await writer.wait_closed()
        assert kept(ledger) == []


async def test_many_at_once_share_their_writes(tmp_path: Path) -> None:
    """Two hundred senders over real sockets: all are kept."""
    async with the_app(tmp_path) as (app, ledger), the_server(app) as port:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as sender:

            async def one(number: int) -> int:
                body = body_of(str(number))
                answer = await sender.post(PATH, content=body, headers=signed(f"{number}", body))
                return answer.status_code

            assert set(await asyncio.gather(*map(one, range(200)))) == {202}
            # A connection that were kept would end in the middle of a later delivery.
            assert (await sender.get("/health")).headers["connection"] == "close"
        assert {row["ref"] for row in kept(ledger)} == set(map(str, range(200)))


def counted(outcome: str, connection: str = CONNECTION) -> float:
    """How many deliveries this process has counted so."""
    labels = {"connection": connection, "outcome": outcome}
    return REGISTRY.get_sample_value("webhook_deliveries_total", labels) or 0


async def test_what_became_of_each_delivery_is_counted(tmp_path: Path) -> None:
    """By connection and outcome, and how long the acknowledgement took; not by made-up names."""
    names = ("accepted", "duplicate", "forged", "too_large", "flood")
    before = {name: counted(name) for name in names}
    nobody, timed = counted("not_ours", ""), "webhook_acknowledge_seconds_count"
    acknowledged = REGISTRY.get_sample_value(timed) or 0
    async with the_app(tmp_path, rate=1) as (app, _), asking(app) as sender:
        body = body_of("1", "2")
        for _ in range(2):
            await sender.post(PATH, content=body, headers=signed("m1", body))
        await sender.post(PATH, content=body)
        await sender.post(PATH, content=b" " * (MOST_BYTES + 1))
        for number in range(3):
            await sender.post(PATH, content=body, headers=signed(f"n{number}", body))
        for number in range(3):
            await sender.post(f"/webhooks/made-up-{number}", content=body)
    expected = {"accepted": 3, "duplicate": 1, "forged": 1, "too_large": 1, "flood": 1}
    assert {name: counted(name) - before[name] for name in names} == expected
    assert counted("not_ours", "") - nobody == 3
    assert not any(counted("not_ours", f"made-up-{number}") for number in range(3))
    assert REGISTRY.get_sample_value(timed) == acknowledged + 4


async def test_doubles_in_one_write_are_told_apart(tmp_path: Path) -> None:
    """Of the same delivery twice at once, one is new."""
    async with the_app(tmp_path) as (app, _), asking(app) as sender:
        before = counted("accepted"), counted("duplicate")
        body = body_of("1")
        headers = signed("m1", body)
        await asyncio.gather(*(sender.post(PATH, content=body, headers=headers) for _ in "abc"))
        assert (counted("accepted"), counted("duplicate")) == (before[0] + 1, before[1] + 2)


async def test_forged_deliveries_do_not_fill_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The first is told at once, the others in one line with their number."""
    async with the_app(tmp_path) as (app, _), asking(app) as sender:
        for _ in range(30):
            assert (await sender.post(PATH, content=b"{}")).status_code == 401
        for number in range(30):
            await sender.post(f"/webhooks/made-up-{number}", content=b"{}")
        lines = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert len(lines) == 2
        assert lines[0].startswith("webhook of desk refused: 401 ")
        assert "made-up-0" in lines[1]
        caplog.clear()
    lines = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert lines == [
        "29 more webhooks of desk refused since then: 401 forged; if they are genuine, give their"
        " sender and the connection the same secret",
        "29 more webhooks of - refused since then: 404 not_ours",
    ]


async def test_refusals_are_told_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """A line each time the quiet is over in which there were more; none after a quiet one."""
    tally = Tally(quiet=0.05)
    tally.refused("desk", 401, "forged")
    tally.refused("desk", 401, "forged")
    tally.refused("desk", 503, "the disk is full")
    while any(silence.more for silence in tally._silences.values()):  # noqa: ASYNC110 - a timer
        await asyncio.sleep(0.01)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "webhook of desk refused: 401 forged"),
        ("ERROR", "webhook of desk refused: 503 the disk is full"),
        ("WARNING", "1 more webhooks of desk refused since then: 401 forged; if they are genuine,"
         " give their sender and the connection the same secret"),
    ]  # fmt: skip


async def test_what_waits_is_counted_once_for_many_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty deliveries that come together do not count a long inbox forty times."""
    counts: list[str] = []
    counting = Inbox.backlog

    def backlog(self: Inbox, connection: str) -> int:
        counts.append(connection)
        return counting(self, connection)

    monkeypatch.setattr(Inbox, "backlog", backlog)
    monkeypatch.setattr(intakes, "_COUNTED_FOR", 3600.0)
    async with the_app(tmp_path) as (app, ledger), asking(app) as sender:

        async def one(number: int) -> int:
            body = body_of(str(number))
            answer = await sender.post(PATH, content=body, headers=signed(f"{number}", body))
            return answer.status_code

        assert set(await asyncio.gather(*map(one, range(40)))) == {202}
        assert counts == [CONNECTION]
        assert len(kept(ledger)) == 40
