"""What is written into a row: texts that fit their fields."""

from collections.abc import Mapping

from connectors.contract import Scalar
from connectors.texts import cut

NAMES = {"title": "short_description", "text": "description"}
"""What the engine calls a field, and what ServiceNow does."""

_ONE_LINE = 255
"""Up to this length a field is one line, where a mark of several lines would not show."""


def fitting(patch: Mapping[str, Scalar], lengths: Mapping[str, int]) -> dict[str, str]:
    """Returns what to write, as texts no longer than their fields; a cut shows.

    Longer ones would be cut by the instance without a word, and then differ for ever.

    Args:
        patch: what shall be written.
        lengths: the longest text of a field by its name.
    """
    named = {NAMES.get(name, name): _written(value) for name, value in patch.items()}
    return {name: _fit(text, lengths.get(name, len(text))) for name, text in named.items()}


def _written(value: Scalar) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _fit(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return cut(text, limit) if limit > _ONE_LINE else f"{text[: limit - 1]}…"
