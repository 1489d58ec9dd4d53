"""What is printed about capacity is done as printed, in several periods: the gate opens."""

import shlex
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measures.documents import Pool
from measures.gathering import gather
from measures.lifecycle import DOI
from measures.plan import Demand
from measures.pool import PoolState, fold_pool, join_queue, open_pool, report_capacity, reserve
from measures.signers import signers_of
from measures.supposing import supposing
from measures.surroundings import Surroundings
from rules.loader import packs_in_force
from rules.matcher import match
from rules.outcome import Outcome
from rules.plan import PackSet
from tests.unit.measures.conftest import NOW, Life, people

PLAN = PackSet(packs_in_force({})).plans["doi", "decided"]
PERIODS = ("2031", "2031-03", "2031-W10", "2031-W11", "2031-03-05", "2031-03-06", "2031-03-12")
LONG_AGO = timedelta(hours=30)
"""Longer than the rules accept."""

Amounts = dict[str, float]


class World:
    """A measure of which everybody has approved, so that only capacity holds `decided` shut.

    Args:
        stated: pool to period to capacity.
        demands: what the measure needs, as (pool, period, amount).
        held: what another measure holds, as far as it is there.
        queued: what a more urgent one waits for.
        stale: the periods that were stated too long ago.
    """

    def __init__(
        self,
        stated: dict[str, Amounts],
        demands: list[tuple[str, str, float]],
        held: list[tuple[str, str, float]] = (),
        queued: list[tuple[str, str, float]] = (),
        stale: set[str] = frozenset(),
    ) -> None:
        needs = [{"pool": name, "period": when, "amount": much} for name, when, much in demands]
        self.life = Life(people(), demands=needs)
        self.life.reach("detailed")
        self._pools = {
            name: self._pool(name, capacity, held, queued, stale)
            for name, capacity in stated.items()
        }
        self._sign()

    @staticmethod
    def _pool(name: str, capacity: Amounts, held: Any, queued: Any, stale: set[str]) -> PoolState:
        pool = Pool(id=name, title=name, unit="checks", owner="kim")
        state = fold_pool(None, open_pool(pool, "operator", NOW, "open"))
        for period, amount in capacity.items():
            at = NOW - LONG_AGO if period in stale else NOW
            state = fold_pool(state, report_capacity(state, period, amount, "kim", at, period))
        for number, (_, period, amount) in enumerate(h for h in held if h[0] == name):
            need = (Demand(pool=name, period=period, amount=amount),)
            draft, _ = reserve(state, f"other-{number}", need, hard=True, at=NOW, command="hold")
            state = fold_pool(state, draft) if draft is not None else state
        waits = tuple(
            Demand(pool=name, period=when, amount=much) for one, when, much in queued if one == name
        )
        if waits:
            place = {"priority": 9, "since": NOW - LONG_AGO, "ready": True}
            draft = join_queue(state, "urgent", waits, **place, at=NOW, command="wait")
            assert draft is not None
            state = fold_pool(state, draft)
        return state

    def judged(self) -> Outcome:
        """What the gate comes to, with the ways to open it."""
        state, directory = self.life.state, self.life.directory
        assert state is not None
        around = Surroundings(self._pools, {})
        facts = gather(state, NOW, self._pools, {}, directory)
        outcome = Outcome(PLAN, facts, NOW)
        kept, world = PLAN.world(facts)
        outcome.weigh(kept, match(PLAN.queries, world))
        outcome.look_for_ways(
            DOI,
            signers_of(state, "decided", directory, NOW),
            None,
            supposing(state, NOW, around, directory),
        )
        return outcome

    def run(self, command: str) -> None:
        """Does what a printed command says."""
        sluice, verb, name, *words = shlex.split(command)
        assert sluice == "sluice"
        options = list(_options(words))
        said = dict(options)
        if verb == "amend":
            pairs = (value.split("=", 1) for option, value in options if option == "set")
            self.life.amend(said["as"], **{path: float(text) for path, text in pairs})
            return
        if verb == "sign":
            self.life.sign(said["as"], said["gate"], said["role"])
            return
        assert verb == "capacity"
        periods = [value for option, value in options if option == "period"]
        amounts = [float(value) for option, value in options if option == "amount"]
        for period, amount in zip(periods, amounts, strict=True):
            pool = self._pools[name]
            draft = report_capacity(pool, period, amount, said["as"], NOW, f"{command} {period}")
            self._pools[name] = fold_pool(pool, draft)

    def _sign(self) -> None:
        self.life.sign("sam", "decided", "sponsor")
        self.life.sign("tom", "decided", "committee")
        self.life.sign("uma", "decided", "committee")


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    for option, value in zip(words[::2], words[1::2], strict=True):
        yield option.removeprefix("--"), value


def proves(**world: Any) -> list[list[str]]:
    """Takes every proposal as it is printed, each on a world of its own; returns the texts."""
    outcome = World(**world).judged()
    assert outcome.answer == "pass" or outcome.proposals
    for proposal in outcome.proposals:
        tried = World(**world)
        # Who signs does so last: an amendment voids what was signed.
        commands = [change.command for change in proposal.changes]
        for command in sorted(commands, key=lambda one: one.startswith("sluice sign")):
            tried.run(command)
        assert tried.judged().answer == "pass", commands
    # What each blocker says to do, all of it done, opens the gate as well.
    tried = World(**world)
    for blocker in outcome.blockers:
        tried.run(blocker.command)
    assert tried.judged().answer == "pass", [blocker.command for blocker in outcome.blockers]
    return [[change.text for change in proposal.changes] for proposal in outcome.proposals]


def test_two_periods_that_are_equally_tight_are_both_raised() -> None:
    """One alone would leave the gate shut."""
    stated = {"kyc": {"2031-03": 40, "2031-03-05": 40}}
    assert proves(stated=stated, demands=[("kyc", "2031-03-05", 100)])[0] == [
        "raise the capacity of kyc in 2031-03 by 60 to 100, and in 2031-03-05 by 60 to 100"
    ]


def test_a_period_that_lacks_less_is_raised_too() -> None:
    """The tightest is not the only one."""
    stated = {"kyc": {"2031-03": 90, "2031-03-05": 40}}
    proves(stated=stated, demands=[("kyc", "2031-03-05", 100)])


def test_one_statement_serves_two_demands() -> None:
    """The month that both days lack is raised once, and said once."""
    stated = {"kyc": {"2031-03": 100}}
    demands = [("kyc", "2031-03-05", 70), ("kyc", "2031-03-06", 70)]
    found = proves(stated=stated, demands=demands)
    assert ["raise the capacity of kyc in 2031-03 by 40 to 140"] in found


def test_what_is_stale_is_stated_anew_with_what_there_is() -> None:
    """Both periods, and never less than what was stated before."""
    stated = {"kyc": {"2031-03": 500, "2031-03-05": 200}}
    demands = [("kyc", "2031-03-05", 100)]
    outcome = World(stated, demands, stale={"2031-03", "2031-03-05"}).judged()
    [[change]] = [one.changes for one in outcome.proposals]
    assert change.command == (
        "sluice capacity kyc --period 2031-03 --amount 500 --period 2031-03-05 --amount 200"
        " --as kim"
    )
    proves(stated=stated, demands=demands, stale={"2031-03", "2031-03-05"})
    proves(stated=stated, demands=demands, stale={"2031-03"})


def test_what_is_raised_is_enough_also_for_who_comes_first() -> None:
    """More capacity may at last be of use for somebody before in the queue."""
    found = proves(
        stated={"kyc": {"2031-03": 100}},
        demands=[("kyc", "2031-03", 250)],
        queued=[("kyc", "2031-03", 200)],
    )
    assert found[0] == ["raise the capacity of kyc in 2031-03 by 350 to 450"]


def test_who_comes_first_is_counted_in_every_period_that_they_touch() -> None:
    """Also in one that the raised demand does not touch, but another demand of the measure does."""
    proves(
        stated={"kyc": {"2031": 2, "2031-03": 2, "2031-W11": 3}},
        demands=[("kyc", "2031", 2), ("kyc", "2031-W10", 1)],
        queued=[("kyc", "2031", 3)],
    )


@pytest.mark.parametrize("amount", [0.1, 0.7, 1 / 3, 1e15 / 7])
def test_fractions_do_not_miss_by_a_hair(amount: float) -> None:
    """Sums of fractions are as inexact in the pool as in the advice."""
    proves(
        stated={"kyc": {"2031-03": 3, "2031-W10": 1}},
        demands=[("kyc", "2031-03-05", amount), ("kyc", "2031-03-06", 0.9)],
        held=[("kyc", "2031-03-05", 0.1)],
    )


AMOUNTS = st.one_of(st.integers(0, 40), st.integers(0, 400).map(lambda tenths: tenths / 10))
DEMANDS = st.lists(
    st.tuples(st.sampled_from(["kyc", "desk"]), st.sampled_from(PERIODS), AMOUNTS),
    max_size=3,
    unique_by=lambda one: one[:2],
)
STATED = st.dictionaries(st.sampled_from(PERIODS), AMOUNTS, max_size=4)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_every_proposal_opens_the_gate(data: Any) -> None:
    """On random pools of several periods, with others who hold and wait, some of it stale."""
    demands = data.draw(DEMANDS.filter(bool))
    # Where nothing is stated at all, nobody knows what to state: that is no proposal.
    stated = {name: {"2031": data.draw(AMOUNTS), **data.draw(STATED)} for name in ("kyc", "desk")}
    proves(
        stated=stated,
        demands=demands,
        held=data.draw(DEMANDS),
        queued=data.draw(DEMANDS),
        stale=data.draw(st.sets(st.sampled_from(PERIODS), max_size=2)),
    )
