"""Facts and packs that the tests of the rules share."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from measures.facts import FACT_KINDS, Fact
from rules.judge import Judge
from rules.loader import load_pack
from rules.schema import Pack

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)

_DEFAULTS: dict[str, dict[str, Any]] = {
    "measure": {
        "id": "spring", "title": "Spring", "description": "More sign-ups", "scope": "",
        "type": "campaign", "category": "acquire", "stage": "detailed", "package": "media",
        "owner": "olga", "sponsor": "sam", "controller": "carla", "business_unit": "Retail",
        "function": "Marketing", "legal_entity": "Bank AG", "committee_size": 3, "quorum": 2,
        "kpis": 1, "milestones": 1, "on_hold": False, "has_campaign": True,
    },
    "demand": {"pool": "kyc", "period": "2031-03", "amount": 13000, "unit": "checks"},
    "offer": {
        "pool": "kyc", "title": "Identity checks", "period": "2031-03", "available": 11000,
        "capacity": 11000, "held_by_others": 0, "unit": "checks", "owner": "kim",
    },
    "signoff": {
        "gate": "decided", "role": "sponsor", "decision": "approve", "by": "sam",
        "on_behalf_of": "sam",
    },
    "kpi": {
        "id": "churn", "name": "Churn", "unit": "percent", "owner": "kim", "cadence": "monthly",
        "has_baseline": True, "has_target": True, "guarded": False,
    },
    "lead_time": {
        "item": "web site", "days": 40, "remaining_days": 40, "slack_days": 9,
        "earliest": "2031-02-21", "launch_on": "2031-03-02",
    },
    "clock": {"today": "2031-01-12"},
    "campaign": {
        "connector": "memory", "ref": "CMP-1", "launch_on": "2031-03-02", "ends_on": "2031-03-31",
        "inside_window": False, "launched": False,
    },
}  # fmt: skip

MakeFact = Callable[..., Fact]
MakePack = Callable[..., Pack]


@pytest.fixture(scope="session")
def now() -> datetime:
    """The moment of every judgement here."""
    return NOW


@pytest.fixture(scope="session")
def fact() -> MakeFact:
    """Makes a fact of a kind from defaults and what the test names."""

    def make(kind: str, **fields: Any) -> Fact:
        whole = {"seen_at": NOW, **_DEFAULTS[kind], **fields}
        return FACT_KINDS[kind](**{name: one for name, one in whole.items() if one is not None})

    return make


@pytest.fixture(scope="session")
def pack() -> MakePack:
    """Makes a pack of the rules in a YAML text."""

    def make(rules: str, name: str = "test") -> Pack:
        lines = "\n".join(f"  {line}" for line in rules.strip("\n").split("\n"))
        return load_pack(f"pack: {name}\ntitle: Test\nrules:\n{lines}\n", f"{name}.yaml")

    return make


CAPACITY = """
- id: capacity
  gate: decided
  when:
    demand: {kind: demand}
  expect:
    offer: {kind: offer, pool: $demand.pool, period: $demand.period}
  require: offer.available >= demand.amount
  fresh: {offer: 24h}
  message: "{demand.amount} needed, {offer.available} free"
  clear_by: offer.owner
"""


@pytest.fixture(scope="session")
def capacity_pack(pack: MakePack) -> Pack:
    """One rule with a join, the smallest pack that needs both engines."""
    return pack(CAPACITY)


@pytest.fixture
async def capacity_judge(capacity_pack: Pack) -> AsyncIterator[Judge]:
    """A judge of the capacity pack with the real engine."""
    async with Judge([capacity_pack]) as judge:
        yield judge
