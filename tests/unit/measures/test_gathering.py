"""From state, pools and other measures to facts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from measures.directory import Directory
from measures.documents import Pool
from measures.gathering import gather
from measures.lifecycle import DOI
from measures.plan import Demand
from measures.pool import PoolState, fold_pool, open_pool, report_capacity, reserve
from measures.surroundings import Standing

Life = Any


def facts(life: Life, kind: str, now: datetime | None = None, **worlds: Any) -> list[Any]:
    """The facts of a kind."""
    everything = gather(
        life.state,
        now or life.now,
        worlds.get("pools", {}),
        worlds.get("others", {}),
        worlds.get("directory", life.directory),
    )
    return [fact for fact in everything if fact.kind == kind]


@pytest.fixture
def kyc(now: datetime) -> PoolState:
    """A pool of 150 of which another measure holds 60."""
    pool = Pool(id="kyc", title="Checks", unit="checks", owner="kim", capacity={"2031-03": 150})
    state = fold_pool(None, open_pool(pool, "operator", now, "open"))
    demand = Demand(pool="kyc", period="2031-03", amount=60)
    draft, _ = reserve(state, "other", (demand,), hard=True, at=now, command="c")
    assert draft is not None
    return fold_pool(state, draft)


def test_the_plan_becomes_facts(life: Life) -> None:
    """The measure itself, its people, its counts; empty text where nobody is named."""
    [measure] = facts(life, "measure")
    assert (measure.id, measure.owner, measure.committee_size, measure.quorum) == (
        "spring",
        "olga",
        3,
        2,
    )
    assert measure.has_campaign
    assert not measure.on_hold


@pytest.mark.parametrize(("members", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_a_quorum_is_more_than_half(live: Callable[..., Life], members: int, quorum: int) -> None:
    """Half is not enough."""
    committee = ["tom", "uma", "vera", "kim", "wim"][:members]
    [measure] = facts(live(steering_committee=committee), "measure")
    assert measure.quorum == quorum


def test_an_offer_is_what_is_free_for_this_measure(life: Life, kyc: PoolState) -> None:
    """Capacity less what others hold, dated by when it was stated."""
    [offer] = facts(life, "offer", pools={"kyc": kyc})
    assert (offer.available, offer.capacity, offer.held_by_others) == (90, 150, 60)
    assert (offer.owner, offer.unit, offer.seen_at) == ("kim", "checks", life.now)
    [demand] = facts(life, "demand", pools={"kyc": kyc})
    assert (demand.amount, demand.unit) == (100, "checks")


def test_a_tight_day_never_makes_the_advice_lower_the_month(life: Life, kyc: PoolState) -> None:
    """What is told to state for the month is more than the month has, however small the day."""
    [demand] = facts(life, "demand", pools={"kyc": kyc})
    day = f"{demand.period}-05"
    cut = report_capacity(kyc, day, 10, "kim", life.now, "day")
    [offer] = facts(life, "offer", pools={"kyc": fold_pool(kyc, cut)})
    assert offer.available == 10 - 60
    assert demand.amount + offer.held_by_others > kyc.capacity[demand.period].amount
    assert (offer.limited_by, offer.spoken_for) == (day, 60)


def test_an_offer_names_what_was_stated_longest_ago(life: Life, kyc: PoolState) -> None:
    """It is that which must be stated anew, with what it says, not with the demand's."""
    [demand] = facts(life, "demand", pools={"kyc": kyc})
    later = life.now + timedelta(hours=1)
    day = fold_pool(kyc, report_capacity(kyc, f"{demand.period}-05", 400, "kim", later, "day"))
    [offer] = facts(life, "offer", pools={"kyc": day})
    assert (offer.oldest, offer.oldest_capacity, offer.seen_at) == (demand.period, 150, life.now)


def test_a_fact_is_as_it_was_where_one_period_is_all(life: Life, kyc: PoolState) -> None:
    """So decisions of before can still be made again: their facts have the same digest."""
    [offer] = facts(life, "offer", pools={"kyc": kyc})
    assert not {"limited_by", "spoken_for", "oldest", "oldest_capacity"} & set(offer.model_dump())
    assert (offer.limited_by, offer.spoken_for) == (offer.period, 60)


def test_who_needs_nothing_lacks_nothing(live: Callable[..., Life], kyc: PoolState) -> None:
    """Also where others hold more than there is."""
    idle = live(demands=[{"pool": "kyc", "period": "2031-03", "amount": 0}])
    cut = fold_pool(kyc, report_capacity(kyc, "2031-03", 10, "kim", idle.now, "cut"))
    [offer] = facts(idle, "offer", pools={"kyc": cut})
    assert offer.available == 0


def test_what_nobody_states_is_no_offer(life: Life, kyc: PoolState) -> None:
    """Without pool or period there is no offer: inconclusive."""
    assert facts(life, "offer") == []
    silent = kyc.model_copy(update={"capacity": {}})
    assert facts(life, "offer", pools={"kyc": silent}) == []


def test_a_dependency_that_nobody_knows_is_unknown(life: Life) -> None:
    """It is there without its stage, so that a rule which needs it is inconclusive, not passed."""
    life.amend("olga", dependencies=[{"measure": "base"}])
    [dependency] = facts(life, "dependency")
    assert (dependency.measure, dependency.stage, dependency.done) == ("base", None, None)


@pytest.mark.parametrize(
    ("stage", "cancelled", "done", "shown"),
    [
        ("decided", False, False, "decided"),
        ("implemented", False, True, "implemented"),
        ("closed", False, True, "closed"),
        ("implemented", True, False, "cancelled"),
    ],
)
def test_a_dependency_is_done_from_its_stage_on(
    life: Life, stage: str, cancelled: bool, done: bool, shown: str
) -> None:
    """A cancelled measure is never done."""
    life.amend("olga", dependencies=[{"measure": "base"}])
    base = Standing(
        id="base", stages=tuple(DOI.order), stage=stage, owner="piet", cancelled=cancelled,
        changed_at=life.now,
    )  # fmt: skip
    [dependency] = facts(life, "dependency", others={"base": base})
    assert (dependency.done, dependency.stage, dependency.owner) == (done, shown, "piet")


def test_readings_in_order_of_periods_judge_the_guardrail(life: Life) -> None:
    """The latest periods in a row inside the bounds, in whatever order they were reported."""
    life.later(days=150)
    for period, value in (("2031-03", 4), ("2031-01", 3), ("2031-02", 9)):
        life.report("kim", kpi={"id": "churn", "period": period, "value": value})
    [kpi] = facts(life, "kpi")
    assert (kpi.latest_period, kpi.latest, kpi.periods_held, kpi.periods_needed) == (
        "2031-03",
        4,
        1,
        1,
    )
    life.report("kim", kpi={"id": "churn", "period": "2031-02", "value": 5})
    [kpi] = facts(life, "kpi")
    assert kpi.periods_held == 3


def test_a_window_opens_by_time(life: Life) -> None:
    """Before it, time will help at its first midnight; inside and after it cannot."""
    [before] = facts(life, "campaign")
    assert not before.inside_window
    assert before.changes_at == datetime(2031, 3, 2, tzinfo=UTC)
    [inside] = facts(life, "campaign", now=datetime(2031, 3, 31, 23, tzinfo=UTC))
    assert inside.inside_window
    assert inside.changes_at is None
    [after] = facts(life, "campaign", now=datetime(2031, 4, 1, tzinfo=UTC))
    assert not after.inside_window
    assert after.changes_at is None


def test_days_are_counted_in_utc(life: Life) -> None:
    """Whatever zone the asking clock has."""
    zone = datetime.fromisoformat("2031-03-02T00:30:00+02:00")
    [clock] = facts(life, "clock", now=zone)
    assert clock.today == "2031-03-01"


@pytest.mark.parametrize(
    ("today", "remaining", "slack"),
    [("2031-01-12", 40, 9), ("2031-01-21", 40, 0), ("2031-01-22", 40, -1)],
)
def test_lead_times_leave_slack(
    live: Callable[..., Life], today: str, remaining: int, slack: int
) -> None:
    """Formula 3: launch date less today plus what is still needed."""
    life = live(lead_times=[{"item": "Page", "days": 40}])
    [lead] = facts(life, "lead_time", now=datetime.fromisoformat(f"{today}T09:00:00Z"))
    assert (lead.remaining_days, lead.slack_days) == (remaining, slack)


def test_an_ordered_item_needs_less_every_day(live: Callable[..., Life]) -> None:
    """From the order on the days run; what has arrived needs none."""
    life = live(lead_times=[{"item": "Page", "days": 40, "ordered_on": "2031-01-02"}])
    [lead] = facts(life, "lead_time")
    assert lead.remaining_days == 30
    [lead] = facts(life, "lead_time", now=life.now + timedelta(days=100))
    assert lead.remaining_days == 0


def test_money_milestones_and_people(life: Life) -> None:
    """Reported things are done, unreported ones late by the day."""
    life.report("piet", milestone={"id": "live", "done_on": "2031-02-12"})
    life.report("wim", commitment={"id": "staff", "kept_on": "2031-02-01"})
    life.sign("sam", "decided", "sponsor")
    [milestone] = facts(life, "milestone")
    assert (milestone.done, milestone.late_days) == (True, 2)
    [commitment] = facts(life, "commitment")
    assert commitment.kept
    [finance] = facts(life, "finance")
    assert (finance.benefit, finance.cost, finance.has_actuals) == (1000, 200, False)
    [signoff] = facts(life, "signoff")
    assert (signoff.by, signoff.on_behalf_of, signoff.gate) == ("sam", "sam", "decided")


def test_what_is_held_is_a_fact(life: Life) -> None:
    """Hard from decided on."""
    life.reach("decided")
    [held] = facts(life, "reservation")
    assert (held.pool, held.period, held.amount, held.hard) == ("kyc", "2031-03", 100, True)


def test_a_guardrail_holds_over_adjacent_periods_only(life: Life) -> None:
    """A month that nobody reported is no month inside the bounds."""
    life.later(days=300)
    for period in ("2031-01", "2031-03", "2031-04"):
        life.report("kim", kpi={"id": "churn", "period": period, "value": 1})
    [kpi] = facts(life, "kpi")
    assert kpi.periods_held == 2


def test_only_who_still_bears_the_role_has_signed(
    life: Life, directory: Callable[..., Directory]
) -> None:
    """A role that is taken away takes its signatures along; an owner needs none."""
    life.sign("sam", "decided", "sponsor")
    life.sign("tom", "decided", "committee")
    life.sign("olga", "decided", "owner")
    known = directory()
    bare = {
        name: person.model_copy(update={"roles": ()}) if name in ("sam", "olga") else person
        for name, person in known.people.items()
    }
    later = known.model_copy(update={"people": bare})
    assert [fact.by for fact in facts(life, "signoff")] == ["sam", "tom", "olga"]
    assert [fact.by for fact in facts(life, "signoff", directory=later)] == ["tom", "olga"]
