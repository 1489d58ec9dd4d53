"""What verdicts mean: three values, modes, counts, freshness, blockers and ways out."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from measures.facts import Fact
from measures.lifecycle import DOI
from measures.verdict import Verdict
from rules.judge import Judge, facts_digest
from rules.schema import Pack

MakeFact = Callable[..., Fact]
MakePack = Callable[..., Pack]


class Court:
    """Judges single questions with the real engine; packs are swapped in."""

    def __init__(self, judge: Judge, now: datetime) -> None:
        self._judge = judge
        self._now = now

    async def ask(
        self, packs: Pack | Sequence[Pack], facts: Sequence[Fact], **changed: Any
    ) -> Verdict:
        wanted = [packs] if isinstance(packs, Pack) else list(packs)
        await self._judge.replace(wanted)
        asked: dict[str, Any] = {"gate": "decided", "now": self._now, "lifecycle": DOI, **changed}
        return await self._judge.judge(facts=facts, **asked)


@pytest.fixture
async def court(capacity_judge: Judge, now: datetime) -> Court:
    """A judge whose packs the test chooses."""
    return Court(capacity_judge, now)


class TestThreeValues:
    @pytest.mark.parametrize(
        ("offers", "answer"),
        [
            ([{"available": 13000}], "pass"),
            ([{"available": 13000.0}], "pass"),
            ([{"available": 12999.5}], "block"),
            ([{"available": 13000, "age": 24}], "pass"),
            ([{"available": 13000, "age": 25}], "inconclusive"),
            ([{"available": 1, "age": 25}], "inconclusive"),
            ([{"available": 13000, "age": -1}], "inconclusive"),
            ([{"available": 1}, {"available": 13000}], "pass"),
            ([{"available": 13000, "period": "2031-04"}], "inconclusive"),
            ([], "inconclusive"),
        ],
    )
    async def test_an_expected_fact_is_there_missing_stale_or_too_small(
        self,
        court: Court,
        capacity_pack: Pack,
        fact: MakeFact,
        now: datetime,
        offers: list[dict[str, Any]],
        answer: str,
    ) -> None:
        facts = [fact("measure"), fact("demand")]
        for fields in offers:
            seen_at = now - timedelta(hours=fields.pop("age", 0))
            facts.append(fact("offer", seen_at=seen_at, **fields))
        verdict = await court.ask(capacity_pack, facts)
        assert verdict.verdict == answer
        assert verdict.passed == (answer == "pass")

    async def test_every_match_must_hold(
        self, court: Court, capacity_pack: Pack, fact: MakeFact
    ) -> None:
        facts = [
            fact("measure"),
            *(fact("demand", period=f"2031-0{month}", amount=month) for month in range(1, 10)),
            *(fact("offer", period=f"2031-0{month}", available=5) for month in range(1, 10)),
        ]
        verdict = await court.ask(capacity_pack, facts)
        assert [blocker.subject for blocker in verdict.blockers] == [
            f"demand:kyc/2031-0{month}" for month in range(6, 10)
        ]

    async def test_without_the_measure_nothing_passes(
        self, court: Court, capacity_pack: Pack, fact: MakeFact
    ) -> None:
        for facts in ([], [fact("measure"), fact("measure", id="other")]):
            verdict = await court.ask(capacity_pack, facts)
            assert verdict.verdict == "inconclusive"
            assert "not one measure fact" in verdict.blockers[0].message

    @pytest.mark.parametrize(
        ("missing", "kind", "answer"),
        [
            (None, "offer", "inconclusive"),
            (None, "kpi", "block"),
            ("block", "offer", "block"),
            ("inconclusive", "kpi", "inconclusive"),
        ],
    )
    async def test_absence_is_knowledge_only_of_what_the_measure_records(
        self,
        court: Court,
        pack: MakePack,
        fact: MakeFact,
        missing: str | None,
        kind: str,
        answer: str,
    ) -> None:
        rule = f"- {{id: r, gate: decided, expect: {{it: {{kind: {kind}}}}}, message: m"
        rule += f", missing: {missing}}}" if missing else "}"
        verdict = await court.ask(pack(rule), [fact("measure")])
        assert verdict.verdict == answer

    async def test_a_missing_field_is_unknown(
        self, court: Court, pack: MakePack, fact: MakeFact
    ) -> None:
        rules = pack(
            "- {id: r, gate: decided, when: {k: {kind: kpi}}, require: k.latest <= 4,"
            " message: 'latest {k.latest}'}"
        )
        verdict = await court.ask(rules, [fact("measure"), fact("kpi")])
        assert verdict.verdict == "inconclusive"
        assert verdict.blockers[0].message == (
            "latest unknown (cannot be known: 'latest' is not known)"
        )
        verdict = await court.ask(rules, [fact("measure"), fact("kpi", latest=4)])
        assert verdict.passed

    async def test_a_rule_may_bind_several_facts_but_none_twice(
        self, court: Court, pack: MakePack, fact: MakeFact
    ) -> None:
        rules = pack(
            "- id: r\n  gate: decided\n  when: {a: {kind: kpi}, b: {kind: kpi, owner: $a.owner}}\n"
            "  require: 'false'\n  message: '{a.id} and {b.id}'"
        )
        one = await court.ask(rules, [fact("measure"), fact("kpi")])
        assert one.passed
        two = await court.ask(rules, [fact("measure"), fact("kpi"), fact("kpi", id="cac")])
        assert [blocker.message for blocker in two.blockers] == ["churn and cac", "cac and churn"]


class TestCounting:
    RULE = """
- id: signed
  gate: decided
  expect:
    s: {kind: signoff, role: committee}
  require: s.decision == "approve"
  at_least: measure.quorum
  distinct: s.on_behalf_of
  message: m
  clear_by: committee
"""

    @pytest.mark.parametrize(
        ("votes", "quorum", "answer"),
        [
            (["tom", "uma"], 2, "pass"),
            (["tom", "tom"], 2, "block"),
            (["tom"], 2, "block"),
            ([], 0, "block"),
            (["tom"], 0, "pass"),
        ],
    )
    async def test_k_distinct_of_n(
        self,
        court: Court,
        pack: MakePack,
        fact: MakeFact,
        votes: list[str],
        quorum: int,
        answer: str,
    ) -> None:
        facts = [fact("measure", quorum=quorum)]
        facts += [fact("signoff", role="committee", by=by, on_behalf_of=by) for by in votes]
        verdict = await court.ask(pack(self.RULE), facts)
        assert verdict.verdict == answer
        for blocker in verdict.blockers:
            assert (blocker.role, blocker.clear_by) == ("committee", ())

    async def test_stale_facts_may_still_count(
        self, court: Court, pack: MakePack, fact: MakeFact, now: datetime
    ) -> None:
        rules = pack(self.RULE + "  fresh: {s: 1h}\n")
        old = now - timedelta(hours=2)
        facts = [
            fact("measure"),
            fact("signoff", role="committee", by="tom", on_behalf_of="tom"),
            fact("signoff", role="committee", by="uma", on_behalf_of="uma", seen_at=old),
        ]
        assert (await court.ask(rules, facts)).verdict == "inconclusive"
        assert (await court.ask(rules, [facts[0], facts[2]])).verdict == "block"


class TestModes:
    @pytest.mark.parametrize(
        ("extra", "answer", "warned"),
        [
            ("mode: enforce", "block", 0),
            ("mode: warn", "pass", 1),
            ("mode: dry-run", "pass", 1),
            ("mode: 'off'", "pass", 0),
            ("enforce_from: 2031-01-13", "pass", 1),
            ("enforce_from: 2031-01-12", "block", 0),
        ],
    )
    async def test_only_enforced_rules_hold_a_gate(
        self,
        court: Court,
        pack: MakePack,
        fact: MakeFact,
        extra: str,
        answer: str,
        warned: int,
    ) -> None:
        rules = pack(
            f"- {{id: r, gate: decided, require: 'false', message: no, {extra}}}\n"
            "- {id: other, gate: decided, require: 'true', message: yes}"
        )
        verdict = await court.ask(rules, [fact("measure")])
        assert verdict.verdict == answer
        assert len(verdict.warnings) == warned

    async def test_a_gate_that_no_enforced_rule_guards_stays_shut(
        self, court: Court, pack: MakePack, fact: MakeFact
    ) -> None:
        rules = pack("- {id: r, gate: decided, require: 'true', message: m, mode: warn}")
        for gate in ("decided", "launch"):
            verdict = await court.ask(rules, [fact("measure")], gate=gate)
            assert verdict.verdict == "block"
            assert verdict.blockers[0].rule == "engine"
            assert f"no enforced rule guards the gate {gate}" in verdict.blockers[0].message

    async def test_a_gate_that_stays_shut_shows_what_its_rules_would_say(
        self, court: Court, pack: MakePack, fact: MakeFact
    ) -> None:
        """A first rule is rolled out by its warnings."""
        rules = pack("- {id: r, gate: decided, require: 'false', message: m, mode: dry-run}")
        verdict = await court.ask(rules, [fact("measure")])
        assert [blocker.rule for blocker in verdict.blockers] == ["engine"]
        assert [warning.rule for warning in verdict.warnings] == ["r"]

    async def test_a_lifecycle_may_leave_a_gate_open(
        self, court: Court, pack: MakePack, fact: MakeFact
    ) -> None:
        rules = pack("- {id: r, gate: decided, require: 'false', message: m, mode: warn}")
        lifecycle = DOI.model_copy(update={"open_gates": ("decided", "launch")})
        facts = [fact("measure")]
        verdict = await court.ask(rules, facts, lifecycle=lifecycle)
        assert verdict.passed
        assert [warning.rule for warning in verdict.warnings] == ["r"]
        assert (await court.ask(rules, facts, lifecycle=lifecycle, gate="launch")).passed

    async def test_packs_of_another_lifecycle_do_not_guard(
        self, court: Court, capacity_pack: Pack, fact: MakeFact
    ) -> None:
        other = DOI.model_copy(update={"id": "mckinsey"})
        verdict = await court.ask(capacity_pack, [fact("measure")], lifecycle=other)
        assert verdict.verdict == "block"


class TestBlockers:
    async def test_a_blocker_says_everything(
        self, court: Court, pack: MakePack, fact: MakeFact
    ) -> None:
        rules = pack("""
- id: capacity
  title: enough is free
  gate: decided
  when:
    demand: {kind: demand}
  expect:
    offer: {kind: offer, pool: $demand.pool}
  require: >-
    offer.available
    >= demand.amount
  seen:
    short: demand.amount - offer.available
    half: demand.amount / 2
    _hidden: measure.id
  message: "{demand.pool}: {short} short, half is {half}, for {_hidden}"
  command: sluice capacity {demand.pool} --amount {demand.amount}
  clear_by: [offer.owner, measure.owner]
""")
        verdict = await court.ask(
            rules, [fact("measure"), fact("demand", amount=13001), fact("offer", owner="")]
        )
        [blocker] = verdict.blockers
        assert blocker.wanted == "enough is free: offer.available >= demand.amount"
        assert blocker.message == "kyc: 2,001 short, half is 6,500.5, for spring"
        assert blocker.seen == {"short": 2001, "half": 6500.5}
        assert blocker.command == "sluice capacity kyc --amount 13001"
        assert (blocker.clear_by, blocker.role) == (("olga",), "owner")
        assert (blocker.pack, blocker.line, blocker.subject) == (
            rules.file,
            4,
            "demand:kyc/2031-03",
        )

    async def test_the_most_telling_fact_is_shown(
        self, court: Court, capacity_pack: Pack, fact: MakeFact, now: datetime
    ) -> None:
        old = fact("offer", available=7, seen_at=now - timedelta(days=3))
        small = fact("offer", available=9)
        needed = [fact("measure"), fact("demand")]
        verdict = await court.ask(capacity_pack, [*needed, small])
        assert verdict.blockers[0].message == "13,000 needed, 9 free"
        verdict = await court.ask(capacity_pack, [*needed, old])
        assert verdict.blockers[0].message.startswith("13,000 needed, 7 free (cannot be known: ")
        assert verdict.blockers[0].clear_by == ("kim",)

    async def test_many_blockers_of_a_rule_are_summed_up(
        self, court: Court, pack: MakePack, fact: MakeFact
    ) -> None:
        rules = pack(
            "- {id: r, gate: decided, when: {k: {kind: kpi}}, require: 'false', message: m}"
        )
        facts = [fact("measure"), *(fact("kpi", id=f"k{number}") for number in range(50))]
        verdict = await court.ask(rules, facts)
        assert len(verdict.blockers) == 21
        assert verdict.blockers[-1].message == "and 30 more of r"
        assert verdict.blocking_rules == ("r",)

    async def test_what_a_source_wrote_cannot_break_a_message(
        self, court: Court, pack: MakePack, fact: MakeFact
    ) -> None:
        rules = pack(
            "- {id: r, gate: decided, when: {o: {kind: offer}}, require: 'false',"
            " message: 'pool {o.title} {o.owner}'}"
        )
        offer = fact("offer", title="a\x1b[31m\u202eb{o.pool}", owner="x" * 5000)
        verdict = await court.ask(rules, [fact("measure"), offer])
        assert verdict.blockers[0].message.startswith("pool a [31m b{o.pool} xxx")
        assert len(verdict.blockers[0].message) == 2000


class TestWaysOut:
    RULE = """
- id: capacity
  gate: decided
  when:
    demand: {kind: demand}
  expect:
    offer: {kind: offer, pool: $demand.pool}
  require: offer.available >= demand.amount && offer.available <= 15000
  message: m
  remedies:
    - {raise: offer.available, to: demand.amount, cost: 3}
    - {lower: demand.amount, to: offer.available, by: measure.owner}
    - {raise: offer.available, to: demand.amount - 1, cost: 0}
    - {lower: offer.available, to: demand.amount, cost: 0}
"""

    async def test_only_changes_that_clear_the_blocker_are_proposed(
        self, court: Court, pack: MakePack, fact: MakeFact
    ) -> None:
        verdict = await court.ask(pack(self.RULE), [fact("measure"), fact("demand"), fact("offer")])
        changes = [change for proposal in verdict.unblock for change in proposal.changes]
        assert [(one.text, one.by, one.to) for one in changes] == [
            ("lower amount of demand kyc 2031-03 by 2,000 to 11,000", ("olga",), 11000),
            ("raise available of offer kyc 2031-03 by 2,000 to 13,000", ("kim",), 13000),
        ]
        weighed = [(one.people, one.cost) for one in verdict.unblock]
        assert weighed == [(("olga",), 1), (("kim",), 3)]

    async def test_a_change_that_breaks_another_clause_is_not(
        self, court: Court, pack: MakePack, fact: MakeFact
    ) -> None:
        facts = [fact("measure"), fact("demand", amount=16000), fact("offer", available=14000)]
        verdict = await court.ask(pack(self.RULE), facts)
        assert [[one.field for one in proposal.changes] for proposal in verdict.unblock] == [
            ["amount"]
        ]

    async def test_one_change_is_not_proposed_where_two_are_missing(
        self, court: Court, pack: MakePack, fact: MakeFact
    ) -> None:
        rules = pack(self.RULE + "  at_least: 2\n")
        verdict = await court.ask(rules, [fact("measure"), fact("demand"), fact("offer")])
        assert verdict.verdict == "block"
        assert (verdict.unblock, verdict.no_remedy) == ((), ("capacity",))


class TestTime:
    async def test_time_that_helps_is_told(
        self, court: Court, pack: MakePack, fact: MakeFact, now: datetime
    ) -> None:
        rules = pack(
            "- {id: r, gate: launch, when: {c: {kind: campaign}}, require: c.inside_window,"
            " message: m}"
        )
        opens, midnight = now + timedelta(days=49), now + timedelta(hours=15)
        facts = [
            fact("measure"),
            fact("campaign", changes_at=opens),
            fact("clock", changes_at=midnight),
            fact("campaign", ref="CMP-2", changes_at=now),
        ]
        verdict = await court.ask(rules, facts, gate="launch")
        # No rule reads the clock, and what lies behind cannot help.
        assert verdict.look_again_at == opens

    async def test_digests_name_what_was_judged_and_by_what(
        self, court: Court, capacity_pack: Pack, pack: MakePack, fact: MakeFact
    ) -> None:
        facts = [fact("measure"), fact("demand"), fact("offer")]
        one = await court.ask(capacity_pack, facts)
        same = await court.ask(capacity_pack, facts)
        other_facts = await court.ask(capacity_pack, [*facts[:2], fact("offer", available=1)])
        other_pack = pack("- {id: r, gate: decided, require: 'true', message: m}", "other")
        other = await court.ask([capacity_pack, other_pack], facts)
        assert one == same
        assert one.facts_digest == facts_digest(facts) != other_facts.facts_digest
        assert one.pack_digest == other_facts.pack_digest != other.pack_digest
