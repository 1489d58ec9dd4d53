"""People, plans and lives for the tests of the vocabulary."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from measures import decisions
from measures.directory import Directory
from measures.entry import Draft
from measures.folding import fold_measure
from measures.judging import judged
from measures.lifecycle import DOI, Lifecycle
from measures.people import Delegation, Person
from measures.plan import Measure
from measures.requests import AmendInput, ReasonInput, ReportInput, SignInput
from measures.state import MeasureState, Reserved
from measures.verdict import Blocker, Verdict

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)

PEOPLE = {
    "olga": ("owner",),
    "piet": ("owner",),
    "sam": ("sponsor",),
    "carla": ("controller",),
    "dora": ("controller",),
    "tom": ("committee",),
    "uma": ("committee",),
    "vera": ("committee",),
    "kim": ("operations",),
    "rex": ("administrator",),
    "wim": ("sponsor",),
}

PLAN: dict[str, Any] = {
    "id": "spring",
    "title": "Spring campaign",
    "description": "More sign-ups",
    "type": "campaign",
    "category": "acquire",
    "package": "media",
    "owner": "olga",
    "sponsor": "sam",
    "controller": "carla",
    "business_unit": "Retail",
    "function": "Marketing",
    "legal_entity": "Bank AG",
    "steering_committee": ["tom", "uma", "vera"],
    "kpis": [
        {
            "id": "churn",
            "title": "Churn",
            "baseline": 5,
            "target": 4,
            "owner": "kim",
            "cadence": "monthly",
            "guardrail": {"at_most": 5},
        }
    ],
    "demands": [{"pool": "kyc", "period": "2031-03", "amount": 100}],
    "milestones": [{"id": "live", "title": "Live", "due": "2031-02-10", "owner": "piet"}],
    "commitments": [{"id": "staff", "who": "wim", "what": "A second shift", "due": "2031-02-20"}],
    "finance": {"currency": "EUR", "plan": {"ebitda": 1000, "cost": 200}},
    "campaign": {
        "connector": "memory",
        "ref": "CMP-1",
        "launch_on": "2031-03-02",
        "ends_on": "2031-03-31",
    },
}


class Life:
    """A measure's life in memory: what is asked is decided, drafted and folded."""

    now = NOW

    def __init__(self, directory: Directory, under: Lifecycle = DOI, **fields: Any) -> None:
        self.directory = directory
        self.entries: list[Draft] = []
        self.state: MeasureState | None = None
        self.commands = 0
        plan = plan_of(**fields)
        self.take([decisions.define(plan, under, by="operator", at=NOW, command="define")])

    def take(self, drafts: list[Draft]) -> list[Draft]:
        """Folds drafts as if the ledger had recorded them."""
        for draft in drafts:
            self.state = fold_measure(self.state, draft)
        self.entries += drafts
        return drafts

    def sign(self, by: str, gate: str, role: str, decision: Any = "approve") -> list[Draft]:
        """Signs."""
        ask = SignInput(by=by, gate=gate, role=role, decision=decision)
        return self._do(decisions.sign, ask)

    def amend(self, by: str, **changes: Any) -> list[Draft]:
        """Sets fields; two underscores in a name stand for a dot."""
        fields = {path.replace("__", "."): value for path, value in changes.items()}
        return self._do(decisions.amend, AmendInput(by=by, set=fields))

    def report(self, by: str, **news: Any) -> list[Draft]:
        """Reports."""
        return self._do(
            decisions.report, ReportInput.model_validate({"by": by, **news}, strict=False)
        )

    def side(self, move: str, by: str, reason: str = "") -> list[Draft]:
        """Holds, resumes, cancels or steps back."""
        return self._do(getattr(decisions, move), ReasonInput(by=by, reason=reason))

    def judge(self, *blockers: Blocker, by: str = "olga", **options: Any) -> list[Draft]:
        """Takes the next gate's verdict: it opens unless there are blockers."""
        assert self.state is not None
        verdict = verdict_at(self.state.next_gate or "", *blockers, at=self.now)
        held = options.pop("held", None)
        return self.take(
            judged(self.state, verdict, self.directory, held=held, by=by, command=self._command())
        )

    def reach(self, stage: str) -> None:
        """Moves on through open gates."""
        assert self.state is not None
        while self.state.stage != stage:
            hard = self.state.next_gate == "decided"
            self.judge(held=Reserved(amounts={"kyc": {"2031-03": 100}}, hard=hard))

    def later(self, **span: float) -> None:
        """Lets time pass."""
        self.now += timedelta(**span)

    def _do(self, decide: Callable[..., list[Draft]], ask: Any) -> list[Draft]:
        return self.take(decide(self.state, ask, self.directory, self.now, self._command()))

    def _command(self) -> str:
        self.commands += 1
        return f"command-{self.commands}"


def plan_of(**fields: Any) -> Measure:
    """A whole plan; a field given as None is left out."""
    whole = {**PLAN, **fields}
    return Measure.model_validate(
        {name: value for name, value in whole.items() if value is not None}, strict=False
    )


def verdict_at(gate: str, *blockers: Blocker, at: datetime = NOW, **fields: Any) -> Verdict:
    """An answer: pass without blockers."""
    unknown = any(b.answer == "inconclusive" for b in blockers)
    return Verdict(
        gate=gate,
        verdict="pass" if not blockers else "inconclusive" if unknown else "block",
        blockers=blockers,
        pack_digest="a" * 64,
        facts_digest="b" * 64,
        at=at,
        **fields,
    )


def people(*delegations: Delegation) -> Directory:
    """Everybody, with their roles."""
    return Directory(
        people={
            name: Person.model_validate(
                {"id": name, "name": name.title(), "roles": roles}, strict=False
            )
            for name, roles in PEOPLE.items()
        },
        delegations=delegations,
    )


@pytest.fixture(scope="session")
def now() -> datetime:
    """When the tests take place."""
    return NOW


@pytest.fixture(scope="session")
def plan() -> Callable[..., Measure]:
    """Makes plans."""
    return plan_of


@pytest.fixture(scope="session")
def verdict() -> Callable[..., Verdict]:
    """Makes verdicts."""
    return verdict_at


@pytest.fixture(scope="session")
def directory() -> Callable[..., Directory]:
    """Makes directories of everybody and these delegations."""
    return people


@pytest.fixture
def life() -> Life:
    """A measure that was just defined."""
    return Life(people())


@pytest.fixture(scope="session")
def live() -> Callable[..., Life]:
    """Makes lives: of these delegations, with these fields of the plan."""

    def begin(*delegations: Delegation, **fields: Any) -> Life:
        return Life(people(*delegations), **fields)

    return begin
