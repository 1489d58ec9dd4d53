"""The registry of fault codes is complete, and its examples are true."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.reading import read_text
from console.story import read_story
from rules.casebook import load_cases
from rules.codes import CODES, Code
from rules.faults import Fault, FaultsFound
from rules.loader import load_pack
from rules.source import parse

HOUSE = Path(__file__).parents[3]
BASE = """\
id: owned
gate: decided
when: {demand: {kind: demand}}
expect: {offer: {kind: offer, pool: $demand.pool}}
require: offer.available >= demand.amount
fresh: {offer: 24h}
message: capacity is missing
"""
NOT_ON_A_PAGE = {"S102", "S111", "S112", "D209", "R310", "C301", "C302", "T401", "T402"}
"""Codes whose example would be too long, or needs more than one file."""


def texts_in_code() -> Iterator[str]:
    """Every text in the code that reads what people write."""
    for package in ("rules", "console"):
        for file in (HOUSE / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_every_code_in_the_code_is_registered_and_no_other() -> None:
    """A code without an entry could not be explained; an entry without a code is dead."""
    used = {text for text in texts_in_code() if re.fullmatch(r"[A-Z]\d{3}", text)}
    assert used | {"T401", "T402"} == set(CODES)


def as_rule(snippet: str) -> str:
    """A pack of one rule with the keys of a snippet instead of its own."""
    keys = re.findall(r"^(\w+):", snippet, re.MULTILINE)
    kept = "".join(line + "\n" for line in BASE.splitlines() if line.partition(":")[0] not in keys)
    lines = (kept + snippet).rstrip("\n").split("\n")
    rule = "\n".join(f"    {line}" for line in lines)
    return f"pack: launch\ntitle: Launch\nrules:\n  - # the rule\n{rule}\n"


def faults_in(code: Code, snippet: str, tmp_path: Path) -> tuple[Fault, ...]:
    """What is wrong with an example, read by what reads such texts."""
    snippet = re.sub(r"<U\+(\w{4})>", lambda found: chr(int(found[1], 16)), snippet)
    try:
        match code.where:
            case "rule":
                load_pack(as_rule(snippet), "a.yaml")
            case "pack":
                load_pack(snippet, "a.yaml")
            case "cases":
                load_cases(snippet, "a_cases.yaml", load_pack(as_rule(""), "a.yaml"))
            case "document":
                return read_text(snippet, "a.yaml").faults
            case "story":
                file = tmp_path / "story.yaml"
                file.write_text(snippet, encoding="utf-8")
                read_story(file)
            case "yaml":
                parse(snippet, "a.yaml")
    except FaultsFound as found:
        return found.faults
    return ()


@pytest.mark.parametrize("name", CODES)
def test_the_examples_are_true(name: str, tmp_path: Path) -> None:
    """The wrong one gives the code, the right one no fault."""
    code = CODES[name]
    if name in NOT_ON_A_PAGE:
        assert not code.wrong
        return
    assert {fault.code for fault in faults_in(code, code.wrong, tmp_path)} == {name}
    assert faults_in(code, code.right, tmp_path) == ()
