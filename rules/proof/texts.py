"""Texts as numbers: every written text has a whole number by its order, all others lie between.

Comparing texts becomes comparing numbers, which a solver does fast and exactly. Between any two
numbers there is another, between two texts not always: so more is possible here than in truth,
and what is impossible here is impossible.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import z3

from rules.proof.expression import BeyondError

Shape = str
"""What a text looks like: ``name``, ``id``, ``period``, ``day``, ``sha256``, ``word`` (of few)."""

TESTS: dict[str, Callable[[str, str], bool]] = {
    "endsWith": str.endswith,
    "contains": str.__contains__,
}
"""Functions of CEL that test a text against a written one and are no matter of order."""

_SHAPES: dict[Shape, re.Pattern[str]] = {
    "id": re.compile(r"[a-z0-9][a-z0-9._-]{0,99}"),
    "period": re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-\d{2})?|-W\d{2})?"),
    "day": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "sha256": re.compile(r"[0-9a-f]{64}"),
}
_LONGEST = 10_000
_LAST_PLAIN = "\ud7ff"
"""Behind it come signs of which some can stand in no text."""
_NUMBERS_FROM, _NUMBERS_TO, _LETTERS_FROM = "2", "3", "a"
_MARKS = (_NUMBERS_FROM, _NUMBERS_TO, _LETTERS_FROM)
_NAMES = (
    "abel", "ada", "adam", "aida", "alan", "alba", "alex", "alma", "amir", "amy", "ana", "anna",
)  # fmt: skip
"""Texts of examples, where nothing else is asked of them."""


@dataclass(frozen=True, slots=True)
class _Test:
    """A test of one text against a written one."""

    function: str
    argument: str


class Texts:
    """The texts of one proof.

    Attributes:
        axioms: what is known about the tests and sizes used so far.
        usual: what only examples keep to: days look like days, names like names.
    """

    def __init__(
        self, written: Iterable[str], words: Iterable[str] = (), prefixes: Iterable[str] = ()
    ) -> None:
        """Takes what rules write out, the words of the product, and what texts are to begin with.

        The texts that begin with something lie between it and the next that does not, so that
        `startsWith` is a matter of order.
        """
        self._by_authors = frozenset(written)
        self._after = {
            prefix: _after(prefix) for prefix in prefixes if prefix and prefix[-1] < _LAST_PLAIN
        }
        bounds = {*self._after, *self._after.values()}
        self._written = sorted({"", *_MARKS, *bounds, *self._by_authors, *words})
        self._code = {text: number for number, text in enumerate(self._written)}
        self._shapes: list[tuple[Any, Shape]] = []
        self._tests: list[tuple[Any, _Test]] = []
        self._sizes: list[Any] = []
        self._size = z3.Function("size", z3.RealSort(), z3.IntSort())
        self.usual: list[Any] = []
        self.axioms: list[Any] = [
            self._size(z3.RealVal(code)) == len(text) for text, code in self._code.items()
        ]

    def constant(self, text: str) -> Any:
        """Returns the number of a written text."""
        return z3.RealVal(self._code[text])

    def variable(self, name: str, shape: Shape, *, filled: bool) -> Any:
        """Returns a new unknown text of a shape."""
        variable = z3.Real(name)
        self._shapes.append((variable, shape))
        fits = _SHAPES.get(shape)
        bad = [
            code
            for text, code in self._code.items()
            if (fits and text and not fits.fullmatch(text)) or (filled and not text)
        ]
        self.axioms += [variable >= 0, *(variable != code for code in bad)]
        low, high = self.constant(_NUMBERS_FROM), self.constant(_NUMBERS_TO)
        if shape in ("day", "period"):
            self.usual.append(z3.Or(variable == 0, z3.And(low < variable, variable < high)))
        elif shape != "word":
            low = self._code[_LETTERS_FROM]
            named = z3.And(low < variable, variable < low + 1)
            told = [variable == self._code[text] for text in self._by_authors]
            begun = [self._begins(variable, prefix) for prefix in self._after]
            self.usual.append(z3.Or(variable == 0, named, *told, *begun))
        return variable

    def size(self, text: Any) -> Any:
        """Returns how many characters a text has."""
        if not any(text.eq(known) for known in self._sizes):
            self._sizes.append(text)
            long = self._size(text)
            self.axioms += [long >= 0, long <= _LONGEST, (long == 0) == (text == 0)]
        return self._size(text)

    def test(self, function: str, text: Any, argument: str) -> Any:
        """Returns whether a text passes a test against a written text."""
        if function == "startsWith":
            return self._begins(text, argument)
        test = _Test(function, argument)
        said = self._said(test, text)
        if any(known.eq(text) and other == test for known, other in self._tests):
            return said
        holds = TESTS[function]
        for written, code in self._code.items():
            self.axioms.append(self._said(test, z3.RealVal(code)) == holds(written, argument))
        self.axioms.append(z3.Implies(said, self.size(text) >= len(argument)))
        for known, other in self._tests:
            if known.eq(text) and not _compatible(test, other):
                self.axioms.append(z3.Not(z3.And(said, self._said(other, text))))
        self._tests.append((text, test))
        return said

    def read(self, model: Any) -> dict[Fraction, str]:
        """Returns a text for every number of a model; a best guess, to be checked by judging.

        Raises:
            LookupError: no text was found that looks like that.
        """
        wanted: dict[Fraction, set[Shape]] = {}
        for variable, shape in self._shapes:
            wanted.setdefault(number_in(model, variable), set()).add(shape)
        texts: dict[Fraction, str] = {}
        previous = ""
        for number in sorted(wanted):
            previous = texts[number] = self._text(model, number, wanted[number], previous)
        return texts

    def _begins(self, text: Any, prefix: str) -> Any:
        if not prefix:
            return z3.BoolVal(True)
        if prefix not in self._after:
            raise BeyondError(f"texts that begin with '{prefix}'")
        return z3.And(text >= self.constant(prefix), text < self.constant(self._after[prefix]))

    def _said(self, test: _Test, text: Any) -> Any:
        name = f"{test.function} {test.argument}"
        return z3.Function(name, z3.RealSort(), z3.BoolSort())(text)

    def _text(self, model: Any, number: Fraction, shapes: set[Shape], previous: str) -> str:
        if number.denominator == 1 and number < len(self._written):
            return self._written[int(number)]
        above = bisect_right(range(len(self._written)), number)
        low = max(self._written[above - 1], previous)
        high = self._written[above] if above < len(self._written) else None
        value = z3.RealVal(str(number))
        tests: dict[_Test, bool] = {}
        for _, test in self._tests:
            tests[test] = z3.is_true(model.eval(self._said(test, value), model_completion=True))
        size = None
        if any(number_in(model, sized) == number for sized in self._sizes):
            size = model.eval(self._size(value), model_completion=True).as_long()
        for candidate in _candidates(shapes, low, tests, size):
            in_order = low < candidate and (high is None or candidate < high)
            long_enough = size is None or len(candidate) == size
            if in_order and long_enough and _fits(candidate, shapes, tests):
                return candidate
        raise LookupError(f"a text between '{low}' and '{high or ''}'")


def number_in(model: Any, variable: Any) -> Fraction:
    """Returns the value of a variable in a model."""
    value: Fraction = model.eval(variable, model_completion=True).as_fraction()
    return value


def _after(prefix: str) -> str:
    """Returns the first text after all that begin with a prefix."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _compatible(one: _Test, other: _Test) -> bool:
    holds = TESTS[one.function]
    if one.function != other.function or one.function == "contains":
        return True
    return holds(one.argument, other.argument) or holds(other.argument, one.argument)


def _fits(text: str, shapes: set[Shape], tests: Mapping[_Test, bool]) -> bool:
    shaped = all(_SHAPES[shape].fullmatch(text) for shape in shapes if shape in _SHAPES)
    return shaped and all(
        TESTS[test.function](text, test.argument) == wanted for test, wanted in tests.items()
    )


def _candidates(
    shapes: set[Shape], low: str, tests: Mapping[_Test, bool], size: int | None
) -> Iterator[str]:
    if not tests and shapes <= {"id", "name"}:
        yield from _NAMES
    if "sha256" in shapes:
        yield from (f"{number:064x}" for number in range(1, 20))
    if "period" in shapes:
        yield from (f"{year}-{month:02}" for year in range(2026, 2046) for month in range(1, 13))
    if "day" in shapes:
        yield from ((date(2026, 1, 1) + timedelta(days=day)).isoformat() for day in range(7000))
    parts = {
        function: "".join(t.argument for t, yes in tests.items() if yes and t.function == function)
        for function in TESTS
    }
    for base in ("", low):
        for number in range(100):
            text = f"{base}{parts['contains']}{number:02}"
            room = (size or 0) - len(text) - len(parts["endsWith"])
            yield f"{text}{'0' * room}{parts['endsWith']}"
            yield f"{base}n{parts['contains']}{number:02}{'0' * (room - 1)}{parts['endsWith']}"
    if size is not None:
        yield from (letter * size for letter in "0an")
