"""What a manifest sends: values in their places, and nothing that was not meant."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from connectors.failures import Rejected
from connectors.rest.template import (
    Body,
    Template,
    filled_body,
    filled_path,
    filled_text,
    filled_texts,
    names_in,
)


@pytest.mark.parametrize(
    ("body", "values", "filled"),
    [
        ("{n}", {"n": 7}, 7),
        ("{n}", {"n": None}, None),
        ("no. {n}", {"n": 7}, "no. 7"),
        ("{a}{b}", {"a": True, "b": None}, "true"),
        ("{{n}} {n}", {"n": "x"}, "{n} x"),
        ("{n}", {"n": "{other} {{"}, "{other} {{"),
        ({"t": "{t}", "p": "{p}"}, {"t": "a"}, {"t": "a"}),
        ({"issue": {"t": "{t}", "p": "{p}"}, "q": {"p": "{p}"}}, {"t": "a"}, {"issue": {"t": "a"}}),
        ({"kind": "bug", "n": 1, "none": None, "flag": False}, {},
         {"kind": "bug", "n": 1, "none": None, "flag": False}),
        ({"cf": [{"id": 1, "value": "{x}"}, {"id": 2, "value": "{t}"}]}, {"t": "a"},
         {"cf": [{"id": 2, "value": "a"}]}),
        ({"cf": [{"id": 1, "value": "{x}"}]}, {"t": "a"}, {}),
        ({"cf": [], "o": {}}, {}, {"cf": [], "o": {}}),
    ],
)  # fmt: skip
def test_a_body_says_what_is_known(body: Any, values: dict[str, Any], filled: Any) -> None:
    """A value alone keeps its kind; what names an unknown value is left out."""
    assert filled_body(body, values) == filled


@given(st.text(min_size=1).filter(lambda text: text not in {".", ".."}))
def test_a_value_is_one_segment_of_a_path(value: str) -> None:
    """Whatever it is made of, it leads nowhere else."""
    try:
        path = filled_path("tickets/{ref}/comments", {"ref": value})
    except Rejected:
        return
    assert path.startswith("tickets/")
    assert path.endswith("/comments")
    assert path.count("/") == 2
    assert not set("?#%\\ \r\n") & set(path.replace("%", "", path.count("%")))


@pytest.mark.parametrize("value", ["", "..", "\ud800"])
def test_what_stands_elsewhere_need_be_no_segment(value: str) -> None:
    """An empty owner in the body must not stop a path that does not name the owner."""
    assert filled_path("tickets/{ref}", {"ref": 7, "owner": value}) == "tickets/7"


@pytest.mark.parametrize("value", ["", ".", "..", "\ud800"])
def test_what_leads_elsewhere_is_no_segment(value: str) -> None:
    """An empty name would list everything, two dots would climb."""
    with pytest.raises(Rejected, match="no name of an object"):
        filled_path("tickets/{ref}", {"ref": value})


def test_a_gap_in_a_path_is_named() -> None:
    """A path cannot leave out a part."""
    with pytest.raises(Rejected, match="asks for id in 'a/"):
        filled_path("a/{id}", {"ref": "1"})
    with pytest.raises(Rejected, match="asks for id"):
        filled_text("{id}", {})
    assert filled_texts({"a": "{x}", "b": "{y}"}, {"x": "1"}) == {"a": "1"}


@pytest.mark.parametrize("text", ["{}", "{0}", "{a.b}", "{a[0]}", "{a!r}", "{a:>9}", "{", "a}"])
def test_a_template_has_names_only(text: str) -> None:
    """Nothing of a value can be reached but the value."""
    with pytest.raises(ValidationError):
        TypeAdapter(Template).validate_python(text)
    with pytest.raises(ValidationError):
        TypeAdapter(Body).validate_python({"a": [text]})


def test_names() -> None:
    """Wherever they stand."""
    assert names_in({"a": ["{x} {y}", {"b": "{z}{{no}}"}], "n": 1}) == {"x", "y", "z"}
