"""Measures that wait for each other in a circle, and the cheapest edge to break."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

import networkx as nx

from measures.pool import PoolState
from measures.state import MeasureState
from measures.surroundings import Standing
from rules.proof.claims import Claim, claim
from rules.proof.lives import Life, Need, OnStage, lives_of, stuck_of
from rules.proof.ways import Break, breaks, dropping
from rules.schema import Pack


def deadlock_claims(
    states: Iterable[MeasureState],
    pools: Mapping[str, PoolState],
    others: Mapping[str, Standing],
    packs: Sequence[Pack],
    day: date,
) -> Iterator[Claim]:
    """Yields every circle of waiting, and every wait for what will never come.

    Args:
        states: all live measures.
        pools: the pools on which they have demands.
        others: where the measures stand that they depend on, ended ones included.
        packs: the packs in force.
        day: the day on which rules are enforced.
    """
    lives = lives_of(states, pools, others, packs, day)
    found = [*_in_vain(lives, others), *_circles(lives, stuck_of(lives))]
    yield from found
    if not found:
        text = f"none of {len(lives)} live measures waits for another in a circle"
        yield claim("no-deadlock", "measures", "proved", text)


def _in_vain(lives: Mapping[str, Life], others: Mapping[str, Standing]) -> Iterator[Claim]:
    """Yields who waits for a measure that will never get there."""
    for name, life in lives.items():
        for need in life.needs:
            if not isinstance(need.what, OnStage):
                continue
            on, wanted = need.what.on, need.what.stage
            standing = others.get(on)
            if on in lives:
                lifecycle = lives[on].state.lifecycle
                if wanted in lifecycle.order:
                    continue
                why = f"whose lifecycle {lifecycle.id} has no such stage"
            elif standing is None:
                why = "which does not exist"
            else:
                why = (
                    "which is cancelled" if standing.cancelled else f"which ended {standing.stage}"
                )
            text = f"{name} waits at {need.gate} for {on} to be {wanted}, {why}"
            found = claim("no-deadlock", name, "defect", text, need.rules)
            command = dropping(life, on)
            yield found.model_copy(update={"command": command})


def _circles(lives: Mapping[str, Life], stuck: Mapping[str, tuple[Need, ...]]) -> Iterator[Claim]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    for name, needs in stuck.items():
        for need in needs:
            for on in _waited_for(need):
                if on in stuck:
                    graph.add_edge(name, on, need=need)
    for members in sorted(map(sorted, nx.strongly_connected_components(graph))):
        if len(members) < 2 and not graph.has_edge(members[0], members[0]):
            continue
        circle = [edge[0] for edge in nx.find_cycle(graph.subgraph(members))]
        edges = list(zip(circle, [*circle[1:], circle[0]], strict=True))
        along: list[Need] = [graph.edges[edge]["need"] for edge in edges]
        text = "; ".join(_waits(one, need) for (one, _), need in zip(edges, along, strict=True))
        behind = len(members) - len(circle)
        if behind:
            text += f"; {behind} more measures wait in the same circle"
        way = _cheapest(lives, members, stuck)
        command = ""
        if way is not None:
            text += f". Cheapest way out (cost {way.cost:g}): {way.text}"
            command = way.command
        else:
            text += ". No single change breaks it"
        rules = list({rule.id: rule for need in along for rule in need.rules}.values())
        found = claim("no-deadlock", " > ".join([*circle, circle[0]]), "defect", text, rules)
        yield found.model_copy(update={"command": command})


def _waited_for(need: Need) -> tuple[str, ...]:
    what = need.what
    return (what.on,) if isinstance(what, OnStage) else tuple(name for name, _ in what.held)


def _waits(name: str, need: Need) -> str:
    what = need.what
    if isinstance(what, OnStage):
        return f"{name} waits at {need.gate} for {what.on} to be {what.stage}"
    holders = " and ".join(f"{other} ({amount:,g})" for other, amount in what.held)
    return (
        f"{name} waits at {need.gate} for capacity of {what.pool} {what.period}, of which it needs"
        f" {what.amount:,g}, {what.free:,g} is free, and the rest is held by {holders}"
    )


def _cheapest(
    lives: Mapping[str, Life], members: Sequence[str], stuck: Mapping[str, tuple[Need, ...]]
) -> Break | None:
    """Returns the cheapest change after which no measure of the circle is stuck."""
    inside = set(members)
    ways = [
        way
        for name in members
        for need in stuck[name]
        if inside & set(_waited_for(need))
        for way in breaks(lives, name, need, stuck)
    ]
    for way in sorted(ways, key=lambda way: (way.cost, way.text)):
        if not inside & stuck_of(way.lives).keys():
            return way
    return None
