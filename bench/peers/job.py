"""One job for every engine: 30 rules, 50 facts, the blockers at one gate.

Five rules want, for each demand, a fresh offer that covers it; ten look at every KPI; fifteen look
at the measure. `bench.verdict.pack_text(5, 10, 15)` states the same rules in our language. The
engines get plain dictionaries, as read from JSON, and make of them what they need; that counts.
"""

from collections.abc import Callable
from typing import Any

Facts = list[dict[str, Any]]
Blocked = set[tuple[str, str]]
"""Pairs of a rule's id and what it is about."""

Answer = Callable[[Facts], Blocked]

JOINED, SINGLE, PLAIN = 5, 10, 15
DAY = 86_400
NOW = 1_925_974_800
"""2031-01-12 09:00 UTC in seconds, for engines that reckon with numbers."""


def facts(pairs: int = 15, kpis: int = 19) -> Facts:
    """Makes 50 facts that let the gate open."""
    made: Facts = [
        {"kind": "measure", "id": "m", "owner": "olga", "quorum": 2, "stage": "detailed"}
    ]
    for number in range(pairs):
        place = {"pool": f"pool-{number}", "period": "2031-03", "unit": "checks"}
        made.append({"kind": "demand", **place, "amount": 100.0})
        made.append({"kind": "offer", **place, "available": 200.0, "seen_at": NOW})
    for number in range(kpis):
        named = {"kind": "kpi", "id": f"kpi-{number}", "owner": "kim", "cadence": "monthly"}
        made.append({**named, "has_target": True})
    return made


def changed(kind: str, number: int, **fields: Any) -> Facts:
    """Returns the open world with one fact changed; a field that is None is left out."""
    made = facts()
    fact = [one for one in made if one["kind"] == kind][number]
    fact.update(fields)
    for name in [name for name, value in fact.items() if value is None]:
        del fact[name]
    return made


def without_offer(number: int) -> Facts:
    """Returns the open world in which one demand has no offer at all."""
    return [fact for fact in facts() if fact["kind"] != "offer" or fact["pool"] != f"pool-{number}"]


def short() -> Facts:
    """Returns a world with one short pool and one KPI that nobody reports."""
    made = changed("offer", 3, available=102.0)
    next(fact for fact in made if fact.get("id") == "kpi-7")["cadence"] = ""
    return made


SHORT: Blocked = {
    *((f"capacity-{n}", "demand:pool-3/2031-03") for n in (3, 4)),
    *((f"kpi-{n}", "kpi:kpi-7") for n in range(SINGLE)),
}
"""What every engine must say of the short world: the rules of 103 and 104, and the KPI's."""

TRAPS: dict[str, Callable[[], Facts]] = {
    "a text where a number is needed": lambda: changed("offer", 3, available="9"),
    "a field is missing": lambda: changed("kpi", 7, cadence=None),
    "nobody made an offer": lambda: without_offer(3),
    "the offer is two days old": lambda: changed("offer", 3, seen_at=NOW - 2 * DAY),
    "not a number": lambda: changed("offer", 3, available=float("nan")),
}
"""Bad worlds in which a gate must not open, whatever the engine makes of them."""


def by_kind(world: Facts) -> dict[str, Any]:
    """Returns facts as lists by kind, and the one measure."""
    sorted_out: dict[str, Any] = {"now": NOW, "demand": [], "offer": [], "kpi": []}
    for fact in world:
        if fact["kind"] == "measure":
            sorted_out["measure"] = fact
        else:
            sorted_out[fact["kind"]].append(fact)
    return sorted_out


def about(fact: dict[str, Any]) -> str:
    """Names a fact."""
    if fact["kind"] == "demand":
        return f"demand:{fact['pool']}/{fact['period']}"
    return f"{fact['kind']}:{fact['id']}"
