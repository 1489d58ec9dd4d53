"""Random requests of random persons at random times: what must hold through every life."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from measures import decisions, waiving
from measures.directory import Directory
from measures.documents import Pool
from measures.entry import Draft
from measures.errors import RefusedError
from measures.facts import EvidenceFact, FinanceFact, SignOffFact
from measures.folding import fold_measure
from measures.gathering import gather
from measures.judging import judged, with_waivers
from measures.lifecycle import DOI
from measures.people import Delegation, Person
from measures.plan import Demand, Measure
from measures.pool import (
    PoolState,
    drop_reservation,
    fold_pool,
    open_pool,
    report_capacity,
    reserve,
)
from measures.requests import (
    AmendInput,
    ReasonInput,
    ReportInput,
    RevokeInput,
    SignInput,
    WaiveInput,
)
from measures.state import MeasureState, Reserved, SignOff
from measures.verdict import Blocker, Verdict

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
PERSONS = ("olga", "piet", "sam", "carla", "dora", "tom", "uma", "vera", "rex", "operator", "x")
GATES = ("identified", "detailed", "decided", "launch", "implemented", "closed")
persons = st.sampled_from(PERSONS)
reasons = st.sampled_from(("", "because"))

SETTINGS = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def _directory() -> Directory:
    roles: dict[str, tuple[str, ...]] = {
        "olga": ("owner",), "piet": ("owner",), "sam": ("sponsor",), "carla": ("controller",),
        "dora": ("controller",), "tom": ("committee",), "uma": ("committee",),
        "vera": ("committee",), "rex": ("administrator",),
    }  # fmt: skip
    delegations = [
        ("tom", "uma", "committee"), ("sam", "vera", "sponsor"), ("carla", "vera", "controller"),
        ("carla", "olga", "controller"), ("dora", "sam", "controller"),
    ]  # fmt: skip
    return Directory(
        people={
            name: Person.model_validate({"id": name, "name": name, "roles": borne}, strict=False)
            for name, borne in roles.items()
        },
        delegations=tuple(
            Delegation.model_validate_json(
                json.dumps(
                    {"from": giver, "to": to, "role": role, "starts": "2031-01-20",
                     "ends": "2031-06-30"}
                )
            )
            for giver, to, role in delegations
        ),
    )  # fmt: skip


class Lives(RuleBasedStateMachine):
    """One measure, asked by everybody."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = _directory()
        self.now = NOW
        self.entries: list[Draft] = []
        self.state: MeasureState | None = None
        self.commands = 0
        self.short = 1

    @initialize(ahead=st.integers(0, 4), short=st.sampled_from((0, 1, 2)))
    def define(self, ahead: int, short: int) -> None:
        """Begins, some gates ahead, and asks for the next one."""
        plan = Measure.model_validate(
            {
                "id": "spring", "title": "Spring", "type": "campaign", "package": "media",
                "owner": "olga", "sponsor": "sam", "controller": "carla",
                "steering_committee": ("tom", "uma", "vera"),
                "milestones": ({"id": "live", "title": "Live"},),
                "demands": ({"pool": "kyc", "period": "2031-03", "amount": 5},),
                "finance": {"currency": "EUR", "plan": {"ebitda": 10}},
            },
            strict=False,
        )  # fmt: skip
        self._take([decisions.define(plan, DOI, by="operator", at=self.now, command="c0")])
        self.short = 0
        for _ in range(ahead):
            self.advance("rex")
        self.short = short
        if short:
            self.advance("olga")

    @property
    def life(self) -> MeasureState:
        assert self.state is not None
        return self.state

    @rule(days=st.integers(0, 40))
    def time_passes(self, days: int) -> None:
        """Delegations begin and end on the way."""
        self.now += timedelta(days=days)

    @rule(
        by=persons,
        gate=st.sampled_from(GATES),
        role=st.sampled_from(("sponsor", "committee", "controller", "owner")),
        decision=st.sampled_from(("approve", "approve", "reject")),
    )
    def sign(self, by: str, gate: str, role: str, decision: Any) -> None:
        """Anybody signs anything."""
        self._ask(decisions.sign, SignInput(by=by, gate=gate, role=role, decision=decision))

    @rule(
        by=persons,
        change=st.sampled_from(
            (
                {"title": "Other"}, {"title": "Spring"}, {"controller": "dora"},
                {"controller": "carla"}, {"owner": "piet"}, {"owner": "carla"},
                {"sponsor": "dora"}, {"sponsor": "sam"}, {"finance.plan.ebitda": 11},
                {"steering_committee": ["uma", "vera"]}, {"id": "other"}, {"titel": 1},
            )
        ),
    )  # fmt: skip
    def amend(self, by: str, change: dict[str, Any]) -> None:
        """Anybody changes the plan."""
        frozen, plan = self.life.frozen, self.life.plan
        self._ask(decisions.amend, AmendInput(by=by, set=change))
        if frozen:
            assert self.life.plan == plan, "a frozen plan was changed"

    @rule(
        by=persons,
        news=st.sampled_from(
            (
                {"actual": {"ebitda": 5}}, {"actual": {"ebitda": 6}}, {"forecast": {"ebitda": 9}},
                {"milestone": {"id": "live", "done_on": "2031-02-01"}},
                {"evidence": {"id": "bill", "title": "Bill", "sha256": "a" * 64}},
                {"evidence": {"id": "bill", "title": "Bill", "sha256": "b" * 64}},
            )
        ),
    )  # fmt: skip
    def report(self, by: str, news: dict[str, Any]) -> None:
        """Anybody reports."""
        self._ask(decisions.report, ReportInput.model_validate({"by": by, **news}, strict=False))

    @rule(by=persons, move=st.sampled_from(("hold", "resume", "step_back")), reason=reasons)
    def side_move(self, by: str, move: str, reason: str) -> None:
        """Anybody holds, resumes, steps back."""
        self._ask(getattr(decisions, move), ReasonInput(by=by, reason=reason))

    @precondition(lambda self: self.commands > 25)
    @rule(by=persons)
    def cancel(self, by: str) -> None:
        """Anybody cancels, late in life."""
        self._ask(decisions.cancel, ReasonInput(by=by))

    @rule(by=persons)
    def advance(self, by: str) -> None:
        """Asks for the next gate; the last one is judged by what the standard pack asks there."""
        try:
            gate = decisions.gate_to_ask(self.life, self.directory, by, self.now)
        except RefusedError:
            return
        self._judge(gate, by)

    def _judge(self, gate: str, by: str) -> None:
        missing = self._missing_to_close() if gate == "closed" else []
        blockers = [Blocker(rule=r, answer="block", message=r) for r in missing]
        if self.short and gate in ("identified", "detailed", "implemented"):
            blockers.append(
                Blocker(
                    rule="short",
                    answer="block",
                    message=f"{self.short} short",
                    subject="demand:kyc/2031-03",
                    seen={"short": self.short},
                    waive_by=("sponsor", "committee", "administrator"),
                )
            )
        found = Verdict(
            gate=gate,
            verdict="block" if blockers else "pass",
            blockers=tuple(blockers),
            pack_digest="a" * 64,
            facts_digest="b" * 64,
            at=self.now,
        )
        verdict = with_waivers(self.life, found, by)
        self._only_by_right(found, verdict, by)
        held = Reserved(amounts={"kyc": {"2031-03": 5}}, hard=True) if gate == "decided" else None
        self._take(
            judged(self.life, verdict, self.directory, held=held, by=by, command=self._command())
        )

    @rule(short=st.sampled_from((0, 1, 1, 2, 3)))
    def shortage(self, short: int) -> None:
        """What the gates see changes."""
        self.short = short

    @rule(
        by=persons | st.sampled_from(("sam", "rex", "uma")),
        gate=st.sampled_from((None, None, None, "identified", "closed")),
        days=st.integers(1, 60),
        named=st.sampled_from(("short", "short", "controller")),
        up_to=st.sampled_from(({}, {"short": 2})),
    )
    def waive(
        self, by: str, gate: str | None, days: int, named: str, up_to: dict[str, int]
    ) -> None:
        """Anybody sets anything aside, mostly at the gate that is asked for."""
        gate = gate or self.life.next_gate or "closed"
        ask = {"by": by, "gate": gate, "rule": named, "reason": "r", "for": f"{days}d"}
        whole = WaiveInput.model_validate({**ask, "up_to": up_to}, strict=False)
        self._ask(waiving.waive, whole)
        if self.life.request is not None and self.life.on_hold is None:
            self._judge(self.life.request.gate, "engine")

    @precondition(lambda self: self.state is not None and self.state.waivers)
    @rule(by=persons, number=st.integers(0, 99))
    def revoke(self, by: str, number: int) -> None:
        """Anybody ends a waiver."""
        waivers = self.life.waivers
        name = waivers[number % len(waivers)].id
        self._ask(waiving.revoke, RevokeInput(by=by, waiver=name, reason="r"))

    @rule()
    def expire(self) -> None:
        """The timer of the workflow."""
        if not self.life.ended:
            self._take(waiving.expire(self.life, self.now, self._command()))

    def _only_by_right(self, found: Verdict, verdict: Verdict, by: str) -> None:
        """What is not held against a measure any more was set aside by somebody else, for now."""
        asker = self.life.request.by if self.life.request else by
        given = {waiver.id: waiver for waiver in self.life.waivers}
        assert len(verdict.blockers) + len(verdict.waived) == len(found.blockers)
        for waived in verdict.waived:
            waiver = given[waived.waiver]
            apart = {asker, self.life.plan.owner}
            assert not apart & {waiver.by, waiver.on_behalf_of}
            assert not waiver.ended
            assert waiver.at <= self.now < waiver.until
            assert waived.rule == waiver.rule == "short"
            assert self.short in (waiver.seen["short"], *range(waiver.up_to.get("short", -1) + 1))

    def _missing_to_close(self) -> list[str]:
        """The closing rules of the standard pack, read plainly over the gathered facts."""
        facts = gather(self.life, self.now, {}, {}, self.directory)
        plan = self.life.plan
        confirmed = any(
            isinstance(fact, SignOffFact)
            and (fact.gate, fact.role, fact.decision) == ("closed", "controller", "approve")
            and fact.on_behalf_of == plan.controller
            and fact.by not in (plan.owner, plan.sponsor)
            for fact in facts
        )
        paid = any(isinstance(fact, FinanceFact) and fact.has_actuals for fact in facts)
        proved = any(isinstance(fact, EvidenceFact) for fact in facts)
        wanted = {"controller": confirmed, "actuals": paid, "evidence": proved}
        return [name for name, there in wanted.items() if not there]

    # --- what always holds ---

    @invariant()
    def nobody_counts_twice(self) -> None:
        """One vote per gate and signer, and one person never holds the two parts."""
        if self.state is None:
            return
        votes = Counter((s.gate, s.role, s.on_behalf_of) for s in self.state.sign_offs)
        assert not votes or max(votes.values()) == 1
        names = Counter(s.name for s in self.state.sign_offs)
        assert not names or max(names.values()) == 1
        signers = Counter((s.gate, s.by) for s in self.state.sign_offs)
        assert not signers or max(signers.values()) == 1
        sponsors = {s.by for s in self.state.sign_offs if s.role == "sponsor"}
        controllers = {s.by for s in self.state.sign_offs if s.role == "controller"}
        assert not sponsors & controllers

    @invariant()
    def duties_are_apart(self) -> None:
        """The controller is never owner or sponsor."""
        if self.state is not None:
            plan = self.state.plan
            assert plan.controller not in (plan.owner, plan.sponsor)

    @invariant()
    def what_stands_was_signed_as_it_is(self) -> None:
        """A standing sign-off is bound to the present content; voided ones never stand."""
        if self.state is None:
            return
        for sign_off in self.state.sign_offs:
            assert sign_off.content == self.state.signed_content(sign_off.gate)
        voided: set[str] = set()
        for entry in self.entries:
            if entry.kind == "sign_offs_voided":
                voided |= set(entry.body["voided"])
            elif entry.kind == "signed_off":
                voided.discard(SignOff.model_validate(entry.body, strict=False).name)
        assert not voided & {s.name for s in self.state.sign_offs}

    @invariant()
    def closed_means_confirmed(self) -> None:
        """Whoever asked, administrators included."""
        if self.state is not None and self.state.stage == "closed":
            assert self._missing_to_close() == []

    @invariant()
    def the_state_is_its_entries(self) -> None:
        """Folded anew from the entries as JSON keeps them, numbered without gaps."""
        state = None
        for number, entry in enumerate(self.entries, start=1):
            assert entry.number == number
            kept = Draft.model_validate_json(entry.model_dump_json(), strict=False)
            state = fold_measure(state, kept)
        assert state == self.state

    def teardown(self) -> None:
        """At the end the state survives JSON, as a restart reads it."""
        if self.state is not None:
            again = MeasureState.model_validate_json(self.state.model_dump_json(), strict=False)
            assert again == self.state

    def _ask(self, decide: Any, ask: Any) -> None:
        ended, before = self.life.ended, self.life
        try:
            self._take(decide(self.life, ask, self.directory, self.now, self._command()))
        except RefusedError:
            assert self.life == before
        else:
            assert not ended or self.life == before, "an ended measure was changed"

    def _take(self, drafts: list[Draft]) -> None:
        for draft in drafts:
            self.state = fold_measure(self.state, draft)
        self.entries += drafts

    def _command(self) -> str:
        self.commands += 1
        return f"c{self.commands}"


class Pools(RuleBasedStateMachine):
    """One pool, asked by many measures."""

    MEASURES = ("a", "b", "c")
    PERIODS = ("2031-03", "2031-04")

    def __init__(self) -> None:
        super().__init__()
        pool = Pool(id="kyc", title="Checks", unit="c", owner="kim", capacity={"2031-03": 10})
        self.entries = [open_pool(pool, "operator", NOW, "c")]
        self.state = fold_pool(None, self.entries[0])

    @rule(
        measure=st.sampled_from(MEASURES),
        amounts=st.dictionaries(st.sampled_from(PERIODS), st.integers(0, 12), min_size=1),
        hard=st.booleans(),
    )
    def reserve(self, measure: str, amounts: dict[str, int], hard: bool) -> None:
        """Holds all of it or nothing, and never more than there is."""
        before = self.state
        demands = tuple(Demand(pool="kyc", period=p, amount=n) for p, n in amounts.items())
        draft, lacking = reserve(before, measure, demands, hard=hard, at=NOW, command="c")
        if draft is not None:
            self._take(draft)
            assert self.state.holdings[measure].amounts == amounts
            if hard:
                for period, amount in amounts.items():
                    # Where others hold too much, nothing is free, and nothing can be held.
                    assert max(0, before.free_for(measure, period) or 0) >= amount
        if lacking:
            assert self.state == before
            assert hard

    @rule(period=st.sampled_from(PERIODS), amount=st.integers(0, 15))
    def report(self, period: str, amount: int) -> None:
        """Capacity goes up and down, also below what is held."""
        self._take(report_capacity(self.state, period, amount, "kim", NOW, "c"))

    @rule(measure=st.sampled_from(MEASURES))
    def drop(self, measure: str) -> None:
        """Lets go."""
        draft = drop_reservation(self.state, measure, "done", NOW, "c")
        assert (draft is None) == (measure not in self.state.holdings)
        if draft is not None:
            self._take(draft)

    @invariant()
    def nothing_is_sold_twice(self) -> None:
        """What was ever stated for a period bounds what all hold of it."""
        for period in self.PERIODS:
            stated = [
                body["amount"]
                for body in (e.body for e in self.entries if e.kind == "capacity_reported")
                if body["period"] == period
            ]
            most = max([*stated, 10 if period == "2031-03" else 0])
            assert self.state.held(period) <= most

    @invariant()
    def free_and_held_make_the_whole(self) -> None:
        """For nobody in particular, free is capacity less what is held."""
        for period, capacity in self.state.capacity.items():
            free = self.state.free_for("nobody", period)
            assert free == capacity.amount - self.state.held(period)

    @invariant()
    def the_state_is_its_entries(self) -> None:
        """Folded anew, and through JSON."""
        state = None
        for entry in self.entries:
            state = fold_pool(state, entry)
        assert state == self.state
        again = PoolState.model_validate_json(self.state.model_dump_json(), strict=False)
        assert again == self.state

    def _take(self, draft: Draft) -> None:
        self.state = fold_pool(self.state, draft)
        self.entries.append(draft)


TestLives = Lives.TestCase
TestLives.settings = SETTINGS
TestPools = Pools.TestCase
TestPools.settings = SETTINGS
