"""What is asked of the matchers at each gate: the queries of its rules, each only once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from measures.digest import digest
from measures.facts import Fact
from rules.patterns import Match, Query, World, keyed_fields
from rules.schema import Pack, Rule

MEASURE = "measure"


@dataclass(frozen=True, slots=True)
class GatePlan:
    """The rules of one gate and the queries they share.

    Attributes:
        when_query: per rule, the query that finds its `when` matches.
        full_query: per rule, the query of `when` and `expect` together, None without `expect`.
        fields: per kind, the fields that the queries compare.
        kinds: every kind that some rule reads, for knowing when time may change the answer.
    """

    key: str
    rules: tuple[Rule, ...]
    queries: tuple[Query, ...]
    when_query: tuple[int, ...]
    full_query: tuple[int | None, ...]
    fields: Mapping[str, tuple[str, ...]]
    kinds: frozenset[str]

    def world(self, facts: Iterable[Fact]) -> tuple[list[Fact], World]:
        """Returns the facts that queries look at, whole and as patterns see them."""
        kept = [fact for fact in facts if fact.kind in self.fields]
        world: World = []
        for fact in kept:
            seen: dict[str, Any] = {"kind": fact.kind}
            for name in self.fields[fact.kind]:
                value = getattr(fact, name)
                if value is not None:
                    seen[name] = value
            world.append(seen)
        return kept, world

    def as_json(self) -> list[Any]:
        """Returns the queries in the form that the child process reads."""
        return [[pattern.as_json() for pattern in query] for query in self.queries]

    def evaluations(self, found: Sequence[set[Match]]) -> int:
        """Returns how many times conditions will be evaluated on these matches."""
        queries = (*self.when_query, *(one for one in self.full_query if one is not None))
        return sum(len(found[query]) for query in queries)


def set_digest(versions: Mapping[str, str]) -> str:
    """Returns the content address of packs that judge together: names to digests."""
    return digest(dict(versions))


class PackSet:
    """The packs that judge together.

    Attributes:
        digest: the content address of the set.
        plans: by lifecycle and gate.
    """

    def __init__(self, packs: Sequence[Pack]) -> None:
        self.packs = tuple(packs)
        self.digest = set_digest({pack.id: pack.digest for pack in packs})
        self.plans: dict[tuple[str, str], GatePlan] = {}
        gates: dict[tuple[str, str], list[Rule]] = {}
        for pack in packs:
            for rule in pack.rules:
                if rule.text.mode == "off":
                    continue
                for gate in dict.fromkeys(rule.gates):
                    gates.setdefault((pack.lifecycle, gate), []).append(rule)
        for (lifecycle, gate), rules in gates.items():
            self.plans[lifecycle, gate] = gate_plan(f"{lifecycle}/{gate}", rules)

    def versions(self, lifecycle: str) -> dict[str, str]:
        """Returns the digest of each pack that guards gates of a lifecycle."""
        return {pack.id: pack.digest for pack in self.packs if pack.lifecycle == lifecycle}

    def as_json(self) -> dict[str, Any]:
        """Returns the queries of every gate in the form that the child process reads."""
        return {plan.key: plan.as_json() for plan in self.plans.values()}


def gate_plan(key: str, rules: Sequence[Rule]) -> GatePlan:
    """Returns the plan of a gate that these rules guard together."""
    numbers: dict[Query, int] = {}
    when_query = []
    full_query: list[int | None] = []
    kinds = {MEASURE}
    for rule in rules:
        when_query.append(numbers.setdefault(rule.when, len(numbers)))
        whole = (*rule.when, *rule.expect)
        full_query.append(numbers.setdefault(whole, len(numbers)) if rule.expect else None)
        kinds.update(pattern.kind for pattern in whole)
    return GatePlan(
        key=key,
        rules=tuple(rules),
        queries=tuple(numbers),
        when_query=tuple(when_query),
        full_query=tuple(full_query),
        fields=keyed_fields(numbers),
        kinds=frozenset(kinds),
    )
