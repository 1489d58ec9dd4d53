"""Trouble in the engine: the gate stays shut with the reason, the worker lives, life goes on."""

import asyncio
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from measures.facts import Fact
from measures.lifecycle import DOI
from measures.verdict import Verdict
from rules.judge import Judge
from rules.schema import Pack

MakeFact = Callable[..., Fact]
MakePack = Callable[..., Pack]
POISONED = Path(__file__).with_name("poisoned_engine.py")


def poisoned(how: str, *more: str) -> list[str]:
    """Returns the command of a child that misbehaves."""
    return [sys.executable, str(POISONED), how, *more]


class Asker:
    """Asks for the same gate with and without poison."""

    def __init__(self, judge: Judge, fact: MakeFact, now: datetime) -> None:
        self.judge = judge
        self._fact = fact
        self._now = now

    async def ask(self, pool: str = "kyc") -> Verdict:
        facts: Sequence[Fact] = [
            self._fact("measure"),
            self._fact("demand", pool=pool),
            self._fact("offer", pool=pool, available=13000),
        ]
        return await self.judge.judge(gate="decided", facts=facts, now=self._now, lifecycle=DOI)


def named_pipe(folder: Path) -> Path:
    """Makes a pipe whose reader waits until the poison works."""
    pipe = folder / "began"
    os.mkfifo(pipe)
    return pipe


def child_pid(judge: Judge) -> int:
    """Returns the process id of the judge's idle child."""
    pid = judge._panels.usual.children._idle._queue[0].pid  # type: ignore[attr-defined]
    assert isinstance(pid, int)
    return pid


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("segfault", "killed by SIGSEGV"),
        ("abort", "killed by SIGABRT"),
        ("exit", "exit code 3"),
        ("raise", "the rule engine failed: poisoned"),
        ("garbage", "wrote garbage"),
        ("not-json", "wrote garbage"),
        ("nonsense", "answered garbage"),
        ("forget", "the two rule engines disagree"),
        ("repeat", "the two rule engines disagree"),
    ],
)
async def test_poison_shuts_the_gate_once(
    capacity_pack: Pack, fact: MakeFact, now: datetime, how: str, reason: str
) -> None:
    """The poisoned judgement is inconclusive with the reason; the next one is right."""
    async with Judge([capacity_pack], command=poisoned(how)) as judge:
        asker = Asker(judge, fact, now)
        assert (await asker.ask()).passed
        verdict = await asker.ask("poison")
        assert verdict.verdict == "inconclusive"
        assert [blocker.rule for blocker in verdict.blockers] == ["engine"]
        assert reason in verdict.blockers[0].message
        assert verdict.facts_digest
        assert (await asker.ask()).passed


async def test_a_judgement_that_never_ends_is_ended(
    capacity_pack: Pack, fact: MakeFact, now: datetime, tmp_path: Path
) -> None:
    """The deadline kills the child; those who waited behind it are judged by the next."""
    began = named_pipe(tmp_path)
    command = poisoned("hang", str(began))
    async with Judge([capacity_pack], deadline_ms=300, command=command) as judge:
        asker = Asker(judge, fact, now)
        hanging = asyncio.create_task(asker.ask("poison"))
        await asyncio.to_thread(began.read_bytes)
        innocent = [asyncio.create_task(asker.ask()) for _ in range(5)]
        verdict = await hanging
        assert verdict.verdict == "inconclusive"
        assert "no answer within 300 ms" in verdict.blockers[0].message
        assert all(one.passed for one in await asyncio.gather(*innocent))


async def test_kill_9_in_the_middle_of_a_judgement(
    capacity_pack: Pack, fact: MakeFact, now: datetime, tmp_path: Path
) -> None:
    """Whoever kills the child, the gate stays shut and the next judgement is right."""
    began = named_pipe(tmp_path)
    command = poisoned("hang", str(began))
    async with Judge([capacity_pack], deadline_ms=30_000, command=command) as judge:
        asker = Asker(judge, fact, now)
        pid = child_pid(judge)
        judging = asyncio.create_task(asker.ask("poison"))
        await asyncio.to_thread(began.read_bytes)
        os.kill(pid, signal.SIGKILL)
        verdict = await judging
        assert verdict.verdict == "inconclusive"
        assert "killed by SIGKILL" in verdict.blockers[0].message
        assert (await asker.ask()).passed


async def test_a_cancelled_judgement_leaves_nothing_behind(
    capacity_pack: Pack, fact: MakeFact, now: datetime, tmp_path: Path
) -> None:
    """An answer that nobody waits for any more is never taken for another's."""
    began = named_pipe(tmp_path)
    command = poisoned("hang", str(began))
    async with Judge([capacity_pack], deadline_ms=30_000, command=command) as judge:
        asker = Asker(judge, fact, now)
        judging = asyncio.create_task(asker.ask("poison"))
        await asyncio.to_thread(began.read_bytes)
        judging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await judging
        assert (await asker.ask()).passed


async def test_an_engine_that_does_not_start_is_a_reason_not_a_crash(
    capacity_pack: Pack, fact: MakeFact, now: datetime
) -> None:
    """A missing program and one that ends at once both leave the gate shut."""
    for command in (poisoned("stillborn"), ["/no/such/program"]):
        async with Judge([capacity_pack], command=command) as judge:
            verdict = await Asker(judge, fact, now).ask()
            assert verdict.verdict == "inconclusive"
            assert "does not start" in verdict.blockers[0].message or (
                "ended" in verdict.blockers[0].message
            )


async def test_a_closed_judge_answers_too(
    capacity_pack: Pack, fact: MakeFact, now: datetime
) -> None:
    """A worker that is shutting down neither hangs nor opens a gate."""
    async with Judge([capacity_pack]) as judge:
        asker = Asker(judge, fact, now)
    verdict = await asker.ask()
    assert verdict.verdict == "inconclusive"
    assert "was closed" in verdict.blockers[0].message


async def test_a_disagreement_is_counted_and_logged_with_its_world(
    capacity_pack: Pack, fact: MakeFact, now: datetime
) -> None:
    """A missing match would open a gate; a person must hear of it."""
    before = REGISTRY.get_sample_value("oracle_disagreements_total") or 0
    async with Judge([capacity_pack], command=poisoned("forget")) as judge:
        with capture_logs() as logs:
            await Asker(judge, fact, now).ask("poison")
    assert REGISTRY.get_sample_value("oracle_disagreements_total") == before + 1
    [entry] = [one for one in logs if one["event"] == "oracle_disagreement"]
    assert {"kind": "demand", "pool": "poison", "period": "2031-03"} in entry["world"]
    assert entry["durable_rules"] != entry["second_matcher"]


async def test_a_pack_that_multiplies_facts_is_refused_in_time(
    pack: MakePack, fact: MakeFact, now: datetime
) -> None:
    """Unjoined patterns over many facts cost a bounded time and leave the gate shut."""
    rules = pack(
        "- {id: r, gate: decided, when: {a: {kind: kpi}, b: {kind: kpi}, c: {kind: kpi}},"
        " require: 'true', message: m}"
    )
    facts = [fact("measure"), *(fact("kpi", id=f"k{number}") for number in range(100))]
    async with Judge([rules]) as judge:
        verdict = await judge.judge(gate="decided", facts=facts, now=now, lifecycle=DOI)
    assert verdict.verdict == "inconclusive"
    assert "multiply the facts" in verdict.blockers[0].message


@pytest.fixture
async def asker(capacity_judge: Judge, fact: MakeFact, now: datetime) -> Asker:
    """Asks the real engine."""
    return Asker(capacity_judge, fact, now)


async def test_many_ask_at_once(asker: Asker) -> None:
    """Each gets the answer to its own question."""
    pools = ["kyc", "design"] * 50
    verdicts = await asyncio.gather(*(asker.ask(pool) for pool in pools))
    assert all(verdict.passed for verdict in verdicts)
    assert len({verdict.facts_digest for verdict in verdicts}) == 2


async def test_packs_are_replaced_while_others_are_judged(
    asker: Asker, pack: MakePack, capacity_pack: Pack
) -> None:
    """Each judgement is made by one set of packs, the old or the new."""
    never = pack("- {id: never, gate: decided, require: 'false', message: m}", "never")
    before = asker.judge.digest
    asked = [asyncio.create_task(asker.ask()) for _ in range(20)]
    await asyncio.sleep(0)
    await asker.judge.replace([never])
    answers = {(one.pack_digest == before, one.passed) for one in await asyncio.gather(*asked)}
    assert answers <= {(True, True), (False, False)}
    assert not (await asker.ask()).passed


async def test_what_lies_in_the_working_directory_is_not_run(
    capacity_pack: Pack,
    fact: MakeFact,
    now: datetime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The engine is started wherever the user happens to stand."""
    (tmp_path / "rules").mkdir()
    hostile = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    for name in ("rules/__init__.py", "rules/engine.py", "json.py"):
        (tmp_path / name).write_text(hostile)
    monkeypatch.chdir(tmp_path)
    async with Judge([capacity_pack]) as judge:
        assert (await Asker(judge, fact, now).ask()).passed
    assert not (tmp_path / "ran").exists()


async def test_ctrl_c_is_not_for_the_child(asker: Asker) -> None:
    """The parent decides when its child ends."""
    os.kill(child_pid(asker.judge), signal.SIGINT)
    assert (await asker.ask()).passed
    assert os.getsid(child_pid(asker.judge)) != os.getsid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_the_child_holds_none_of_the_parents_files(capacity_pack: Pack) -> None:
    """A listening socket of the worker must close when the worker ends."""
    with socket.socket() as held:
        held.set_inheritable(True)
        held.bind(("127.0.0.1", 0))
        async with Judge([capacity_pack]) as judge:
            files = f"/proc/{child_pid(judge)}/fd"
            targets = [os.readlink(f"{files}/{entry}") for entry in os.listdir(files)]
            assert not [target for target in targets if target.startswith("socket:")]


@pytest.mark.skipif(sys.platform != "linux", reason="waits with a pidfd")
def test_the_child_ends_with_its_parent() -> None:
    """Even a parent that is killed -9 leaves no engine behind."""
    program = (
        "import asyncio, os, signal\n"
        "from rules.judge import Judge\n"
        "async def main():\n"
        "    judge = Judge([])\n"
        "    await judge.__aenter__()\n"
        "    print(judge._panels.usual.children._idle._queue[0].pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert parent.returncode == -signal.SIGKILL
    try:
        child = os.pidfd_open(int(parent.stdout))
    except ProcessLookupError:
        return  # gone already
    ready, _, _ = select.select([child], [], [], 10)
    os.close(child)
    assert ready
