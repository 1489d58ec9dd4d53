"""What each fault code means, with an example of the mistake and of the way out.

The entries are data (`codes.yaml`), so that `sluice explain CODE`, SARIF and the docs say the same.
"""

from importlib import resources
from typing import Literal

from pydantic import Field

from measures.model import Line, Model, Text
from rules.source import parse, validate

Where = Literal["rule", "pack", "cases", "document", "story", "yaml"]


class Code(Model):
    """One kind of fault.

    Attributes:
        title: what is wrong, in a few words.
        why: why it is a fault and how to think about it.
        where: what the examples are a part of.
        wrong: an example of the mistake; empty when it does not fit on a page.
        right: the same example without it.
    """

    title: Line
    why: Text
    where: Where = Field(default="rule", alias="in")
    wrong: str = ""
    right: str = ""


def _read() -> dict[str, Code]:
    text = resources.files("rules").joinpath("codes.yaml").read_bytes()
    source = parse(text, "rules/codes.yaml")
    codes: dict[str, Code] = {}
    for code in source.data[0]:
        codes[code] = validate(source, (0, code), Code)
    return codes


CODES = _read()
"""Every code that a fault can have, in the order in which they are explained."""
