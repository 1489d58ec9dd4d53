"""Both matchers on random packs and worlds, with nested loops as a third opinion."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules import matcher
from rules.differential import FIELDS, KINDS, VALUES, EngineSession, compare
from rules.matcher import TooManyMatchesError, match
from rules.patterns import Join, Match, Pattern, Query, World

EXAMPLES = 2000


def _as_often(*choices: list[Any]) -> list[Any]:
    """Returns all choices in one list, those of each kind equally often.

    A draw of hypothesis costs more than either matcher, so each thing is drawn at once.
    """
    longest = max(map(len, choices))
    return [one for some in choices for one in some * (longest // len(some))]


def _each(count: int, *parts: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Returns every choice of so many fields, each with one of every part."""
    return [
        tuple((field, *rest) for field, rest in zip(fields, several, strict=True))
        for fields in itertools.combinations(FIELDS, count)
        for several in itertools.product(itertools.product(*parts), repeat=count)
    ]


HEADS = list(itertools.product(KINDS, _as_often(*(_each(count, VALUES) for count in range(3)))))
"""The kind and the equalities of a pattern."""
JOINS = [
    _as_often(*(_each(count, range(position), FIELDS) for count in range(3 if position else 1)))
    for position in range(3)
]
"""The joins of a pattern, by its position."""
FACTS = list(itertools.product(KINDS, *[(None, None, None, None, 0, 1, 2, 3)] * len(FIELDS)))
"""The kind of a fact, and per field which of the world's few values it has, if any."""


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """One conjunction: equalities, and joins on any earlier fact."""
    query = []
    for position in range(draw(st.integers(1, 3))):
        kind, equals = draw(st.sampled_from(HEADS))
        joins = draw(st.sampled_from(JOINS[position])) if position else ()
        query.append(Pattern(kind, equals, tuple(itertools.starmap(Join, joins))))
    return tuple(query)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Facts that share values, so that joins meet, and lack fields."""
    few = draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=4))
    return [
        {
            "kind": kind,
            **{
                name: few[value % len(few)]
                for name, value in zip(FIELDS, values, strict=True)
                if value is not None
            },
        }
        for kind, *values in draw(st.lists(st.sampled_from(FACTS), max_size=10))
    ]


def nested_loops(query: Query, world: World) -> set[Match]:
    """The definition, tried on every tuple of facts."""

    def fits(match: Match) -> bool:
        for place, pattern in zip(match, query, strict=True):
            fact = world[place]
            if fact["kind"] != pattern.kind:
                return False
            same: list[tuple[Any, Any]] = [
                (fact.get(name), value) for name, value in pattern.equals
            ]
            same += [
                (fact.get(join.field), world[match[join.position]].get(join.other))
                for join in pattern.joins
            ]
            if any(
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
