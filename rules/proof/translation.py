"""From a condition's tree to formulas: true, false, and otherwise not known, as CEL has it.

What cannot be translated becomes a formula that may say anything. So whatever is impossible for the
formulas is impossible for the conditions; what is possible must still be tried on the conditions.
Whole numbers are exact. Numbers with a fraction are real numbers, and every result of reckoning
with them may differ by as much as rounding to 64 bits can make it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import z3

from rules.conditions import Condition
from rules.proof.expression import (
    BeyondError,
    Call,
    Constant,
    Field,
    Items,
    Sort,
    Tree,
    read_expression,
)
from rules.proof.texts import Texts

_EPSILON = z3.RealVal(str(Fraction(1, 2**53)))
_TINY = z3.RealVal(str(Fraction(1, 2**200)))
_LARGEST_NUMBER = 1e300
_LARGEST_WHOLE = 2**63 - 1
_EXACT_WHOLE = 2**53


@dataclass(frozen=True, slots=True)
class Truth:
    """A yes/no: when it is true, when it is false; when neither, it is not known."""

    true: Any
    false: Any


@dataclass(frozen=True, slots=True)
class Value:
    """A number or text: its formula, when it is known, and how large it can be at most."""

    sort: Sort
    value: Any
    known: Any
    bound: float = 0.0


Term = Truth | Value
FieldOf = Callable[[str, str], tuple[Term, Any]]
"""From a name and a field to its term and whether the field is there."""


class Translator:
    """Translates the conditions of one proof.

    Attributes:
        exact: a formula that a search may assume: rounding changes nothing.
        axioms: what holds of rounded results.
        beyond: per text of a condition, why a part of it may say anything.
    """

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._count = 0
        self.exact = z3.Bool("numbers with a fraction are not rounded")
        self.axioms: list[Any] = []
        self.beyond: dict[str, str] = {}

    def condition(self, condition: Condition, field_of: FieldOf) -> Term:
        """Returns the term of a condition on some facts."""
        run = _Run(self, condition.text, field_of)
        try:
            tree = tree_of(condition)
        except BeyondError as error:
            if condition.type != "BOOL":
                raise
            return run.anything(str(error))
        return run.truth(tree) if condition.type == "BOOL" else run.term(tree)

    def fresh(self, make: Callable[[str], Any]) -> Any:
        """Returns a new variable."""
        self._count += 1
        return make(f"any {self._count}")

    def rounded(self, exact: Any) -> Any:
        """Returns a number that rounding may have moved away from the exact result."""
        result = self.fresh(z3.Real)
        error = _EPSILON * z3.If(exact >= 0, exact, -exact) + _TINY
        self.axioms += [
            result - exact <= error,
            exact - result <= error,
            z3.Implies(self.exact, result == exact),
        ]
        return result

    @property
    def texts(self) -> Texts:
        """The texts of the proof."""
        return self._texts


def tree_of(condition: Condition) -> Tree:
    """Returns the tree of a condition.

    Raises:
        BeyondError: it uses something that the proof does not know.
    """
    tree = _read(condition.judged)
    if isinstance(tree, BeyondError):
        raise tree
    return tree


@lru_cache(maxsize=4096)
def _read(text: str) -> Tree | BeyondError:
    try:
        return read_expression(text)
    except BeyondError as error:
        return error


def texts_in(tree: Tree) -> set[str]:
    """Returns every text that is written out in a condition."""
    match tree:
        case Constant(sort="text", value=value):
            return {str(value)}
        case Call(arguments=parts) | Items(items=parts):
            return set().union(*(texts_in(part) for part in parts))
        case _:
            return set()


def prefixes_in(tree: Tree) -> set[str]:
    """Returns every text with which a condition has another begin."""
    match tree:
        case Call("startsWith", (_, Constant("text", prefix))):
            return {str(prefix)}
        case Call(arguments=parts) | Items(items=parts):
            return set().union(*(prefixes_in(part) for part in parts))
        case _:
            return set()


def fields_in(tree: Tree) -> set[Field]:
    """Returns every field that a condition names."""
    match tree:
        case Field():
            return {tree}
        case Call(arguments=parts) | Items(items=parts):
            return set().union(*(fields_in(part) for part in parts))
        case _:
            return set()


class _Run:
    """The translation of one condition on the facts of one match."""

    def __init__(self, proof: Translator, text: str, field_of: FieldOf) -> None:
        self._proof = proof
        self._text = text
        self._field_of = field_of

    def anything(self, why: str) -> Truth:
        self._proof.beyond.setdefault(self._text, why)
        fresh = self._proof.fresh
        true, false = fresh(z3.Bool), fresh(z3.Bool)
        return Truth(z3.And(true, z3.Not(false)), z3.And(false, z3.Not(true)))

    def truth(self, tree: Tree) -> Truth:
        """Translates a part that is true or false; what it cannot may say anything."""
        try:
            term = self.term(tree)
        except BeyondError as error:
            return self.anything(str(error))
        if not isinstance(term, Truth):
            return self.anything("a yes/no was expected")
        return term

    def term(self, tree: Tree) -> Term:
        match tree:
            case Constant():
                return _constant(tree, self._proof.texts)
            case Field(name, field):
                return self._field_of(name, field)[0]
            case Items():
                raise BeyondError("a list stands where a value was expected")
            case Call(function, arguments):
                return self._call(function, arguments)

    def _call(self, function: str, arguments: tuple[Tree, ...]) -> Term:
        match function, arguments:
            case ("&&", (one, other)):
                left, right = self.truth(one), self.truth(other)
                return Truth(z3.And(left.true, right.true), z3.Or(left.false, right.false))
            case ("||", (one, other)):
                left, right = self.truth(one), self.truth(other)
                return Truth(z3.Or(left.true, right.true), z3.And(left.false, right.false))
            case ("!", (one,)):
                inner = self.truth(one)
                return Truth(inner.false, inner.true)
            case ("?:", (condition, yes, no)):
                return self._choice(self.truth(condition), yes, no)
            case ("==" | "!=" | "<" | "<=" | ">" | ">=", (one, other)):
                return _compared(function, self.term(one), self.term(other))
            case ("in", (one, Items(items))):
                return self._one_of(one, items)
            case ("has", (Field(name, field),)):
                there = self._field_of(name, field)[1]
                return Truth(there, z3.Not(there))
            case ("size", (one,)):
                text = self._value(one, "text")
                return Value("whole", self._proof.texts.size(text.value), text.known, 10_000)
            case ("startsWith" | "endsWith" | "contains", (one, Constant("text", written))):
                text = self._value(one, "text")
                said = self._proof.texts.test(function, text.value, str(written))
                return Truth(z3.And(text.known, said), z3.And(text.known, z3.Not(said)))
            case ("double", (one,)):
                return _doubled(self._value(one, "whole", "number"))
            case ("int", (one,)):
                return _cut(self._value(one, "whole", "number"))
            case ("negate", (one,)):
                value = self._value(one, "whole", "number")
                return Value(value.sort, -value.value, value.known, value.bound)
            case ("+" | "-" | "*" | "/" | "%", (one, other)):
                return self._reckoned(function, one, other)
            case _:
                raise BeyondError(_words(function))

    def _value(self, tree: Tree, *sorts: Sort) -> Value:
        term = self.term(tree)
        if not isinstance(term, Value) or term.sort not in sorts:
            raise BeyondError(f"a {' or '.join(sorts)} was expected")
        return term

    def _choice(self, condition: Truth, yes: Tree, no: Tree) -> Term:
        one, other = self.term(yes), self.term(no)
        if isinstance(one, Truth) and isinstance(other, Truth):
            either = (condition.true, condition.false)
            return Truth(
                z3.Or(z3.And(either[0], one.true), z3.And(either[1], other.true)),
                z3.Or(z3.And(either[0], one.false), z3.And(either[1], other.false)),
            )
        if isinstance(one, Value) and isinstance(other, Value):
            one, other = _alike(one, other)
            known = z3.Or(z3.And(condition.true, one.known), z3.And(condition.false, other.known))
            value = z3.If(condition.true, one.value, other.value)
            return Value(one.sort, value, known, max(one.bound, other.bound))
        raise BeyondError("both sides of '? :' must be of one sort")

    def _one_of(self, one: Tree, items: tuple[Tree, ...]) -> Truth:
        value = self.term(one)
        equal = [_compared("==", value, self.term(item)) for item in items]
        if not equal:
            raise BeyondError("an empty list")
        # One unknown item makes the whole list unknown, whatever the others are.
        known = z3.And([z3.Or(each.true, each.false) for each in equal])
        found = z3.Or([each.true for each in equal])
        return Truth(z3.And(known, found), z3.And(known, z3.Not(found)))

    def _reckoned(self, sign: str, one: Tree, other: Tree) -> Value:
        left, right = _alike(
            self._value(one, "whole", "number"), self._value(other, "whole", "number")
        )
        known = z3.And(left.known, right.known)
        if left.sort == "whole":
            value, bound, defined = _whole(sign, left, right)
            if bound > _LARGEST_WHOLE:
                in_range = z3.And(value >= -_LARGEST_WHOLE - 1, value <= _LARGEST_WHOLE)
                known = z3.And(known, in_range)
            return Value("whole", value, z3.And(known, defined), min(bound, _LARGEST_WHOLE))
        value, bound = _fraction(sign, left, right)
        if bound > _LARGEST_NUMBER:
            raise BeyondError("numbers beyond 1e300")
        return Value("number", self._proof.rounded(value), known, bound * 1.0001 + 1e-9)


def _constant(constant: Constant, texts: Texts) -> Term:
    value = constant.value
    always = z3.BoolVal(True)
    if isinstance(value, bool):
        return Truth(z3.BoolVal(value), z3.BoolVal(not value))
    if isinstance(value, int):
        return Value("whole", z3.IntVal(value), always, abs(float(value)))
    if isinstance(value, float):
        if abs(value) > _LARGEST_NUMBER:
            raise BeyondError("numbers beyond 1e300")
        return Value("number", z3.RealVal(str(Fraction(value))), always, abs(value))
    if isinstance(value, str):
        return Value("text", texts.constant(value), always)
    raise BeyondError("null")


def _alike(one: Value, other: Value) -> tuple[Value, Value]:
    """Makes two numbers of one sort: a whole number beside a fraction is meant as one."""
    if one.sort == other.sort:
        return one, other
    if {one.sort, other.sort} != {"whole", "number"}:
        raise BeyondError("a text and a number do not go together")
    return _doubled(one), _doubled(other)


def _doubled(value: Value) -> Value:
    if value.sort == "number":
        return value
    if value.bound > _EXACT_WHOLE:
        raise BeyondError("whole numbers so large that a fraction cannot hold them")
    return Value("number", z3.simplify(z3.ToReal(value.value)), value.known, value.bound)


def _cut(value: Value) -> Value:
    if value.sort == "whole":
        return value
    if value.bound > _LARGEST_WHOLE:
        raise BeyondError("fractions so large that a whole number cannot hold them")
    number = value.value
    whole = z3.If(number >= 0, z3.ToInt(number), -z3.ToInt(-number))
    return Value("whole", whole, value.known, value.bound)


def _compared(sign: str, one: Term, other: Term) -> Truth:
    if isinstance(one, Truth) and isinstance(other, Truth):
        same = z3.Or(z3.And(one.true, other.true), z3.And(one.false, other.false))
        differ = z3.Or(z3.And(one.true, other.false), z3.And(one.false, other.true))
        if sign in ("==", "!="):
            return Truth(same, differ) if sign == "==" else Truth(differ, same)
        raise BeyondError("an order of yes and no")
    if not (isinstance(one, Value) and isinstance(other, Value)):
        raise BeyondError("a yes/no and a value do not go together")
    left, right = _alike(one, other)
    known = z3.And(left.known, right.known)
    formula = {
        "==": left.value == right.value,
        "!=": left.value != right.value,
        "<": left.value < right.value,
        "<=": left.value <= right.value,
        ">": left.value > right.value,
        ">=": left.value >= right.value,
    }[sign]
    return Truth(z3.And(known, formula), z3.And(known, z3.Not(formula)))


def _whole(sign: str, left: Value, right: Value) -> tuple[Any, float, Any]:
    """Returns the result, how large it can be, and when it is defined."""
    always = z3.BoolVal(True)
    match sign:
        case "+":
            return left.value + right.value, left.bound + right.bound, always
        case "-":
            return left.value - right.value, left.bound + right.bound, always
        case "*" if z3.is_int_value(left.value) or z3.is_int_value(right.value):
            return left.value * right.value, left.bound * right.bound, always
        case "*":
            raise BeyondError("fields multiplied with each other")
        case _:
            pass
    if not z3.is_int_value(right.value):
        raise BeyondError("division by a field")
    if right.value.as_long() == 0:
        return left.value, left.bound, z3.BoolVal(False)
    by = abs(right.value.as_long())
    cut = z3.If(left.value >= 0, left.value / by, -((-left.value) / by))
    signed = cut if right.value.as_long() > 0 else -cut
    if sign == "/":
        return signed, left.bound, always
    return left.value - right.value * signed, left.bound, always


def _fraction(sign: str, left: Value, right: Value) -> tuple[Any, float]:
    one, other = left.value, right.value
    match sign:
        case "+":
            return one + other, left.bound + right.bound
        case "-":
            return one - other, left.bound + right.bound
        case "*" if z3.is_rational_value(one) or z3.is_rational_value(other):
            return one * other, left.bound * right.bound
        case "*":
            raise BeyondError("fields multiplied with each other")
        case "/" if z3.is_rational_value(other) and right.bound > 0:
            return one / other, left.bound / right.bound
        case "/":
            raise BeyondError("division by a field")
        case _:
            raise BeyondError(_words(sign))


def _words(function: str) -> str:
    return f"'{function}' is not translated"


def fields_of_condition(condition: Condition) -> set[Field]:
    """Returns every field that a condition names; none when it cannot be read."""
    try:
        return fields_in(tree_of(condition))
    except BeyondError:
        return set()


def prefixes_of_condition(condition: Condition) -> set[str]:
    """Returns every text with which a condition has another begin."""
    try:
        return prefixes_in(tree_of(condition))
    except BeyondError:
        return set()


def texts_of_condition(condition: Condition) -> set[str]:
    """Returns every text that is written out in a condition; none when it cannot be read."""
    try:
        return texts_in(tree_of(condition))
    except BeyondError:
        return set()


__all__ = [
    "FieldOf",
    "Term",
    "Translator",
    "Truth",
    "Value",
    "fields_of_condition",
    "prefixes_of_condition",
    "texts_of_condition",
    "tree_of",
]
