"""What rules look for: conjunctions of equalities and joins, the only thing an engine ever sees.

Both matchers work on these plain structures, which travel to the child process as JSON.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Scalar = str | bool | int
Match = tuple[int, ...]
"""The positions of the facts that fit a query, one per pattern."""

WIDEST = 3
"""Facts in one conjunction; the width up to which durable_rules was measured to be right."""
LARGEST_WHOLE = 2**53
"""Whole numbers beyond it do not survive JSON everywhere."""


@dataclass(frozen=True, slots=True)
class Join:
    """A field of this fact equals a field of the fact at an earlier position."""

    field: str
    position: int
    other: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """One fact: its kind, fields with a fixed value, and joins on earlier facts."""

    kind: str
    equals: tuple[tuple[str, Scalar], ...] = ()
    joins: tuple[Join, ...] = ()

    def as_json(self) -> list[Any]:
        """Returns the form in which the pattern is sent to the child process."""
        joins = [[join.field, join.position, join.other] for join in self.joins]
        return [self.kind, [list(one) for one in self.equals], joins]


Query = tuple[Pattern, ...]
"""Patterns that must fit together; every match binds one fact to each."""

World = list[dict[str, Any]]
"""Facts as patterns see them: only `kind` and the fields that some pattern names."""


def keyed_fields(queries: Iterable[Query]) -> dict[str, tuple[str, ...]]:
    """Returns, per kind, the fields that the queries compare; all else never reaches an engine."""
    fields: dict[str, set[str]] = {}
    for query in queries:
        for pattern in query:
            named = fields.setdefault(pattern.kind, set())
            named.update(name for name, _ in pattern.equals)
            for join in pattern.joins:
                named.add(join.field)
                fields.setdefault(query[join.position].kind, set()).add(join.other)
    return {kind: tuple(sorted(names)) for kind, names in fields.items()}
