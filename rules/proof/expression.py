"""Reads a condition into a tree; the part of CEL that conditions use, which has no loops.

The library that judges gives no tree. What this parser does not know is refused, never guessed:
the proof then treats the condition as one that may say anything.
"""

import re
from dataclasses import dataclass
from typing import Literal as OneOf

Sort = OneOf["bool", "whole", "number", "text", "null"]


class BeyondError(Exception):
    """A condition, or a part of it, lies outside what can be translated; the message says why."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is written out."""

    sort: Sort
    value: bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a bound fact."""

    name: str
    field: str


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or function with its arguments; of a method the receiver comes first."""

    function: str
    arguments: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list that is written out."""

    items: tuple["Tree", ...]


Tree = Constant | Field | Call | Items

_TOKEN = re.compile(
    r"""\s+|//[^\n]*
    |(?P<text>[rR]?("{3}.*?"{3}|'{3}.*?'{3}|"(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])*'))
    |(?P<number>(\d+\.\d+|\.\d+)([eE][-+]?\d+)?|\d+[eE][-+]?\d+)
    |(?P<whole>0[xX][0-9a-fA-F]+|\d+)(?![uU\w])
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>&&|\|\||[<>=!]=|[-+*/%<>!?:.,()[\]])""",
    re.VERBOSE | re.DOTALL,
)
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset({"<", "<=", ">", ">=", "==", "!=", "in"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
_WORDS = {
    "true": Constant("bool", True),
    "false": Constant("bool", False),
    "null": Constant("null", None),
}
_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(x[0-9a-fA-F]{2}|X[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)",
    re.DOTALL,
)


def read_expression(text: str) -> Tree:
    """Returns the tree of a condition that CEL has accepted.

    Raises:
        BeyondError: it uses something that the proof does not know.
    """
    return _Reader(text).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    def whole(self) -> Tree:
        tree = self._choice()
        if self._peek() != ("end", ""):
            raise BeyondError(f"'{self._peek()[1]}' is not understood here")
        return tree

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at]

    def _take(self, *signs: str) -> str:
        kind, text = self._peek()
        if kind in ("sign", "name") and text in signs:
            self._at += 1
            return text
        return ""

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise BeyondError(f"'{self._peek()[1]}' stands where '{sign}' was expected")

    def _choice(self) -> Tree:
        tree = self._binary(0)
        if not self._take("?"):
            return tree
        yes = self._binary(0)
        self._need(":")
        return Call("?:", (tree, yes, self._choice()))

    def _binary(self, level: int) -> Tree:
        if level == len(_LEVELS):
            return self._unary()
        tree = self._binary(level + 1)
        while sign := self._take(*_LEVELS[level]):
            tree = Call(sign, (tree, self._binary(level + 1)))
        return tree

    def _unary(self) -> Tree:
        if self._take("!"):
            return Call("!", (self._unary(),))
        if self._take("-"):
            inner = self._unary()
            if isinstance(inner, Constant) and isinstance(inner.value, int | float):
                return Constant(inner.sort, -inner.value)
            return Call("negate", (inner,))
        return self._member(self._primary())

    def _member(self, tree: Tree | str) -> Tree:
        """Reads what follows a name or a value: a field, a method."""
        while self._take("."):
            kind, name = self._peek()
            if kind != "name":
                raise BeyondError(f"'{name}' is not understood after a dot")
            self._at += 1
            if self._take("("):
                if isinstance(tree, str):
                    raise BeyondError(f"{tree}.{name}() takes a whole fact")
                tree = Call(name, (tree, *self._arguments()))
            elif isinstance(tree, str):
                tree = Field(tree, name)
            else:
                raise BeyondError(f".{name} of something that is no fact")
        if isinstance(tree, str):
            raise BeyondError(f"'{tree}' alone is a whole fact")
        if self._peek() == ("sign", "["):
            raise BeyondError("[...] picks an item out of something")
        return tree

    def _primary(self) -> Tree | str:
        kind, text = self._peek()
        self._at += 1
        if kind == "text":
            return Constant("text", _unquoted(text))
        if kind == "number":
            return Constant("number", float(text))
        if kind == "whole":
            return Constant("whole", int(text, 0 if text[:2] in ("0x", "0X") else 10))
        if kind == "name" and text in _WORDS:
            return _WORDS[text]
        if kind == "name":
            return Call(text, self._arguments()) if self._take("(") else text
        if text == "(":
            tree = self._choice()
            self._need(")")
            return tree
        if text == "[":
            return Items(self._arguments("]"))
        raise BeyondError(f"'{text}' is not understood here")

    def _arguments(self, end: str = ")") -> tuple[Tree, ...]:
        arguments: list[Tree] = []
        while not self._take(end):
            arguments.append(self._choice())
            if not self._take(","):
                self._need(end)
                break
        return tuple(arguments)


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise BeyondError(f"'{text[at : at + 10]}' is not understood")
        if found.lastgroup:
            kind = next(k for k in ("text", "number", "whole", "name", "sign") if found[k])
            tokens.append((kind, found.group()))
        at = found.end()
    return [*tokens, ("end", "")]


def _unquoted(text: str) -> str:
    raw = text[0] in "rR"
    text = text[1:] if raw else text
    width = 3 if text[:3] in ('"""', "'''") else 1
    inner = text[width:-width]
    return inner if raw else _ESCAPE.sub(_unescaped, inner)


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] in "xXuU" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code.isdigit():
        return chr(int(code, 8))
    if code not in _ESCAPES:
        raise BeyondError(f"the escape \\{code} is not understood")
    return _ESCAPES[code]
