"""Comparing what a story expects with what was seen.

What an expectation names must be equal; lists are compared as sets; a map is compared field by
field; ``{at_least: n}``, ``{at_most: n}`` and ``{contains: text}`` stand in place of a value,
where a list or a map counts by how many it has.
"""

from collections.abc import Iterator
from typing import Any

_BOUNDS = {"at_least", "at_most", "contains"}
_LIMITS = ("at_least", "at_most")
_Path = tuple[str | int, ...]


def faults_in(expected: Any, path: _Path = ()) -> Iterator[tuple[_Path, str]]:
    """Yields what can never hold as it is written, each with its place inside the expectation."""
    if isinstance(expected, list):
        for place, item in enumerate(expected):
            yield from faults_in(item, (*path, place))
    if isinstance(expected, dict):
        for name, value in expected.items():
            if name in _LIMITS and set(expected) <= _BOUNDS and not _is_number(value):
                yield (*path, name), f"{name} is followed by a number, not {value!r}"
            yield from faults_in(value, (*path, name))


def differences(expected: Any, seen: Any, where: str = "") -> list[str]:
    """Returns what does not hold, one sentence each; empty when everything does."""
    if isinstance(expected, dict) and expected and set(expected) <= _BOUNDS:
        return _bounds(expected, seen, where)
    if isinstance(expected, dict):
        return _fields(expected, seen, where)
    if isinstance(expected, list | tuple):
        return _as_sets(expected, seen, where)
    if expected != seen or isinstance(expected, bool) != isinstance(seen, bool):
        return [f"{where or 'value'}: expected {expected!r}, seen {seen!r}"]
    return []


def _fields(expected: dict[str, Any], seen: Any, where: str) -> list[str]:
    if not isinstance(seen, dict):
        return [f"{where or 'value'}: expected {expected!r}, seen {seen!r}"]
    if not expected and seen:
        return [f"{where}: expected nothing, seen {seen!r}"]
    found: list[str] = []
    for name, value in expected.items():
        inner = f"{where}.{name}" if where else name
        if name not in seen:
            found.append(f"{inner}: expected {value!r}, but there is only {', '.join(seen)}")
        else:
            found += differences(value, seen[name], inner)
    return found


def _as_sets(expected: Any, seen: Any, where: str) -> list[str]:
    """Each expected item matches one that was seen, and none is left over."""
    left = list(seen) if isinstance(seen, list | tuple) else None
    if left is not None:
        for item in expected:
            match = next((one for one in left if not differences(item, one)), None)
            if match is None:
                break
            left.remove(match)
        else:
            if not left:
                return []
    return [f"{where or 'value'}: expected {list(expected)!r}, seen {seen!r}"]


def _bounds(expected: dict[str, Any], seen: Any, where: str) -> list[str]:
    count = len(seen) if isinstance(seen, list | tuple | dict) else seen
    return [
        f"{where or 'value'}: expected {bound} {value!r}, seen {seen!r}"
        for bound, value in expected.items()
        if not (_contains(seen, value) if bound == "contains" else _within(bound, value, count))
    ]


def _contains(seen: Any, value: Any) -> bool:
    if isinstance(seen, str):
        return isinstance(value, str) and value in seen
    return isinstance(seen, list | tuple) and value in seen


def _within(bound: str, limit: Any, count: Any) -> bool:
    if not _is_number(limit) or not _is_number(count):
        return False
    return bool(count >= limit if bound == "at_least" else count <= limit)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
