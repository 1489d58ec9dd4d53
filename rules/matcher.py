"""The second matcher: plain Python, written apart from the engine, always on.

Each pattern keeps an index of its facts by the fields that it joins on, so the work is linear in
facts and matches. Two patterns of a query never bind the same fact. Steps are bounded: a pack that
multiplies facts is stopped, not waited for.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from rules.patterns import Match, Pattern, Query, World

STEPS = 100_000
"""Partial matches of one judgement; about a tenth of a second."""
MATCHES = 10_000
"""Matches of one judgement, over all rules of the gate."""


class TooManyMatchesError(Exception):
    """The rules of a gate multiply these facts beyond the bound."""


def match(queries: Sequence[Query], world: World) -> list[set[Match]]:
    """Finds every match of every query.

    Raises:
        TooManyMatchesError: beyond `STEPS` partial or `MATCHES` whole matches.
    """
    by_kind: dict[str, list[int]] = defaultdict(list)
    for position, fact in enumerate(world):
        by_kind[fact["kind"]].append(position)
    found: list[set[Match]] = []
    steps = total = 0
    for query in queries:
        partial: list[Match] = [()]
        for pattern in query:
            index = _index(pattern, by_kind, world)
            partial = _extend(partial, pattern, index, world, STEPS - steps)
            steps += len(partial)
        total += len(partial)
        if total > MATCHES:
            raise TooManyMatchesError(f"more than {MATCHES} matches")
        found.append(set(partial))
    return found


def _index(
    pattern: Pattern, by_kind: dict[str, list[int]], world: World
) -> dict[tuple[Any, ...], list[int]]:
    index: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for position in by_kind.get(pattern.kind, ()):
        fact = world[position]
        if all(_same(fact.get(name), value) for name, value in pattern.equals):
            values = tuple(_typed(fact.get(join.field)) for join in pattern.joins)
            if None not in values:
                index[values].append(position)
    return index


def _extend(
    partial: list[Match],
    pattern: Pattern,
    index: dict[tuple[Any, ...], list[int]],
    world: World,
    room: int,
) -> list[Match]:
    longer: list[Match] = []
    for so_far in partial:
        key = tuple(_typed(world[so_far[join.position]].get(join.other)) for join in pattern.joins)
        longer.extend(
            (*so_far, position) for position in index.get(key, ()) if position not in so_far
        )
        if len(longer) > room:
            raise TooManyMatchesError(f"more than {STEPS} steps")
    return longer


def _typed(value: Any) -> tuple[type, Any] | None:
    # In Python True == 1; here a yes/no never equals a number.
    return None if value is None else (type(value), value)


def _same(value: Any, wanted: Any) -> bool:
    return type(value) is type(wanted) and value == wanted
