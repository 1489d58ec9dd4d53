"""Cases as text: what is written is read back as the same facts, and a file keeps its comments."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.errors import RefusedError
from measures.facts import Fact
from rules.case_writing import NewCase, new_casebook, with_cases, write_value, written_fact
from rules.casebook import Case, load_cases
from rules.schema import Pack
from rules.source import parse

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
MakeFact = Callable[..., Fact]
MakePack = Callable[..., Pack]


@pytest.fixture(scope="module")
def owned(pack: MakePack) -> Pack:
    """A pack of one rule."""
    return pack("- {id: owned, gate: decided, require: measure.owner != '', message: m}")


def new_case(name: str = "a new one") -> NewCase:
    """A case that can be added to any file about the pack."""
    return NewCase(name, "block", rule="owned")


def read_back(pack: Pack, fact: Fact, defaults: str, stated: dict[str, Any]) -> Fact:
    """Writes a fact, reads it again, and returns it."""
    given = (written_fact(fact, NOW, stated),)
    entry = NewCase("c", "pass", rule="owned", given=given)
    book = new_casebook(pack, NOW, [entry]).replace("cases:", f"defaults: {defaults}\ncases:")
    [case] = load_cases(book, "c.yaml", pack)
    return case.facts[-1]


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**38), 10**38),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.sampled_from(
            ["null", "No", "1", "1e3", "2031", "2031-03", "a: b", "- a", "#", "<<", ""]
        ),
    )
)
def test_a_value_means_the_same_when_it_is_read(value: Any) -> None:
    """Inside braces and out, whatever YAML would make of it without quotes."""
    text = write_value(value)
    [data] = parse(f"- plain: {text}\n  inside: {{a: {text}, b: [{text}]}}\n", "x.yaml").data
    assert data == {"plain": value, "inside": {"a": value, "b": [value]}}
    assert type(data["plain"]) is type(value)


@pytest.mark.parametrize(
    "age",
    [
        timedelta(),
        timedelta(hours=25),
        timedelta(seconds=90),
        timedelta(minutes=-10),
        timedelta(days=40_000),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("defaults", "stated"),
    [
        ("{}", {}),
        ("{offer: {age: 3h}}", {"offer": {"age": "3h"}}),
        (
            "{offer: {seen_at: 2030-01-01T00:00:00Z, owner: kim, available: 3}}",
            {"offer": {"seen_at": "2030-01-01T00:00:00Z", "owner": "kim", "available": 3}},
        ),
    ],
)
def test_a_fact_is_read_back_as_it_was(
    owned: Pack, fact: MakeFact, age: timedelta, defaults: str, stated: dict[str, Any]
) -> None:
    """Its age and every field, also where the file's defaults say otherwise."""
    offer = fact("offer", owner="", seen_at=NOW - age)
    assert read_back(owned, offer, defaults, stated) == offer


def test_an_age_is_rounded_so_that_no_rule_sees_the_difference(owned: Pack, fact: MakeFact) -> None:
    """Just older than a day stays older than a day; a blink in the future is now."""
    offer = fact("offer", seen_at=NOW - timedelta(hours=24, microseconds=1))
    assert NOW - read_back(owned, offer, "{}", {}).seen_at == timedelta(hours=24, seconds=1)
    blink = fact("offer", seen_at=NOW + timedelta(microseconds=1))
    assert read_back(owned, blink, "{}", {}).seen_at == NOW


def test_a_field_that_the_defaults_give_is_taken_away(owned: Pack, fact: MakeFact) -> None:
    """What was unknown stays unknown."""
    kpi = fact("kpi", latest=None)
    assert read_back(owned, kpi, "{kpi: {latest: 3}}", {"kpi": {"latest": 3}}) == kpi


BOOK = """\
# Why these cases are here.
pack: test
now: 2031-01-12T09:00:00Z
cases:
  # about the owner
  - case: nobody   # to begin with
    rule: owned
    verdict: block
"""


@pytest.mark.parametrize(
    "text",
    [
        BOOK,
        BOOK + "\n\n  # the end\n",
        BOOK.rstrip("\n"),
        BOOK.replace("\n", "\r\n"),
        BOOK.replace("  - case", "- case").replace("    rule", "  rule").replace("    v", "  v"),
        BOOK + "# said last\ndefaults:\n  measure: {id: spring}\n",
    ],
    ids=["plain", "comment at the end", "no last line", "CRLF", "not indented", "not the last key"],
)
def test_a_case_is_added_and_the_rest_stays(owned: Pack, text: str) -> None:
    """Every line that was there is there still, in its order; the new case is the last one."""
    longer = with_cases(text, "c.yaml", owned, [new_case("first"), new_case("second")])
    lines = iter(longer.splitlines())
    assert all(line in lines for line in text.splitlines() if line.strip())
    names = [case.text.case for case in load_cases(longer, "c.yaml", owned)]
    assert names == ["nobody", "first", "second"]
    assert ("\r\n" in text) == ("\r\n" in longer)


@pytest.mark.parametrize(
    "text",
    [
        BOOK.split("cases:")[0] + "cases: []\n",
        BOOK.split("cases:")[0] + "cases: [{case: c, rule: owned, verdict: block}]\n",
        BOOK + "...\n",
    ],
    ids=["empty", "braces", "end of document"],
)
def test_a_file_without_a_place_for_a_case_is_left_alone(owned: Pack, text: str) -> None:
    """Rather than written anew without its comments."""
    with pytest.raises(RefusedError, match="write its cases as a list"):
        with_cases(text, "c.yaml", owned, [new_case()])


def test_a_new_file_can_be_read(owned: Pack) -> None:
    """With nothing but what the case needs."""
    text = new_casebook(owned, NOW, [new_case()])
    [case] = load_cases(text, "c.yaml", owned)
    assert isinstance(case, Case)
    assert text == (
        "pack: test\nnow: 2031-01-12T09:00:00Z\ncases:\n\n"
        "  - case: a new one\n    rule: owned\n    verdict: block\n"
    )
