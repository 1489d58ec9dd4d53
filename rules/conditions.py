"""Conditions in CEL: type-checked when a pack is loaded, judged where missing means unknown.

Each condition is compiled twice. Against protobuf messages made from the fact models, which finds
misspelt fields and mixed types with their column; and against maps, where a field that a fact does
not have is an error instead of the zero that a message would give.
"""

import math
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from cel_expr_python import cel
from google.protobuf import descriptor_pb2, descriptor_pool

from measures.facts import FACT_KINDS
from rules.faults import did_you_mean, nearest
from rules.fields import FieldType, fields_of
from rules.habits import NOT_KNOWN, habit_in, help_for_function, help_for_name

MAX_LENGTH = 1000
"""Characters of one condition."""
ANSWERS = 1000
"""How many answers each condition remembers before it begins anew."""

_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_TOKEN = re.compile(
    r"""(?P<text>[bBrR]{0,2}("{3}.*?"{3}|'{3}.*?'{3}|"(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])*'))
    |(?P<number>0x[0-9a-fA-F]+u?|(\d+\.\d*|\.\d+)([eE][-+]?\d+)?|\d+[eE][-+]?\d+|\d+u?)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<other>\S)""",
    re.VERBOSE | re.DOTALL,
)
_OPERAND = r"""([A-Za-z_]\w*\.\w+|"[^"]*"|'[^']*'|\d[\w.]*)"""
_OPERAND_BEFORE = re.compile(_OPERAND + r"\s*$")
_OPERAND_AFTER = re.compile(r"^[^\w\"']*" + _OPERAND)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LOOPS = ("all", "exists", "exists_one", "map", "filter")
_WITHOUT_LOOPS = "stdlib: {exclude_macros: [%s]}" % ", ".join(_LOOPS)  # noqa: UP031  YAML braces
_FIELD_NUMBERS: dict[FieldType, int] = {
    "text": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
    "number": descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE,
    "whole": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
    "boolean": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
}
_PLAIN_TYPES = {"BOOL": "true or false", "INT": "a whole number", "DOUBLE": "a number"}


class ConditionError(Exception):
    """A condition cannot be compiled.

    Attributes:
        offset: the character of the condition that it is about, from 0.
        others: further names and fields of it that are not there.
    """

    others: "tuple[ConditionError, ...]" = ()

    def __init__(self, code: str, offset: int, message: str, help_: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.offset = offset
        self.message = message
        self.help = help_


class TooLongError(Exception):
    """The conditions of a judgement take longer than they may."""


class Unknown:
    """The value of a condition that cannot be known, and why."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why


class Bound(dict[str, dict[str, Any]]):
    """Bound facts as conditions see them, by name; handed over to CEL once for all conditions.

    Attributes:
        until: when evaluating on them must have ended, in processor time of this thread, so that
            a busy machine shuts no gate.
    """

    until = math.inf
    _handed_over: tuple[Any, Any] | None = None

    def handed_over(self, env: Any) -> Any:
        """Returns the facts in the form that programs of an environment read."""
        if self._handed_over is not None and self._handed_over[0] is env:
            return self._handed_over[1]
        # A copy: CEL holds on to it, and a cycle through C++ would never be collected.
        activation = env.Activation(data=dict(self))
        self._handed_over = (env, activation)
        return activation


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition.

    Attributes:
        text: as the author wrote it.
        judged: as it is evaluated, with ``1.0`` for ``1`` where a number with a fraction is meant.
        type: ``BOOL``, ``INT``, ``DOUBLE`` or ``STRING``.
    """

    text: str
    judged: str
    type: str
    _program: Any
    _env: Any
    _reads: tuple[tuple[str, str], ...] | None = field(default=None, compare=False)
    _answers: dict[tuple[Any, ...], Any] = field(default_factory=dict, compare=False, repr=False)

    def fields_read(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Returns the fields it reads of these names, each once, in the order of the text."""
        tokens = [match.group() for match in _TOKEN.finditer(self.text)]
        found = {
            (name, after): None
            for before, name, dot, after in zip(
                ["", *tokens], tokens, tokens[1:], tokens[2:], strict=False
            )
            if before != "." and dot == "." and name in names
        }
        return list(found)

    def literals(self) -> list[str | int | float]:
        """Returns the plain texts and decimal numbers that stand in it."""
        found: list[str | int | float] = []
        for match in _TOKEN.finditer(self.text):
            if match["number"] and re.fullmatch(r"[\d.]+", match["number"]):
                number = float(match["number"])
                found.append(int(number) if number.is_integer() else number)
            elif match["text"] and "\\" not in match["text"] and match["text"][0] in "'\"":
                found.append(match["text"].strip("'\""))
        return found

    def value(self, facts: Bound) -> Any:
        """Evaluates on the bound facts; returns a plain value or `Unknown`.

        What it came to on the same values before is known: nothing else decides about it.

        Raises:
            TooLongError: the time that these facts may take is over.
        """
        if self._reads is None:
            return self._evaluated(facts)
        try:
            seen = tuple([facts[name].get(read) for name, read in self._reads])
        except KeyError:
            return self._evaluated(facts)
        if seen in self._answers:
            return self._answers[seen]
        answer = self._evaluated(facts)
        if len(self._answers) >= ANSWERS:
            self._answers.clear()
        self._answers[seen] = answer
        return answer

    def _evaluated(self, facts: Bound) -> Any:
        if time.thread_time() > facts.until:
            raise TooLongError
        try:
            result = self._program.eval(facts.handed_over(self._env))
        except RuntimeError as error:  # the library's only error, e.g. the iteration budget
            return Unknown(_why(str(error)))
        value = result.value()
        if isinstance(value, bool):
            return value
        if result.type() == cel.Type.ERROR:
            return Unknown(_why(str(value)))
        if value is None:
            return Unknown("a value is missing")
        return value


def compile_condition(text: str, bindings: dict[str, str], wanted: tuple[str, ...]) -> Condition:
    """Type-checks and compiles a condition.

    Args:
        text: the CEL expression.
        bindings: the kind of fact behind each name.
        wanted: the result types that are acceptable, e.g. ``("BOOL",)``.

    Raises:
        ConditionError: with the place and, where there is one, the fix.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError("R310", 0, f"a condition has at most {MAX_LENGTH} characters")
    _refuse_loops(text)
    checked, judged_text = _check(text, bindings)
    kind = checked.return_type().name()
    if kind not in wanted:
        words = " or ".join(_PLAIN_TYPES.get(one, "a text") for one in wanted)
        found = _PLAIN_TYPES.get(kind, "a text" if kind == "STRING" else "a whole fact")
        help_ = "compare it with something, e.g. > 0" if wanted == ("BOOL",) else ""
        raise ConditionError("R308", 0, f"this must give {words}, not {found}", help_)
    _refuse_broken_patterns(text)
    env = _judging_env(tuple(sorted(bindings)))
    try:
        program = env.compile(judged_text)
    except RuntimeError as error:
        raise _explain(str(error), text, bindings) from None
    return Condition(text, judged_text, kind, program, env, _reads(text, bindings))


def _reads(text: str, bindings: dict[str, str]) -> tuple[tuple[str, str], ...] | None:
    """Returns the fields of bound facts that decide about a condition; None if others might."""
    tokens = tokens_of(text)
    found: dict[tuple[str, str], None] = {}
    for place, name in enumerate(tokens):
        if name not in bindings or (place and tokens[place - 1] == "."):
            continue
        dot, read = (*tokens[place + 1 : place + 3], "", "")[:2]
        if dot != "." or read not in fields_of(bindings[name]):
            return None
        found[name, read] = None
    return tuple(found)


def tokens_of(text: str) -> list[str]:
    """Returns the words and signs of a condition, in order; a sign of two characters as two."""
    return [found.group() for found in _TOKEN.finditer(text)]


def _refuse_loops(text: str) -> None:
    # Only for a better message: the environments know no loops, however they are spelt.
    before = ""
    for match in _TOKEN.finditer(text):
        if before == "." and match["name"] in _LOOPS:
            raise ConditionError(
                "R307",
                match.start(),
                f"loops such as .{match['name']}() are not allowed",
                "facts hold no lists; look at several facts with 'when' or 'expect'",
            )
        before = match.group()


def _refuse_broken_patterns(text: str) -> None:
    """Refuses a regular expression that stands in the text and is none; CEL would find it late."""
    for found in _literal_patterns(text):
        env = _judging_env(())
        matched = env.compile(f"''.matches({found.group()})").eval(env.Activation(data={}))
        if matched.type() == cel.Type.ERROR:
            said = str(matched.value()).partition("invalid regular expression: ")[2]
            why = _UNPRINTABLE.sub("?", said or "it is too large")
            raise ConditionError(
                "R307",
                found.start(),
                f"this is no regular expression: {why}",
                "regular expressions are RE2: a sign that is meant as itself needs [ ] around it",
            )


def _literal_patterns(text: str) -> Iterator[re.Match[str]]:
    """Yields the plain texts that end the arguments of `matches`."""
    tokens = list(_TOKEN.finditer(text))
    for place, token in enumerate(tokens):
        if token.group() != "matches":
            continue
        depth = 0
        for before, last, sign in zip(
            tokens[place:], tokens[place + 1 :], tokens[place + 2 :], strict=False
        ):
            depth += (last.group() == "(") - (last.group() == ")")
            if depth == 1 and sign.group() == ")":
                if last["text"] and before.group() in ("(", ","):
                    yield last
                break


def _check(text: str, bindings: dict[str, str]) -> tuple[Any, str]:
    """Compiles with types; returns the result and the text, `1` written `1.0` where meant."""
    env = _checking_env(tuple(sorted(bindings.items())))
    first: RuntimeError | None = None
    attempt = text
    while True:
        try:
            return env.compile(attempt), attempt
        except RuntimeError as error:
            first = first or error
            doubled = _double_one_literal(attempt, str(error))
            if doubled is None:
                raise _explain(str(first), text, bindings) from None
            attempt = doubled


def _double_one_literal(text: str, error: str) -> str | None:
    """Writes the whole number that an int-against-double complaint is about with a fraction."""
    found = _ERROR.search(error)
    if not found or "double" not in found[3] or "int" not in found[3]:
        return None
    place = _offset(text, int(found[1]), int(found[2]))
    literals = [
        match for match in _TOKEN.finditer(text) if match["number"] and match["number"].isdigit()
    ]
    sides = re.search(r"'\((.*), (.*)\)'", found[3])
    left_is_int = bool(sides) and "int" in sides[1] if sides else False
    before = [match for match in literals if match.start() < place]
    after = [match for match in literals if match.start() >= place]
    chosen = before[-1:] if left_is_int else after[:1]
    if not chosen:
        return None
    return f"{text[: chosen[0].end()]}.0{text[chosen[0].end() :]}"


def _explain(error: str, text: str, bindings: dict[str, str]) -> ConditionError:
    complaints = list(_ERROR.finditer(error))
    if not complaints:
        too_deep = "recursion limit" in error
        message = "nested deeper than 32 levels" if too_deep else error.split("\n")[0]
        return ConditionError("R307", 0, message)
    explained = [_explain_one(one, text, bindings) for one in complaints]
    # What has a wrong type is only certain once every name is known.
    first, *others = [one for one in explained if one.code in ("R302", "R303")] or explained[:1]
    first.others = tuple(others)
    return first


def _explain_one(found: re.Match[str], text: str, bindings: dict[str, str]) -> ConditionError:
    place, said = _offset(text, int(found[1]), int(found[2])), found[3]
    if field := re.search(r"undefined field '(.+?)' not found in struct 'sluice\.(\w+)'", said):
        return ConditionError(
            "R302",
            place + (1 if text[place : place + 1] == "." else 0),
            f"the fact '{field[2]}' has no field '{field[1]}'",
            did_you_mean(field[1], fields_of(field[2])),
        )
    if name := re.search(r"undeclared reference to '(.+?)'", said):
        first = name[1].split(".")[0]
        start = place - len(first) if text[place : place + 1] in (".", "(") else place
        start = max(start, 0)
        if text[place : place + 1] == "(":
            message = f"there is no function '{first}'"
            return ConditionError("R307", start, message, help_for_function(first))
        alone = text[start + len(first) : start + len(first) + 1] != "."
        help_ = nearest(first, bindings) and did_you_mean(first, bindings)
        help_ = help_ or help_for_name(first, alone=alone) or did_you_mean(first, bindings)
        return ConditionError("R303", start, f"nothing is bound to '{first}'", help_)
    if types := re.search(r"no matching overload for '(.+?)' applied to '\((.*)\)'", said):
        sign = types[1].replace("_", "").replace("@", "").replace("?:", "? :")
        words = " and ".join(_type_in_words(one) for one in types[2].split(", "))
        help_ = _type_help(types[2], text, place, bindings)
        return ConditionError("R308", place, f"'{sign}' cannot join {words}", help_)
    habit = habit_in(text)
    if habit:
        return ConditionError("R307", habit.offset, habit.message, habit.help)
    syntax = said.removeprefix("Syntax error: ")
    if "'<EOF>'" in syntax:
        help_ = "something is missing at its end"
        return ConditionError("R307", len(text), "the condition ends too early", help_)
    syntax = re.sub(r" expecting .*", "", syntax)
    return ConditionError("R307", place, f"this is not CEL: {_UNPRINTABLE.sub('?', syntax)}")


def _type_in_words(name: str) -> str:
    known = {
        "double": "a number",
        "int": "a whole number",
        "string": "a text",
        "bool": "a yes/no",
        "null_type": "nothing",
    }
    if name.startswith("sluice."):
        return f"a whole fact ({name.removeprefix('sluice.')})"
    return known.get(name, name)


def _type_help(types: str, text: str, place: int, bindings: dict[str, str]) -> str:
    """Returns the fix of a mismatch, for the values beside the sign where there are any."""
    before, after = _OPERAND_BEFORE.search(text[:place]), _OPERAND_AFTER.search(text[place:])
    sides = [found[1] for found in (before, after) if found]
    if "null_type" in types:
        return NOT_KNOWN
    if "double" in types and "int" in types:
        whole = [side for side in sides if _field_type(side, bindings) == "whole"]
        fix = f"write double({whole[0]})" if whole else "double(x) makes a number of x"
        return f"{fix}: CEL never mixes whole numbers and numbers with a fraction"
    if "sluice." in types:
        return "compare a field of the fact, as name.field"
    if "string" in types and ("int" in types or "double" in types):
        for side in sides:
            if side[:1] in "\"'" and re.fullmatch(r"-?\d+(\.\d+)?", side[1:-1]):
                return f"write the number without quotes: {side[1:-1]}"
        number = next((side for side in sides if side[:1].isdigit()), "2")
        return f'compare a text with a text in quotes: "{number}"'
    if "bool" in types:
        return "a yes/no is compared with true or false, or stands alone"
    return "compare values of one type"


def _field_type(operand: str, bindings: dict[str, str]) -> str:
    name, _, field = operand.partition(".")
    known = fields_of(bindings[name]) if name in bindings else {}
    return known[field].type if field in known else ""


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return start + column - 1


def _why(error: str) -> str:
    missing = re.search(r'Key not found in map : "(.+?)"', error)
    if missing:
        return f"'{missing[1]}' is not known"
    unbound = re.search(r"No value with name \"(.+?)\" found", error)
    if unbound:
        return f"there is no {unbound[1]}"
    return error.split("\n")[0].split(" [")[0]


@cache
def _messages() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(
        name="sluice_facts.proto", package="sluice", syntax="proto3"
    )
    for kind in FACT_KINDS:
        message = file.message_type.add(name=kind)
        for number, (name, info) in enumerate(fields_of(kind).items(), 1):
            message.field.add(
                name=name,
                number=number,
                type=_FIELD_NUMBERS[info.type],
                label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


@lru_cache(maxsize=256)
def _checking_env(bindings: tuple[tuple[str, str], ...]) -> Any:
    variables = {name: cel.Type(f"sluice.{kind}") for name, kind in bindings}
    return cel.NewEnv(descriptor_pool=_messages(), config=_config(), variables=variables)


@lru_cache(maxsize=256)
def _judging_env(names: tuple[str, ...]) -> Any:
    fact = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    return cel.NewEnv(config=_config(), variables=dict.fromkeys(names, fact))


@cache
def _config() -> Any:
    # Facts hold no lists, so nothing is lost; and nested loops over concatenated texts grow
    # exponentially in memory, which the library's iteration budget does not see.
    return cel.NewEnvConfigFromYaml(_WITHOUT_LOOPS)
