"""Texts in Jira's documents, values as each field takes them, minutes on the wall."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Scalar
from connectors.failures import Rejected
from connectors.jira.adf import LIMIT, document, text_of
from connectors.jira.fields import described, shown, written
from connectors.jira.jql import quoted, wall_minute
from connectors.texts import CUT

LINES = st.text(st.characters(exclude_characters="\r"), max_size=200) | st.lists(
    st.sampled_from(["https://a.example/x?y=1", "KYC", "\n", "\n\n", " ", "é你😀"]), max_size=12
).map("".join)


@given(text=LINES)
def test_a_text_comes_back_as_it_was(text: str) -> None:
    """Lines, blank lines, links and every sign; no text node is empty, which Jira would refuse."""
    made = document(text)
    assert text_of(made) == text
    leaves = [leaf for block in made["content"] for leaf in block["content"]]
    assert all(leaf["type"] == "hardBreak" or leaf["text"] for leaf in leaves)


def test_addresses_become_links() -> None:
    """People click them."""
    (paragraph,) = document("see https://sluice.example.com/m/1 now")["content"]
    assert [leaf.get("marks") for leaf in paragraph["content"]] == [
        None,
        [{"type": "link", "attrs": {"href": "https://sluice.example.com/m/1"}}],
        None,
    ]


@pytest.mark.parametrize("sign", ["x", "\n", "\n\n", '"', "\\", "é", "https://a.b "])
@pytest.mark.parametrize("length", [30_000, 40_000, 400_000])
def test_what_jira_would_not_take_is_cut_and_shows(sign: str, length: int) -> None:
    """Counted on the written document; the end with the key stays."""
    text = sign * (length // len(sign))
    made = document(text, end="\n\n[key]")
    assert len(json.dumps(made, ensure_ascii=False)) <= LIMIT
    shows = text_of(made)
    assert shows.endswith("[key]")
    assert CUT in shows or shows == f"{text}\n\n[key]"


def test_what_people_write_is_read_as_text() -> None:
    """Headings, lists, mentions, cards; a picture says nothing."""

    def text(words: str) -> dict[str, Any]:
        return {"type": "text", "text": words, "marks": [{"type": "strong"}]}

    def block(kind: str, *inside: dict[str, Any]) -> dict[str, Any]:
        return {"type": kind, "content": list(inside)}

    items = [block("listItem", block("paragraph", text(one))) for one in ("one", "two")]
    mention = {"type": "mention", "attrs": {"id": "5b1", "text": "@Kim"}}
    card = {"type": "inlineCard", "attrs": {"url": "https://a.example"}}
    picture = {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"id": "1"}}]}
    whole = block(
        "doc",
        block("heading", text("Why")),
        block("bulletList", *items),
        picture,
        block("paragraph", text("ask "), mention, text(" at "), card),
    )
    assert text_of(whole) == "Why\n\none\ntwo\n\n\n\nask @Kim at https://a.example"
    assert text_of(None) == ""


FIELD: dict[str, Any] = {"id": "customfield_1", "name": "Short by"}


def field(kind: str, **more: str) -> dict[str, Any]:
    """A field of some kind."""
    return {**FIELD, "schema": {"type": kind, **more}}


@pytest.mark.parametrize(
    ("kind", "value", "there"),
    [
        (field("string"), 7, "7"),
        (field("string", custom="com.atlassian:textarea"), "a", document("a")),
        ({"id": "description", "schema": {"type": "string"}}, "a", document("a")),
        (field("number"), "2.5", 2.5),
        (field("number"), 2.5, 2.5),
        (field("date"), "2031-03-02", "2031-03-02"),
        (field("user"), "5b10", {"accountId": "5b10"}),
        (field("option"), "High", {"value": "High"}),
        (field("priority"), "High", {"name": "High"}),
        (field("array", items="string"), "a, b", ["a", "b"]),
        (field("array", items="component"), "KYC", [{"name": "KYC"}]),
        (field("array", items="option"), "a,b", [{"value": "a"}, {"value": "b"}]),
    ],
)
def test_a_value_as_its_field_takes_it(kind: dict[str, Any], value: Scalar, there: Any) -> None:
    """And it shows as what was written, so nothing is written twice."""
    assert written(kind, value) == there
    assert str(shown(there)).replace(", ", ",") == str(value).replace(", ", ",")
    assert written(kind, None) == ([] if "items" in kind["schema"] else None)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (field("number"), "many", r"Short by\) takes a number, not 'many'"),
        (field("sd-approvals"), "x", "holds a sd-approvals, which cannot be written"),
        (field("array", items="json"), "x", "holds a json"),
    ],
)
def test_what_a_field_does_not_take(kind: dict[str, Any], value: Scalar, words: str) -> None:
    """It says which field, by number and name."""
    with pytest.raises(Rejected, match=words):
        written(kind, value)


def test_a_field_as_people_see_it() -> None:
    """Its title; what Jira keeps itself cannot be written."""
    told = described({**field("option"), "orderable": True})
    assert (told.name, told.title, told.type) == ("customfield_1", "Short by", "choice")
    assert told.writable
    assert not described({"id": "updated", "schema": {"type": "datetime"}}).writable


@given(text=st.text(max_size=40))
def test_a_string_in_a_question_ends_where_it_should(text: str) -> None:
    """No quotation mark and no backslash leads out of it."""
    try:
        inside = quoted(text)[1:-1]
    except Rejected:
        assert not text.isprintable()
        return
    assert inside.replace("\\\\", "").replace('\\"', "").count('"') == 0
    assert inside.replace('\\"', '"').replace("\\\\", "\\") == text


ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia"]


@given(
    seconds=st.integers(0, 4 * 365 * 86400),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
def test_a_minute_on_the_wall_misses_nothing(seconds: int, zone: ZoneInfo) -> None:
    """However Jira reads it in the hour that comes twice, it is not after the moment."""
    moment = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    wall = datetime.strptime(wall_minute(moment, zone), "%Y-%m-%d %H:%M").replace(tzinfo=zone)
    readings = [wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    assert max(readings) <= moment
    assert moment - min(readings) <= timedelta(hours=3)


@pytest.mark.parametrize(
    ("moment", "minute"),
    [
        ("2026-10-24T22:59:59", "2026-10-25 00:59"),
        ("2026-10-25T00:30:00", "2026-10-25 01:30"),  # 02:30 comes again an hour later
        ("2026-10-25T01:30:00", "2026-10-25 02:30"),
        ("2026-03-29T01:30:59", "2026-03-29 03:30"),
    ],
)
def test_minutes_in_berlin(moment: str, minute: str) -> None:
    """When summer ends and begins."""
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert wall_minute(at, ZoneInfo("Europe/Berlin")) == minute
