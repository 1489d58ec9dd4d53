"""Marks in texts on GitHub, which people do not see unless they edit: comments of HTML."""

import re

from connectors.failures import Rejected
from connectors.texts import cut
from measures.digest import digest

LONGEST = 65_536
"""Characters that the text of an issue or a comment may have (GitHub's own refusal names it)."""

_NAME = re.compile(r"(?:\n\n)?<!-- sluice: (\S+) -->")
_NO_NAME = re.compile(r"[\s<>]|^$")


def with_name(text: str, name: str) -> str:
    """Returns the text of an issue with our name for it; what does not fit is cut, and shows.

    Raises:
        Rejected: the name could end the mark early.
    """
    if _NO_NAME.search(name):
        msg = f"GitHub: {name!r} cannot name an issue; a name has no spaces and no < or >"
        raise Rejected(msg)
    return cut(_lines(text), LONGEST, end=f"\n\n<!-- sluice: {name} -->")


def name_and_text(body: str | None) -> tuple[str, str]:
    """Returns the name that an issue's text carries, and the rest of the text.

    The last counts where there are several; it is empty where there is none.
    """
    whole = _lines(body or "")
    found = list(_NAME.finditer(whole))
    if not found:
        return "", whole
    last = found[-1]
    return last[1], whole[: last.start()] + whole[last.end() :]


def key_mark(key: str) -> str:
    """Returns what the comment of an idempotency key ends with."""
    return f"<!-- sluice-comment: {digest(key)[:32]} -->"


def _lines(text: str) -> str:
    """Returns a text whose lines end in one way: GitHub's own editor writes another than we do."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
