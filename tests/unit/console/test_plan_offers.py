"""Offers from a ledger: who gets some, tried by which rules, taken by which command."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.asking import assignment
from console.offers_showing import Offers
from console.plan_offers import offers_for
from ledger.store import Ledger
from measures.amending import set_fields
from measures.decisions import define
from measures.directory import Directory
from measures.documents import Pool, RulePack
from measures.lifecycle import DOI
from measures.plan import Demand, LeadTime, Measure
from measures.pool import open_pool
from measures.state import MeasureState, Pause

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with one pool and one measure that it cannot carry before April."""
    pool = Pool(
        id="kyc", title="K", unit="checks", owner="kim",
        capacity={"2031-03": 10, "2031-04": 100, "2031-05": 100},
    )  # fmt: skip
    plan = Measure.model_validate(
        {
            "id": "spring", "title": "S", "type": "campaign", "package": "media", "owner": "olga",
            "demands": [{"pool": "kyc", "period": "2031-03", "amount": 50}],
            "campaign": {
                "connector": "memory", "ref": "C", "launch_on": "2031-03-02",
                "ends_on": "2031-03-31",
            },
        },
        strict=False,
    )  # fmt: skip
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        ledger.append([open_pool(pool, "operator", NOW, "open")])
        ledger.append([define(plan, DOI, by="olga", at=NOW, command="define")])
        yield ledger


def spring(ledger: Ledger, **fields: Any) -> MeasureState:
    """The measure as recorded, with fields of its state set."""
    state = ledger.measure("spring")
    assert state is not None
    return state.model_copy(update=fields)


def found(ledger: Ledger, state: MeasureState, directory: Directory | None = None) -> Offers:
    """What it is offered."""
    offers = offers_for(ledger, state, directory or Directory(), NOW)
    assert offers is not None
    return offers


def test_each_command_sets_the_plan_that_was_tried(ledger: Ledger) -> None:
    """As a shell and `sluice amend` read it."""
    state = spring(ledger)
    offers = found(ledger, state).offers
    assert [offer.text for offer in offers] == [
        "everything 1 month later: launch on 2031-04-02",
        "20 % now, the rest from 2031-04-01",
    ]
    for offer in offers:
        words = shlex.split(offer.command)
        assert words[:3] + words[-2:] == ["sluice", "amend", "spring", "--as", "olga"]
        changes = dict(map(assignment, words[4:-2:2]))
        assert changes == offer.changes
        assert set_fields(state.plan, changes).demands == offer.demands
        assert offer.tried
        # It asks for `identified` next, where a committee is wanted, not capacity.
        assert [one.rule for one in offer.left] == [
            "identified.governance-complete", "identified.kpi-has-baseline-and-target",
        ]  # fmt: skip


def test_lead_times_bound_the_launch(ledger: Ledger) -> None:
    """90 days from 12 January the landing page is there: 2 April is too early."""
    state = spring(ledger)
    plan = state.plan.model_copy(update={"lead_times": (LeadTime(item="page", days=90),)})
    offers = found(ledger, state.model_copy(update={"plan": plan})).offers
    assert offers[0].text == "everything 2 months later: launch on 2031-05-02"


def test_a_frozen_plan_has_to_step_back_first(ledger: Ledger) -> None:
    """The offers are told without a command that would be refused."""
    offers = found(ledger, spring(ledger, stage="decided"))
    assert offers.frozen == "sluice step-back spring --reason ..."
    assert [offer.command for offer in offers.offers] == ["", ""]


def test_who_has_ended_or_is_under_way_is_offered_nothing(ledger: Ledger) -> None:
    """Nor is a plan that fits."""
    nothing = Directory()
    cancelled = spring(ledger, cancelled=Pause(by="sam", at=NOW, reason="no"))
    assert offers_for(ledger, cancelled, nothing, NOW) is None
    running = spring(ledger, stage="decided")
    assert offers_for(ledger, running, nothing, NOW + timedelta(days=90)) is None
    small = (Demand(pool="kyc", period="2031-03", amount=10),)
    fits = spring(ledger)
    plan = fits.plan.model_copy(update={"demands": small})
    assert offers_for(ledger, fits.model_copy(update={"plan": plan}), nothing, NOW) is None


def test_packs_that_cannot_be_had_leave_offers_untried(ledger: Ledger) -> None:
    """What is free is true all the same."""
    broken = RulePack(pack="standard", title="T", rules=({"id": "no gate"},))
    offers = found(ledger, spring(ledger), Directory(packs={"standard": broken})).offers
    assert [(offer.tried, offer.left) for offer in offers] == [(False, ()), (False, ())]
