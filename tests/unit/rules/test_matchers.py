"""Both matchers on random packs and worlds, with nested loops as a third opinion."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules import matcher
from rules.differential import FIELDS, KINDS, VALUES, EngineSession, compare
from rules.matcher import TooManyMatchesError, match
from rules.patterns import Join, Match, Pattern, Query, World

EXAMPLES = 2000


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """One conjunction: equalities, and joins on any earlier fact."""
    query = []
    for position in range(draw(st.integers(1, 3))):
        equals = draw(st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(VALUES), max_size=2))
        joins = []
        if position:
            earlier = st.builds(
                Join, st.sampled_from(FIELDS), st.integers(0, position - 1), st.sampled_from(FIELDS)
            )
            joins = draw(st.lists(earlier, max_size=2, unique_by=lambda join: join.field))
        kind = draw(st.sampled_from(KINDS))
        query.append(Pattern(kind, tuple(equals.items()), tuple(joins)))
    return tuple(query)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Facts that share values, so that joins meet, and lack fields."""
    few = st.sampled_from(draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=4)))
    facts = st.fixed_dictionaries(
        {"kind": st.sampled_from(KINDS)}, optional=dict.fromkeys(FIELDS, few)
    )
    return draw(st.lists(facts, max_size=10))


def nested_loops(query: Query, world: World) -> set[Match]:
    """The definition, tried on every tuple of facts."""

    def fits(match: Match) -> bool:
        for place, pattern in zip(match, query, strict=True):
            fact = world[place]
            same: list[tuple[Any, Any]] = [
                (fact.get(name), value) for name, value in pattern.equals
            ]
            same += [
                (fact.get(join.field), world[match[join.position]].get(join.other))
                for join in pattern.joins
            ]
            if fact["kind"] != pattern.kind or any(
                one is None or type(one) is not type(other) or one != other for one, other in same
            ):
                return False
        return True

    return {
        tuple(places)
        for places in itertools.permutations(range(len(world)), len(query))
        if fits(tuple(places))
    }


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineSession]:
    """The real child process."""
    with EngineSession() as session:
        yield session


@given(st.lists(queries(), min_size=1, max_size=6), worlds())
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_durable_rules_and_the_second_matcher_agree(
    engine: EngineSession, some: list[Query], world: World
) -> None:
    """The same matches, each once, whatever the pack and the world."""
    compare(engine, some, [world])


@given(queries(), worlds())
@settings(max_examples=1000, derandomize=True, deadline=None)
def test_the_second_matcher_agrees_with_the_definition(query: Query, world: World) -> None:
    """Indexes change the cost, not the result."""
    assert match([query], world) == [nested_loops(query, world)]


def test_the_order_of_facts_does_not_matter(engine: EngineSession) -> None:
    """Every order of a small world gives the same pairs in both."""
    query = (
        Pattern("a", (("x", "p"),)),
        Pattern("b", (), (Join("x", 0, "x"),)),
        Pattern("a", (), (Join("y", 1, "y"),)),
    )
    facts: World = [
        {"kind": "a", "x": "p", "y": 1},
        {"kind": "b", "x": "p", "y": 2},
        {"kind": "b", "x": "p"},
        {"kind": "a", "x": "q", "y": 2},
    ]
    assert compare(engine, [query], [list(one) for one in itertools.permutations(facts)]) == 24


def test_what_multiplies_is_stopped() -> None:
    """Three unjoined patterns over 50 facts are 117,600 tuples: refused, not computed."""
    world = [{"kind": "a", "x": number} for number in range(50)]
    with pytest.raises(TooManyMatchesError):
        match([(Pattern("a"), Pattern("a"), Pattern("a"))], world)


def test_dead_ends_count_as_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partial matches that come to nothing are bounded too."""
    monkeypatch.setattr(matcher, "STEPS", 1000)
    world = [{"kind": "a", "x": number} for number in range(50)]
    with pytest.raises(TooManyMatchesError):
        match([(Pattern("a"), Pattern("a"), Pattern("none"))], world)
