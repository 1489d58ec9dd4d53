"""No value gets out of its literal, whatever it is made of."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.failures import Rejected
from connectors.salesforce.soql import literal, moment, name, select
from tests.simulators import soql

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.text())
def test_a_literal_means_what_was_written(text: str) -> None:
    """Read back by a reader of its own, it is one value, and nothing follows."""
    query = soql.read(select(["Id"], "Lead", f"LastName = {literal(text)}", "LIMIT 2"))
    assert query.conditions == (("LastName", "=", text),)
    assert (query.fields, query.of, query.limit) == (("Id",), "Lead", 2)


@pytest.mark.parametrize(
    "text",
    [
        "' OR Name != '",
        "\\' OR Id != null OR Name = '",
        "\\",
        "'",
        "\\'",
        "x' LIMIT 1 --",
        "\x00\n",
    ],
)
def test_known_tricks_stay_values(text: str) -> None:
    """The quote, the backslash before it, and both."""
    assert soql.read(f"SELECT Id FROM Lead WHERE Name = {literal(text)}").conditions[0][2] == text


@pytest.mark.parametrize("text", ["", "Name; DROP", "Na'me", "a.b.c", "1st", "N\nFROM User"])
def test_what_is_no_name_is_refused(text: str) -> None:
    """In words that help."""
    with pytest.raises(Rejected, match="write its API name"):
        name(text)


@given(st.from_regex(r"\A[A-Za-z0-9_.'\n]{1,9}\Z"))
def test_a_name_is_a_name_or_refused(text: str) -> None:
    """Names of fields come from mappings that people write."""
    with suppress(Rejected):
        assert soql.read(f"SELECT {name(text)} FROM Lead").fields == (text,)


@given(st.integers(0, 10**16).map(lambda us: EPOCH + timedelta(microseconds=us)))
def test_a_moment_is_never_later_than_it_was(at: datetime) -> None:
    """Milliseconds are cut, so that nothing changed in the same one is passed over."""
    read = soql.read(f"SELECT Id FROM Lead WHERE SystemModstamp >= {moment(at)}").conditions[0][2]
    assert timedelta() <= at - read < timedelta(milliseconds=1)
