"""What models and their fields mean, in words: read from where it is written for engineers too.

A field is described by its `Field(description=...)`, or by the ``Attributes:`` of the class, so
that hovers in an editor, `sluice explain facts` and the code say the same.
"""

import inspect
import re
from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel

_SECTION = re.compile(r"^(Attributes|Raises|Args|Returns|Yields):$", re.MULTILINE)
_ENTRY = re.compile(r"^    (?P<names>\w+(?:, \w+)*): +(?P<text>.*(?:\n {6,}.*)*)", re.MULTILINE)


def meaning(model: type[BaseModel]) -> str:
    """Returns what a model is: its docstring up to the first section."""
    text = inspect.cleandoc(vars(model).get("__doc__") or "")
    return _words(_SECTION.split(text)[0])


@cache
def field_meanings(model: type[BaseModel]) -> dict[str, str]:
    """Returns what the fields of a model mean, by the name in the model."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        found.update(_attributes(vars(one).get("__doc__") or ""))
    for name, info in model.model_fields.items():
        if info.description:
            found[name] = info.description
    return {name: found[name] for name in model.model_fields if name in found}


def _attributes(docstring: str) -> Iterator[tuple[str, str]]:
    parts = _SECTION.split(inspect.cleandoc(docstring))
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        if title != "Attributes":
            continue
        for entry in _ENTRY.finditer(body):
            for name in entry["names"].split(", "):
                yield name, _words(entry["text"])


def _words(text: str) -> str:
    return " ".join(text.replace("``", "`").split())
