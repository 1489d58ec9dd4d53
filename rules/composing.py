"""Builds nodes, values that know their place, from the events of a YAML parser.

Only the core schema. Everything that lets a small text cost much (aliases, depth) or mean something
hidden (tags, duplicate keys) is refused in this one pass, before anything is walked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from ruamel.yaml import events as yaml_events

from rules.faults import Fault, did_you_mean

ALIASES = 100
BYTES_PER_VALUE = 16
"""What a text may hold follows from how long it may be; those that people write hold less."""
FAULTS = 100
"""After so many faults the rest of a text is not worth reading."""

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, Any] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(slots=True)
class Node:
    """A value with its place; `children` holds the nodes inside a map or a list.

    Attributes:
        keys: where each key of a map stands.
        size: how much there is of it when every alias is written out.
        height: how many levels it has.
    """

    value: Any
    line: int
    column: int
    style: str = ""
    children: dict[str | int, "Node"] = field(default_factory=dict)
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    size: int = 1
    height: int = 1


class _TooManyError(Exception):
    """Reading stops here; the faults so far say why."""


class Reader:
    """Builds nodes from parse events, one pass, with every limit checked on the way.

    Attributes:
        faults: everything that is refused.
        whole: whether the text was read to its end; what is refused is in the nodes all the same.
    """

    def __init__(self, name: str, max_bytes: int, depth: int) -> None:
        self._name = name
        self._depth = depth
        self._room = max_bytes
        self._values = self._most_values = max_bytes // BYTES_PER_VALUE
        self._aliases = 0
        self._anchors: dict[str, Node] = {}
        self._open: set[str] = set()
        self.faults: list[Fault] = []
        self.whole = True
        self._events: Iterator[Any] = iter(())

    def read(self, events: Iterator[Any]) -> list[Node]:
        """Returns the top-level items; a document that is a list counts as its items."""
        self._events = events
        items: list[Node] = []
        try:
            for event in self._events:
                if isinstance(event, yaml_events.DocumentStartEvent):
                    self._anchors.clear()
                    self._check_directives(event)
                elif not isinstance(
                    event,
                    yaml_events.StreamStartEvent
                    | yaml_events.StreamEndEvent
                    | yaml_events.DocumentEndEvent,
                ):
                    root = self._compose(event, 1)
                    if isinstance(root.value, list):
                        items.extend(root.children.values())
                    elif root.value is not None:
                        items.append(root)
        except _TooManyError:
            self.whole = False
        return items

    def _compose(self, event: Any, level: int) -> Node:
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        if isinstance(event, yaml_events.AliasEvent):
            return self._alias(event.anchor, line, column, level)
        if level > self._depth:
            self._fault("S103", line, column, f"nested deeper than {self._depth} levels", stop=True)
        self._values -= 1
        if self._values < 0:
            self._fault(
                "S102",
                line,
                column,
                f"the text holds more than {self._most_values} values",
                help="split it into several files",
                stop=True,
            )
        if event.tag is not None:
            self._fault(
                "S106",
                line,
                column,
                f"the tag {event.tag} is not allowed",
                help="remove it, or put a text that begins with ! in quotes",
            )
        node = Node(None, line, column)
        anchor = event.anchor
        if anchor is not None:
            self._open.add(anchor)
        if isinstance(event, yaml_events.ScalarEvent):
            node.style = event.style or ""
            node.size = 1 + len(event.value)
            plain = event.implicit[0] if event.implicit else False
            node.value = self._scalar(event.value, line, column) if plain else event.value
        elif isinstance(event, yaml_events.SequenceStartEvent):
            self._sequence(node, level)
        else:
            self._mapping(node, level)
        if anchor is not None:
            self._open.discard(anchor)
            self._anchors[anchor] = node
        return node

    def _sequence(self, node: Node, level: int) -> None:
        node.value = []
        for event in self._events:
            if isinstance(event, yaml_events.SequenceEndEvent):
                return
            child = self._compose(event, level + 1)
            node.children[len(node.value)] = child
            node.value.append(child.value)
            _grow(node, child)

    def _mapping(self, node: Node, level: int) -> None:
        node.value = {}
        for event in self._events:
            if isinstance(event, yaml_events.MappingEndEvent):
                return
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            if not isinstance(event, yaml_events.ScalarEvent) or event.anchor or event.tag:
                self._fault("S110", line, column, "a key must be a plain word or text", stop=True)
            # A key is its text: `2031:` and `"2031":` are the same key, as in JSON.
            key = event.value
            child = self._compose(next(self._events), level + 1)
            if key in node.keys:
                first = node.keys[key][0]
                self._fault(
                    "S105",
                    line,
                    column,
                    f"the key '{key[:80]}' is there twice",
                    help=f"it stands in line {first} already; remove one",
                )
                continue
            node.keys[key] = (line, column)
            node.children[key] = child
            node.value[key] = child.value
            node.size += len(key)
            _grow(node, child)

    def _alias(self, name: str, line: int, column: int, level: int) -> Node:
        self._aliases += 1
        if name in self._open:
            self._fault("S104", line, column, f"the alias *{name} contains itself", stop=True)
        node = self._anchors.get(name)
        if node is None:
            self._fault(
                "S104",
                line,
                column,
                f"the alias *{name} names nothing",
                help=did_you_mean(name, self._anchors) or "put text that begins with * in quotes",
                stop=True,
            )
        node = cast("Node", node)
        # What an alias stands for is paid for here, so a bomb runs out of room while it is read.
        self._room -= node.size
        if self._aliases > ALIASES or self._room < 0:
            self._fault(
                "S104",
                line,
                column,
                "aliases make this text too large",
                help="write the values out",
                stop=True,
            )
        if level + node.height - 1 > self._depth:
            self._fault("S103", line, column, f"nested deeper than {self._depth} levels", stop=True)
        return node

    def _scalar(self, text: str, line: int, column: int) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        first = text[0]
        if first not in "+-.0123456789":
            return text
        number: Any = text
        if _INT.fullmatch(text):
            if len(text) <= 40:
                number = int(text, 0 if text[:2] in ("0o", "0x") else 10)
            else:
                self._fault(
                    "S107", line, column, "a number of more than 40 digits", help="quote it"
                )
        elif _FLOAT.fullmatch(text):
            number = float(text)
            if number in (float("inf"), float("-inf")):
                self._fault("S107", line, column, f"the number {text[:40]} is too large")
        elif _NOT_FINITE.fullmatch(text):
            self._fault(
                "S107",
                line,
                column,
                f"{text} is not a finite number",
                help="leave the field out when the value is unknown",
            )
        return number

    def _check_directives(self, event: Any) -> None:
        version = getattr(event, "version", None)
        if event.tags or (version is not None and tuple(version) != (1, 2)):
            self._fault("S109", 1, 1, "only the directive %YAML 1.2 is allowed", help="remove it")

    def _fault(self, code: str, line: int, column: int, message: str, **more: Any) -> None:
        stop = more.pop("stop", False)
        self.faults.append(
            Fault(code=code, file=self._name, line=line, column=column, message=message, **more)
        )
        if stop or len(self.faults) >= FAULTS:
            raise _TooManyError


def node_of(value: Any) -> Node:
    """Makes the node of data that has no text."""
    node = Node(value, 1, 1)
    if isinstance(value, dict):
        node.children = {name: node_of(child) for name, child in value.items()}
        node.keys = dict.fromkeys(value, (1, 1))
    elif isinstance(value, list):
        node.children = {number: node_of(child) for number, child in enumerate(value)}
    return node


def _grow(node: Node, child: Node) -> None:
    node.size += child.size
    node.height = max(node.height, child.height + 1)
