"""The job in durable_rules, written with `durable.lang` as its documentation shows.

``prepare`` compares inside the rules, as a user would; ``prepare_joins_only`` lets the engine only
join and compares in the consequents, which is the part of it that was measured to be right
(docs/rules.md). Absence is never asked of it: `none` gives wrong answers, so what is not covered is
what no consequent has reported.
"""

import contextlib
import itertools
from collections.abc import Callable
from typing import Any

from durable.engine import MessageNotHandledException
from durable.lang import assert_fact, c, delete_state, m, ruleset, when_all

from bench.peers.job import DAY, JOINED, NOW, PLAIN, SINGLE, Answer, Blocked, Facts, about

_Report = Callable[[Any], None]


def prepare() -> Answer:
    """Compiles rules that compare numbers and texts inside the engine."""
    held: set[tuple[str, str]] = set()
    with ruleset("inside"):
        for n in range(JOINED):
            when_all(
                c.demand << (m.kind == "demand"),
                c.offer << (m.kind == "offer")
                & (m.pool == c.demand.pool)
                & (m.period == c.demand.period)
                & (m.available >= c.demand.amount + n)
                & (m.seen_at >= NOW - DAY),
            )(_reports(held, f"capacity-{n}", "demand"))
        for n in range(SINGLE):
            when_all(
                c.kpi << (m.kind == "kpi")
                & (m.owner != f"nobody-{n}")
                & (m.cadence != "")
                & (m.has_target == True)  # noqa: E712  durable.lang overloads the sign
            )(_reports(held, f"kpi-{n}", "kpi"))
        for n in range(PLAIN):
            when_all(c.measure << (m.kind == "measure") & (m.owner != "") & (m.quorum >= n - 100))(
                _reports(held, f"measure-{n}", "measure")
            )
        when_all(m.kind == "sentinel")(_nothing)
    return _asking("inside", held)


def prepare_joins_only() -> Answer:
    """Compiles rules that only join; consequents compare."""
    held: set[tuple[str, str]] = set()
    with ruleset("joins"):
        when_all(
            c.demand << (m.kind == "demand"),
            c.offer << (m.kind == "offer")
            & (m.pool == c.demand.pool)
            & (m.period == c.demand.period),
        )(_covers(held))
        when_all(c.kpi << (m.kind == "kpi"))(_kpi_is_fine(held))
        when_all(c.measure << (m.kind == "measure"))(_measure_is_right(held))
        when_all(m.kind == "sentinel")(_nothing)
    return _asking("joins", held)


def _asking(name: str, held: set[tuple[str, str]]) -> Answer:
    numbers = itertools.count(1)

    def answer(world: Facts) -> Blocked:
        held.clear()
        sid = f"w{next(numbers)}"
        for place, fact in enumerate(world):
            # `id` is the engine's own; a fact that no rule wants is an error to it.
            sent = {**fact, "name": about(fact) if fact["kind"] != "offer" else "", "sid": sid}
            with contextlib.suppress(MessageNotHandledException):
                assert_fact(name, {**sent, "id": str(place)})
        assert_fact(name, {"kind": "sentinel", "id": "sentinel", "sid": sid})
        delete_state(name, sid)
        return _asked(world) - held

    return answer


def _asked(world: Facts) -> Blocked:
    """Returns every rule with everything it has to hold for."""
    rules = {"demand": ("capacity", JOINED), "kpi": ("kpi", SINGLE), "measure": ("measure", PLAIN)}
    return {
        (f"{rules[fact['kind']][0]}-{n}", about(fact))
        for fact in world
        if fact["kind"] in rules
        for n in range(rules[fact["kind"]][1])
    }


def _reports(held: set[tuple[str, str]], rule: str, name: str) -> _Report:
    def report(found: Any) -> None:
        held.add((rule, getattr(found, name)["name"]))

    return report


def _covers(held: set[tuple[str, str]]) -> _Report:
    def report(found: Any) -> None:
        demand, offer = found.demand, found.offer
        fits = offer["unit"] == demand["unit"] and offer["seen_at"] >= NOW - DAY
        for n in range(JOINED):
            if fits and offer["available"] >= demand["amount"] + n:
                held.add((f"capacity-{n}", demand["name"]))

    return report


def _kpi_is_fine(held: set[tuple[str, str]]) -> _Report:
    def report(found: Any) -> None:
        kpi = found.kpi
        for n in range(SINGLE):
            if kpi["owner"] != f"nobody-{n}" and kpi["cadence"] != "" and kpi["has_target"]:
                held.add((f"kpi-{n}", kpi["name"]))

    return report


def _measure_is_right(held: set[tuple[str, str]]) -> _Report:
    def report(found: Any) -> None:
        measure = found.measure
        for n in range(PLAIN):
            if measure["owner"] != "" and measure["quorum"] >= n - 100:
                held.add((f"measure-{n}", measure["name"]))

    return report


def _nothing(_found: Any) -> None:
    """Fires once in every world: a state that never fired a rule cannot be deleted safely."""
