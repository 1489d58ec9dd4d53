"""One digest for one content."""

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.digest import _as_doubles, canonical, digest

_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner),
    max_leaves=12,
)  # fmt: skip


def test_the_digest_is_pinned() -> None:
    """It names content for ever: this one must never change."""
    content = {"b": [1, 2.5, True, None], "a": "ä€😀", "n": 1e21}
    assert canonical(content) == '{"a":"ä€😀","b":[1,2.5,true,null],"n":1e+21}'.encode()
    assert digest(content) == "2c833a0dd221fcc5a35cafc774e7fa51ddfe1c97679a606796f641b7c79f1ce3"


@given(st.dictionaries(st.text(max_size=5), st.integers(), min_size=2), st.randoms())
def test_the_order_of_keys_does_not_matter(content: dict[str, int], chance: Any) -> None:
    """Shuffled content has the same digest."""
    keys = list(content)
    chance.shuffle(keys)
    assert digest({key: content[key] for key in keys}) == digest(content)


@given(_JSON)
def test_what_is_written_reads_back_to_the_same_digest(content: Any) -> None:
    """Through JSON and back nothing changes its name; an int and its float are one content."""
    assert digest(json.loads(canonical(content))) == digest(content)


@given(_JSON | st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
@settings(max_examples=500)
def test_the_quick_way_writes_what_the_standard_writes(content: Any) -> None:
    """Whichever way a content takes, its bytes are those of RFC 8785."""
    assert canonical(content) == rfc8785.dumps(_as_doubles(content))


@pytest.mark.parametrize("value", ["2031-01-01T09:30:05.250000Z", 0.1, -12.25, [3.5, 0.0001]])
def test_what_entries_are_full_of_takes_the_quick_way(
    value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moments with fractions of a second, weights and ratios."""
    monkeypatch.setattr(rfc8785, "dumps", None)
    written = json.dumps({"value": value}, separators=(",", ":")).encode()
    assert canonical({"value": value}) == written


@given(_JSON, _JSON)
def test_another_content_has_another_digest(one: Any, other: Any) -> None:
    """Equal digests mean equal canonical JSON."""
    assert (digest(one) == digest(other)) == (canonical(one) == canonical(other))


def test_whole_floats_are_whole_numbers() -> None:
    """1.0 and 1 are the same content, -0.0 and 0 as well."""
    assert digest([1.0, -0.0]) == digest([1, 0])


@pytest.mark.parametrize(
    "content",
    [float("nan"), float("inf"), [10**400], {"a": object()}, "\ud800", {"k": {1, 2}}],
    ids=["nan", "infinity", "beyond-doubles", "object", "surrogate", "set"],
)
def test_what_is_no_json_is_refused(content: Any) -> None:
    """One kind of error for everything that has no canonical form."""
    with pytest.raises(ValueError):  # noqa: PT011 - the words are of the JSON library
        digest(content)
