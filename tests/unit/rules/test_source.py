"""Reading YAML: the core schema and nothing else, bounded, with a place for every fault."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from measures.people import Person
from measures.plan import Measure
from rules import source as source_module
from rules.source import Fault, FaultsFound, parse, render, validate

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def faults_of(text: str | bytes, **limits: int) -> list[Fault]:
    """Reads a text that must be refused."""
    with pytest.raises(FaultsFound) as found:
        parse(text, "x.yaml", **limits)
    return list(found.value.faults)


@pytest.fixture(params=["libyaml", "python"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both readers must behave the same; the fast one is optional."""
    if request.param == "python":
        monkeypatch.setattr(source_module, "_libyaml", lambda: None)
    return str(request.param)


@pytest.mark.usefixtures("reader")
class TestCoreSchema:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("no", "no"),
            ("on", "on"),
            ("1:30", "1:30"),
            ("2031-03-02", "2031-03-02"),
            ("2031-01-12T09:00:00Z", "2031-01-12T09:00:00Z"),
            ("007", 7),
            ("0x1f", 31),
            ("0o17", 15),
            ("0b11", "0b11"),
            ("1_000", "1_000"),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("~", None),
            ("", None),
            ("True", True),
            ("'true'", "true"),
            ('"1"', "1"),
            ("<<", "<<"),
            ("{a: b:c}", {"a": "b:c"}),
            ("{2031: x}", {"2031": "x"}),
            ("[a, 'b', 3]", ["a", "b", 3]),
        ],
    )
    def test_scalars_mean_what_yaml_1_2_says(self, text: str, value: Any) -> None:
        assert parse(f"v: {text}", "x.yaml").data == [{"v": value}]

    def test_documents_and_a_list_of_documents_are_items_alike(self) -> None:
        assert parse("a: 1\n---\n- b: 2\n- c: 3\n---\n", "x").data == [{"a": 1}, {"b": 2}, {"c": 3}]

    def test_places_are_those_of_the_text(self) -> None:
        source = parse("- a: 1\n  b:\n    - {c: 2}\n---\nd: &x {e: 3}\nf: *x\n", "x")
        assert source.where((0, "b", 0, "c")) == (3, 11)
        assert source.where_key((0, "b", 0, "c")) == (3, 8)
        assert source.where((1, "f", "e")) == (5, 11)
        assert source.where((0, "b", 7)) == (3, 5)

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("v: ab cd", (1, 7)),
            ("v: 'ab cd'", (1, 8)),
            ("v: |\n  ab\n  cd\n", (3, 3)),
            ("v: >-\n  ab\n  cd\n", (3, 3)),
            ("v:\n  ab\n  cd\n", (3, 3)),
        ],
    )
    def test_a_place_inside_a_text_survives_folding(
        self, text: str, place: tuple[int, int]
    ) -> None:
        assert parse(text, "x").where_in((0, "v"), 3) == place


@pytest.mark.usefixtures("reader")
class TestLimits:
    def test_a_bomb_is_refused_before_it_goes_off(self) -> None:
        assert len(BOMB) == 306
        began = time.process_time()
        [fault] = faults_of(BOMB)
        assert time.process_time() - began < 0.1
        assert fault.code == "S104"

    @pytest.mark.parametrize(
        ("text", "code", "line", "column"),
        [
            ("a: &a [*a]", "S104", 1, 8),
            ("a: *b", "S104", 1, 4),
            ("a: 1\nb: 2\na: 3", "S105", 3, 1),
            ('1: x\n"1": y', "S105", 2, 1),
            ("a: !!str 1", "S106", 1, 4),
            ("a: !x 1", "S106", 1, 4),
            ("a: .nan", "S107", 1, 4),
            ("a: -.inf", "S107", 1, 4),
            ("a: 1e999", "S107", 1, 4),
            (f"a: {'9' * 5000}", "S107", 1, 4),
            ("a: b\0c", "S108", 1, 5),
            ("a: b\u2028c", "S108", 1, 5),
            ("a: \ud800", "S108", 1, 4),
            ("ok: 1\nx: \ufeff1", "S108", 2, 4),
            ("%YAML 1.1\n---\na: 1", "S109", 1, 1),
            ("? [a]\n: b", "S110", 1, 3),
            ("a:\n\tb: 1", "S101", 2, 1),
            ("a: b: c", "S101", 1, 5),
            ("a: @x", "S101", 1, 4),
            ("a: [1,", "S101", 1, 7),
        ],
    )
    def test_is_refused_at_its_place(self, text: str, code: str, line: int, column: int) -> None:
        [fault] = faults_of(text)
        assert (fault.code, fault.line, fault.column) == (code, line, column)

    def test_depth_counts_what_an_alias_brings(self) -> None:
        assert parse("a: " + "[" * 31 + "]" * 31, "x").items[0].height == 32
        assert faults_of("[" * 33 + "]" * 33)[0].code == "S103"
        inside = "a: &a " + "[" * 20 + "]" * 20 + "\nb: " + "[" * 20 + "*a" + "]" * 20
        assert faults_of(inside)[0].code == "S103"

    def test_deep_nesting_costs_no_stack(self) -> None:
        assert faults_of("[" * 100_000)[0].code == "S103"
        assert faults_of("{a: " * 100_000)[0].code == "S103"

    def test_too_long_is_refused_unread(self) -> None:
        assert faults_of("a" * 101, max_bytes=100)[0].code == "S102"
        assert faults_of("é" * 51, max_bytes=100)[0].code == "S102"
        assert parse("é" * 50, "x", max_bytes=100).data == ["é" * 50]

    def test_a_long_text_under_many_names_is_a_bomb_too(self) -> None:
        text = f"a: &a {'x' * 50_000}\nb: [{','.join(['*a'] * 30)}]"
        assert faults_of(text)[0].code == "S104"

    def test_many_small_aliases_are_refused(self) -> None:
        assert faults_of("a: &a 1\nb: [" + ",".join(["*a"] * 101) + "]")[0].code == "S104"

    def test_bytes_must_be_utf_8(self) -> None:
        assert faults_of("a: é".encode("utf-16"))[0].help == "save it as UTF-8"
        [fault] = faults_of(b"a: 1\nb: \xff")
        assert (fault.code, fault.line, fault.column) == ("S108", 2, 4)

    def test_a_leading_byte_order_mark_and_windows_line_ends_are_fine(self) -> None:
        source = parse(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "x")
        assert source.data == [{"a": 1, "b": 2}]
        assert source.where((0, "b")) == (2, 4)

    def test_all_faults_are_told_in_one_go(self) -> None:
        assert [fault.code for fault in faults_of("a: .nan\na: !x 1\nb: .inf")] == [
            "S107", "S105", "S106", "S107",
        ]  # fmt: skip


class TestValidation:
    def test_every_wrong_field_is_told_with_place_and_suggestion(self) -> None:
        text = "kind: Person\nid: Olga\nname: 3\nroles: [owner, sponsr]\nemial: x\n"
        with pytest.raises(FaultsFound) as found:
            validate(parse(text, "p.yaml"), (0,), Person)
        told = {(fault.line, fault.column): fault for fault in found.value.faults}
        assert set(told) == {(2, 5), (3, 7), (4, 16), (5, 1)}
        assert "small letters" in told[2, 5].message
        assert told[3, 7].message == "'name' must be a text, not the number 3"
        assert told[3, 7].help == "put it in quotes"
        assert told[4, 16].help == "did you mean 'sponsor'?"
        assert told[5, 1].help == "did you mean 'email'?"

    def test_no_fault_speaks_pydantic(self) -> None:
        text = "kind: Measure\nid: x\ntitle: []\ntype: 1.5\nkpis: 3\ndemands: [{pool: a}]\nzz: 1"
        with pytest.raises(FaultsFound) as found:
            validate(parse(text, "m.yaml"), (0,), Measure)
        for fault in found.value.faults:
            for word in ("Input", "valid ", "tuple", "str_", "_type", "http"):
                assert word not in fault.message
        missing = {fault.help for fault in found.value.faults if fault.code == "D202"}
        assert missing == {"add 'package'", "add 'period'", "add 'amount'"}

    def test_a_fault_shows_its_line(self) -> None:
        text = "kind: Person\nid: olga\nnam: Olga\n"
        with pytest.raises(FaultsFound) as found:
            validate(parse(text, "p.yaml"), (0,), Person)
        shown = render(found.value.faults[-1], text)
        assert shown == (
            "error[D201]: unknown field 'nam'\n"
            "  --> p.yaml:3:1\n"
            "3 | nam: Olga\n"
            "  | ^^^\n"
            "help: did you mean 'name'?"
        )


YAML_TEXT = st.sampled_from(["", "a: ", "- a: ", "a:\n  "]).flatmap(
    lambda start: st.text(alphabet="ab:-[]{},#&*!|>'\"%@? \n\t1.", max_size=40).map(
        lambda rest: start + rest
    )
)


@given(YAML_TEXT)
@example("a: [b")
@settings(max_examples=500, derandomize=True, deadline=None)
def test_any_text_is_data_or_faults_with_a_place(text: str) -> None:
    """Whatever is typed: plain data, or faults that point into the text; never another error."""
    try:
        parse(text, "x.yaml")
    except FaultsFound as found:
        for fault in found.faults:
            assert 1 <= fault.line <= text.count("\n") + 2
            assert render(fault, text)


@given(YAML_TEXT)
@settings(max_examples=500, derandomize=True, deadline=None)
def test_the_fast_reader_never_reads_something_else(text: str) -> None:
    """What both readers accept as documents, they read alike.

    A bare text at the top is no document of ours; there libyaml takes `#` for a comment too early.
    """
    fast = source_module._libyaml()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(source_module, "_libyaml", lambda: None)
            slow_data = parse(text, "x").data
    except FaultsFound:
        return
    if fast is not None and all(isinstance(one, dict) for one in slow_data):
        assert parse(text, "x").data == slow_data


def test_the_stories_are_read_as_they_are_written() -> None:
    """The acceptance stories are YAML 1.2 and must be read unchanged."""
    stories = Path(__file__).parents[4] / "shared" / "scenarios"
    if not stories.exists():
        pytest.skip("needs ../shared")
    for file in stories.glob("*.yaml"):
        assert parse(file.read_bytes(), file.name).data


@pytest.mark.parametrize("column", [1, 61, 5000, 9990, 12000])
def test_a_long_line_is_shown_around_its_fault(column: int) -> None:
    """A terminal shows the place, not ten thousand letters before it."""
    text = "".join(f"{number:04} " for number in range(2000))
    fault = Fault(code="S101", file="x.yaml", line=1, column=column, message="m", expected="a map")
    _, _, line, pointer = render(fault, text).splitlines()
    assert len(line) < 135
    assert pointer.endswith("^ a map")
    assert len(pointer) < 145
    if column <= 9990 and column % 5 != 0:
        assert line[pointer.index("^")] == text[column - 1]


def test_a_line_in_which_a_secret_may_stand_is_not_shown() -> None:
    """Its place is: whoever wrote it finds it there, and no log keeps it."""
    fault = Fault(
        code="settings", file="a.yaml", line=1, column=7, message="no", may_be_secret=True
    )
    assert render(fault, "token: hunter2") == "error[settings]: no\n  --> a.yaml:1:7"
    assert "may_be_secret" not in fault.model_dump()
