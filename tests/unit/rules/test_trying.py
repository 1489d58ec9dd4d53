"""Amendments that are only supposed, tried by the rules of the gate."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from measures.directory import Directory
from measures.documents import Pool
from measures.errors import RefusedError
from measures.lifecycle import DOI
from measures.offering import outlook
from measures.people import Person
from measures.plan import Demand, Measure
from measures.pool import PoolState, fold_pool, open_pool
from measures.state import MeasureState, SignOff
from measures.supposing import supposing
from measures.surroundings import Surroundings
from rules.loader import builtin_packs
from rules.trying import Trial

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
PEOPLE = {"sam": Person(id="sam", name="Sam", roles=("sponsor",))}


@pytest.fixture
def kyc() -> PoolState:
    """A pool with room from April on."""
    months = {"2031-03": 10, "2031-04": 100, "2031-05": 100}
    pool = Pool(id="kyc", title="K", unit="checks", owner="kim", capacity=months)
    return fold_pool(None, open_pool(pool, "operator", NOW, "open"))


@pytest.fixture
def state() -> MeasureState:
    """A measure that its sponsor has signed and that has no committee."""
    plan = Measure(
        id="spring", title="S", type="campaign", package="media", owner="olga", sponsor="sam",
        demands=(Demand(pool="kyc", period="2031-03", amount=50),),
    )  # fmt: skip
    signed = SignOff(
        gate="decided", role="sponsor", by="sam", on_behalf_of="sam", decision="approve", at=NOW,
        content="0" * 64,
    )  # fmt: skip
    return MeasureState(
        plan=plan, lifecycle=DOI, stage="detailed", number=1, defined_at=NOW, changed_at=NOW,
        sign_offs=(signed,),
    )  # fmt: skip


def trial(state: MeasureState, kyc: PoolState, now: datetime = NOW) -> Trial:
    """What tries amendments at `decided`."""
    directory = Directory(people=PEOPLE)
    suppose = supposing(state, now, Surroundings({"kyc": kyc}, {}), directory)
    return Trial(builtin_packs(), DOI, "decided", suppose, now)


def rules(trial: Trial, changes: dict[str, Any]) -> set[tuple[str, str]]:
    """The rules that would hold, with their answers."""
    return {(one.rule, one.answer) for one in trial.left(changes) or ()}


CAPACITY = "decided.capacity-covers-demand"


def test_an_offer_clears_capacity_and_voids_sign_offs(state: MeasureState, kyc: PoolState) -> None:
    """Without the amendment the sponsor's yes counts; after it he has to give it again."""
    as_is = rules(trial(state, kyc), {})
    assert (CAPACITY, "block") in as_is
    found = outlook(state.plan, {"kyc": kyc}, NOW)
    assert found is not None
    assert [offer.text for offer in found.offers] == [
        "everything 1 month later: from 2031-04-01",
        "20 % now, the rest from 2031-04-01",
    ]
    for offer in found.offers:
        after = rules(trial(state, kyc), offer.changes)
        assert CAPACITY not in {rule for rule, _ in after}
        assert ("decided.sponsor-has-signed", "block") in after


def test_stale_capacity_leaves_the_gate_in_doubt(state: MeasureState, kyc: PoolState) -> None:
    """What was said long ago is offered, and that it must be said anew is too."""
    later = trial(state, kyc, NOW + timedelta(days=3))
    after = rules(later, {"demands.kyc/2031-03.period": "2031-04"})
    assert (CAPACITY, "inconclusive") in after


def test_what_would_be_refused_is_no_way(state: MeasureState, kyc: PoolState) -> None:
    """It is refused before it is tried."""
    with pytest.raises(RefusedError, match="cannot be set"):
        trial(state, kyc).left({"demands.kyc/2031-03.amount": -1})
