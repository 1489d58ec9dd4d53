"""A preview says exactly what a judge of each set of packs would say."""

import asyncio
import json
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from measures.facts import Fact
from measures.lifecycle import DOI, Lifecycle
from measures.verdict import Verdict
from rules.comparing import compare, compare_packs
from rules.judge import Judge
from rules.loader import builtin_packs, load_pack
from rules.preview import Asked, Preview, changed_gates
from rules.schema import Pack

PERIODS = ("2031-03", "2031-04")
POOLS = ("kyc", "desk")


def rules_text(rules: list[dict[str, Any]]) -> str:
    """Writes the rules as YAML; JSON is YAML."""
    return "\n".join(f"  - {json.dumps(rule)}" for rule in rules)


def make_pack(rules: list[dict[str, Any]], name: str = "test") -> Pack:
    """Loads a pack of rules."""
    text = f"pack: {name}\ntitle: Test\nrules:{' []' if not rules else ''}\n{rules_text(rules)}\n"
    return load_pack(text, f"{name}.yaml")


def _rule(number: int, shape: str, gate: list[str], mode: str, level: int) -> dict[str, Any]:
    """A rule of one of the shapes that the language knows."""
    shapes: dict[str, dict[str, Any]] = {
        "join": {
            "when": {"d": {"kind": "demand"}},
            "expect": {"o": {"kind": "offer", "pool": "$d.pool", "period": "$d.period"}},
            "require": f"o.available >= d.amount * {level}.0",
            "fresh": {"o": "24h"},
            "message": "{d.amount} needed, {o.available} free",
        },
        "each": {"when": {"k": {"kind": "kpi"}}, "require": "k.target > 2", "message": "{k.name}"},
        "count": {
            "expect": {"s": {"kind": "signoff", "decision": "approve"}},
            "at_least": level,
            "distinct": "s.by",
            "message": "signed by too few",
        },
        "measure": {"require": f"measure.kpis >= {level}", "message": "{measure.kpis} KPIs"},
    }
    rule = {"id": f"r{number}", "gate": gate, "mode": mode, **shapes[shape]}
    if mode == "later":
        rule |= {"mode": "enforce", "enforce_from": f"2031-01-{10 + level}"}
    return rule


_some_rule = st.builds(
    _rule,
    st.integers(0, 5),
    st.sampled_from(["join", "each", "count", "measure"]),
    st.lists(st.sampled_from(["decided", "launch"]), min_size=1, max_size=2, unique=True),
    st.sampled_from(["enforce", "enforce", "enforce", "warn", "dry-run", "off", "later"]),
    st.integers(1, 3),
)
_some_rules = st.lists(_some_rule, max_size=5, unique_by=lambda rule: str(rule["id"]))


@st.composite
def _changes(draw: st.DrawFn) -> tuple[list[Pack], list[Pack]]:
    """Two sets of packs that share some of their rules."""
    before = draw(_some_rules)
    kept = [rule for rule in before if draw(st.booleans())]
    others = [r for r in draw(_some_rules) if r["id"] not in {one["id"] for one in kept}]
    after = draw(st.permutations(kept + others))
    second = draw(st.booleans())
    return (
        [make_pack(before), make_pack(before[:1], "second")],
        [make_pack(list(after)), *([make_pack(list(after)[:1], "second")] if second else [])],
    )


@st.composite
def _worlds(draw: st.DrawFn, make: Any) -> list[Fact]:
    """A measure with a few facts, some of them old or of an unknown value."""
    demands = st.builds(
        partial(make, "demand"),
        pool=st.sampled_from(POOLS),
        period=st.sampled_from(PERIODS),
        amount=st.sampled_from([1, 6, 9.5]),
    )
    offers = st.builds(
        partial(make, "offer"),
        pool=st.sampled_from(POOLS),
        period=st.sampled_from(PERIODS),
        available=st.sampled_from([-1, 5, 12, 30]),
        age=st.sampled_from([0, 25]),
    )
    targets = st.sampled_from([None, 1, 3])
    signers = st.sampled_from(["sam", "tom", "uma"])
    return [
        make("measure", kpis=draw(st.integers(0, 3))),
        *draw(st.lists(demands, max_size=3)),
        *draw(st.lists(offers, max_size=3)),
        *(make("kpi", target=target) for target in draw(st.lists(targets, max_size=3))),
        *(make("signoff", by=by) for by in draw(st.lists(signers, max_size=3))),
    ]


async def brute_force(
    before: list[Pack], after: list[Pack], worlds: list[list[Fact]], now: datetime
) -> None:
    """Compares the preview with two judges, each with its complete set."""
    async with Judge(before) as one, Judge(after) as other, Preview(before, after) as preview:
        asked = [
            Asked(gate, facts, now, lifecycle)
            for facts in worlds
            for gate in ("decided", "launch")
            for lifecycle in (DOI, OPEN)
        ]
        for case, both in zip(asked, await preview.judge_all(asked), strict=True):
            told = case._asdict()
            expected = await one.judge(**told), await other.judge(**told)
            if both is None:
                assert _reasons(expected[0]) == _reasons(expected[1])
            else:
                assert list(map(_told, both)) == list(map(_told, expected))


def _told(verdict: Verdict) -> dict[str, Any]:
    """What a verdict says.

    A preview has no need of the digest of the facts, looks for no ways to unblock, and shows a
    rule that stands on both sides where it stands before.
    """
    return verdict.model_dump(
        exclude={
            "facts_digest": True,
            "unblock": True,
            "no_remedy": True,
            "blockers": {"__all__": {"pack", "line"}},
            "warnings": {"__all__": {"pack", "line"}},
        }
    )


def _reasons(verdict: Verdict) -> tuple[str, set[str], set[str]]:
    """The answer with everything that people see of its blockers and warnings.

    In any order, and each once: two packs may hold the same rule.
    """
    told = _told(verdict)
    return (
        verdict.verdict,
        set(map(repr, told["blockers"])),
        set(map(repr, told["warnings"])),
    )


OPEN: Lifecycle = DOI.model_copy(update={"open_gates": ("launch",)})


class TestEqualsBruteForce:
    def test_on_random_packs_and_worlds(self, fact: Any, now: datetime) -> None:
        def make(kind: str, *, age: int = 0, **fields: Any) -> Fact:
            return fact(kind, seen_at=now - timedelta(hours=age), **fields)  # type: ignore[no-any-return]

        # Every example starts processes; shrinking would start thousands.
        @settings(max_examples=8, deadline=None, database=None, phases=[Phase.generate])
        @given(_changes(), st.lists(_worlds(make), min_size=3, max_size=8))
        def holds(change: tuple[list[Pack], list[Pack]], worlds: list[list[Fact]]) -> None:
            asyncio.run(brute_force(*change, worlds, now))

        holds()

    async def test_where_a_bound_is_met_by_both_sides_together_only(
        self, fact: Any, now: datetime
    ) -> None:
        """Each set alone stays under 10,000 matches; a preview must not stop there."""
        many = [fact("measure"), *(fact("kpi", id=f"k{n}", target=n % 5) for n in range(80))]
        pairs = {"when": {"a": {"kind": "kpi"}, "b": {"kind": "kpi"}}, "gate": "decided"}
        old = {"id": "old", "require": "a.target == b.target || true", "message": "m", **pairs}
        new = {
            "id": "new",
            "gate": "decided",
            "when": {"b": {"kind": "kpi"}, "c": {"kind": "kpi", "owner": "$b.owner"}},
            "require": "b.target <= c.target + 10.0",
            "message": "m",
        }
        async with Preview([make_pack([old])], [make_pack([new])]) as preview:
            [both] = await preview.judge_all([Asked("decided", many, now, DOI)])
        assert both is not None
        assert [one.verdict for one in both] == ["pass", "pass"]

    async def test_where_a_bound_is_met_by_one_side(self, fact: Any, now: datetime) -> None:
        many = [fact("measure"), *(fact("kpi", id=f"k{n}") for n in range(120))]
        pairs = {"id": "pairs", "when": {"a": {"kind": "kpi"}, "b": {"kind": "kpi"}}}
        rule = {**pairs, "gate": "decided", "require": "true", "message": "m"}
        easy = {"id": "easy", "gate": "decided", "require": "true", "message": "m"}
        before, after = make_pack([easy]), make_pack([easy, rule])
        await brute_force([before], [after], [many], now)


class TestWhatChanges:
    def test_order_line_and_pack_of_a_rule_change_nothing(self) -> None:
        rules = [_rule(n, "measure", ["decided"], "enforce", n) for n in (1, 2, 3)]
        before = [make_pack(rules)]
        after = [make_pack(rules[:0:-1]), make_pack(rules[:1], "other")]
        assert changed_gates(before, after) == set()
        assert {one.pack for one in compare_packs(before, after)} == {"test", "other"}

    def test_only_gates_whose_rules_differ_are_judged(self) -> None:
        [standard] = [pack for pack in builtin_packs() if pack.id == "standard"]
        rule = {"id": "x", "gate": "launch", "require": "true", "message": "m"}
        added = make_pack([rule], "more")
        assert changed_gates([standard], [standard, added]) == {("doi", "launch")}
        assert changed_gates([standard], [standard]) == set()

    def test_a_rule_at_one_gate_more_stays_as_it_is_at_the_first(self) -> None:
        before = make_pack([_rule(1, "each", ["decided"], "enforce", 1)])
        after = make_pack([_rule(1, "each", ["decided", "launch"], "enforce", 1)])
        assert changed_gates([before], [after]) == {("doi", "launch")}


@pytest.mark.parametrize(
    ("before", "after", "effect", "rules"),
    [
        ([("r", "enforce")], [], "same", {}),
        ([], [("fails", "enforce")], "newly-blocked", {"fails": "blocks"}),
        ([("fails", "enforce")], [("fails", "warn")], "newly-freed", {"fails": "frees"}),
        ([("fails", "warn")], [("fails", "enforce")], "newly-blocked", {"fails": "blocks"}),
        ([], [("fails", "dry-run")], "warnings-only", {"fails": "warns"}),
        ([("fails", "warn")], [("fails", "off")], "warnings-only", {"fails": "stops-warning"}),
        (
            [("fails", "enforce")],
            [("fails-too", "enforce")],
            "other-reasons",
            {"fails": "frees", "fails-too": "blocks"},
        ),
    ],
)
async def test_effects(
    fact: Any,
    now: datetime,
    before: list[tuple[str, str]],
    after: list[tuple[str, str]],
    effect: str,
    rules: dict[str, str],
) -> None:
    """What a change does is named by the answer, and through which rule it does it."""

    def pack_of(some: list[tuple[str, str]]) -> Pack:
        guard = [("guard", "enforce"), *some]
        return make_pack(
            [
                {
                    "id": name,
                    "gate": "decided",
                    "require": "measure.kpis > 5" if "fails" in name else "true",
                    "message": "too few",
                    "mode": mode,
                }
                for name, mode in guard
            ]
        )

    async with Preview([pack_of(before)], [pack_of(after)]) as preview:
        [both] = await preview.judge_all([Asked("decided", [fact("measure")], now, DOI)])
    if both is None:
        assert effect == "same"
        return
    found = compare(*both)
    assert (found.effect, found.rules) == (effect, rules)
