"""`sluice rules plan` finds what judging everything again by hand would find."""

import asyncio
import json
import random
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import reduce
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from console import plan_cases, planning
from console.cli import run_command
from console.planning import Look, prepare, preview
from ledger.history import past_decisions
from ledger.store import Ledger
from ledger.tables import entries
from measures.decisions import define
from measures.entry import Draft, pool_stream
from measures.errors import ConfigurationError
from measures.facts import Fact, facts_digest
from measures.judging import judged, only_with_controller
from measures.lifecycle import DOI, LAUNCH
from measures.permitting import launch_judged
from measures.state import MeasureState, fold_measure
from measures.verdict import Blocker, Verdict
from rules.comparing import Difference, compare
from rules.judge import Judge
from rules.loader import builtin_pack_files, load_pack, packs_in_force
from rules.schema import Pack

_HOUSE = Path(__file__).parents[3]
# Benchmarks run from the checkout and are not installed; their portfolio serves here too.
_spec = spec_from_file_location("portfolio", _HOUSE / "bench" / "portfolio.py")
assert _spec is not None
assert _spec.loader is not None
portfolio = module_from_spec(_spec)
_spec.loader.exec_module(portfolio)

NOW = datetime.fromisoformat("2031-01-12T09:00:00Z")
STANDARD = next(file for file in builtin_pack_files() if file.name == "standard.yaml").read_text()

TOUGHER = STANDARD.replace(
    "require: offer.available >= demand.amount", "require: offer.available >= demand.amount * 3.0"
).replace('require: kpi.owner != "" && kpi.cadence != ""', 'require: kpi.owner != ""')
"""The built-in pack, asking for more at one gate and for less at another."""


class Clerk:
    """Decides as a worker does, at the moments that the test says."""

    def __init__(self, ledger: Ledger, judge: Judge, chance: random.Random) -> None:
        self.ledger = ledger
        self.judge = judge
        self.chance = chance
        self.now = NOW
        self.seen: dict[int, tuple[MeasureState, list[Fact]]] = {}
        self.pools = dict.fromkeys(portfolio.POOLS, 1)

    async def live(self, requests: int) -> None:
        """Has measures ask for their gates while capacity comes and goes."""
        for _ in range(requests):
            self.now += timedelta(minutes=self.chance.randint(1, 90))
            if self.chance.random() < 0.3:
                self.report()
            await self.decide(f"m-{self.chance.randrange(40):05}")

    def report(self) -> None:
        """Reports the capacity of a pool."""
        pool = self.chance.choice(portfolio.POOLS)
        self.pools[pool] += 1
        amount = self.chance.choice([0, 50, 500])
        draft = Draft(
            stream=pool_stream(pool),
            number=self.pools[pool],
            kind="capacity_reported",
            at=self.now,
            by="kim",
            command=f"{pool}-{self.pools[pool]}",
            body={"period": portfolio.PERIOD, "amount": amount},
        )
        self.ledger.append([draft])

    async def decide(self, name: str) -> None:
        """Decides one request; somebody may report capacity between looking and recording."""
        state, directory = self.ledger.measure(name), self.ledger.directory()
        assert state is not None
        if state.ended:
            return
        facts = self.ledger.facts(state, directory, self.now)
        gate = self.chance.choice(state.gates_ahead)
        verdict = await self.judge.judge(
            gate=gate, facts=facts, now=self.now, lifecycle=state.lifecycle
        )
        verdict = only_with_controller(state, verdict)
        for _ in range(self.chance.choice([0, 0, 1, 3])):
            self.report()
        command = f"{name}-{self.now.isoformat()}"
        if gate == LAUNCH:
            drafts = launch_judged(state, verdict, by="olga", command=command)
        else:
            drafts = judged(state, verdict, directory, held=None, by="olga", command=command)
        recorded = self.ledger.append(drafts)
        self.seen[recorded[0].position] = (state, facts)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, Clerk]]:
    """A ledger of 250 measures, 40 of which have asked for gates again and again."""
    folder = tmp_path_factory.mktemp("played")
    chance = random.Random(7)
    with Ledger.open(f"sqlite:///{folder}/ledger.db") as ledger:
        portfolio.fill(ledger, 250, NOW, seed=3)

        async def play() -> Clerk:
            async with Judge(packs_in_force({})) as judge:
                clerk = Clerk(ledger, judge, chance)
                await clerk.live(120)
                return clerk

        yield ledger, asyncio.run(play())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, played: tuple[Ledger, Clerk]) -> datetime:
    """The moment at which plans are made: the last of the story."""
    now = played[1].now
    monkeypatch.setattr(planning, "system_clock", lambda: now)
    return now


def _record(ledger: Ledger) -> list[Any]:
    with ledger.database.reading() as connection:
        return list(connection.execute(select(entries).order_by(entries.c.position)))


def test_every_decision_is_seen_as_its_gate_saw_it(played: tuple[Ledger, Clerk]) -> None:
    """Also where capacity was reported between looking and recording."""
    ledger, clerk = played
    found = {one.entry.position: one for one in past_decisions(ledger)}
    assert found.keys() == clerk.seen.keys()
    for position, (state, facts) in clerk.seen.items():
        assert found[position].facts == facts
        assert found[position].state == state


def test_facts_that_do_not_follow_are_never_made_up(
    played: tuple[Ledger, Clerk], tmp_path: Path, clock: datetime
) -> None:
    """A decision on other facts than the entries give is said to be one."""
    ledger, _ = played
    file = tmp_path / "copy.db"
    with ledger.database.reading() as connection:
        connection.exec_driver_sql(f"VACUUM INTO '{file}'")
    with Ledger.open(f"sqlite:///{file}") as copy:
        lost = next(one for one in past_decisions(copy) if one.verdict.gate == "decided")
        with copy.database.writing() as connection:
            connection.execute(
                entries.update()
                .where(entries.c.position == lost.entry.position)
                .values(facts_digest="0" * 64)
            )
        report = preview(copy, _tougher(copy), Look(False, True, None, 3))
    assert report.past is not None
    assert report.past.not_reproducible == 1
    assert report.past.positions == [lost.entry.position]


async def _by_hand(
    before: tuple[Pack, ...],
    after: tuple[Pack, ...],
    cases: list[tuple[MeasureState, str, list[Fact], datetime]],
) -> list[tuple[Verdict, Verdict]]:
    """Judges every case by both complete sets of packs."""
    async with Judge(before) as one, Judge(after) as other:
        found = []
        for state, gate, facts, now in cases:
            verdicts = [
                await judge.judge(gate=gate, facts=facts, now=now, lifecycle=state.lifecycle)
                for judge in (one, other)
            ]
            old, new = (only_with_controller(state, verdict) for verdict in verdicts)
            found.append((old, new))
        return found


def _tougher(ledger: Ledger) -> plan_cases.PackChange:
    files = ((TOUGHER.encode(), "standard.yaml"),)
    return prepare(ledger.directory().packs, files, frozenset(), None)


@pytest.mark.parametrize("few", [0, 10_000], ids=["several processes", "one process"])
def test_plan_equals_brute_force(
    played: tuple[Ledger, Clerk], clock: datetime, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Live and past, in one process and in several: the same answers change for the same reasons.

    And the record is what it was: a plan writes nothing.
    """
    ledger, clerk = played
    monkeypatch.setattr(plan_cases, "FEW", few)
    record = _record(ledger)
    report = preview(ledger, _tougher(ledger), Look(True, True, None, 10_000))
    assert _record(ledger) == record
    before, after = packs_in_force({}), (load_pack(TOUGHER, "standard.yaml"),)
    assert report.live is not None
    assert report.past is not None
    assert report.past.not_reproducible == 0

    directory = ledger.directory()
    states = [state for number in range(250) if (state := ledger.measure(f"m-{number:05}"))]
    cases = [
        (state, gate, ledger.facts(state, directory, clock), clock)
        for state in states
        for gate in state.gates_ahead
    ]
    found = asyncio.run(_by_hand(before, after, cases))
    expected = [
        (case[0].id, case[1], 0, compare(*both))
        for case, both in zip(cases, found, strict=True)
        if compare(*both).effect != "same"
    ]
    assert len(expected) > 10
    assert _told(report.live.tally) == _as_told(expected)
    assert report.live.tally.subjects == sum(not state.ended for state in states)

    past = [
        (one.state, one.verdict.gate, one.facts or [], one.entry.at)
        for one in past_decisions(ledger)
    ]
    decisions = list(past_decisions(ledger))
    found = asyncio.run(_by_hand(before, after, past))
    expected = [
        (one.state.id, one.verdict.gate, one.entry.position, compare(one.verdict, both[1]))
        for one, both in zip(decisions, found, strict=True)
        if compare(one.verdict, both[1]).effect != "same"
    ]
    assert len(expected) > 3
    assert _told(report.past.tally) == _as_told(expected)
    assert report.past.tally.subjects == len(clerk.seen)


_Told = set[tuple[str, str, int, str, str, str]]


def _told(tally: Any) -> _Told:
    """What a plan says of each rule, with every example."""
    return {
        _one(change.measure, change.gate, change.position, change.difference, rule)
        for (rule, _), found in tally.rules.items()
        for change in found.examples
    }


def _as_told(expected: list[tuple[str, str, int, Difference]]) -> _Told:
    return {
        _one(measure, gate, position, difference, rule)
        for measure, gate, position, difference in expected
        for rule in difference.rules
    }


def _one(
    measure: str, gate: str, position: int, difference: Difference, rule: str
) -> tuple[str, str, int, str, str, str]:
    reasons = [
        (kind, one.answer, one.subject, one.message, one.clear_by)
        for kind in ("added", "gone", "warned", "silenced")
        for one in getattr(difference, kind)
        if one.rule == rule
    ]
    return (
        measure,
        gate,
        position,
        f"{difference.effect} {difference.before} {difference.after}",
        f"{rule} {difference.rules[rule]}",
        repr(sorted(map(repr, reasons))),
    )


@pytest.fixture
def sluice(
    played: tuple[Ledger, Clerk],
    clock: datetime,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """Runs `sluice rules plan` on the ledger."""
    url = played[0].database.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("SLUICE_LEDGER_URL", url)
    monkeypatch.setattr(plan_cases, "FEW", 10_000)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sluice", "rules", "plan", *words])
        code = run_command()
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_people_read_what_changes_and_why(
    sluice: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """Counts, money, reasons; what has passed is said not to be asked again."""
    file = tmp_path / "standard.yaml"
    file.write_text(TOUGHER)
    code, out, _ = sluice(str(file), "--limit", "1")
    assert code == 0
    assert "  ~ decided.capacity-covers-demand" in out
    assert "newly blocked" in out
    assert "have passed decided already and would not be asked again" in out
    assert "decided.capacity-covers-demand would hold " in out
    assert "Nothing was written" in out
    assert sluice(str(file), "--exit-code")[0] == 3


def test_programs_read_the_same(
    sluice: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """JSON with exact counts, one part at a time or one gate."""
    file = tmp_path / "standard.yaml"
    file.write_text(TOUGHER)
    told = json.loads(sluice(str(file), "-o", "json", "--live", "--gate", "decided")[1])
    assert told["gates"] == [{"lifecycle": "doi", "gate": "decided"}]
    assert "past" not in told
    effects = told["live"]["effects"]
    assert sum(effect["count"] for effect in effects.values()) == told["live"]["measures"]
    past = json.loads(sluice(str(file), "-o", "json", "--past", "--since", "2031-01-14")[1])
    assert 0 < past["past"]["decisions"] < 120
    assert "live" not in past


def test_the_same_pack_changes_nothing(
    sluice: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """Exit 0, in so many words."""
    file = tmp_path / "standard.yaml"
    file.write_text(STANDARD)
    code, out, _ = sluice(str(file), "--exit-code")
    assert code == 0
    assert "in force already, word for word" in out
    file.write_text(STANDARD.replace("title: What every gate", "title: What each gate"))
    code, out, _ = sluice(str(file), "--exit-code")
    assert code == 0
    assert "No rule changes at any gate" in out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "name a pack file"),
        (["--remove", "standard"], 2, "built in"),
        (["--remove", "other"], 2, "is not applied; applied are: none"),
        (["FILE", "COPY"], 2, "named twice"),
        (["FILE", "--gate", "lunch"], 2, "there is no gate 'lunch'; gates: "),
        (["/none/such.yaml"], 2, "cannot read /none/such.yaml"),
        (["BAD"], 1, "R307"),
    ],
)
def test_mistakes_are_said(
    sluice: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    words: list[str],
    code: int,
    message: str,
) -> None:
    """One message that says what to do, and the right exit code."""
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(TOUGHER)
    bad.write_text("pack: x\ntitle: X\nrules: [{id: r, gate: decided, require: '(', message: m}]")
    copy = tmp_path / "copy.yaml"
    copy.write_text(TOUGHER)
    named = {"FILE": str(good), "BAD": str(bad), "COPY": str(copy)}
    ended, out, err = sluice(*(named.get(word, word) for word in words))
    assert ended == code
    assert message in " ".join((out + err).replace("│", " ").split())


def test_a_pack_that_is_taken_away_frees_what_it_held(tmp_path: Path) -> None:
    """A built-in pack of its name would count again."""
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        portfolio.fill(ledger, 20, NOW, seed=5)
        stop = {
            "pack": "stop",
            "title": "Stop",
            "rules": [{"id": "stop", "gate": "identified", "require": "false", "message": "stop"}],
        }
        ledger.append_document("RulePack", "stop", stop, "rex", NOW, "apply-stop")
        change = prepare(ledger.directory().packs, (), frozenset({"stop"}), None)
        report = preview(ledger, change, Look(True, True, None, 3))
        applied = ledger.directory().packs
        text = b"pack: stop\ntitle: S\nrules: []"
        with pytest.raises(ConfigurationError, match="named twice"):
            prepare(applied, ((text, "stop.yaml"),), frozenset({"stop"}), None)
    assert report.live is not None
    assert set(report.live.tally.rules) == {("stop", "frees")}
    assert report.live.tally.changes == report.live.judged
    assert report.commands == ("sluice rules remove stop",)


def test_a_request_that_signs_and_asks_saw_the_measure_signed(tmp_path: Path) -> None:
    """Both entries are recorded at once; the judgement came between them."""
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        portfolio.record_surroundings(ledger, random.Random(1), NOW)
        writing = portfolio._Writing(portfolio.random_plan(random.Random(2), "m-00001", NOW), NOW)
        ledger.append(writing.drafts)
        writing.sign(random.Random(2), "identified")
        signing = [one.model_copy(update={"command": "both"}) for one in writing.drafts[1:]]
        assert signing
        state = ledger.measure("m-00001")
        assert state is not None
        signed = reduce(fold_measure, signing, state)
        facts = ledger.facts(signed, ledger.directory(), NOW)
        verdict = Verdict(
            gate="identified",
            verdict="pass",
            pack_digest="a" * 64,
            facts_digest=facts_digest(facts),
            at=NOW,
        )
        drafts = judged(signed, verdict, ledger.directory(), held=None, by="sam", command="both")
        ledger.append([*signing, *drafts])
        [decision] = past_decisions(ledger)
    assert decision.facts == facts


@pytest.mark.parametrize(
    ("policy", "held"), [("follow", {"waits", "idle"}), ("pin", {"idle"}), ("migrate", {"idle"})]
)
def test_who_keeps_a_version_is_judged_by_it(tmp_path: Path, policy: str, held: set[str]) -> None:
    """A waiting request that its pack's policy leaves with an older version is not affected."""

    def pack_of(require: str) -> dict[str, Any]:
        rule = {"id": "r", "gate": "identified", "require": require, "message": "m"}
        rules = [rule, {**rule, "id": "guard", "require": "false"}]
        return {"pack": "more", "title": "More", "policy": policy, "rules": rules}

    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        ledger.append_document("RulePack", "more", pack_of("true"), "rex", NOW, "apply")
        directory = ledger.directory()
        packs = packs_in_force(directory.packs)
        for name in ("waits", "idle"):
            plan = portfolio.random_plan(random.Random(1), name, NOW)
            ledger.append([define(plan, DOI, by="olga", at=NOW, command=name)])
        state = ledger.measure("waits")
        assert state is not None
        verdict = Verdict(
            gate="identified",
            verdict="block",
            blockers=(Blocker(rule="guard", answer="block", message="m"),),
            pack_digest="a" * 64,
            packs={pack.id: pack.digest for pack in packs},
            facts_digest="b" * 64,
            at=NOW,
        )
        ledger.append(judged(state, verdict, directory, held=None, by="olga", command="ask"))
        text = json.dumps(pack_of("measure.kpis > 99")).encode()
        change = prepare(directory.packs, ((text, "more.yaml"),), frozenset(), None)
        report = preview(ledger, change, Look(True, False, None, 9))
    assert report.live is not None
    assert report.live.lost == 0
    examples = [one for tally in report.live.tally.rules.values() for one in tally.examples]
    assert {one.measure for one in examples} == held
    assert report.live.keeping == 2 - len(held)


_LATER = NOW.date() + timedelta(days=1)


def _more(start: str | None, require: str = "measure.kpis > 1") -> dict[str, Any]:
    """A pack with one rule at three gates, enforced from a day on."""
    rule = {
        "id": "more",
        "gate": ["identified", "detailed", "decided"],
        "require": require,
        "message": "too few KPIs",
        **({"enforce_from": start} if start else {}),
    }
    return {"pack": "more", "title": "More", "rules": [rule]}


def _packs(*, more: dict[str, Any], mode: str | None = None) -> tuple[Pack, ...]:
    """Returns the built-in packs and one more, its rule in another mode if need be."""
    if mode:
        more = {**more, "rules": [{**more["rules"][0], "mode": mode}]}
    return (*packs_in_force({}), load_pack(json.dumps(more), "more.yaml"))


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, _LATER), (_LATER, _LATER + timedelta(days=7)), (_LATER, None)],
    ids=["enforced, then later", "put off", "put forward"],
)
def test_a_later_day_of_enforcement_equals_brute_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: Any, after: Any
) -> None:
    """A gate that shuts again tomorrow is not just newly freed: each later day is judged too."""
    monkeypatch.setattr(planning, "system_clock", lambda: NOW)
    old, new = (_more(day and day.isoformat()) for day in (before, after))
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        portfolio.fill(ledger, 60, NOW, seed=11)
        ledger.append_document("RulePack", "more", old, "rex", NOW, "apply-more")
        directory = ledger.directory()
        states = [state for n in range(60) if (state := ledger.measure(f"m-{n:05}"))]
        change = prepare(
            directory.packs, ((json.dumps(new).encode(), "more.yaml"),), frozenset(), None
        )
        report = preview(ledger, change, Look(True, False, None, 99))
        days = {day for day in (before, after) if day is not None}
        assert [one.day for one in report.later] == sorted(days)
        for one in report.later:
            at = datetime.fromisoformat(f"{one.day}T00:00:00Z")
            cases = [
                (state, gate, ledger.facts(state, directory, NOW), at)
                for state in states
                for gate in state.gates_ahead
            ]
            packs = _packs(more=old), _packs(more=new)
            expected = _expected(cases, *packs)
            assert _told(one.compared.tally) == expected
            # As of that day is the same question.
            asked = preview(ledger, change, Look(True, False, None, 99, at))
            assert asked.live is not None
            assert not asked.later
            assert _told(asked.live.tally) == expected
            starts = one.day == after
            eve = _packs(more=new, mode="warn" if starts else None)
            held = _expected(cases, eve, packs[1])
            assert bool(held) == starts
            assert _told(one.starts.tally) == held


def _expected(
    cases: list[tuple[MeasureState, str, list[Fact], datetime]],
    before: tuple[Pack, ...],
    after: tuple[Pack, ...],
) -> "_Told":
    found = asyncio.run(_by_hand(before, after, cases))
    return _as_told(
        [
            (case[0].id, case[1], 0, compare(*both))
            for case, both in zip(cases, found, strict=True)
            if compare(*both).effect != "same"
        ]
    )


def test_people_read_that_a_freed_gate_shuts_again(
    sluice: Callable[..., tuple[int, str, str]], tmp_path: Path, clock: datetime
) -> None:
    """The day, the rule, what happens then, and how to see all of it."""
    file = tmp_path / "more.yaml"
    day = (clock + timedelta(days=3)).date()
    file.write_text(json.dumps(_more(day.isoformat(), "false")))
    code, out, _ = sluice(str(file), "--live", "--exit-code")
    assert code == 3
    text = " ".join(out.split())
    assert f"from {day}, when more starts to be enforced (on the facts of now)" in text
    assert "with the changed packs: " in text
    assert f"--at {day}" in text
    told = json.loads(sluice(str(file), "--live", "-o", "json")[1])
    [later] = told["later"]
    assert later["day"] == day.isoformat()
    assert later["rules"] == ["more"]
    changed = later["compared_with_in_force"]["effects"]
    assert changed["newly-blocked"]["count"] + changed["other-reasons"]["count"] > 10
    out = sluice(str(file), "--live", "--at", day.isoformat())[1]
    assert f"as of {day} 00:00 UTC, on the facts of {clock:%Y-%m-%d %H:%M} UTC" in out
    assert sluice(str(file), "--past", "--at", day.isoformat())[0] == 2
    code, _, err = sluice(str(file), "--at", "2030-01-01")
    assert (code, "is over" in err) == (2, True)
