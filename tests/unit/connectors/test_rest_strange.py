"""Whatever a described system answers, and however it is asked, only the six failures get out."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import httpx
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors.cursor import cursor_from
from connectors.failures import FAILURES
from connectors.rest.connector import RestConnector
from connectors.rest.manifest import RestConfig
from tests.unit.connectors.test_rest_manifest import CAMPAIGNS, KIND, WHOLE

START = datetime(2031, 3, 2, 9, 0, tzinfo=UTC)
NAMES = st.sampled_from(
    [
        "id",
        "subject",
        "state",
        "ext",
        "at",
        "owner",
        "name",
        "login",
        "rows",
        "next",
        "total",
        "pct",
    ]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["open", "on", "2031-03-02T09:00:00Z", "99999-01-01", "1e999", "\ud800"]),
)
ROWS = st.fixed_dictionaries(
    dict.fromkeys(("id", "subject", "state", "ext", "at", "pct", "login"), VALUES)
)
ANYTHING = st.recursive(
    VALUES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=8)),
    max_leaves=20,
)
LISTS = st.lists(ROWS, max_size=3)
PAGES = st.fixed_dictionaries({"rows": LISTS, "next": VALUES, "total": VALUES})
ANSWERS = st.one_of(ROWS, LISTS, PAGES, ANYTHING)
PAGING = st.sampled_from(
    [
        None,
        {"by": "offset", "parameter": "o", "total": "total"},
        {"by": "page", "parameter": "p"},
        {"by": "cursor", "parameter": "c", "next": "next"},
        {"by": "link"},
    ]
)
SHARED: dict[str, Any] = {
    **CAMPAIGNS,
    "share": "pct",
    "whole": 100,
    "release": {"path": "c/{ref}", "body": "{share}"},
}


# Numbers that no calendar and no integer can hold.
@example(answers=[{"id": 1, "at": 1e30}], name="x", value=None, paging=None, time="epoch")
@example(
    answers=[{"rows": [{"id": 1}], "total": float("inf")}],
    name="x",
    value=None,
    paging={"by": "offset", "parameter": "o", "total": "total"},
    time="iso",
)
# Half of a character, where one of ours goes into an address.
@example(
    answers=[[], dict.fromkeys(("id", "subject", "state"))],
    name="0",
    value="\ud800",
    paging=None,
    time="iso",
)
@settings(max_examples=100, deadline=None)
@given(
    answers=st.lists(ANSWERS, min_size=1, max_size=3),
    name=st.text(max_size=6),
    value=VALUES,
    paging=PAGING,
    time=st.sampled_from(["iso", "epoch", "epoch_ms", "%Y-%m-%d"]),
)
def test_only_the_six_get_out(
    answers: list[Any], name: str, value: Any, paging: Any, time: str
) -> None:
    """Every method, with the same strange answers."""
    listing = {"path": "tickets", "query": {"q": "{external_id}"}, "rows": "rows || @"}
    changes = {"path": "tickets", "query": {"q": "{since}"}, "rows": "rows || @"}
    kind = {
        **KIND,
        "time": time,
        "find": {**listing, "paging": paging},
        "changes": {**changes, "paging": paging},
    }
    config = RestConfig.model_validate(
        {**WHOLE, "access": {}, "kinds": {"ticket": kind}, "campaigns": SHARED}
    )

    async def use() -> None:
        left = list(answers)

        def answer(request: httpx.Request) -> httpx.Response:
            content = left.pop(0) if len(left) > 1 else left[0]
            return httpx.Response(200, content=_written(content))

        desk = RestConnector(config, transport=httpx.MockTransport(answer))
        for asking in (
            desk.check(),
            desk.get("ticket", name),
            desk.find("ticket", name),
            desk.upsert("ticket", name, {"title": value, "owner": value}, key=name),
            desk.transition("ticket", name, "done", key=name),
            desk.changes("ticket", cursor_from(START)),
            desk.look(name),
            desk.hold(name, key=name),
            desk.release(name, 0.5, key=name),
        ):
            left[:] = answers
            with contextlib.suppress(*FAILURES):
                await asking
        await desk.aclose()

    asyncio.run(use())


def _written(content: Any) -> bytes:
    """Writes JSON as careless systems do, NaN and halves of characters included."""
    return json.dumps(content).encode()
