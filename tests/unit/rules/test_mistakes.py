"""Mistakes that authors of rules make: each is told with line, column and the way out."""

from dataclasses import dataclass

import pytest

from rules.loader import load_pack
from rules.source import FaultsFound, render

GOOD = """\
pack: launch
title: Launch
rules:
  - id: decided.capacity
    gate: [decided, launch]
    when:
      demand: {kind: demand}
    expect:
      offer: {kind: offer, pool: $demand.pool, period: $demand.period}
    require: offer.available >= demand.amount && offer.available >= 1
    fresh: {offer: 24h}
    at_least: 1
    distinct: offer.pool
    seen:
      short: demand.amount - offer.available
    message: "{demand.pool}: {short} short"
    clear_by: offer.owner
    mode: enforce
    remedies:
      - raise: offer.available
        to: demand.amount
"""


@dataclass
class Mistake:
    """One edit of the good pack and what must be said about it."""

    old: str
    new: str
    line: int
    column: int
    code: str
    says: str


MISTAKES = {
    "misspelt key": Mistake("require:", "requires:", 10, 5, "D201", "did you mean 'require'?"),
    "key of the pack": Mistake("title:", "titel:", 2, 1, "D201", "did you mean 'title'?"),
    "missing message": Mistake(
        '    message: "{demand.pool}: {short} short"\n', "", 4, 5, "D202", "add 'message'"
    ),
    "mode": Mistake("mode: enforce", "mode: enforced", 18, 11, "D203", "did you mean 'enforce'?"),
    "span of time": Mistake("24h", "24 hours", 11, 20, "D203", "like 24h"),
    "text for a number": Mistake("at_least: 1", "at_least: [1]", 12, 15, "D203", "whole number"),
    "gate": Mistake("[decided, launch]", "[decidet, launch]", 5, 12, "R304", "'decided'?"),
    "kind of fact": Mistake("kind: offer,", "kind: ofer,", 9, 21, "R301", "did you mean 'offer'?"),
    "no kind": Mistake("kind: offer, ", "", 9, 7, "R301", "needs a kind"),
    "field in a pattern": Mistake("pool: $dem", "pol: $dem", 9, 28, "R302", "mean 'pool'?"),
    "field in a join": Mistake("$demand.pool", "$demand.pol", 9, 34, "R302", "mean 'pool'?"),
    "name in a join": Mistake("$demand.pool", "$demnd.pool", 9, 34, "R303", "mean 'demand'?"),
    "comparison in a pattern": Mistake(
        "$demand.pool", '">= 3", available: 3', 9, 42, "R306", "compare it in 'require'"
    ),
    "join of text and yes/no": Mistake(
        "kind: offer, pool: $demand.pool", "kind: reservation, hard: $demand.pool", 9, 40, "R306",
        "cannot join",
    ),
    "field in a condition": Mistake(
        "offer.available >= 1", "offer.availble >= 1", 10, 56, "R302", "did you mean 'available'?"
    ),
    "name in a condition": Mistake(
        "&& offer.available", "&& ofer.available", 10, 50, "R303", "did you mean 'offer'?"
    ),
    "text against number": Mistake(
        ">= 1\n", '>= "1"\n', 10, 66, "R308", "'>=' cannot join a number and a text"
    ),
    "half a condition": Mistake(">= 1\n", ">=\n", 10, 68, "R307", "ends too early"),
    "assignment": Mistake(">= 1\n", "= 1\n", 10, 66, "R307", "write =="),
    "condition that is no condition": Mistake(
        "offer.available >= demand.amount && offer.available >= 1", "offer.available", 10, 14,
        "R308", "must give true or false, not a number",
    ),
    "loop": Mistake(">= 1\n", ">= 1 && [1].all(x, x > 0)\n", 10, 78, "R307", "not allowed"),
    "function": Mistake(">= 1\n", ">= max(1, 2)\n", 10, 69, "R307", "no function 'max'"),
    "name in fresh": Mistake("fresh: {offer:", "fresh: {ofer:", 11, 13, "R303", "mean 'offer'?"),
    "field in distinct": Mistake("offer.pool\n", "offer.pols\n", 13, 15, "R302", "mean 'pool'?"),
    "field in seen": Mistake(
        "demand.amount - offer.available", "demand.amont - offer.available", 15, 21, "R302",
        "did you mean 'amount'?",
    ),
    "placeholder": Mistake("{short} short", "{shrt} short", 16, 30, "R309", "mean 'short'?"),
    "placeholder's field": Mistake(
        '"{demand.pool}', '"{demand.pol}', 16, 15, "R302", "did you mean 'pool'?"
    ),
    "brace": Mistake("{short} short", "{short short", 16, 30, "R309", "without its partner"),
    "who clears it": Mistake(
        "clear_by: offer.owner", "clear_by: offer.ownr", 17, 15, "R302", "did you mean 'owner'?"
    ),
    "remedy of a text": Mistake(
        "raise: offer.available", "raise: offer.unit", 20, 16, "R309", "is no number"
    ),
    "remedy's value": Mistake("to: demand.amount", "to: demand.unit", 21, 13, "R308", "a number"),
    "key twice": Mistake("    at_least: 1\n", "    gate: launch\n", 12, 5, "S105", "line 5"),
    "tab": Mistake("    at_least", "\tat_least", 12, 1, "S101", "indent with spaces"),
    "colon in a message": Mistake(
        '"{demand.pool}: {short} short"', "short: {short}", 16, 19, "S101", "in quotes"
    ),
}  # fmt: skip


def test_the_good_pack_is_good() -> None:
    """The corpus starts from a pack without faults."""
    assert load_pack(GOOD, "launch.yaml").rules[0].line == 4


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_where_it_is(name: str) -> None:
    """Code, line, column and suggestion are those a person needs."""
    mistake = MISTAKES[name]
    assert GOOD.count(mistake.old) >= 1
    text = GOOD.replace(mistake.old, mistake.new, 1)
    with pytest.raises(FaultsFound) as found:
        load_pack(text, "launch.yaml")
    fault = found.value.faults[0]
    shown = render(fault, text)
    assert (fault.line, fault.column, fault.code) == (mistake.line, mistake.column, mistake.code)
    assert mistake.says in shown
    assert f"launch.yaml:{mistake.line}:{mistake.column}" in shown


def test_all_mistakes_of_a_file_are_told_together() -> None:
    """A person mends a file in one go."""
    text = GOOD
    chosen = ["gate", "field in a join", "field in a condition", "name in fresh", "placeholder"]
    for name in chosen:
        text = text.replace(MISTAKES[name].old, MISTAKES[name].new, 1)
    with pytest.raises(FaultsFound) as found:
        load_pack(text, "launch.yaml")
    places = [(fault.line, fault.column) for fault in found.value.faults]
    assert places == sorted((MISTAKES[name].line, MISTAKES[name].column) for name in chosen)
