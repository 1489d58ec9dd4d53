"""`sluice schema`: what the product reads fits its schema, and every field is described."""

import json
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from typer.testing import CliRunner

from console.cli import app
from console.demo import demo_documents
from console.schemas import file_name, names, schema_named
from measures.documents import KINDS
from measures.facts import FACT_KINDS
from rules.casebook import CasebookText
from rules.describing import _attributes, field_meanings
from rules.schema import PackText
from rules.source import parse

HOUSE = Path(__file__).parents[3]
MEASURE = {"kind": "Measure", "id": "a", "title": "A", "type": "campaign", "package": "p"}
NOW = "2031-01-12T09:00:00Z"


def pack_of(**fields: Any) -> dict[str, Any]:
    """A pack of one rule with the fields that a test is about."""
    rule = {"id": "a", "gate": "decided", "require": "true", "message": "m", **fields}
    return {"pack": "a", "title": "A", "rules": [rule]}


@cache
def validator(name: str) -> Draft202012Validator:
    """The validator of a schema that is itself checked."""
    schema = schema_named(name)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def faults(name: str, data: Any) -> list[str]:
    """What the schema says about some data."""
    return [error.message for error in validator(name).iter_errors(data)]


def read(file: Path) -> list[Any]:
    """The documents of a file, as plain data."""
    return parse(file.read_bytes(), file.name).data


def files() -> Iterator[tuple[str, Path]]:
    """Every file of this repository that people could have written, with its schema."""
    packs = sorted((HOUSE / "rules" / "packs").glob("*.yaml"))
    for file in packs:
        yield ("Cases" if file.stem.endswith("_cases") else "RulePack"), file
    yield "ImportMap", HOUSE / "examples" / "us-health-it" / "map.yaml"


@pytest.mark.parametrize(("name", "file"), list(files()), ids=lambda one: getattr(one, "name", one))
def test_what_the_product_ships_fits(name: str, file: Path) -> None:
    """Packs, cases, documents and maps."""
    for item in read(file):
        assert faults(name, item) == []


def test_the_documents_of_the_demo_fit() -> None:
    """As `make demo` applies them."""
    reading = demo_documents(date(2031, 1, 12))
    assert reading.documents
    for located in reading.documents:
        node = located.source.node(located.path)
        assert node is not None
        assert faults("Document", node.value) == []


def test_stories_fit() -> None:
    """Those of the tests, and the acceptance stories where they are at hand."""
    folders = [HOUSE / "examples", HOUSE / "tests", HOUSE.parent / "shared" / "scenarios"]
    found = [file for folder in folders for file in folder.rglob("*.yaml")]
    stories = [
        (file, item)
        for file in found
        for item in read_if_good(file)
        if isinstance(item, dict) and "scenario" in item and "steps" in item
    ]
    for file, story in stories:
        assert faults("Story", story) == [], file.name
        given = [item for item in story.get("given", ()) if isinstance(item, dict)]
        for document in given:
            document.pop("expect", None)
            assert faults("Document", document) == [], file.name


def read_if_good(file: Path) -> list[Any]:
    """The documents of a file; none of one that is bad on purpose."""
    try:
        return read(file)
    except Exception:  # whatever a corpus of mistakes holds
        return []


@pytest.mark.parametrize("name", names())
def test_every_field_is_described(name: str) -> None:
    """An editor shows it when the mouse rests on the field."""
    assert list(undescribed(name, schema_named(name))) == []


def undescribed(where: str, part: Any) -> Iterator[str]:
    """Fields of a schema that say nothing of themselves."""
    if isinstance(part, list):
        for one in part:
            yield from undescribed(where, one)
    if not isinstance(part, dict):
        return
    fields = part.get("properties", {})
    # In `if`, and in what only repeats that a kind is there, a field describes nothing.
    for field, schema in fields.items():
        if set(schema) - {"const", "type"} and "description" not in schema:
            yield f"{where}.{field}"
    for key, one in part.items():
        if key != "if":
            yield from undescribed(key if key not in ("properties", "$defs") else where, one)


def models(*roots: type[BaseModel]) -> set[type[BaseModel]]:
    """The models and those of their fields."""
    found: set[type[BaseModel]] = set()
    waiting: list[Any] = list(roots)
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, BaseModel):
            if one not in found:
                found.add(one)
                waiting += [info.annotation for info in one.model_fields.values()]
        else:
            waiting += getattr(one, "__args__", ())
    return found


def test_nothing_is_described_that_is_not_there() -> None:
    """A field that was renamed takes its words along."""
    described = models(*KINDS.values(), *FACT_KINDS.values(), PackText, CasebookText)
    for model in described:
        assert model.__doc__
        for name, words in _attributes(model.__doc__):
            assert name in model.model_fields or name in model.__class_vars__, (model, name)
            assert words


@pytest.mark.parametrize("kind", FACT_KINDS)
def test_every_field_of_a_fact_has_a_meaning(kind: str) -> None:
    """For `sluice explain facts`."""
    model = FACT_KINDS[kind]
    assert set(field_meanings(model)) >= set(model.model_fields) - {"kind"}


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("Document", {**MEASURE, "titel": "x"}, "'titel' was unexpected"),
        ("Document", {**MEASURE, "kind": "Mesure"}, "'Mesure' is not one of"),
        ("Document", [MEASURE, {**MEASURE, "id": "A B"}], "does not match"),
        ("Document", {"kind": "Pool", "id": "kyc"}, "'owner' is a required property"),
        ("Measure", {k: v for k, v in MEASURE.items() if k != "kind"}, "'kind' is a required"),
        ("Measure", {**MEASURE, "approvals": {"escalate_after": "2 days"}}, "is not valid under"),
        ("RulePack", pack_of(gates="x"), "'gates' was"),
        (
            "RulePack",
            pack_of(when={"d": {"kind": "demnd"}}),
            "'demnd' is not valid",
        ),
        (
            "RulePack",
            pack_of(when={"d": {"kind": "demand", "pol": "x"}}),
            "'pol' was unexpected",
        ),
        (
            "Cases",
            {"pack": "a", "now": NOW, "cases": [{"case": "c", "verdict": "blocked"}]},
            "'blocked' is not one of",
        ),
        (
            "Story",
            {"scenario": "s", "now": NOW, "steps": [{"advnce": "a"}]},
            "'advnce' was unexpected",
        ),
    ],
)
def test_mistakes_show_in_the_editor(name: str, data: Any, says: str) -> None:
    """Misspelt fields, kinds and values do not need `rules check`."""
    assert any(says in message for message in faults(name, data)), faults(name, data)


def test_a_pack_says_its_kind_only_among_documents() -> None:
    """Both ways of writing a pack are good."""
    pack = pack_of()
    assert faults("RulePack", pack) == []
    assert faults("Document", {"kind": "RulePack", **pack}) == []
    assert faults("Document", pack) == []


def test_the_command_lists_prints_and_writes(tmp_path: Path) -> None:
    """Names, one schema, all of them; a misspelt name is answered with the right one."""
    run = CliRunner().invoke
    listed = run(app, ["schema"]).output
    assert all(name in listed for name in (*KINDS, "Cases", "Story", "ImportMap", "Document"))
    assert json.loads(run(app, ["schema", "measure"]).output) == schema_named("Measure")
    wrong = run(app, ["schema", "Mesure"])
    assert wrong.exit_code == 2
    assert "did you mean 'Measure'?" in wrong.output
    done = run(app, ["schema", "--all", str(tmp_path / "schemas")])
    assert done.exit_code == 0
    written = sorted(file.name for file in (tmp_path / "schemas").iterdir())
    assert written == sorted(map(file_name, names()))
