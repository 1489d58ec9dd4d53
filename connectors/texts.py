"""Texts that are longer than a system takes, and marks by which a text is found again."""

CUT = "\n\n[... cut: the whole text is longer than this system takes]"
"""What stands where a text was cut."""


def cut(text: str, limit: int, *, end: str = "") -> str:
    """Returns a text of at most so many characters that ends with a given end.

    What does not fit is cut before the end, and the cut shows.

    Args:
        text: of any length.
        limit: in characters, longer than the mark of a cut and the end together.
        end: kept whole, as a key by which the text is found again.
    """
    if len(text) + len(end) <= limit:
        return text + end
    return text[: limit - len(CUT) - len(end)] + CUT + end
