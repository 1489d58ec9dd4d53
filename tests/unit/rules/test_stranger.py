"""A pack from a stranger reads no file, reaches no network, starts nothing, and ends in time."""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from measures.facts import Fact
from measures.lifecycle import DOI
from rules.faults import FaultsFound
from rules.judge import Judge
from rules.loader import load_pack
from rules.schema import Pack
from rules.validation import MOST_FAULTS

STRANGE = Path(__file__).with_name("strange.py")
HOUSE = Path(__file__).parents[3]
MakeFact = Callable[..., Fact]
MakePack = Callable[..., Pack]

MEBIBYTE = 1024 * 1024
LOADED_IN = 20.0
"""Seconds of processor time: a few on a quiet machine, far from the hours of a blow-up."""


def one_rule(**keys: str) -> str:
    """A pack of one rule, with keys as JSON texts."""
    rule = {"id": "r", "gate": "decided", "require": "true", "message": "m", **keys}
    return json.dumps({"pack": "strange", "title": "Strange", "rules": [rule]})


SPIES = [
    one_rule(require=condition)
    for condition in (
        "file('/etc/passwd') != ''",
        "env('HOME') != ''",
        "http.get('http://127.0.0.1') != ''",
        "measure.title == '/etc/passwd'",
        "measure.title.matches('/etc/(passwd|shadow)')",
        "measure.title.__class__ == ''",
        "__import__('os').system('id') == 0",
        "google.protobuf.Any{} == google.protobuf.Any{}",
        "string(measure.kpis) != '' && type(measure.kpis) == int",
        "timestamp('2031-01-01T00:00:00Z') < timestamp('2032-01-01T00:00:00Z')",
    )
] + [
    one_rule(message="{measure.__class__.__init__.__globals__}"),
    one_rule(message="{0.__class__} %s %(x)s ${HOME} `id` $(id) {{measure.id}}"),
    one_rule(require="false", command="touch /tmp/strange; $(id) `id` {measure.id}"),
    one_rule(require="false", message="file:///etc/passwd {measure.id}", clear_by="measure.owner"),
    one_rule(id="../../etc/passwd"),
    "pack: !!python/object/apply:os.system ['id']\ntitle: t\nrules: []\n",
    "pack: x\ntitle: !include /etc/passwd\nrules: []\n",
    "%TAG ! tag:yaml.org,2002:python/\n---\n!object/apply:os.system ['id']\n",
    "<<: /etc/passwd\n",
]  # fmt: skip


def test_nothing_is_opened_reached_or_started(fact: MakeFact, tmp_path: Path) -> None:
    """Python's own audit of everything that loading and judging a pack touches."""
    report = tmp_path / "child"
    given = {
        "texts": SPIES,
        "harmless": [one_rule(), one_rule(require="false", remedies=[])],  # type: ignore[arg-type]
        "facts": [fact("measure").model_dump(mode="json")],
        "report": str(report),
    }
    ran = subprocess.run(
        [sys.executable, "-P", str(STRANGE)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
        cwd=tmp_path,
        env={"PYTHONPATH": str(HOUSE), "PATH": "/nowhere"},
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["loading"] == []
    assert told["same"], "loading must need no file at all"
    assert len(told["answers"]) >= 5
    assert {"pass ", "block r"} <= set(told["answers"])
    unexpected = [event for event in told["judging"] if not _belongs_to_the_child(event)]
    assert unexpected == []
    assert told["judging"], "the hook must be alive"
    assert set(report.read_text().splitlines()) == {"strange.watching ()"}, "nor does the child"


def _belongs_to_the_child(event: str) -> bool:
    """Tells whether an event is about starting the judge's child, its pipes, and ending it."""
    name, _, arguments = event.partition(" ")
    match name:
        case "subprocess.Popen":
            return "strange.py" in arguments
        case "open":  # a pipe has a number, not a name
            return re.match(r"\((\d+|'/dev/null'),", arguments) is not None
        case "socket.__new__":  # asyncio's pipe: a pair of the family AF_UNIX, without a name
            return arguments.endswith(f", {socket.AF_UNIX.value}, {socket.SOCK_STREAM.value}, 0)")
        case "os.kill":
            return arguments.endswith(", 9)")
        case _:
            return name.startswith("sys.set_asyncgen_hook")


@pytest.mark.parametrize(
    "condition",
    [
        "[1, 2].all(x, x > 0)",
        "[1, 2].\n all (x, x > 0)",
        "[1, 2].// said\nall(x, x > 0)",
        "[1, 2].map(x, x) == [1, 2]",
        "{'a': 1}.exists(x, x == 'a')",
        "r'\\' == '' || [1, 2].all(x, x > 0) || '' == ''",
        "[1].exists_one(x, x > 0)",
        "[[1]].filter(x, x.all(y, true)) == []",
    ],
)
def test_no_loop_gets_in(condition: str) -> None:
    """However it is written: loops over texts could fill the memory."""
    with pytest.raises(FaultsFound):
        load_pack(one_rule(require=condition), "strange.yaml")


def listed(name: str, entry: str, count: int) -> str:
    """A rule with very many entries under one key."""
    entries = ", ".join(entry.replace("#", str(number)) for number in range(count))
    around = "{%s}" if ": " in entry.partition(" {")[0] or entry.startswith("k#") else "[%s]"
    rule = f"id: r, gate: decided, require: 'true', message: m, {name}: {around % entries}"
    return f"pack: h\ntitle: h\nrules:\n- {{{rule}}}\n"


HUGE = {
    "unknown keys": "\n".join(f"k{number}: 1" for number in range(60_000)),
    "more values than fit": "\n".join(f"k{number}: 1" for number in range(90_000)),
    "rules that are none": "pack: h\ntitle: h\nrules:\n" + "- a\n" * 60_000,
    "rules without anything": "pack: h\ntitle: h\nrules:\n" + "- {a: b}\n" * 30_000,
    "documents": "---\n" * (MEBIBYTE // 4),
    "brackets": "[" * (MEBIBYTE - 1),
    "braces": "{a: " * (MEBIBYTE // 4 - 1),
    "colons": "a:" * (MEBIBYTE // 2 - 1),
    "anchors": "\n".join(f"k{number}: &a{number} x" for number in range(55_000)),
    "one text": "a: '" + "x" * (MEBIBYTE - 10) + "'",
    "escapes": 'a: "' + "\\u0041" * 170_000 + '"',
    "gates": listed("gate", "g#", 60_000).replace("gate: decided, ", ""),
    "seen": listed("seen", "k#: measure.ownr", 30_000),
    "fresh": listed("fresh", "k#: 1h", 60_000),
    "remedies": listed("remedies", "{raise: measure.kpis, to: '1'}", 20_000),
    "1000 rules": "pack: h\ntitle: h\nrules:\n"
    + "- {id: r, gate: decided, require: 'true', message: m}\n" * 1000,
}


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_text_is_refused_in_time(name: str) -> None:
    """As much as a file may hold, made to cost much: refused, with few enough faults to read."""
    text = HUGE[name]
    assert len(text) <= MEBIBYTE
    began = time.process_time()
    with pytest.raises(FaultsFound) as found:
        load_pack(text, "strange.yaml")
    assert time.process_time() - began < LOADED_IN
    assert len(found.value.faults) <= 2 * MOST_FAULTS


def test_the_rest_of_very_many_faults_is_counted() -> None:
    """The first hundred are told, and how many more there are."""
    with pytest.raises(FaultsFound) as found:
        load_pack("pack: h\ntitle: h\nrules:\n" + "- a\n" * 250, "strange.yaml")
    last = found.value.faults[-1]
    assert (len(found.value.faults), last.code) == (101, "D209")
    assert last.message == "and 150 more faults"


def test_the_conditions_of_a_pack_are_bounded_together() -> None:
    """Each within its length, all together more than can be checked in a second."""
    condition = " && ".join(['measure.owner != "a"'] * 40)
    rules = [
        {"id": f"r{number}", "gate": "decided", "require": condition, "message": "m"}
        for number in range(200)
    ]
    text = json.dumps({"pack": "strange", "title": "Strange", "rules": rules})
    with pytest.raises(FaultsFound, match="R310 the conditions of a pack have at most 100,000"):
        load_pack(text, "strange.yaml")


BLOW_UPS = {
    "backtracking": "measure.description.matches('(a+)+$')",
    "counted": "measure.description.matches('(((a{10}){10}){9})x')",
    "optional": "measure.description.matches('(a?){500}a{500}x')",
    # Put together at the gate, so that it is not refused when the pack is loaded.
    "too large": "measure.description.matches('(((a{100}){100}){100})' + measure.category)",
    "many": " || ".join(["measure.description.matches('(a|b|ab)*x')"] * 20),
    "long texts": f"({' + '.join(['measure.scope'] * 30)}).contains(measure.scope + 'x')",
    "signs": "-" * 901 + "1 > 0",
    "overflow": "9223372036854775807 + measure.kpis > 0",
}


@pytest.mark.parametrize("name", BLOW_UPS)
async def test_judging_ends_in_time(
    pack: MakePack, fact: MakeFact, now: datetime, name: str
) -> None:
    """2,000 facts, texts as long as they may be: an answer within the deadline, never a pass."""
    rule = json.dumps({
        "id": "r", "gate": "decided", "when": {"k": {"kind": "kpi"}},
        "require": BLOW_UPS[name], "message": "m",
    })  # fmt: skip
    facts = [
        fact("measure", description="a" * 9999 + "!", scope="b" * 10_000),
        *(fact("kpi", id=f"k{number}") for number in range(2000)),
    ]
    async with Judge([pack(f"- {rule}")]) as judge:
        began = time.process_time()
        verdict = await judge.judge(gate="decided", facts=facts, now=now, lifecycle=DOI)
        assert time.process_time() - began < LOADED_IN
    assert verdict.verdict in ("block", "inconclusive")


async def test_conditions_that_take_too_long_leave_the_gate_shut(
    pack: MakePack, fact: MakeFact, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was found until then is not shown; the next judgement has its own time."""
    monkeypatch.setattr("rules.weighing.SECONDS", -1.0)
    rules = pack("- {id: r, gate: decided, require: 'true', message: m}")
    facts: list[Any] = [fact("measure")]
    async with Judge([rules]) as judge:
        verdict = await judge.judge(gate="decided", facts=facts, now=now, lifecycle=DOI)
        assert verdict.verdict == "inconclusive"
        assert [blocker.rule for blocker in verdict.blockers] == ["engine"]
        assert "the conditions of this gate take longer than" in verdict.blockers[0].message
        monkeypatch.undo()
        assert (await judge.judge(gate="decided", facts=facts, now=now, lifecycle=DOI)).passed
