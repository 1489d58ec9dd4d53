"""What people write in a condition because another language says it so, and how CEL says it.

CEL's own parser names only the sign at which it gave up. Here the text is looked at again: which
habit stands there, and what would be right.
"""

import re
from dataclasses import dataclass

_TEXT = re.compile(r"""[bBrR]{0,2}("(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])*')""")

_HABITS: tuple[tuple[str, str, str], ...] = (
    (r"===", "CEL compares with ==", "write =="),
    (r"!==", "CEL compares with !=", "write !="),
    (r"<>", "CEL has no <>", "write !="),
    (r"=>", "CEL has no =>", "write >="),
    (r"=<", "CEL has no =<", "write <="),
    (r"(?<![=!<>])=(?!=)", "CEL compares with ==, it sets nothing", "write =="),
    (r"(?<!&)&(?!&)", "CEL has no single &", "write &&"),
    (r"(?<!\|)\|(?!\|)", "CEL has no single |", "write ||"),
    (r"\b(?i:and)\b(?![.(])", "CEL joins conditions with &&", "write && instead of 'and'"),
    (r"\b(?i:or)\b(?![.(])", "CEL joins conditions with ||", "write || instead of 'or'"),
    (r"\b(?i:not)\b(?=\s+[\w(])", "CEL negates with !", "write ! instead of 'not'"),
    (r"\bis\b(?=\s+\S)", "CEL compares with ==", "write == instead of 'is'"),
    (r"[\u201c\u201d\u201e\u2018\u2019]", "a typographic quote", 'use straight quotes: "text"'),
    (r"\$(?=\w)", "in a condition, names stand without $", "leave out the $"),
    (r"\b\d{1,3}(,\d{3})+\b", "a number has no separators", "leave out the commas"),
    (r"\b\d+(_\d+)+\b", "a number has no separators", "leave out the underscores"),
    (r"(?<=\d)\s*%(?!\s*[\w(])", "a number has no percent sign", "write 0.1 for 10 %"),
    (r"\{\s*[a-z_]\w*(\.\w+)?\s*\}", "in a condition, names stand without braces",
     "leave out the braces"),
)  # fmt: skip

_WORDS = {
    "True": "true", "TRUE": "true", "yes": "true", "Yes": "true",
    "False": "false", "FALSE": "false", "no": "false", "No": "false",
}  # fmt: skip
_NOTHING = ("None", "nil", "NULL", "Null", "undefined")
_FUNCTIONS = {
    "len": "size", "length": "size", "count": "size", "startswith": "startsWith",
    "endswith": "endsWith", "includes": "contains", "like": "contains", "float": "double",
    "number": "double", "str": "string", "matchs": "matches", "match": "matches",
}  # fmt: skip
FUNCTIONS = ("size", "contains", "startsWith", "endsWith", "matches", "double", "int", "string")
"""What conditions may call and authors need."""

NOT_KNOWN = "leave it out: what is not known makes the answer inconclusive by itself"


@dataclass(frozen=True, slots=True)
class Habit:
    """A habit that was found in a condition.

    Attributes:
        offset: where it stands, from 0.
    """

    offset: int
    message: str
    help: str


def habit_in(text: str) -> Habit | None:
    """Finds the first habit in a condition that CEL could not read, outside of quoted texts."""
    blanked = _TEXT.sub(lambda found: "_" * len(found[0]), text)
    found = [
        Habit(match.start(), message, help_)
        for pattern, message, help_ in _HABITS
        for match in [re.search(pattern, blanked)]
        if match
    ]
    found += _brackets(blanked)
    if '"{' in text or "'{" in text:
        start = min(place for place in (text.find('"{'), text.find("'{")) if place >= 0)
        help_ = "write name.field as it is: offer.available >= 1"
        found.append(Habit(start, "in a condition, names stand without braces and quotes", help_))
    return min(found, key=lambda one: one.offset, default=None)


def help_for_name(name: str, *, alone: bool) -> str:
    """Returns how CEL says a name that nothing is bound to, or an empty text.

    Args:
        alone: no field follows the name, so that it may be meant as a text.
    """
    if name in _WORDS:
        return f"write {_WORDS[name]}"
    if name in _NOTHING:
        return NOT_KNOWN
    return f'put a text in quotes: "{name}"' if alone else ""


def help_for_function(name: str) -> str:
    """Returns the function of CEL that is meant, or all that there are."""
    meant = _FUNCTIONS.get(name.casefold())
    return f"did you mean '{meant}'?" if meant else "known: " + ", ".join(FUNCTIONS)


def _brackets(blanked: str) -> list[Habit]:
    pairs = {")": "(", "]": "["}
    waiting: list[tuple[str, int]] = []
    for place, sign in enumerate(blanked):
        if sign in "([":
            waiting.append((sign, place))
        elif sign in pairs:
            if not waiting or waiting[-1][0] != pairs[sign]:
                return [
                    Habit(
                        place, f"a '{sign}' closes nothing", f"remove it, or add a '{pairs[sign]}'"
                    )
                ]
            waiting.pop()
    closing = {"(": ")", "[": "]"}
    return [
        Habit(place, f"the '{sign}' is not closed", f"add a '{closing[sign]}'")
        for sign, place in waiting[:1]
    ]
