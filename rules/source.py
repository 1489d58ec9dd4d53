"""Bounded YAML 1.2 as plain data that remembers where everything stands.

Only the core schema: no dates, no sexagesimal numbers, `no` is a text.
"""

import contextlib
import importlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml import events as yaml_events
from ruamel.yaml.error import YAMLError

from rules.composing import Node, Reader, node_of
from rules.faults import Fault, FaultsFound, did_you_mean, nearest, render
from rules.syntax import syntax_fault
from rules.validation import validate_node

__all__ = [
    "DEPTH",
    "MAX_BYTES",
    "Fault",
    "FaultsFound",
    "Node",
    "Path",
    "Source",
    "did_you_mean",
    "nearest",
    "parse",
    "render",
    "validate",
]

MAX_BYTES = 1024 * 1024
DEPTH = 32
Path = tuple[str | int, ...]

_BAD_CHARACTER = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]"
)


class Source:
    """A text that was read: its items, and the place of everything in them.

    Attributes:
        data: the top-level items; a document that is a list counts as its items.
    """

    def __init__(self, name: str, text: str, items: list[Node]) -> None:
        self.name = name
        self.text = text
        self.items = items
        self._lines = text.split("\n")

    @classmethod
    def of_data(cls, name: str, item: Any) -> "Source":
        """Makes a source of data that has no text; everything in it stands at line 1."""
        return cls(name, "", [node_of(item)])

    @property
    def data(self) -> list[Any]:
        """The top-level items as plain data."""
        return [item.value for item in self.items]

    def node(self, path: Path) -> Node | None:
        """Returns the node at a path, or None when nothing stands there."""
        if not path or not isinstance(path[0], int) or not 0 <= path[0] < len(self.items):
            return None
        found: Node | None = self.items[path[0]]
        for part in path[1:]:
            found = found.children.get(part) if found else None
        return found

    def where(self, path: Path) -> tuple[int, int]:
        """Returns line and column of what stands at a path, or of the nearest thing around it."""
        for length in range(len(path), 0, -1):
            found = self.node(path[:length])
            if found:
                return found.line, found.column
        return 1, 1

    def where_key(self, path: Path) -> tuple[int, int]:
        """Returns line and column of the key that a path ends in."""
        around = self.node(path[:-1])
        if around and path and isinstance(path[-1], str) and path[-1] in around.keys:
            return around.keys[path[-1]]
        return self.where(path)

    def where_in(self, path: Path, offset: int) -> tuple[int, int]:
        """Returns line and column of a character inside the text value at a path.

        Folding and indentation only add or remove white space, so the place is found by counting
        the characters that are none.
        """
        found = self.node(path)
        if found is None or not isinstance(found.value, str):
            return self.where(path)
        line, column = found.line - 1, found.column - 1
        if found.style in ("|", ">"):
            line, column = line + 1, 0
        elif found.style in ("'", '"'):
            column += 1
        before = sum(1 for letter in found.value[:offset] if not letter.isspace())
        left = sum(1 for letter in found.value if not letter.isspace())
        for number in range(line, len(self._lines)):
            start = column if number == line else 0
            for place, letter in enumerate(self._lines[number][start:], start):
                if letter.isspace():
                    continue
                if before == 0:
                    return number + 1, place + 1
                before, left = before - 1, left - 1
                if left == 0:  # the place is the end of the text
                    return number + 1, place + 2
        return found.line, found.column

    def fault(self, code: str, path: Path, message: str, **more: Any) -> Fault:
        """Makes a fault that points at a path."""
        line, column = self.where(path)
        return Fault(code=code, file=self.name, line=line, column=column, message=message, **more)


def parse(
    text: str | bytes, name: str, *, max_bytes: int = MAX_BYTES, depth: int = DEPTH
) -> Source:
    """Reads YAML 1.2 (and so JSON) within bounds.

    Args:
        text: one document, several after ``---``, or a list of documents.
        name: the file's name, for faults.
        max_bytes: a longer text is refused unread.
        depth: deeper nesting is refused.

    Raises:
        FaultsFound: with everything that is wrong with the text.
    """
    source, faults = examine(text, name, max_bytes=max_bytes, depth=depth)
    if faults:
        raise FaultsFound(faults)
    assert source is not None, "a text without faults was read to its end"
    return source


def examine(
    text: str | bytes, name: str, *, max_bytes: int = MAX_BYTES, depth: int = DEPTH
) -> tuple[Source | None, tuple[Fault, ...]]:
    """Reads as `parse` does, and on behind what is refused, to find further faults in one go.

    Returns:
        The text as it was read, None where that ended before its end; and everything refused.

    Raises:
        FaultsFound: it is no text, or no YAML.
    """
    plain = _decode(text, name, max_bytes)
    # libyaml is 18 times faster but knows an older grammar, which refuses some of YAML 1.2. What
    # it refuses is read again by the reader for 1.2, so that one alone decides what is a fault.
    fast = _libyaml()
    if fast:
        with contextlib.suppress(YAMLError):
            return _read(name, plain, fast(plain), max_bytes, depth)
    try:
        slow = YAML(typ="safe", pure=True).parse(plain)
        return _read(name, plain, slow, max_bytes, depth)
    except YAMLError as error:
        raise FaultsFound([syntax_fault(name, plain, error)]) from None


def _read(
    name: str, text: str, events: Iterator[Any], max_bytes: int, depth: int
) -> tuple[Source | None, tuple[Fault, ...]]:
    reader = Reader(name, max_bytes, depth)
    items = reader.read(events)
    return Source(name, text, items) if reader.whole else None, tuple(reader.faults)


def validate(source: Source, path: Path, model: type[Any]) -> Any:
    """Makes a model of what stands at a path.

    Raises:
        FaultsFound: one fault for each field that is wrong, missing or unknown.
    """
    found = source.node(path)
    if found is None:
        raise FaultsFound([source.fault("D203", path, "nothing stands here")])
    text = json.dumps(found.value, ensure_ascii=True, allow_nan=False)
    return validate_node(source.name, found, text, model)


def _decode(given: str | bytes, name: str, max_bytes: int) -> str:
    def refuse(code: str, line: int, column: int, message: str, help_: str) -> FaultsFound:
        return FaultsFound(
            [Fault(code=code, file=name, line=line, column=column, message=message, help=help_)]
        )

    # A text is measured cheaply first: it has at least as many bytes as characters.
    if len(given) > max_bytes or (
        isinstance(given, str) and len(given.encode("utf-8", "surrogatepass")) > max_bytes
    ):
        raise refuse(
            "S102",
            1,
            1,
            f"the text is longer than {max_bytes} bytes",
            "split it into several files",
        )
    if isinstance(given, str):
        text = given
    else:
        if given.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise refuse("S108", 1, 1, "the text is UTF-16", "save it as UTF-8")
        try:
            text = given.decode("utf-8")
        except UnicodeDecodeError as error:
            before = given[: error.start].decode("utf-8")
            line, column = _line_and_column(before, len(before))
            raise refuse(
                "S108", line, column, "the text is not UTF-8", "save it as UTF-8"
            ) from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    bad = _BAD_CHARACTER.search(text)
    if bad:
        line, column = _line_and_column(text, bad.start())
        raise refuse(
            "S108",
            line,
            column,
            f"the character U+{ord(bad.group()):04X} cannot stand in a text",
            "remove it, or write it as an escape in double quotes",
        )
    return text


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _libyaml() -> Callable[[str], Iterator[Any]] | None:
    """Returns the fast reader, when the optional ruamel.yaml.clib is installed."""
    try:
        parser = importlib.import_module("_ruamel_yaml").CParser
    except ModuleNotFoundError:
        return None

    def events(text: str) -> Iterator[Any]:
        reading = parser(text)
        while (event := reading.get_event()) is not None:
            yield event
            if isinstance(event, yaml_events.StreamEndEvent):
                return

    return events
