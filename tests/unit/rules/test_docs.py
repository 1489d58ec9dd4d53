"""docs/rules.md is complete: every key, field, kind and fault code has its line."""

import re
from pathlib import Path

import pytest

from measures.facts import FACT_KINDS
from rules.case_running import run_cases
from rules.casebook import CaseText, load_cases
from rules.codes import CODES
from rules.fields import fields_of
from rules.judge import Judge
from rules.loader import load_pack
from rules.schema import PackText, RemedyText, RuleText

HOUSE = Path(__file__).parents[3]
DOCS = (HOUSE / "docs" / "rules.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)


@pytest.mark.parametrize("model", [RuleText, CaseText, RemedyText, PackText])
def test_every_key_is_explained(model: type[RuleText]) -> None:
    """A key that is not in the docs is not in the language."""
    for name, info in model.model_fields.items():
        key = info.alias or name
        assert f"`{key}`" in DOCS or f"{key}:" in DOCS, key


@pytest.mark.parametrize("kind", FACT_KINDS)
def test_every_field_of_every_fact_is_listed(kind: str) -> None:
    """In the order of the model, so that a new field is missed."""
    [line] = re.findall(rf"^\| `{kind}`.*\| `(.*)` \|$", DOCS, re.MULTILINE)
    assert line.split() == [name for name in fields_of(kind) if name not in ("kind", "source")]


def test_kinds_known_by_others_are_marked() -> None:
    """Absence means something else for them."""
    marked = set(re.findall(r"^\| `(\w+)` \(outside\)", DOCS, re.MULTILINE))
    assert marked == {kind for kind, model in FACT_KINDS.items() if model.OUTSIDE}


def test_every_fault_code_is_explained() -> None:
    """With the title that `sluice explain` shows, in its order."""
    rows = re.findall(r"^\| `([A-Z]\d{3})` \| (.+) \|$", DOCS, re.MULTILINE)
    assert rows == [(name, code.title) for name, code in CODES.items()]


async def test_the_examples_work() -> None:
    """The pack loads, and its case holds."""
    pack_text, cases_text = EXAMPLES
    pack = load_pack(pack_text, "launch.yaml")
    cases = load_cases(cases_text, "launch_cases.yaml", pack)
    async with Judge([pack]) as judge:
        results = await run_cases(cases, pack, judge)
    assert [result.problems for result in results] == [()]
