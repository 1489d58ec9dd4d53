"""Loads and judges a stranger's packs under an audit hook; prints what Python was asked to touch.

Run as a process of its own: an audit hook can never be taken away again. With `child REPORT` it is
the judge's child under the same hook, whose events go to the file REPORT.
"""

import asyncio
import contextlib
import json
import os
import resource
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

HARMLESS = (
    "object.__",
    "sys._getframe",
    "builtins.id",
    "code.__new__",
    "gc.",
    "array.__",
    "marshal",
)
"""Events of plain computing."""
NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)


def watch(tell: Callable[[str], None]) -> None:
    """Tells every event from now on, unless it is plain computing."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not event.startswith(HARMLESS):
            tell(f"{event} {str(arguments)[:200]}")

    sys.addaudithook(hook)


def serve(report: str) -> None:
    """Is the judge's child: everything is imported, then every event is written to the report."""
    from rules import engine

    file = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    engine.Gate("warm", [[["kind", [], []]]]).match([{"kind": "kind"}])
    reading, writing = engine.private_pipes()
    watch(lambda event: os.write(file, f"{event}\n".encode()) and None)
    sys.audit("strange.watching")
    gates: dict[str, Any] = {}
    while (request := engine.read_message(reading)) is not None:
        engine.write_message(writing, engine.answer(request, gates))


def load_all(texts: list[str]) -> list[Any]:
    """Loads packs; returns the good ones."""
    from rules.faults import FaultsFound
    from rules.loader import load_pack

    packs = []
    for text in texts:
        with contextlib.suppress(FaultsFound):
            packs.append(load_pack(text, "strange.yaml"))
    return packs


async def judge_all(packs: list[Any], facts: list[Any], report: str) -> list[str]:
    """Judges with each pack alone; returns the answers."""
    from measures.lifecycle import DOI
    from rules.judge import Judge

    answers = []
    for pack in packs:
        command = [sys.executable, "-P", __file__, "child", report]
        async with Judge([pack], command=command) as judge:
            verdict = await judge.judge(gate="decided", facts=facts, now=NOW, lifecycle=DOI)
            answers.append(f"{verdict.verdict} {' '.join(verdict.blocking_rules)}")
    return answers


def main() -> None:
    """Reads packs and facts as JSON; prints the events and the answers."""
    from measures.facts import FACT_KINDS

    given = json.load(sys.stdin)
    facts = [FACT_KINDS[one["kind"]].model_validate_json(json.dumps(one)) for one in given["facts"]]
    # What a first pack and a first judgement import is not what a stranger's pack reads.
    warm = load_all([*given["harmless"], "pack: x\nrules: [{id: r, gat: x}]\n"])
    asyncio.run(judge_all(warm, facts, os.devnull))
    events: list[str] = []
    watch(events.append)
    packs = load_all(given["texts"])
    loading = list(events)
    answers = asyncio.run(judge_all(packs, facts, given["report"]))
    judging = events[len(loading) :]
    # Nothing at all can be opened any more, by C code either; loading does not notice.
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    again = load_all(given["texts"])
    print(json.dumps({
        "loading": loading,
        "judging": judging,
        "answers": answers,
        "same": [pack.digest for pack in again] == [pack.digest for pack in packs],
    }))  # fmt: skip


if __name__ == "__main__":
    serve(sys.argv[2]) if sys.argv[1:2] == ["child"] else main()
