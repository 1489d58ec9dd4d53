"""What the simple clauses of a condition wish for: the default ways to make it true.

Only clauses of one comparison are understood: ``x.f``, ``!x.f``, ``x.f >= 1``, ``x.f != ""``,
``x.f >= y.g``, joined by ``&&`` or ``||``. Anything else gives no wish. A wish is only a guess:
whether it opens the gate is judged.
"""

import json
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rules.conditions import Bound, tokens_of
from rules.fields import FieldInfo
from rules.schema import FieldPath

_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_MIRRORED = {">=": "<=", "<=": ">=", ">": "<", "<": ">", "==": "==", "!=": "!="}
ANYTHING = object()
"""The value of a wish that any filled-in text fulfils."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A clause: a field compared with a literal or with another field."""

    path: FieldPath
    sign: str
    other: Any

    def unfulfilled(self, values: Bound) -> bool:
        """Tells whether the clause is false or cannot be known."""
        now, other = _read(self.path, values), self._other(values)
        if now is None or other is None:
            return True
        try:
            return not _SIGNS[self.sign](now, other)
        except TypeError:
            return True

    def target(self, values: Bound, info: FieldInfo) -> Any:
        """Returns the nearest value that fulfils the clause, `ANYTHING`, or None without one."""
        other = self._other(values)
        if other is None:
            return None
        if self.sign == "!=":
            if isinstance(other, bool):
                return not other
            return ANYTHING if other == "" and not info.values else None
        if self.sign == "==":
            return other
        if isinstance(other, str | bool):
            return None
        return other + {">": 1, "<": -1}.get(self.sign, 0)

    def _other(self, values: Bound) -> Any:
        return _read(self.other, values) if isinstance(self.other, FieldPath) else self.other


@lru_cache(maxsize=1024)
def wishes_of(condition: str) -> tuple[Wish, ...]:
    """Returns the wishes of a condition, a comparison of two numbers as one for each side."""
    return tuple(wish for clause in _clauses(condition) for wish in _wishes(clause))


def _read(path: FieldPath, values: Bound) -> Any:
    return values.get(path.name, {}).get(path.field)


def _clauses(condition: str) -> Iterator[list[str]]:
    """Splits at every ``&&`` and ``||``; brackets around a clause are dropped."""
    clause: list[str] = []
    tokens = tokens_of(condition)
    for position, token in enumerate(tokens):
        if token in ("&", "|") and tokens[position - 1] == token:
            yield clause[:-1]
            clause = []
        else:
            clause.append(token)
    yield clause


def _wishes(clause: list[str]) -> Iterator[Wish]:
    while clause[:1] == ["("]:
        clause = clause[1:]
    while clause[-1:] == [")"]:
        clause = clause[:-1]
    negated = clause[:1] == ["!"]
    path = _path(clause[1:] if negated else clause)
    if path is not None:
        yield Wish(path, "==", not negated)
        return
    signs = [n for n, token in enumerate(clause) if token in ("=", "!", "<", ">")]
    if not signs or signs != list(range(signs[0], signs[-1] + 1)):
        return
    sign = "".join(clause[signs[0] : signs[-1] + 1])
    left, right = clause[: signs[0]], clause[signs[-1] + 1 :]
    if sign not in _SIGNS:
        return
    left_path, right_path = _path(left), _path(right)
    if left_path is not None:
        other = right_path or _literal(right)
        if other is not None:
            yield Wish(left_path, sign, other)
    if right_path is not None and sign not in ("==", "!="):
        other = left_path or _literal(left)
        if other is not None:
            yield Wish(right_path, _MIRRORED[sign], other)


def _path(tokens: list[str]) -> FieldPath | None:
    if len(tokens) == 3 and tokens[1] == "." and tokens[0].isidentifier():
        return FieldPath(tokens[0], tokens[2])
    return None


def _literal(tokens: list[str]) -> Any:
    """Returns the value of a literal that JSON writes the same way, or None."""
    try:
        value = json.loads("".join(tokens))
    except ValueError:
        return None
    return value if isinstance(value, str | bool | int | float) else None
