"""`sluice rules fmt`: one layout, the same meaning, every comment where it belongs."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from typer.testing import CliRunner

from console.rules_commands import app
from console.rules_fmt import _model_of
from rules.faults import FaultsFound
from rules.formatting import formatted
from rules.loader import builtin_pack_files, load_pack
from rules.source import parse

UNTIDY = """\
# yaml-language-server: $schema=x



title:   Launch     # the title
pack: launch
rules:
- message: "{demand.pool} short"   # why
  # about the gate
  gate:   [ decided,launch ]
  id: a.b
  when:
      demand: { kind: demand,pool: "a,  b" }
      # the offer
      offer:
         kind: offer
         pool: $demand.pool
  remedies:
  - to: demand.amount
    # raise it
    raise: offer.available
  require: >-
        offer.available
         >= demand.amount
  # end of a


# second
- id: c
  message: |
    a
      b

    c
  gate: decided
  require: "true"
# the end
"""
TIDY = """\
# yaml-language-server: $schema=x

pack: launch
title: Launch     # the title
rules:
  - id: a.b
    # about the gate
    gate: [decided, launch]
    when:
      demand: {kind: demand, pool: "a,  b"}
      # the offer
      offer:
        kind: offer
        pool: $demand.pool
    require: >-
          offer.available
           >= demand.amount
    message: "{demand.pool} short"   # why
    remedies:
      # raise it
      - raise: offer.available
        to: demand.amount
    # end of a

  # second
  - id: c
    gate: decided
    require: "true"
    message: |
      a
        b

      c
# the end
"""
DOCUMENTS = """\
kind: Pool
id: kyc
unit: checks
title: Checks
owner: kim
capacity: {2031-03: 11000}
--- # the person
name: Kim
kind: Person
id: kim
---
- id: olga
  kind: Person
  name: Olga
"""
SHIPPED = [file.read_text() for file in builtin_pack_files()]
CASES = (Path(str(builtin_pack_files()[0])).with_name("standard_cases.yaml")).read_text()


def tidy(text: str) -> str:
    """The text as `fmt` lays it out."""
    return formatted(text, "a.yaml", _model_of)


def test_an_untidy_pack() -> None:
    """Order, indentation, spaces, blank lines; comments move with what they are about."""
    assert tidy(UNTIDY) == TIDY
    assert load_pack(tidy(UNTIDY), "a.yaml").digest == load_pack(UNTIDY, "a.yaml").digest


@pytest.mark.parametrize("text", [*SHIPPED, CASES, TIDY])
def test_what_is_tidy_stays_as_it_is(text: str) -> None:
    """Formatting twice changes nothing more."""
    assert tidy(text) == text


def test_several_documents() -> None:
    """Each in the order of its kind; marks and lists stay."""
    laid_out = tidy(DOCUMENTS)
    assert laid_out.startswith("kind: Pool\nid: kyc\ntitle: Checks\nunit: checks\nowner: kim\n")
    assert "--- # the person\nkind: Person\nid: kim\nname: Kim\n---\n- kind: Person\n" in laid_out
    assert tidy(laid_out) == laid_out


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment\n",
        "{pack: a, title: b, rules: []}\n",
        "pack: a\ntitle: &t b\nrules: []\nlifecycle: *t\n",
        "- - a\n  - b\n-\n  c: d\n",
        "a: 'it''s # no comment'\n",
        "a:\n  # inside\n  b: c\n# outside\nd: e\n",
        "a: >\n  folded\n  # text\n\nb: 1\n",
        "a: one\n  two\n  three\nb: [1,\n  2,  # two\n  3]\n",
        '"a b":   1\n"c:d": 2\n',
        "a:\n- b\n- c: d\n  e: f\n",
        "a: # a comment\n  b: c\n",
        "a: |2\n    indented\n  less\n",
        "a: |\n  spaces at the end  \n\n\n  and blank lines\n",
    ],
)
def test_odd_texts(text: str) -> None:
    """Whatever is YAML keeps its meaning, its comments, and settles at once."""
    once = tidy(text)
    assert parse(once, "a").data == parse(text, "a").data
    assert once.count("#") == text.count("#")
    assert tidy(once) == once


@pytest.mark.parametrize("text", ["%YAML 1.2\n---\na: b\n", "b: |+\n  x\n\n\na: 1\n"])
def test_what_cannot_be_laid_out_is_left_alone(text: str) -> None:
    """With a fault that says so, never with another meaning."""
    with pytest.raises(FaultsFound) as found:
        tidy(text)
    assert found.value.faults[0].code == "S111"


@st.composite
def untidy_texts(draw: st.DrawFn) -> str:
    """Good texts in other indentations, with comments and blank lines thrown in."""
    text = draw(st.sampled_from([UNTIDY, TIDY, DOCUMENTS.split("---")[0], *SHIPPED]))
    if draw(st.booleans()):
        yaml = YAML()
        mapping = draw(st.integers(2, 6))
        offset = draw(st.integers(0, 3))
        yaml.indent(mapping=mapping, sequence=offset + 2, offset=offset)
        yaml.width = draw(st.sampled_from([40, 80, 4000]))
        out = io.StringIO()
        yaml.dump(yaml.load(text), out)
        text = out.getvalue()
    lines = text.split("\n")
    for number in range(draw(st.integers(0, 6))):
        line = draw(st.integers(0, len(lines) - 1))
        indent = " " * draw(st.integers(0, 8))
        what = draw(st.sampled_from(["", f"{indent}# note {number}", f"{lines[line]}  # end"]))
        if what.endswith("# end"):
            lines[line] = what
        else:
            lines.insert(line, what)
    return "\n".join(lines)


@settings(max_examples=60, deadline=None)
@given(untidy_texts())
def test_the_meaning_is_kept_and_one_pass_is_enough(text: str) -> None:
    """For every text that is YAML: the same data, the same comments, and no second change."""
    try:
        before = parse(text, "a").data
    except FaultsFound:
        assume(False)
    once = tidy(text)
    assert parse(once, "a").data == before
    assert sorted(re.findall("# (?:note|end).*", once)) == sorted(
        re.findall("# (?:note|end).*", text)
    )
    assert tidy(once) == once


def test_the_command_changes_files(tmp_path: Path) -> None:
    """--check only says what would change; a second run has nothing to do."""
    file = tmp_path / "a.yaml"
    file.write_text(UNTIDY)
    (tmp_path / "b.yaml").write_text(TIDY)
    run = CliRunner().invoke
    checked = run(app, ["fmt", "--check", str(tmp_path)])
    assert (checked.exit_code, checked.output) == (1, f"would change: {file}\n")
    assert file.read_text() == UNTIDY
    changed = run(app, ["fmt", str(tmp_path)])
    assert (changed.exit_code, changed.output) == (0, f"changed: {file}\n")
    assert file.read_text() == TIDY
    assert run(app, ["fmt", "--check", str(tmp_path)]).exit_code == 0


def test_the_command_filters_its_input() -> None:
    """For editors: text in, text out."""
    done = CliRunner().invoke(app, ["fmt", "-"], input=UNTIDY)
    assert (done.exit_code, done.output) == (0, TIDY)
    assert CliRunner().invoke(app, ["fmt", "--check", "-"], input=UNTIDY).exit_code == 1


def test_the_command_shows_faults_and_goes_on(tmp_path: Path) -> None:
    """One bad file does not keep the others from being laid out."""
    (tmp_path / "a.yaml").write_text("a: [")
    (tmp_path / "b.yaml").write_text(UNTIDY)
    done = CliRunner().invoke(app, ["fmt", str(tmp_path)])
    assert done.exit_code == 1
    assert "error[S101]" in done.output
    assert (tmp_path / "b.yaml").read_text() == TIDY
    assert CliRunner().invoke(app, ["fmt", "/no/such/file"]).exit_code == 2
