"""Ledgers on both databases, and lives to write into them."""

import itertools
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import strategies as st

from ledger.store import Ledger
from measures.documents import Pool
from measures.entry import Draft, measure_stream, pool_stream
from measures.lifecycle import DOI
from measures.plan import Demand, Dependency, Finance, Measure
from measures.pool import open_pool
from measures.verdict import Answer, Blocker, Verdict, Waived

POSTGRES = os.environ.get("SLUICE_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/test")
NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)

_counter = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[..., str]]:
    """Makes PostgreSQL databases, empty or copies of another; they are dropped at the end."""
    try:
        admin = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        pytest.skip(f"NOT TESTED ON POSTGRESQL: {POSTGRES} does not answer: {error}")
    made: list[str] = []

    def make(template: str = "template1") -> str:
        name = f"ledger_test_{os.getpid()}_{next(_counter)}"
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        made.append(name)
        return POSTGRES.rpartition("/")[0] + "/" + name

    with admin:
        yield make
        for name in made:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def make_schema(postgres: Callable[..., str]) -> Callable[[], str]:
    """Makes empty schemas of one database, each the address of a ledger; databases take longer."""
    database = postgres()

    def make() -> str:
        name = f"ledger_{next(_counter)}"
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{database}?options=-csearch_path%3D{name}"

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a ledger that does not exist yet, on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/ledger.db"
    make: Callable[[], str] = request.getfixturevalue("make_schema")
    return make()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """An empty ledger on each database."""
    with Ledger.open(url) as opened:
        yield opened


@pytest.fixture
def sqlite_ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger in a SQLite file."""
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


class Lives:
    """Makes drafts by hand and at random."""

    now = NOW

    def plan(self, name: str, **fields: Any) -> Measure:
        """A small plan that waits for a pool and another measure."""
        fields = {"demands": (Demand(pool="kyc", period="2031-03", amount=100),), **fields}
        fields.setdefault("dependencies", (Dependency(measure="base"),))
        fields.setdefault("finance", Finance(currency="EUR", plan={"ebitda": 1000, "cost": 200}))
        return Measure(
            id=name, title=f"Measure {name}", type="campaign", package="p", owner="olga", **fields
        )

    def draft(self, name: str, number: int, kind: str, **body: Any) -> Draft:
        """A draft of a measure's entry."""
        return Draft(
            stream=measure_stream(name),
            number=number,
            kind=kind,  # type: ignore[arg-type]
            at=NOW + timedelta(minutes=number),
            by="olga",
            command=f"{name}-{number}",
            body=body,
        )

    def defined(self, name: str, **fields: Any) -> Draft:
        """The first entry of a measure."""
        plan = self.plan(name, **fields).model_dump(mode="json", by_alias=True)
        return self.draft(name, 1, "measure_defined", plan=plan)

    def judged(
        self,
        name: str,
        number: int,
        *rules: str,
        waiting_for: tuple[str, ...] = ("kim",),
        aside: dict[str, str] | None = None,
    ) -> Draft:
        """A gate that these rules hold shut, or that opens when there are none.

        Args:
            aside: rule to the waiver that sets its blocker aside.
        """
        waived = tuple(
            Waived(
                rule=rule, answer="block", message=f"{rule} is not met", waiver=waiver, by="sam",
                on_behalf_of="sam", reason="r", until=NOW + timedelta(days=30),
            )
            for rule, waiver in (aside or {}).items()
        )  # fmt: skip
        verdict = self.verdict("block" if rules else "pass", rules)
        verdict = verdict.model_copy(update={"waived": waived})
        body = {"verdict": verdict.model_dump(mode="json"), "waiting_for": list(waiting_for)}
        return self.draft(name, number, "gate_judged", **body)

    def waived(self, name: str, number: int, rule: str) -> Draft:
        """A waiver of one rule's blocker at gate decided, for 30 days."""
        at = (NOW + timedelta(minutes=number)).isoformat()
        until = (NOW + timedelta(days=30)).isoformat()
        return self.draft(
            name, number, "blocker_waived", id=f"w{number}", gate="decided", rule=rule, subject="",
            answer="block", wanted="", message=f"{rule} is not met", seen={}, by="sam",
            on_behalf_of="sam", role="sponsor", reason="r", at=at, until=until,
        )  # fmt: skip

    def verdict(
        self, answer: Answer, rules: tuple[str, ...] = (), gate: str = "decided"
    ) -> Verdict:
        """An answer with one blocker per rule."""
        return Verdict(
            gate=gate,
            verdict=answer,
            blockers=tuple(
                Blocker(rule=r, answer="block", message=f"{r} is not met") for r in rules
            ),
            pack_digest="a" * 64,
            facts_digest="b" * 64,
            at=NOW,
        )

    def pool(self, name: str, **capacity: float) -> Draft:
        """The first entry of a pool."""
        pool = Pool(id=name, title="Checks", unit="checks", owner="kim", capacity=capacity)
        return open_pool(pool, "kim", NOW, f"open-{name}")

    def capacity(self, name: str, number: int, amount: float) -> Draft:
        """A capacity report."""
        return Draft(
            stream=pool_stream(name),
            number=number,
            kind="capacity_reported",
            at=NOW,
            by="kim",
            command=f"{name}-{number}",
            body={"period": "2031-03", "amount": amount},
        )

    def measure_life(self, name: str) -> st.SearchStrategy[list[Draft]]:
        """Random lives of a measure, in no sensible order: the ledger judges shape, not sense."""
        steps = st.lists(self._measure_step(), max_size=12)
        return steps.map(
            lambda found: [
                self.defined(name),
                *(
                    self.draft(
                        name,
                        number,
                        kind,
                        **(
                            body
                            if kind != "measure_amended"
                            else {
                                "plan": self.plan(name, **body).model_dump(
                                    mode="json", by_alias=True
                                )
                            }
                        ),
                    )
                    for number, (kind, body) in enumerate(found, start=2)
                ),
            ]
        )

    def pool_life(self, name: str) -> st.SearchStrategy[list[Draft]]:
        """Random lives of a pool."""
        amounts = st.dictionaries(st.sampled_from(["2031-03", "2031-W09"]), _numbers, max_size=2)
        measures = st.sampled_from(["m1", "m2"])
        made = st.builds(
            lambda m, a, h: {"measure": m, "amounts": a, "hard": h},
            measures,
            amounts,
            st.booleans(),
        )
        step = st.one_of(
            st.tuples(
                st.just("capacity_reported"),
                st.builds(lambda a: {"period": "2031-03", "amount": a}, _numbers),
            ),
            st.tuples(st.just("reservation_made"), made),
            st.tuples(
                st.just("reservation_dropped"),
                st.builds(lambda m: {"measure": m, "reason": "r"}, measures),
            ),
        )
        return st.lists(step, max_size=10).map(
            lambda found: [
                self.pool(name, **{"2031-03": 5}),
                *(
                    Draft(
                        stream=pool_stream(name),
                        number=n,
                        kind=k,
                        at=NOW,
                        by="kim",
                        command=f"c{n}",
                        body=b,
                    )  # type: ignore[arg-type]
                    for n, (k, b) in enumerate(found, start=2)
                ),
            ]
        )

    def _measure_step(self) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
        rules = st.lists(st.sampled_from(["r.one", "r.two", 'r."%_']), max_size=3, unique=True)
        gates = st.sampled_from(DOI.gates)
        stages = st.sampled_from([stage.id for stage in DOI.stages])

        def kind(name: str, body: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, Any]]:
            return st.tuples(st.just(name), body)

        def verdict(found: list[str], gate: str, waiting: list[str]) -> dict[str, Any]:
            answer: Answer = "block" if found else "pass"
            made = self.verdict(answer, tuple(found), gate)
            return {"verdict": made.model_dump(mode="json"), "waiting_for": waiting}

        judged = st.builds(verdict, rules, gates, st.lists(_words, max_size=2))
        money = st.dictionaries(st.sampled_from(["ebitda", "cost"]), _numbers, max_size=2)
        sign_off = st.builds(
            lambda gate, role: {
                "gate": gate,
                "role": role,
                "by": "sam",
                "on_behalf_of": "sam",
                "decision": "approve",
                "at": NOW.isoformat(),
                "content": "c" * 64,
            },
            gates,
            st.sampled_from(["sponsor", "controller"]),
        )
        reported = st.one_of(
            st.builds(
                lambda v: {"what": "kpi", "id": "k", "period": "2031-03", "value": v}, _numbers
            ),
            st.just({"what": "milestone", "id": "m", "done_on": "2031-02-03"}),
            st.just({"what": "commitment", "id": "c", "kept_on": "2031-02-03"}),
            st.builds(lambda lines: {"what": "forecast", "lines": lines}, money),
            st.builds(lambda lines: {"what": "actual", "lines": lines}, money),
            st.just(
                {"what": "evidence", "evidence": {"id": "e", "title": "t", "sha256": "d" * 64}}
            ),
        )
        reason = st.builds(lambda words: {"reason": words}, _words)
        amounts = st.builds(
            lambda number, hard: {"amounts": {"kyc": {"2031-03": number}}, "hard": hard},
            _numbers,
            st.booleans(),
        )
        return st.one_of(
            kind("gate_judged", judged),
            kind("permit_granted", judged),
            kind("permit_denied", judged),
            kind("stage_advanced", st.builds(lambda to: {"to": to}, stages)),
            kind("stage_stepped_back", st.builds(lambda to: {"to": to}, stages)),
            kind("measure_amended", st.builds(lambda words: {"description": words}, _plain_words)),
            kind("signed_off", sign_off),
            kind("sign_offs_voided", st.just({"voided": ["decided/sponsor/sam"]})),
            kind("reported", reported),
            kind("capacity_reserved", amounts),
            kind("capacity_released", st.just({})),
            kind("campaign_told", st.sampled_from([{"state": "held"}, {"state": "released"}])),
            kind("hold_placed", reason),
            kind("hold_released", st.just({})),
            kind("measure_cancelled", reason),
            kind("reminder_sent", st.just({"count": 1})),
            kind("escalation_sent", st.just({})),
            kind("pack_migrated", st.just({"pack": "p", "from": "a" * 64, "to": "b" * 64})),
        )


# 1.0, 2**60 and 1e300 are where canonical JSON and Python write numbers differently.
_numbers = st.one_of(
    st.integers(-(10**15), 10**15),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1.0, 2**60, 1e300, -0.0, 5e-324]),
)
_words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_plain_words = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=20)


@pytest.fixture(scope="session")
def lives() -> Lives:
    """The maker of drafts."""
    return Lives()
