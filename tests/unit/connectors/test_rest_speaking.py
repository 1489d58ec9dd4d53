"""What the connector by manifest does with answers of every form."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.conformance.connection import subject_of
from connectors.contract import Webhook
from connectors.cursor import cursor_from
from connectors.failures import (
    AuthFailed,
    Conflict,
    ConnectorError,
    NotFound,
    Rejected,
    RetryLater,
    Unsupported,
)
from connectors.rest.connector import RestConnector
from connectors.rest.manifest import RestConfig
from tests.desk import serving
from tests.unit.connectors.test_rest_manifest import CAMPAIGNS, KIND, WHOLE

START = datetime(2021, 3, 2, 9, 0, tzinfo=UTC)
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "k3y-of-the-desk")
    monkeypatch.setenv("HOOK", "h00k-of-the-desk 0ld-hook-of-the-desk")


def connection(answer: Answer, **changed: Any) -> RestConnector:
    """A connection to a function."""
    config = RestConfig.model_validate({**WHOLE, **changed})
    return RestConnector(config, transport=httpx.MockTransport(answer))


def row(number: int, second: int = 0) -> dict[str, Any]:
    """A ticket as the system shows it."""
    at = (START + timedelta(seconds=second)).isoformat()
    return {"id": number, "subject": f"t{number}", "state": 1, "ext": f"x{number}", "at": at}


def with_changes(**changed: Any) -> dict[str, Any]:
    """A kind whose list of changes is another."""
    return {"ticket": {**KIND, "changes": {**KIND["changes"], **changed}}}


ROWS = [row(number, number) for number in range(7)]


def offset(request: httpx.Request) -> httpx.Response:
    """Pages by the number of the first row."""
    start = int(request.url.params["start"])
    assert request.url.params["many"] == "3"
    return httpx.Response(200, json=ROWS[start : start + 3])


def numbered(request: httpx.Request) -> httpx.Response:
    """Shows its last page for every one behind it."""
    page = min(int(request.url.params["page"]), 2)
    return httpx.Response(200, json=ROWS[page * 3 : page * 3 + 3])


def cursor(request: httpx.Request) -> httpx.Response:
    """Says in its answer how to go on."""
    start = int(request.url.params.get("after", "0"))
    further = {"next": {"after": str(start + 3)}} if start + 3 < len(ROWS) else {}
    return httpx.Response(200, json={"rows": ROWS[start : start + 3], "paging": further})


def link(request: httpx.Request) -> httpx.Response:
    """Says in a header how to go on."""
    start = int(request.url.params.get("p", "0"))
    further = f'<{request.url.copy_set_param("p", start + 3)}>; rel="next"'
    headers = {"Link": further} if start + 3 < len(ROWS) else {}
    return httpx.Response(200, json=ROWS[start : start + 3], headers=headers)


@pytest.mark.parametrize(
    ("answer", "listing"),
    [
        (offset, {"paging": {"by": "offset", "parameter": "start", "size_parameter": "many",
                             "size": 3}}),
        (numbered, {"paging": {"by": "page", "parameter": "page", "first": 0, "size": 3}}),
        (cursor, {"rows": "rows", "paging": {"by": "cursor", "parameter": "after",
                                             "next": "paging.next.after"}}),
        (link, {"paging": {"by": "link"}}),
    ],
    ids=["offset", "page", "cursor", "link"],
)  # fmt: skip
async def test_every_paging_reads_all(answer: Answer, listing: dict[str, Any]) -> None:
    """Each row once, then nothing more."""
    desk = connection(answer, kinds=with_changes(**listing))
    found, position, more = [], cursor_from(START), True
    while more:
        page = await desk.changes("ticket", position, limit=100)
        found += [one.ref for one in page.items]
        position, more = page.cursor, page.more
    assert found == [str(number) for number in range(7)]
    assert (await desk.changes("ticket", position)).items == ()


async def test_a_list_that_tells_its_total_is_asked_for_no_more() -> None:
    """Three requests for seven rows; without a total a fourth finds out."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["start"])
        start = int(asked[-1])
        return httpx.Response(200, json={"rows": ROWS[start : start + 3], "total": len(ROWS)})

    paging = {"by": "offset", "parameter": "start", "total": "total"}
    for more, requests in ((paging, 3), ({**paging, "total": None}, 4)):
        asked.clear()
        desk = connection(answer, kinds=with_changes(rows="rows", paging=more))
        assert len((await desk.changes("ticket", cursor_from(START))).items) == 7
        assert len(asked) == requests


async def test_a_link_elsewhere_is_not_followed() -> None:
    """The credentials stay here."""
    further = {"Link": '<http://169.254.169.254/latest>; rel="next"'}
    desk = connection(
        lambda _: httpx.Response(200, json=ROWS[:3], headers=further),
        kinds=with_changes(paging={"by": "link"}),
    )
    with pytest.raises(Rejected, match="would leave"):
        await desk.changes("ticket", cursor_from(START))


async def test_a_list_without_end_is_left() -> None:
    """After a thousand pages somebody must look."""
    asked = iter(range(10_000_000))
    desk = connection(
        lambda _: httpx.Response(200, json=[row(next(asked))]),
        kinds=with_changes(paging={"by": "offset", "parameter": "o", "size": 1000}),
    )
    with pytest.raises(Rejected, match="more than 1,000 pages"):
        await desk.changes("ticket", cursor_from(START + timedelta(days=1)))


async def test_changes_that_are_not_in_order_are_refused() -> None:
    """A poll would lose what comes too late."""
    desk = connection(lambda _: httpx.Response(200, json=[row(1, 5), row(2, 1)]))
    with pytest.raises(Rejected, match=r"not oldest first \(2\)"):
        await desk.changes("ticket", cursor_from(START))


@pytest.mark.parametrize(
    ("form", "written", "asked"),
    [
        ("iso", "2021-03-02T10:00:05+01:00", "2021-03-02T08:59:58Z"),
        ("epoch", 1614675605, "1614675598"),
        ("epoch_ms", 1614675605000, "1614675598500"),
        ("%d.%m.%Y %H:%M:%S", "02.03.2021 09:00:05", "02.03.2021 08:59:58"),
    ],
)
async def test_times_both_ways(form: str, written: Any, asked: str) -> None:
    """As the manifest says, always in UTC, rounded down where it has no parts of a second."""
    asked_for: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked_for.append(request.url.params["since"])
        return httpx.Response(200, json=[{**row(1), "at": written}])

    desk = connection(answer, kinds={"ticket": {**KIND, "time": form}})
    page = await desk.changes("ticket", cursor_from(START + timedelta(seconds=0.5)))
    assert page.items[0].updated_at == START + timedelta(seconds=5)
    assert asked_for == [asked]


async def test_a_status_is_known_by_its_name_and_by_what_is_sent() -> None:
    """Some systems show the number that they are sent."""
    for shown, status in [("open", "open"), (2, "done"), ("strange", "strange")]:
        desk = connection(
            lambda _, shown=shown: httpx.Response(200, json={**row(1), "state": shown})
        )
        assert (await desk.get("ticket", "1")).status == status


@pytest.mark.parametrize(
    ("status", "body", "failure", "words"),
    [
        (200, {"code": "LOCKED", "text": "try later"}, RetryLater, "with 200: try later"),
        (403, {"code": "QUOTA"}, RetryLater, 'with 403: {"code":"QUOTA"}'),
        (403, {"code": "OTHER"}, AuthFailed, "with 403"),
        (403, [], AuthFailed, "with 403"),
        (404, {"code": "GONE"}, Unsupported, "with 404"),
        (404, {"code": "OTHER"}, NotFound, "with 404"),
        (404, "<html>", NotFound, "with 404"),
        (422, {"code": "STALE"}, Conflict, "with 422"),
        (422, {"text": "your key k3y-of-the-desk is bad"}, Rejected, r"your key \*\*\* is bad"),
    ],
)
async def test_what_an_error_means(
    status: int, body: Any, failure: type[ConnectorError], words: str
) -> None:
    """The first rule that fits; then the usual rules of HTTP."""
    errors = [
        {"status": [200], "when": "code == 'LOCKED'", "failure": "RetryLater", "message": "text"},
        {"status": [403], "when": "code == 'QUOTA'", "failure": "RetryLater"},
        {"status": [403], "failure": "AuthFailed"},
        {"status": [404, 410], "when": "code == 'GONE'", "failure": "Unsupported"},
        {"status": [422], "when": "code == 'STALE'", "failure": "Conflict"},
    ]
    answer = {"html": body} if isinstance(body, str) else {"json": body}
    desk = connection(
        lambda _: httpx.Response(status, headers={"Retry-After": "9"}, **answer), errors=errors
    )
    with pytest.raises(failure, match=words) as raised:
        await desk.check()
    if isinstance(raised.value, RetryLater):
        assert raised.value.after == timedelta(seconds=9)


@pytest.mark.parametrize(
    ("access", "header", "value"),
    [
        ({"bearer": "env:KEY"}, "authorization", "Bearer k3y-of-the-desk"),
        ({"header": {"name": "X-Desk-Key", "value": "env:KEY"}}, "x-desk-key", "k3y-of-the-desk"),
        ({"basic": {"user": "us", "password": "env:KEY"}}, "authorization",
         "Basic " + base64.b64encode(b"us:k3y-of-the-desk").decode()),
        ({}, "authorization", None),
    ],
)  # fmt: skip
async def test_who_we_are(access: dict[str, Any], header: str, value: str | None) -> None:
    """Goes with every request."""
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get(header))
        return httpx.Response(200, json={"login": "sluice"})

    health = await connection(answer, access=access).check()
    assert (health.account, seen) == ("sluice", [value])


async def test_a_token_is_asked_for_and_renewed() -> None:
    """Once for many requests; once more when it is refused."""
    tokens = iter(["t0ken-one", "t0ken-two"])
    refused = {""}
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.host == "login.example.com":
            return httpx.Response(200, json={"access_token": next(tokens), "expires_in": 3600})
        if request.headers.get("authorization") in refused:
            return httpx.Response(401)
        return httpx.Response(200, json={"login": "sluice"})

    oauth2 = {
        "token_url": "https://login.example.com/token",
        "client_id": "sluice",
        "client_secret": "env:KEY",
    }
    desk = connection(answer, access={"oauth2": oauth2})
    await desk.check()
    await desk.check()
    assert asked == ["/token", "/api/me", "/api/me"]
    refused.add("Bearer t0ken-one")
    await desk.check()
    assert asked[3:] == ["/api/me", "/token", "/api/me"]
    refused.add("Bearer t0ken-two")
    tokens = iter(["t0ken-two"])
    with pytest.raises(AuthFailed):
        await desk.check()


async def test_a_header_takes_no_second_line() -> None:
    """A value from outside adds no header of its own."""
    kind = {**KIND, "get": {"path": "tickets", "headers": {"X-Ref": "{ref}"}}}
    desk = connection(lambda _: httpx.Response(200, json=row(1)), kinds={"ticket": kind})
    for ref in ("1\r\nX-Evil: 1", "\U0001f600"):
        with pytest.raises(Rejected, match="cannot be sent in the header X-Ref"):
            await desk.get("ticket", ref)
    assert (await desk.get("ticket", "1")).title == "t1"


async def test_only_what_differs_is_written() -> None:
    """And what the manifest has no place for is refused before anything is sent."""
    written: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            written.append(json.loads(request.content))
        shown = {**row(1), "owner": {"name": "kim"}}
        return httpx.Response(200, json=[shown] if request.url.path.endswith("tickets") else shown)

    desk = connection(answer)
    await desk.upsert("ticket", "x1", {"title": "t1", "owner": "olga"}, key="k")
    await desk.upsert("ticket", "x1", {"title": "t1", "owner": "kim"}, key="k")
    assert written == [{"owner": "olga"}]
    with pytest.raises(Rejected, match="no place for priority of ticket"):
        await desk.upsert("ticket", "x1", {"priority": "high"}, key="k")
    fixed = {**KIND, "update": {"path": "tickets/{ref}", "body": {"subject": "{title}"}}}
    fixed["create"] = {"path": "t", "body": {"o": "{owner}", "ext": "{external_id}"}}
    desk = connection(answer, kinds={"ticket": fixed})
    with pytest.raises(Unsupported, match="cannot change owner of ticket 1 once it is there"):
        await desk.upsert("ticket", "x1", {"owner": "olga"}, key="k")
    assert len(written) == 1


async def test_a_comment_is_written_once() -> None:
    """The key in its last line tells, on whichever page of comments it stands."""
    comments = [{"text": f"no. {number}"} for number in range(5)]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            comments.append(json.loads(request.content))
            return httpx.Response(201)
        if request.url.path.endswith("comments"):
            start = int(request.url.params["o"])
            return httpx.Response(200, json=comments[start : start + 2])
        return httpx.Response(200, json=row(1))

    seen = {"path": "tickets/{ref}/comments", "paging": {"by": "offset", "parameter": "o"}}
    way = {"path": "tickets/{ref}/comments", "body": {"text": "{text}"}}
    kind = {**KIND, "comment": {**way, "seen": seen, "text": "text"}}
    desk = connection(answer, kinds={"ticket": kind})
    for key in ("k1", "k1", "k2", "k1"):
        await desk.comment("ticket", "1", "cleared", key=key)
    written = [one["text"] for one in comments[5:]]
    assert written == ["cleared\n\n[k1]", "cleared\n\n[k2]"]


async def test_nothing_is_the_same_however_it_shows() -> None:
    """Null, or an empty text: neither is written over the other."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        shown = {**row(1), "owner": {"name": None}}
        return httpx.Response(200, json=[shown] if request.url.path.endswith("tickets") else shown)

    await connection(answer).upsert("ticket", "x1", {"owner": ""}, key="k")


async def test_a_move_that_does_not_show_is_refused() -> None:
    """A polite 200 proves nothing."""
    desk = connection(lambda _: httpx.Response(200, json=row(1)))
    with pytest.raises(Rejected, match="shows ticket 1 as 'open' after it was moved to 'done'"):
        await desk.transition("ticket", "1", "done", key="k")


async def test_campaigns_of_one_name() -> None:
    """Nobody knows which of two is meant; none is NotFound; a page of a proxy proves nothing."""
    rows: Any = [{"id": 1, "state": "off"}, {"id": 2, "state": "on"}]
    desk = connection(lambda _: httpx.Response(200, json=rows))
    with pytest.raises(Rejected, match="several campaigns 'Spring'"):
        await desk.hold("Spring", key="k")
    rows = []
    with pytest.raises(NotFound, match="no campaign 'Spring'"):
        await desk.hold("Spring", key="k")
    assert await desk.look("Spring") is None
    for strange in ({}, None, {"state": "exploding"}, [None]):
        rows = strange
        with pytest.raises(RetryLater):
            await desk.look("Spring")


async def test_a_hold_that_does_not_show_is_none() -> None:
    """Told to stop, it goes on: that is not held."""
    desk = connection(lambda _: httpx.Response(200, json={"state": "on"}))
    with pytest.raises(RetryLater, match="shows campaign Spring as released at 100% after"):
        await desk.hold("Spring", key="k")


async def test_what_cannot_run_in_part_stays_stopped() -> None:
    """Where the manifest names no share, 30 % is nothing."""
    state = {"state": "on"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            state["state"] = request.url.path.rsplit("/", 1)[1]
        return httpx.Response(200, json=state)

    desk = connection(answer)
    with pytest.raises(Unsupported, match="whole or not at all; it stays stopped"):
        await desk.release("Spring", 0.3, key="k")
    assert state == {"state": "off"}
    assert (await desk.release("Spring", 1.0, key="k")).state == "released"


async def test_a_share_is_sent_and_read_as_the_system_counts() -> None:
    """In per cents, and changed without a stop in between."""
    shown: dict[str, Any] = {"state": "off", "pct": 0}
    asked: list[tuple[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            told = json.loads(request.content)
            asked.append((request.url.path, told))
            shown.update(state="on", pct=told["pct"])
        return httpx.Response(200, json=shown)

    way = {"path": "campaigns/{ref}/on", "body": {"pct": "{share}"}}
    rules = {**CAMPAIGNS, "share": "pct", "whole": 100, "release": way}
    rules["throttle"] = {**way, "path": "campaigns/{ref}/pct"}
    desk = connection(answer, campaigns=rules)
    assert "throttle" in desk.manifest.can
    assert (await desk.release("Spring", 0.3, key="k")).share == 0.3
    assert (await desk.throttle("Spring", 1 / 3, key="k")).share == pytest.approx(1 / 3)
    assert asked == [
        ("/api/campaigns/Spring/on", {"pct": 30}),
        ("/api/campaigns/Spring/pct", {"pct": 33.333333}),
    ]


def signed(body: bytes, secret: str = "h00k-of-the-desk") -> Webhook:
    """A webhook as GitHub signs."""
    seal = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Webhook(headers={"x-hub-signature-256": seal, "x-delivery": "d1"}, body=body)


def test_a_batch_of_events_is_many_hints() -> None:
    """Those of kinds that the manifest names; a campaign is one of them."""
    rule = {
        "scheme": "github", "secret": "env:HOOK", "events": "events",
        "kind": "what", "kinds": {"Ticket": "ticket", "Mailing": "campaign"}, "ref": "no",
    }  # fmt: skip
    desk = connection(lambda _: httpx.Response(500), webhook=rule)
    events = [
        {"what": "Ticket", "no": 7},
        {"what": "User", "no": 8},
        {"what": "Mailing", "no": "S"},
    ]
    body = json.dumps({"events": events}).encode()
    hints = desk.verify(signed(body), now=START)
    assert [(one.kind, one.ref) for one in hints] == [("ticket", "7"), ("campaign", "S")]
    assert len({one.delivery for one in hints}) == 2
    assert desk.verify(signed(body, "0ld-hook-of-the-desk"), now=START) == hints
    again = signed(body)
    again = again.model_copy(update={"headers": {**again.headers, "x-delivery": "d2"}})
    assert desk.verify(again, now=START) == hints, "what is not signed makes it no other delivery"
    with pytest.raises(Rejected, match="missing, wrong, or too old"):
        desk.verify(signed(body, "another"), now=START)
    for strange in (b"", b"[", b"\xff", b'{"events": [{"what": {}, "no": 1}]}', b"[" * 100_000):
        with pytest.raises(Rejected, match="not as its manifest says"):
            desk.verify(signed(strange), now=START)


async def test_what_a_manifest_does_not_say_cannot_be_done() -> None:
    """Each is Unsupported, and nothing is sent."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request)

    bare = {"ticket": {"object": {"ref": "id", "title": "subject"}, "get": {"path": "t/{ref}"}}}
    desk = connection(answer, kinds=bare, campaigns=None, webhook=None)
    for asking in (
        desk.find("ticket", "x"),
        desk.upsert("ticket", "x", {"title": "t"}, key="k"),
        desk.transition("ticket", "1", "done", key="k"),
        desk.comment("ticket", "1", "hello", key="k"),
        desk.changes("ticket", cursor_from(START)),
        desk.hold("Spring", key="k"),
        desk.release("Spring", 1.0, key="k"),
        desk.throttle("Spring", 0.5, key="k"),
        desk.look("Spring"),
    ):
        with pytest.raises(Unsupported, match="Desk cannot"):
            await asking
    with pytest.raises(Unsupported, match="Desk cannot send webhooks"):
        desk.verify(signed(b"{}"), now=START)


async def test_the_kit_finds_secrets_however_deep_they_lie(tmp_path: Path) -> None:
    """So that wrong ones can be tried."""

    def served(method: str, target: str, headers: Any, raw: bytes) -> tuple[int, Any]:
        genuine = headers.get("X-Desk-Key") == "k3y-of-the-desk"
        return (200, {"login": "sluice"}) if genuine else (401, {})

    with serving(served) as url:
        access = {"header": {"name": "X-Desk-Key", "value": "env:KEY"}}
        subject = subject_of("rest", {**WHOLE, "url": url, "access": access}, tmp_path)
        assert subject.secret == "k3y-of-the-desk"
        rightly = subject.connect(None)
        assert (await rightly.check()).account == "sluice"
        await rightly.aclose()
        assert subject.connect_wrongly is not None
        wrongly = subject.connect_wrongly()
        with pytest.raises(AuthFailed):
            await wrongly.check()
        await wrongly.aclose()


async def test_a_key_in_the_query_goes_with_every_request_and_is_never_shown(
    tmp_path: Path,
) -> None:
    """Also with a page that the system names, which may repeat it."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if request.url.path.endswith("me"):
            return httpx.Response(200, json={"login": "sluice"})
        return httpx.Response(400, json={"message": f"no: {request.url}"})

    access = {"query": {"name": "api_key", "value": "env:KEY"}}
    desk = connection(answer, access=access)
    assert (await desk.check()).account == "sluice"
    with pytest.raises(Rejected) as refusal:
        await desk.find("ticket", "x")
    assert asked[0].endswith("/me?api_key=k3y-of-the-desk")
    assert "api_key=k3y-of-the-desk" in asked[1]
    assert "k3y-of-the-desk" not in str(refusal.value)
