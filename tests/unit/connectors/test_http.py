"""Every way in which HTTP can go wrong is one of the six failures."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from connectors.conformance import faults
from connectors.failures import (
    FAILURES,
    AuthFailed,
    Conflict,
    NotFound,
    Rejected,
    RetryLater,
)
from connectors.http import LONGEST_WAIT, HttpDoor, clock_skew, retry_after

SECRET = "k3y-of-the-kingdom"
NOW = datetime(2031, 3, 2, 9, 0, tzinfo=UTC)


def door(transport: httpx.AsyncBaseTransport) -> HttpDoor:
    """A way to a system that is not there."""
    return HttpDoor(
        "Desk", "http://desk.test/api/", secrets=frozenset({SECRET}), transport=transport
    )


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        (301, Rejected),
        (400, Rejected),
        (401, AuthFailed),
        (403, Rejected),
        (404, NotFound),
        (408, RetryLater),
        (409, Conflict),
        (410, NotFound),
        (412, Conflict),
        (422, Rejected),
        (425, RetryLater),
        (429, RetryLater),
        (500, RetryLater),
        (503, RetryLater),
        (599, RetryLater),
    ],
)
async def test_what_a_status_means(code: int, failure: type[Exception]) -> None:
    """And the words say who answered what to which request, without the secret."""
    answering = door(faults.failing(code, body=f"no, {SECRET} is bad\nreally"))
    with pytest.raises(failure) as raised:
        await answering.send("GET", "issue/7")
    assert str(raised.value) == f"Desk answered GET /api/issue/7 with {code}: no, *** is bad really"


@pytest.mark.parametrize(
    "transport", [faults.timing_out(), faults.unreachable()], ids=["timeout", "refused"]
)
async def test_no_answer_is_worth_another_try(transport: httpx.AsyncBaseTransport) -> None:
    """Whether anything was written, nobody knows: whoever tries again looks first."""
    with pytest.raises(RetryLater, match="Desk did not answer POST issue"):
        await door(transport).send("POST", "issue", json={})


@pytest.mark.parametrize("body", ["", "<html>", '{"a": 1', "nonsense"])
async def test_what_is_no_json_is_worth_another_try(body: str) -> None:
    """A proxy answered."""
    answering = door(faults.failing(200, {"Content-Type": "text/html"}, body))
    if not body:
        assert await answering.json("GET", "issue") is None
        return
    with pytest.raises(RetryLater, match="something that is no JSON"):
        await answering.json("GET", "issue")


async def test_an_answer_without_end_is_not_read() -> None:
    """Eight megabytes are enough."""
    with pytest.raises(Rejected, match="more than 8,388,608 bytes"):
        await door(faults.endless()).send("GET", "issue")


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("17", timedelta(seconds=17)),
        ("0.5", timedelta(seconds=0.5)),
        ("-3", timedelta()),
        ("Sun, 02 Mar 2031 09:00:30 GMT", timedelta(seconds=30)),
        ("Sun, 02 Mar 2031 08:00:00 GMT", timedelta()),
        ("99999999999999999999", LONGEST_WAIT),
        ("1e400", LONGEST_WAIT),
        ("nan", None),
        ("soon", None),
        ("", None),
    ],
)
def test_how_long_to_wait(said: str, wait: timedelta | None) -> None:
    """In seconds or as a date, never longer than a day, never back in time."""
    assert retry_after(httpx.Response(429, headers={"Retry-After": said}), NOW) == wait


@pytest.mark.parametrize("path", ["issue/\x00", "issue/\r\nHost: evil", "http://[", "//evil/x"])
async def test_strange_paths_go_nowhere_else(path: str) -> None:
    """A name from outside in a path neither crashes nor leads to another host."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={})

    try:
        await door(faults.Answering(answer)).send("GET", path)
    except FAILURES:
        return
    assert asked[0].url.host == "desk.test"


async def test_a_next_page_without_encryption_is_not_asked_for() -> None:
    """Else whoever reads along would see our credentials."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={})

    safe = HttpDoor("Desk", "https://desk.test/api/", transport=faults.Answering(answer))
    with pytest.raises(Rejected, match=r"would leave https://desk\.test"):
        await safe.send("GET", "http://desk.test/api/issue?page=2")
    await safe.send("GET", "https://desk.test:443/api/issue?page=2")
    assert [str(one.url) for one in asked] == ["https://desk.test/api/issue?page=2"]


@pytest.mark.parametrize(
    ("said", "skew"),
    [
        ("Sun, 02 Mar 2031 09:00:30 GMT", timedelta(seconds=30)),
        ("Sun, 02 Mar 2031 08:59:00 -0000", timedelta(minutes=-1)),
        ("noon", None),
        ("", None),
    ],
)
def test_how_far_a_clock_is_ahead(said: str, skew: timedelta | None) -> None:
    """By what the system says of its own time."""
    assert clock_skew(httpx.Response(200, headers={"Date": said}), NOW) == skew
