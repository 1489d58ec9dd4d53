"""What a waiver covers: exactly what was seen, for its time, and never what it does not name."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.model import restore
from measures.plan import Demand
from measures.verdict import Blocker, Change, Proposal, Verdict
from measures.waivers import Waiver, apply, demands_to_hold, next_expiry

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
SHORT = {"needed": 13000, "short": 2000}


def blocker(**fields: Any) -> Blocker:
    """2,000 checks short, waivable by the sponsor."""
    return Blocker(
        **{
            "rule": "decided.capacity",
            "answer": "block",
            "message": "13,000 needed, 11,000 free",
            "wanted": "offer.available >= demand.amount",
            "seen": SHORT,
            "subject": "demand:kyc/2031-03",
            "waive_by": ("sponsor",),
            **fields,
        }
    )


def waiver(of: Blocker | None = None, **fields: Any) -> Waiver:
    """A sponsor's waiver of a blocker, for 30 days."""
    one = of or blocker()
    return Waiver(
        **{
            "id": "w7",
            "gate": "decided",
            "rule": one.rule,
            "subject": one.subject,
            "answer": one.answer,
            "wanted": one.wanted,
            "message": one.message,
            "seen": one.seen,
            "by": "sam",
            "on_behalf_of": "sam",
            "role": "sponsor",
            "reason": "temps are hired",
            "at": NOW,
            "until": NOW + timedelta(days=30),
            **fields,
        }
    )


def verdict(*blockers: Blocker, gate: str = "decided", **fields: Any) -> Verdict:
    """An answer of these reasons."""
    blocks = any(one.answer == "block" for one in blockers)
    return Verdict(
        gate=gate,
        verdict="block" if blocks else "inconclusive" if blockers else "pass",
        blockers=blockers,
        pack_digest="a" * 64,
        facts_digest="b" * 64,
        at=NOW,
        **fields,
    )


class TestCovering:
    def test_the_blocker_it_names_is_shown_apart_and_the_gate_opens(self) -> None:
        """Who, why and until when stand beside what was set aside; digests stay."""
        judged = verdict(blocker())
        after = apply(judged, [waiver()], NOW)
        assert (after.verdict, after.blockers) == ("pass", ())
        [aside] = after.waived
        assert (aside.waiver, aside.by, aside.reason) == ("w7", "sam", "temps are hired")
        assert (aside.rule, aside.subject, aside.seen) == (
            "decided.capacity",
            "demand:kyc/2031-03",
            SHORT,
        )
        assert aside.until == NOW + timedelta(days=30)
        assert (after.pack_digest, after.facts_digest) == ("a" * 64, "b" * 64)

    @pytest.mark.parametrize(
        "other",
        [
            {"rule": "decided.other"},
            {"subject": "demand:kyc/2031-04"},
            {"seen": {"needed": 20000, "short": 9000}},
            {"seen": {"needed": 13000, "short": 1000}},
            {"message": "13,000 needed, 4,000 free"},
            {"wanted": "offer.available >= 2.0 * demand.amount"},
            {"answer": "inconclusive"},
            {"waive_by": ()},
            {"waive_by": ("administrator",)},
        ],
    )
    def test_anything_else_holds_the_gate(self, other: dict[str, Any]) -> None:
        """Another rule, other facts, other numbers, another answer, a rule that was tightened."""
        judged = verdict(blocker(**other))
        assert apply(judged, [waiver()], NOW) == judged

    def test_it_covers_at_its_gate_only(self) -> None:
        """A rule that guards two gates is waived at each."""
        judged = verdict(blocker(), gate="launch")
        assert apply(judged, [waiver()], NOW) == judged

    @pytest.mark.parametrize(
        ("at", "covers"),
        [
            (NOW - timedelta(seconds=1), False),
            (NOW, True),
            (NOW + timedelta(days=30, seconds=-1), True),
            (NOW + timedelta(days=30), False),
        ],
    )
    def test_it_covers_from_when_it_was_given_until_it_ends(
        self, at: datetime, covers: bool
    ) -> None:
        """The end itself is outside, whether or not it is recorded yet."""
        assert apply(verdict(blocker()), [waiver()], at).passed is covers

    @pytest.mark.parametrize("how", ["revoked", "expired"])
    def test_one_that_has_ended_covers_nothing(self, how: str) -> None:
        """Also before its day."""
        assert not apply(verdict(blocker()), [waiver(ended=how)], NOW).passed

    def test_what_stays_keeps_its_proposals(self) -> None:
        """The search knew of the waiver; a gate that opens needs no proposal."""
        other = blocker(rule="decided.other", answer="inconclusive")
        rules = (blocker().rule, other.rule)
        unblock = (Proposal(changes=(Change(rules=("decided.other",), fact="kpi:x", text="x"),)),)
        shut = verdict(blocker(), other, unblock=unblock, no_remedy=rules)
        after = apply(shut, [waiver()], NOW)
        assert after.verdict == "inconclusive"
        assert (after.unblock, after.no_remedy) == (unblock, ("decided.other",))
        assert apply(verdict(blocker(), unblock=unblock), [waiver()], NOW).unblock == ()


class TestUpTo:
    """The giver accepts more than is seen, and says how far."""

    @pytest.mark.parametrize(
        ("seen", "covers"),
        [
            ({"needed": 13000, "short": 2000}, True),
            ({"needed": 13000, "short": 3000}, True),
            ({"needed": 13000, "short": 2000.5}, True),
            ({"needed": 13000, "short": 3001}, False),
            ({"needed": 13000, "short": 1999}, False),
            ({"needed": 13001, "short": 2000}, False),
            ({"needed": 12999, "short": 2000}, False),
            ({"needed": 13000, "short": None}, False),
            ({"needed": 13000, "short": True}, False),
            ({"needed": 13000, "short": "2500"}, False),
            ({"needed": 13000, "short": float("nan")}, False),
            ({"needed": 13000}, False),
            ({"short": 2500}, False),
            ({"needed": 13000, "short": 2500, "more": 1}, False),
        ],
    )
    def test_covers_from_what_was_seen_to_the_bound(
        self, seen: dict[str, Any], covers: bool
    ) -> None:
        """What is unknown is within no bound; the words may change, other values may not."""
        judged = verdict(blocker(seen=seen, message="other words"))
        assert apply(judged, [waiver(up_to={"short": 3000})], NOW).passed is covers

    @pytest.mark.parametrize(
        ("before", "bound", "accepted", "refused"),
        [
            (-1443, -1500, (-1443, -1500, -1470.5), (-1442, -1501, -3650, 0)),
            (2000, 2000, (2000, 2000.0), (1999, 2001, 0)),
            (
                "2031-03-17",
                date(2031, 3, 20),
                ("2031-03-17", "2031-03-20"),
                ("2031-03-16", "2031-03-21", "soon", 20310318, None),
            ),
            (
                "2031-03-17",
                date(2031, 3, 1),
                ("2031-03-17", "2031-03-01"),
                ("2031-03-18", "2031-02-28"),
            ),
        ],
    )
    def test_the_bound_lies_on_either_side(
        self, before: object, bound: object, accepted: tuple[Any, ...], refused: tuple[Any, ...]
    ) -> None:
        """Where lower is worse it limits how low; days are bounded like numbers."""
        one = waiver(blocker(seen={"it": before}), up_to={"it": bound})
        assert [v for v in accepted if not one.fits("decided", blocker(seen={"it": v}))] == []
        assert [v for v in refused if one.fits("decided", blocker(seen={"it": v}))] == []

    def test_a_day_is_kept_as_one(self) -> None:
        """Through the ledger and back."""
        one = waiver(up_to={"short": date(2031, 3, 20), "needed": -1.5})
        assert restore(Waiver, one.model_dump(mode="json")) == one

    def test_another_requirement_or_answer_is_not_what_was_accepted(self) -> None:
        """However small the number."""
        for other in ({"wanted": "other"}, {"answer": "inconclusive"}, {"waive_by": ()}):
            judged = verdict(blocker(**other))
            assert not apply(judged, [waiver(up_to={"short": 3000})], NOW).passed


RULES, SUBJECTS = ("a", "b", "engine"), ("x", "y", "more")
ROLES = ("sponsor", "administrator")
named = {
    "rule": st.sampled_from(RULES),
    "subject": st.sampled_from(SUBJECTS),
    "answer": st.sampled_from(("block", "inconclusive")),
    "seen": st.dictionaries(st.just("short"), st.integers(0, 2), max_size=1),
}
blockers = st.builds(
    blocker,
    **named,
    waive_by=st.lists(st.sampled_from(ROLES), unique=True, max_size=2).map(tuple),
)
spans = st.integers(-3, 3).map(lambda days: timedelta(days=days))
waivers = st.builds(
    lambda at, until, **fields: waiver(at=NOW + at, until=NOW + until, **fields),
    at=spans,
    until=spans,
    **named,
    gate=st.sampled_from(("decided", "launch")),
    role=st.sampled_from(ROLES),
    up_to=st.dictionaries(st.just("short"), st.integers(0, 2), max_size=1),
    id=st.sampled_from(("w1", "w2", "w3")),
    ended=st.sampled_from(("", "", "revoked", "expired")),
)


def _lies_between(given_waiver: Waiver, one: Blocker) -> bool:
    """Written out for the only value there is."""
    if not (given_waiver.up_to and given_waiver.seen and one.seen):
        return False
    ends = (given_waiver.seen["short"], given_waiver.up_to["short"])
    return bool(min(ends) <= one.seen["short"] <= max(ends))


names = st.sampled_from(("needed", "free", "short"))
numbers = st.integers(-4, 4) | st.floats(-4, 4)
values = st.dictionaries(names, numbers | st.none() | st.just("text"), max_size=3)


@given(values, st.dictionaries(names, numbers, max_size=3), values, st.booleans())
def test_no_value_leaves_the_range_between_what_was_seen_and_its_bound(
    before: dict[str, Any], up_to: dict[str, Any], changes: dict[str, Any], same_words: Any
) -> None:
    """Nor does any other value change: covered is what is the same but for bounded numbers."""
    now = {**before, **changes}
    after = blocker(seen=now, message="as before" if same_words else "other")
    covered = waiver(blocker(seen=before, message="as before"), up_to=up_to).fits("decided", after)
    within = [
        now[name] == before.get(name)
        or (
            name in up_to
            and isinstance(before.get(name), int | float)
            and isinstance(now[name], int | float)
            and min(before[name], up_to[name]) <= now[name] <= max(before[name], up_to[name])
        )
        for name in now
        if name in before
    ]
    expected = all(within) and now.keys() == before.keys() and (bool(up_to) or same_words)
    assert covered is expected


@given(
    st.lists(blockers, max_size=6),
    st.lists(waivers, max_size=8),
    st.sampled_from(("decided", "launch")),
    spans,
)
def test_no_verdict_loses_a_blocker_that_no_valid_waiver_names(
    found: list[Blocker], given_waivers: list[Waiver], gate: str, later: timedelta
) -> None:
    """Written out plainly: whatever leaves the blockers stands in a waiver, and is told apart."""
    now = NOW + later
    judged = verdict(*found, gate=gate)
    after = apply(judged, given_waivers, now)
    covered = [
        any(
            not w.ended
            and w.at <= now
            and now < w.until
            and w.gate == gate
            and w.rule == one.rule
            and w.subject == one.subject
            and w.answer == one.answer
            and (w.seen == one.seen or _lies_between(w, one))
            and w.role in one.waive_by
            for w in given_waivers
        )
        for one in found
    ]
    kept = [one for one, aside in zip(found, covered, strict=True) if not aside]
    assert list(after.blockers) == kept
    aside = [one for one, set_aside in zip(found, covered, strict=True) if set_aside]
    assert [
        Blocker(**{f: getattr(w, f) for f in Blocker.model_fields}) for w in after.waived
    ] == aside
    assert after.passed is (not kept)
    assert (after.verdict == "block") is any(one.answer == "block" for one in kept)
    assert apply(after, given_waivers, now) == after


def test_demands_whose_shortage_is_set_aside_are_not_held() -> None:
    """A pool never holds more than it has; the others are held as ever."""
    demands = (
        Demand(pool="kyc", period="2031-03", amount=13000),
        Demand(pool="kyc", period="2031-04", amount=10),
    )
    assert demands_to_hold(demands, None) == demands
    assert demands_to_hold(demands, verdict(blocker())) == demands
    after = apply(verdict(blocker()), [waiver()], NOW)
    assert demands_to_hold(demands, after) == demands[1:]


def test_the_next_expiry_is_that_of_what_has_not_ended() -> None:
    """A recorded end needs no timer."""
    soon = waiver(until=NOW + timedelta(days=1), ended="revoked")
    assert next_expiry([soon]) is None
    assert next_expiry([soon, waiver()]) == NOW + timedelta(days=30)
