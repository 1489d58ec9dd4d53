"""What is wrong with a text that somebody wrote, said so that they can mend it.

Codes are stable: ``S1..`` the YAML itself, ``D2..`` a document's fields, ``R3..`` a rule,
``C3..`` a table and its map, ``T4..`` how a case went. `rules.codes` explains each.
"""

import difflib
import re
from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from measures.errors import SluicegateError
from measures.model import Model

Level = Literal["error", "warning", "note"]


class Fault(Model):
    """One mistake, where it stands and what would be right.

    Attributes:
        code: a stable name such as ``D201``.
        line, column: 1-based place in `file`.
        message: what is wrong, in plain words.
        expected: what would be right there.
        help: what to do, e.g. a suggestion for a misspelt name.
        level: only an error stops anything.
        may_be_secret: its line is not shown, for a secret may stand there by mistake, and what is
            shown may be kept, as by a CI job.
    """

    code: str
    file: str
    line: int
    column: int
    message: str
    expected: str = ""
    help: str = ""
    level: Level = "error"
    may_be_secret: bool = Field(default=False, exclude=True)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.code} {self.in_words}"

    @property
    def in_words(self) -> str:
        """The message with what would be right and what to do, in one line."""
        return "; ".join(text for text in (self.message, self.expected, self.help) if text)


class FaultsFound(SluicegateError):  # noqa: N818  a finding about a text, not a failure of ours
    """A text has faults; all of them at once, so that they are mended in one go."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(
            sorted(faults, key=lambda fault: (fault.file, fault.line, fault.column))
        )
        super().__init__("\n".join(str(fault) for fault in self.faults))


_CLIP = 120
"""How much of a source line is shown."""
_WORD = re.compile(r"[\w.$-]+|\S")


def render(fault: Fault, source_text: str) -> str:
    """Shows a fault with the line it stands in, the way compilers do."""
    lines = source_text.splitlines()
    shown = [
        f"{fault.level}[{fault.code}]: {fault.message}",
        f"  --> {fault.file}:{fault.line}:{fault.column}",
    ]
    if 1 <= fault.line <= len(lines) and not fault.may_be_secret:
        line = lines[fault.line - 1].replace("\t", " ")
        number = str(fault.line)
        found = _WORD.match(line, fault.column - 1)
        carets = min(len(found.group()) if found else 1, _CLIP // 2)
        # Of a long line only what is around the column.
        start = max(0, min(fault.column - 1 - _CLIP // 2, len(line) - _CLIP))
        before, after = "..." if start else "", "..." if start + _CLIP < len(line) else ""
        shown.append(f"{number} | {before}{line[start : start + _CLIP]}{after}")
        gap = " " * (len(before) + min(fault.column - 1 - start, _CLIP))
        shown.append(f"{' ' * len(number)} | {gap}{'^' * carets} {fault.expected}".rstrip())
    if fault.help:
        shown.append(f"help: {fault.help}")
    return "\n".join(shown)


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns the known name that a misspelt one most likely means, or an empty text."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not close:
        folded = {candidate.casefold(): candidate for candidate in names}
        close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
        close = [folded[match] for match in close]
    return close[0] if close else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggests the right name, or lists all of them when none is close."""
    names = sorted(set(known))
    best = nearest(name, names)
    if best:
        return f"did you mean '{best}'?"
    if not names:
        return ""
    return "known: " + ", ".join(names[:30]) + (", ..." if len(names) > 30 else "")
