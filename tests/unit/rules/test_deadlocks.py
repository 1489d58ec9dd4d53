"""Circles of waiting among live measures: found, told in words, broken at the cheapest edge."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from measures.decisions import define
from measures.documents import Pool
from measures.folding import fold_measure
from measures.lifecycle import DOI
from measures.plan import Campaign, Demand, Dependency, Measure
from measures.pool import Holding, PoolState, fold_pool, open_pool
from measures.state import MeasureState
from measures.surroundings import Standing
from rules.loader import builtin_packs
from rules.proof.claims import Claim
from rules.proof.deadlocks import deadlock_claims

DAY = date(2031, 1, 12)
NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
PERIOD = "2031-03"


def measure(
    name: str, *, stage: str, needs: float = 0, on: Mapping[str, str] | None = None
) -> MeasureState:
    """A measure with a campaign, in a stage, with a demand and dependencies."""
    plan = Measure(
        id=name, title=name, type="campaign", package="p", owner=f"{name}-owner",
        demands=(Demand(pool="kyc", period=PERIOD, amount=needs),) if needs else (),
        dependencies=tuple(Dependency(measure=m, stage=s) for m, s in (on or {}).items()),
        campaign=Campaign(connector="memory", ref=name, launch_on=DAY, ends_on=DAY),
    )  # fmt: skip
    state = fold_measure(None, define(plan, DOI, by="x", at=NOW, command="c"))
    return state.model_copy(update={"stage": stage})


def kyc(capacity: float, **held: float) -> dict[str, PoolState]:
    """The pool, and who holds how much of it."""
    pool = Pool(id="kyc", title="Checks", unit="checks", owner="kim", capacity={PERIOD: capacity})
    state = fold_pool(None, open_pool(pool, "kim", NOW, "c"))
    holdings = {m: Holding(amounts={PERIOD: n}, hard=True, at=NOW) for m, n in held.items()}
    return {"kyc": state.model_copy(update={"holdings": holdings})}


def claims(
    *states: MeasureState,
    pools: Mapping[str, PoolState] | None = None,
    others: Mapping[str, Standing] | None = None,
) -> list[Claim]:
    """What is said about these measures."""
    return list(deadlock_claims(states, pools or {}, others or {}, builtin_packs(), DAY))


def test_nobody_waits_in_a_circle() -> None:
    """A chain is no circle."""
    base = measure("base", stage="detailed")
    top = measure("top", stage="decided", on={"base": "implemented"})
    assert [one.outcome for one in claims(base, top)] == ["proved"]


def test_two_wait_for_each_other() -> None:
    """Neither can launch before the other is implemented."""
    one = measure("one", stage="decided", on={"two": "implemented"})
    two = measure("two", stage="detailed", on={"one": "implemented"})
    (found,) = claims(one, two)
    assert (found.outcome, found.name) == ("defect", "no-deadlock")
    assert found.subject in ("one > two > one", "two > one > two")
    assert "one waits at launch for two to be implemented" in found.text
    assert "two waits at launch for one to be implemented" in found.text
    assert found.rules == ("launch.dependencies-done",)
    # `two` can still be amended; `one` is frozen and would have to step back first.
    assert "two no longer waits for one" in found.text
    assert found.command == "sluice amend two --set 'dependencies=[]' --as two-owner"


def test_stages_that_come_before_the_wait_are_no_circle() -> None:
    """Each waits for a stage that the other reaches before it waits itself."""
    one = measure("one", stage="defined", on={"two": "decided"})
    two = measure("two", stage="defined", on={"one": "decided"})
    assert [found.outcome for found in claims(one, two)] == ["proved"]


def test_a_stage_against_capacity() -> None:
    """A waits for B's stage, B for capacity that A holds."""
    a = measure("a", stage="decided", needs=800, on={"b": "implemented"})
    b = measure("b", stage="detailed", needs=600)
    (found,) = claims(a, b, pools=kyc(1000, a=800))
    assert "a waits at launch for b to be implemented" in found.text
    assert (
        "b waits at decided for capacity of kyc 2031-03, of which it needs 600, 200 is free,"
        " and the rest is held by a (800)" in found.text
    )
    assert set(found.rules) == {"launch.dependencies-done", "decided.capacity-covers-demand"}
    # The pack says what each change costs: lowering a demand 1, raising a capacity 3.
    assert (
        "Cheapest way out (cost 1): b needs only the 200 of kyc 2031-03 that are free" in found.text
    )
    assert found.command == "sluice amend b --set demands.0.amount=200 --as b-owner"


def test_nothing_free_means_another_way_out() -> None:
    """A demand cannot be lowered to nothing; then the capacity is raised."""
    a = measure("a", stage="decided", needs=1000, on={"b": "implemented"})
    b = measure("b", stage="detailed", needs=600)
    (found,) = claims(a, b, pools=kyc(1000, a=1000))
    assert found.command == "sluice capacity kyc --period 2031-03 --amount 1600 --as kim"


def test_what_others_give_back_is_left_to_the_measure() -> None:
    """`free` ends by itself and gives back 400, so nobody has to do without that."""
    holder = measure("holder", stage="decided", needs=800, on={"asker": "implemented"})
    free = measure("free", stage="decided", needs=400)
    asker = measure("asker", stage="detailed", needs=600)
    (found,) = claims(holder, free, asker, pools=kyc(1250, holder=800, free=400))
    assert (
        "asker needs only 450 of kyc 2031-03: the 50 that are free and the 400 that free gives back"
        in found.text
    )
    assert found.command == "sluice amend asker --set demands.0.amount=450 --as asker-owner"


def test_capacity_is_raised_by_no_more_than_is_missing() -> None:
    """Nothing that a demand could be lowered to; 400 come back, so 200 are missing of 600."""
    holder = measure("holder", stage="decided", needs=800, on={"asker": "implemented"})
    free = measure("free", stage="decided", needs=400)
    asker = measure("asker", stage="decided", needs=600)
    (found,) = claims(holder, free, asker, pools=kyc(1200, holder=800, free=400))
    assert found.command == "sluice capacity kyc --period 2031-03 --amount 1400 --as kim"


def test_one_of_several_holders_is_enough() -> None:
    """What is short may come from anybody: `c` holds enough and waits for nobody."""
    a = measure("a", stage="decided", needs=400, on={"b": "implemented"})
    b = measure("b", stage="detailed", needs=600)
    c = measure("c", stage="decided", needs=500)
    assert [one.outcome for one in claims(a, b, c, pools=kyc(1000, a=400, c=500))] == ["proved"]


def test_every_holder_in_the_circle_is_a_deadlock() -> None:
    """`c` alone could give back enough, but it waits for `b` itself."""
    a = measure("a", stage="decided", needs=400, on={"b": "implemented"})
    b = measure("b", stage="detailed", needs=600)
    c = measure("c", stage="decided", needs=500, on={"b": "implemented"})
    (found,) = claims(a, b, c, pools=kyc(1000, a=400, c=500))
    assert found.outcome == "defect"
    assert "a (400) and c (500)" in found.text


def test_too_little_for_everybody_is_no_deadlock() -> None:
    """Even if all gave back it would not do: that is a matter of capacity."""
    a = measure("a", stage="decided", needs=400, on={"b": "implemented"})
    b = measure("b", stage="detailed", needs=6000)
    assert [one.outcome for one in claims(a, b, pools=kyc(1000, a=400))] == ["proved"]


def test_behind_a_circle_is_not_in_it() -> None:
    """Who waits for somebody in a circle is freed with it and not named."""
    one = measure("one", stage="decided", on={"two": "implemented"})
    two = measure("two", stage="decided", on={"one": "implemented"})
    behind = measure("behind", stage="decided", on={"one": "implemented"})
    (found,) = claims(one, two, behind)
    assert "behind" not in found.text


def test_two_circles_are_told_apart() -> None:
    """Each with its own way out."""
    pairs = [("a", "b"), ("b", "a"), ("x", "y"), ("y", "x")]
    states = [measure(m, stage="detailed", on={d: "implemented"}) for m, d in pairs]
    assert len(claims(*states)) == 2


def test_waiting_for_what_never_comes() -> None:
    """For a cancelled measure, for one that does not exist, for a stage that there is not."""
    gone = Standing(
        id="gone", stages=tuple(DOI.order), stage="detailed", cancelled=True, changed_at=NOW
    )
    base = measure("base", stage="detailed")
    top = measure(
        "top", stage="detailed", on={"gone": "implemented", "nowhere": "decided", "base": "live"}
    )
    texts = [one.text for one in claims(base, top, others={"gone": gone})]
    assert texts == [
        "top waits at launch for gone to be implemented, which is cancelled",
        "top waits at launch for nowhere to be decided, which does not exist",
        "top waits at launch for base to be live, whose lifecycle doi has no such stage",
    ]
