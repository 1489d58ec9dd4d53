"""What would unblock a gate: sets that open it, none too large, none missed."""

import itertools
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from measures.facts import Fact
from measures.lifecycle import DOI
from measures.signers import Signer
from measures.verdict import Blocker, Proposal, Verdict
from rules import unblock
from rules.faults import FaultsFound
from rules.judge import Judge
from rules.matcher import match
from rules.outcome import weigh_rules
from rules.plan import PackSet
from rules.schema import Pack
from rules.unblock import PROPOSALS, Search, Way
from tests.unit.rules.conftest import NOW, MakeFact, MakePack

CAPACITY = """
- id: capacity
  gate: decided
  when: {demand: {kind: demand}}
  expect: {offer: {kind: offer, pool: $demand.pool}}
  require: offer.available >= demand.amount
  fresh: {offer: 24h}
  message: m
  clear_by: offer.owner
  remedies:
    - {raise: offer.available, to: demand.amount, cost: 3}
    - {lower: demand.amount, to: offer.available, by: measure.owner, cost: 1}
"""
SPONSOR = """
- id: sponsor
  gate: decided
  expect: {signoff: {kind: signoff, gate: decided, role: sponsor, decision: approve}}
  require: signoff.on_behalf_of == measure.sponsor
  message: m
  clear_by: measure.sponsor
"""
COMMITTEE = """
- id: committee
  gate: decided
  expect: {signoff: {kind: signoff, gate: decided, role: committee, decision: approve}}
  at_least: measure.quorum
  distinct: signoff.on_behalf_of
  message: m
  clear_by: committee
"""
KPI = """
- id: kpi
  gate: decided
  when: {kpi: {kind: kpi}}
  require: kpi.owner != "" && kpi.cadence != ""
  message: m
  clear_by: measure.owner
"""
SPARE = """
- id: spare
  gate: decided
  when: {offer: {kind: offer}}
  require: offer.available >= 12000
  message: m
"""
LIMIT = """
- id: limit
  gate: decided
  when: {demand: {kind: demand}}
  require: demand.amount <= 11500 || measure.has_campaign
  message: m
  clear_by: measure.owner
"""
EVIDENCE = """
- id: evidence
  gate: decided
  expect: {evidence: {kind: evidence}}
  message: m
  clear_by: measure.controller
"""
OPAQUE = """
- id: opaque
  gate: decided
  require: size(measure.title) > 100
  message: m
"""
RULES = (CAPACITY, SPONSOR, COMMITTEE, KPI, SPARE, LIMIT, EVIDENCE)


def changes(verdict: Verdict) -> list[list[tuple[str, Any, tuple[str, ...]]]]:
    """The proposals in short: text, value, people."""
    return [[(c.text, c.to, c.by) for c in one.changes] for one in verdict.unblock]


def search_for(pack: Pack, facts: list[Fact]) -> Search:
    """The search as the judge starts it."""
    plan = PackSet([pack]).plans["doi", "decided"]
    kept, seen = plan.world(facts)
    weighed = weigh_rules(plan, facts, NOW, kept, match(plan.queries, seen))
    return Search(plan, range(len(plan.rules)), facts, weighed, DOI)


def smallest(search: Search) -> list[Way]:
    """Every set that opens the gate and contains no other one, by trying all sets."""
    numbers = range(len(search.candidates))
    opening: list[Way] = []
    for size in range(len(search.candidates) + 1):
        for way in itertools.combinations(numbers, size):
            if any(set(one) <= set(way) for one in opening) or search.clash(way):
                continue
            if search.opens(way):
                opening.append(way)
    return sorted(opening, key=search.rank)


@st.composite
def _worlds(draw: st.DrawFn, make: MakeFact) -> list[Fact]:
    pools = draw(st.lists(st.sampled_from(["kyc", "desk"]), unique=True, max_size=2))
    facts = [make("measure", has_campaign=draw(st.booleans()))]
    for pool in pools:
        facts.append(make("demand", pool=pool, amount=draw(st.sampled_from([9000, 11200, 13000]))))
        for _ in range(draw(st.integers(0, 1))):
            free = draw(st.sampled_from([10000, 11000, 14000]))
            age = draw(st.sampled_from([0, 0, 30]))
            seen = datetime.fromtimestamp(NOW.timestamp() - age * 3600, NOW.tzinfo)
            facts.append(make("offer", pool=pool, available=free, capacity=free, seen_at=seen))
    kpis = st.lists(st.tuples(st.sampled_from(["", "kim"]), st.sampled_from(["", "weekly"])))
    facts += [make("kpi", owner=owner, cadence=cadence) for owner, cadence in draw(kpis)[:1]]
    roles = {"sponsor": ["sam", "zoe"], "committee": ["tom", "uma"]}
    for role, people in roles.items():
        signed = draw(st.lists(st.sampled_from(people), unique=True))
        facts += [make("signoff", role=role, by=one, on_behalf_of=one) for one in signed]
    return facts


class TestAgainstBruteForce:
    async def test_every_proposal_is_one_of_the_best_and_none_is_missed(
        self, pack: MakePack, fact: MakeFact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Judged by the real judge: it opens the gate, and less of it does not."""
        # Exact only as long as trials last, which six changes for one rule can outlast.
        monkeypatch.setattr(unblock, "GROUP_TRIALS", 10_000)
        monkeypatch.setattr(unblock, "TRIALS", 100_000)
        rules = st.lists(st.sampled_from(RULES), unique=True, min_size=1, max_size=4)
        tried: list[tuple[Pack, Search, list[Fact], tuple[Proposal, ...]]] = []

        @settings(
            max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None
        )
        @given(texts=rules, facts=_worlds(fact))
        def holds(texts: list[str], facts: list[Fact]) -> None:
            one = pack("".join(texts))
            search = search_for(one, facts)
            proposals, stuck = search.proposals()
            if len(search.candidates) > 9:
                return
            best = smallest(search)
            if best == [()]:
                assert (proposals, stuck) == ((), ())
                return
            assert [search.rank(way)[:3] for way in search.chosen[:PROPOSALS]] == [
                search.rank(way)[:3] for way in best[:PROPOSALS]
            ]
            assert set(search.chosen) <= set(best)
            if best:
                fewest = min(search.rank(way)[1] for way in best)
                assert fewest == min(search.rank(way)[1] for way in search.chosen)
            else:
                assert stuck
            tried.append((one, search, facts, proposals))

        holds()
        assert sum(bool(proposals) for *_, proposals in tried) > 10
        for one, search, facts, proposals in tried[::6]:
            async with Judge([one]) as judge:
                asked: dict[str, Any] = {"gate": "decided", "now": NOW, "lifecycle": DOI}
                verdict = await judge.judge(facts=facts, **asked)
                assert verdict.unblock == proposals
                for way in search.chosen:
                    assert (await judge.judge(facts=search.after(way), **asked)).passed
                    for number in way:
                        less = [other for other in way if other != number]
                        assert not (await judge.judge(facts=search.after(less), **asked)).passed


class TestProposals:
    async def ask(self, rules: Pack, facts: list[Fact], **more: Any) -> Verdict:
        async with Judge([rules]) as judge:
            return await judge.judge(gate="decided", facts=facts, now=NOW, lifecycle=DOI, **more)

    async def test_an_amendment_counts_the_sign_offs_that_it_voids(
        self, pack: MakePack, fact: MakeFact
    ) -> None:
        """Who has signed signs again; raising the capacity leaves the plan alone."""
        facts = [
            fact("measure"), fact("demand"), fact("offer"), fact("signoff"),
            fact("signoff", role="committee", by="tom", on_behalf_of="tom"),
            fact("signoff", role="committee", by="uma", on_behalf_of="uma"),
        ]  # fmt: skip
        verdict = await self.ask(pack(CAPACITY + SPONSOR + COMMITTEE), facts)
        assert changes(verdict) == [
            [("raise available of offer kyc 2031-03 by 2,000 to 13,000", 13000, ("kim",))],
            [
                ("lower amount of demand kyc 2031-03 by 2,000 to 11,000", 11000, ("olga",)),
                ("approve decided as sponsor", None, ("sam",)),
                ("approve decided as committee", None, ("tom",)),
                ("approve decided as committee", None, ("uma",)),
            ],
        ]
        assert [one.people for one in verdict.unblock] == [("kim",), ("olga", "sam", "tom", "uma")]

    async def test_a_frozen_plan_is_not_proposed_to_change(
        self, pack: MakePack, fact: MakeFact
    ) -> None:
        """From decided on only others can help."""
        facts = [fact("measure", stage="decided"), fact("demand"), fact("offer")]
        verdict = await self.ask(pack(CAPACITY), facts)
        assert [[one.fact for one in way.changes] for way in verdict.unblock] == [
            ["offer:kyc/2031-03"]
        ]

    async def test_one_change_may_clear_several_blockers(
        self, pack: MakePack, fact: MakeFact
    ) -> None:
        """And bears the names of both rules."""
        rules = pack(CAPACITY + SPARE.replace("12000", "13000"))
        verdict = await self.ask(rules, [fact("measure"), fact("demand"), fact("offer")])
        assert [one.rules for one in verdict.unblock[0].changes] == [("capacity", "spare")]

    async def test_signers_are_those_who_may(self, pack: MakePack, fact: MakeFact) -> None:
        """With those who could sign in their place."""
        signers = {"committee": tuple(Signer(name, name) for name in ("tom", "uma", "vera"))}
        verdict = await self.ask(pack(COMMITTEE), [fact("measure")], signers=signers)
        [way] = verdict.unblock
        assert [(one.by, one.instead) for one in way.changes] == [
            (("tom",), ("vera",)),
            (("uma",), ("vera",)),
        ]
        assert way.changes[0].command == (
            "sluice sign spring --gate decided --role committee --as tom"
        )
        nobody = await self.ask(pack(COMMITTEE), [fact("measure")], signers={})
        assert (nobody.unblock, nobody.no_remedy) == ((), ("committee",))

    async def test_a_rule_that_nothing_satisfies_is_named(
        self, pack: MakePack, fact: MakeFact
    ) -> None:
        """Only it, not those that have a way."""
        verdict = await self.ask(pack(OPAQUE + EVIDENCE), [fact("measure")])
        assert (verdict.unblock, verdict.no_remedy) == ((), ("opaque",))

    async def test_a_stale_offer_is_stated_anew(self, pack: MakePack, fact: MakeFact) -> None:
        """By its owner."""
        old = datetime(2031, 1, 1, tzinfo=NOW.tzinfo)
        facts = [fact("measure"), fact("demand"), fact("offer", available=14000, seen_at=old)]
        verdict = await self.ask(pack(CAPACITY), facts)
        assert changes(verdict) == [[("state offer kyc 2031-03 anew", None, ("kim",))]]

    @pytest.mark.parametrize(
        ("rule", "facts", "expected"),
        [
            (KPI, [("kpi", {"owner": "", "cadence": ""})],
             ["fill in owner of kpi churn", "fill in cadence of kpi churn"]),
            (EVIDENCE, [], ["attach evidence"]),
            (CAPACITY.replace("remedies", "x").split("  x:")[0], [("demand", {})],
             ["state offer kyc: available 13,000"]),
        ],
    )  # fmt: skip
    async def test_rules_without_remedies_suggest_what_their_shape_says(
        self, pack: MakePack, fact: MakeFact, rule: str, facts: list[Any], expected: list[str]
    ) -> None:
        """Empty fields, missing facts."""
        world = [fact("measure"), *(fact(kind, **fields) for kind, fields in facts)]
        verdict = await self.ask(pack(rule), world)
        assert [one.text for one in verdict.unblock[0].changes] == expected

    async def test_a_remedy_may_set_a_field_in_the_words_of_its_author(
        self, pack: MakePack, fact: MakeFact
    ) -> None:
        """It is asked of whom it names, with its own command."""
        rule = OPAQUE.replace("size(measure.title) > 100", 'measure.category.startsWith("b")') + (
            """  remedies:
    - set: measure.category
      to: '"brand"'
      by: measure.sponsor
      text: "make {measure.title} a brand campaign"
      command: sluice amend {measure.id} --set category=brand
"""
        )
        verdict = await self.ask(pack(rule), [fact("measure")])
        [change] = verdict.unblock[0].changes
        assert (change.text, change.was, change.to, change.by, change.command) == (
            "make Spring a brand campaign", "acquire", "brand", ("sam",),
            "sluice amend spring --set category=brand",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("remedy", "told"),
        [
            ("{set: measure.category, to: '1'}", "this must give a text"),
            ("{raise: measure.category, to: '1'}", "is no number"),
            ("{set: measure.id, to: '\"x\"'}", "names the fact"),
            ("{set: measure.category, lower: measure.kpis, to: '1'}", "exactly one of"),
            ("{set: measure.category, to: '\"x\"', text: '{nobody}'}", "names no value"),
        ],
    )
    def test_a_remedy_that_cannot_work_is_refused(
        self, pack: MakePack, remedy: str, told: str
    ) -> None:
        """When the pack is loaded."""
        with pytest.raises(FaultsFound, match=told):
            pack(f"{OPAQUE}  remedies:\n    - {remedy}\n")

    async def test_what_waivers_set_aside_needs_no_change(
        self, pack: MakePack, fact: MakeFact
    ) -> None:
        """Neither the whole gate nor a part of it."""

        def aside(blocker: Blocker) -> bool:
            return blocker.rule == "opaque"

        verdict = await self.ask(pack(OPAQUE + EVIDENCE), [fact("measure")], set_aside=aside)
        assert [[one.text for one in way.changes] for way in verdict.unblock] == [
            ["attach evidence"]
        ]
        alone = await self.ask(pack(OPAQUE), [fact("measure")], set_aside=aside)
        assert (alone.unblock, alone.no_remedy) == ((), ())

    def test_many_blockers_stay_within_the_bound(self, pack: MakePack, fact: MakeFact) -> None:
        """Twenty pools, each with two ways out: the cheapest is found, and little is stored."""
        facts = [fact("measure")]
        for number in range(20):
            facts += [fact("demand", pool=f"p{number}"), fact("offer", pool=f"p{number}")]
        search = search_for(pack(CAPACITY), facts)
        proposals, _ = search.proposals()
        assert proposals[0].cost == 20
        assert sum(len(one.changes) for one in proposals) <= 60


class TestPlanFields:
    """Changes of facts that come from the same field of a plan are one change."""

    LEAD = """
- id: lead
  gate: decided
  when: {lead: {kind: lead_time}}
  require: lead.slack_days >= 0
  message: m
  clear_by: measure.owner
"""
    REMEDY = """  remedies:
    - set: lead.launch_on
      to: lead.earliest
      by: measure.owner
      text: "move the launch to {lead.earliest}"
"""

    def leads(self, fact: MakeFact, *earliest: str) -> list[Fact]:
        """Items that cannot be there on the day of the launch."""
        launch = date(2031, 3, 2)
        return [
            fact(
                "lead_time",
                item=f"item {number}",
                earliest=day,
                slack_days=(launch - date.fromisoformat(day)).days,
            )
            for number, day in enumerate(earliest)
        ]

    @pytest.mark.parametrize("remedy", ["", REMEDY], ids=["guessed", "remedy"])
    @pytest.mark.parametrize("with_campaign", [True, False])
    def test_two_lead_times_move_the_launch_once(
        self, pack: MakePack, fact: MakeFact, remedy: str, with_campaign: bool
    ) -> None:
        """To the later day, which the earlier one would undo."""
        facts = [fact("measure"), *self.leads(fact, "2031-03-20", "2031-03-10", "2031-02-01")]
        facts += [fact("campaign")] if with_campaign else []
        search = search_for(pack(self.LEAD + remedy), facts)
        [way], stuck = search.proposals()
        assert not stuck
        assert [change.command for change in way.changes] == [
            "sluice amend spring --set campaign.launch_on=2031-03-20 --as olga"
        ]

    def test_the_end_of_the_window_moves_along(self, pack: MakePack, fact: MakeFact) -> None:
        """By as many days, in the same command; the author's command would be refused."""
        facts = [fact("measure"), *self.leads(fact, "2031-05-01"), fact("campaign")]
        own = self.REMEDY + "      command: sluice amend spring --set campaign.launch_on=X\n"
        [way], _ = search_for(pack(self.LEAD + own), facts).proposals()
        [change] = way.changes
        assert change.text == "move the launch to 2031-05-01, and campaign.ends_on to 2031-05-30"
        assert change.command == (
            "sluice amend spring --set campaign.launch_on=2031-05-01"
            " --set campaign.ends_on=2031-05-30 --as olga"
        )

    def test_a_rule_that_keeps_the_launch_where_it_is_leaves_no_way(
        self, pack: MakePack, fact: MakeFact
    ) -> None:
        """What moves with the launch is judged with it."""
        keep = """
- id: keep
  gate: decided
  when: {campaign: {kind: campaign}}
  require: campaign.launch_on == "2031-03-02"
  message: m
"""
        facts = [fact("measure"), *self.leads(fact, "2031-03-20"), fact("campaign")]
        proposals, stuck = search_for(pack(self.LEAD + keep), facts).proposals()
        assert (proposals, stuck) == ((), ("lead",))

    def test_a_launch_that_no_calendar_knows_is_not_proposed_as_an_amendment(
        self, pack: MakePack, fact: MakeFact
    ) -> None:
        """Facts of a case may say anything."""
        lead = fact("lead_time", earliest="soon", slack_days=-1)
        search = search_for(pack(self.LEAD), [fact("measure"), lead, fact("campaign")])
        search.proposals()
        assert not any(one.edit.amends for one in search.candidates)

    @pytest.mark.parametrize(
        ("kind", "fields", "condition", "command"),
        [
            ("kpi", {"owner": ""}, 'x.owner != ""', "kpis.churn.owner=PERSON"),
            ("kpi", {"has_baseline": False}, "x.has_baseline", "kpis.churn.baseline=BASELINE"),
            ("measure", {"sponsor": ""}, 'x.sponsor != ""', "sponsor=PERSON"),
            ("measure", {"committee_size": 0}, "x.committee_size > 0",
             "'steering_committee=[\"PERSON\"]'"),
            ("demand", {}, "x.amount <= 5000", "demands.kyc/2031-03.amount=5000"),
            ("campaign", {"budget": 9}, "x.budget <= 5", "campaign.budget=5"),
        ],
    )  # fmt: skip
    def test_a_guess_that_amends_the_plan_names_the_field(
        self,
        pack: MakePack,
        fact: MakeFact,
        kind: str,
        fields: dict[str, Any],
        condition: str,
        command: str,
    ) -> None:
        """With what has to be invented in capitals."""
        name = "measure" if kind == "measure" else "x"
        when = "" if kind == "measure" else f"\n  when: {{x: {{kind: {kind}}}}}"
        rule = f"""
- id: r
  gate: decided{when}
  require: {condition.replace("x.", name + ".")}
  message: m
"""
        facts = [fact(kind, **fields)] + ([fact("measure")] if kind != "measure" else [])
        [way], _ = search_for(pack(rule), facts).proposals()
        assert way.changes[0].command == f"sluice amend spring --set {command} --as olga"
