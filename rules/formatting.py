"""The canonical layout of a file: keys in the order of the docs, two spaces, one blank line.

Works on the lines of the text and moves whole entries with the comments that belong to them, so
that a comment stays with what it is about. (A round trip through a YAML library ties a comment to
whatever stands before it, and would carry it off when keys change places.) Values keep their
spelling. What comes out is parsed again: it must mean the same, or nothing is changed.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rules.composing import Node
from rules.faults import Fault, FaultsFound
from rules.source import parse
from rules.validation import field_order, type_at

ModelOf = Callable[[Any], Any]

_DOCUMENT = re.compile(r"^---[ \t]*(#.*)?$")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$")
_STEP = 2
_DASH = "- "
_LONGEST_FLOW = 2_000
_APART = "rules"
"""Items of this key have a blank line between them, if they take several lines."""


def formatted(text: str, name: str, model_of: ModelOf) -> str:
    """Returns the text in its canonical layout.

    Args:
        text: YAML, one document or several after ``---``.
        name: the file's name, for faults.
        model_of: returns the model of a document by its content, or None when it is not known;
            the model's fields say in which order keys stand.

    Raises:
        FaultsFound: the text is not YAML, or cannot be laid out without changing it.
    """
    before = parse(text, name)
    if re.search(r"^(%|\.\.\.)", text, re.MULTILINE):
        raise _unchanged(name)
    pieces: list[list[str]] = [[]]
    marks: list[str] = []
    for line in text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if _DOCUMENT.match(line):
            marks.append(line.rstrip())
            pieces.append([])
        else:
            pieces[-1].append(line)
    laid_out = [_Layout(lines, name, model_of).text() for lines in pieces]
    result = laid_out[0]
    for mark, piece in zip(marks, laid_out[1:], strict=True):
        result += f"{mark}\n{piece}"
    after = parse(result, name)
    if after.data != before.data or _comments(result) != _comments(text):
        raise _unchanged(name)
    return result


@dataclass
class _Entry:
    """A key or an item with the comments above it, as lines of its own."""

    leading: list[str]
    lines: list[str]
    key: str = ""


class _Layout:
    """Lays out the lines of one document."""

    def __init__(self, lines: list[str], name: str, model_of: ModelOf) -> None:
        self._lines = lines
        self._items = parse("\n".join(lines), name).items
        self._model_of = model_of
        # An alias may stand only after its anchor, so nothing changes places.
        self._fixed = any(re.search(r"(^|\s)[&*]\w", line) for line in lines)

    def text(self) -> str:
        """Returns the whole document."""
        if not self._items:
            return _joined(_tidy(self._lines))
        first = self._items[0]
        if self._is_list():
            root = Node(None, first.line, 1, children=dict(enumerate(self._items)))
            body = self._items_laid_out(root, 0, len(self._lines), 0, None)
        else:
            body = self._laid_out(first, 0, len(self._lines), 0, self._model_of(first.value))
        return _joined(body)

    def _is_list(self) -> bool:
        first = self._items[0]
        return (
            len(self._items) > 1 or self._lines[first.line - 1][: first.column - 1].strip() == "-"
        )

    def _laid_out(
        self, node: Node, start: int, end: int, indent: int, model: Any, key: str = ""
    ) -> list[str]:
        """Lays out the lines of a block; they begin after `start` and end before `end`."""
        if isinstance(node.value, dict) and self._is_block_map(node):
            return self._map_laid_out(node, start, end, indent, model)
        if isinstance(node.value, list) and self._is_block_list(node):
            return self._items_laid_out(node, start, end, indent, model, key)
        lines = self._lines[start:end]
        return _shifted(lines, indent - _indent_of(lines), node)

    def _map_laid_out(self, node: Node, start: int, end: int, indent: int, model: Any) -> list[str]:
        places = sorted((line - 1, key) for key, (line, _) in node.keys.items())
        column = node.keys[places[0][1]][1] - 1
        entries: list[_Entry] = []
        head = start
        for number, (line, key) in enumerate(places):
            last = places[number + 1][0] if number + 1 < len(places) else end
            own_end = self._end_of_entry(line, last, column)
            leading = self._lines[head:line]
            lines = self._entry_lines(node, key, own_end, indent, type_at(model, key))
            entries.append(_Entry(leading, lines, key))
            head = own_end
        tail = self._lines[head:end]
        order = field_order(model)
        if order and not self._fixed:
            entries = _in_order(entries, order)
        return _stacked(entries, tail, indent)

    def _entry_lines(self, around: Node, key: str, end: int, indent: int, model: Any) -> list[str]:
        """Lays out a key with its value, up to the line `end`."""
        child, (line, column) = around.children[key], around.keys[key]
        first = " " * indent + _spaced(self._lines[line - 1][column - 1 :].rstrip())
        on_its_own = child.line > line
        if on_its_own and (self._is_block_map(child) or self._is_block_list(child)):
            return [first, *self._laid_out(child, line, end, indent + _STEP, model, key)]
        return [first, *_shifted(self._lines[line:end], indent - column + 1, child)]

    def _items_laid_out(
        self, node: Node, start: int, end: int, indent: int, model: Any, key: str = ""
    ) -> list[str]:
        children = [node.children[number] for number in sorted(node.children)]
        dashes = [self._dash_of(child) for child in children]
        column = self._lines[dashes[0]].index("-")
        entries: list[_Entry] = []
        head = start
        for number, (dash, child) in enumerate(zip(dashes, children, strict=True)):
            last = dashes[number + 1] if number + 1 < len(dashes) else end
            own_end = self._end_of_entry(dash, last, column)
            leading = self._lines[head:dash]
            inner = type_at(model, 0) if key else self._model_of(child.value)
            entries.append(_Entry(leading, self._item_lines(child, dash, own_end, indent, inner)))
            head = own_end
        apart = key == _APART and all(map(_on_several_lines, children))
        return _stacked(entries, self._lines[head:end], indent, apart=apart)

    def _item_lines(self, child: Node, dash: int, end: int, indent: int, model: Any) -> list[str]:
        """Lays out an item; what follows the dash on its line moves two columns to the right."""
        column = self._lines[dash].index("-")
        if child.line - 1 == dash and self._is_block_map(child):
            original = self._lines[dash]
            self._lines[dash] = original[:column] + " " + original[column + 1 :]
            inside = self._laid_out(child, dash, end, indent + _STEP, model)
            self._lines[dash] = original
            # A comment that moved to the front of the item stays above it.
            first = next(i for i, line in enumerate(inside) if line.strip()[:1] not in ("", "#"))
            comments = [" " * indent + line.strip() for line in inside[:first] if line.strip()]
            head = " " * indent + _DASH + inside[first].strip()
            return [*comments, head, *inside[first + 1 :]]
        lines = self._lines[dash:end]
        first_line = " " * indent + _DASH + _flow(lines[0][column + 1 :].strip())
        return [first_line.rstrip(), *_shifted(lines[1:], indent - column, child)]

    def _dash_of(self, child: Node) -> int:
        line = child.line - 1
        if self._lines[line][: child.column - 1].strip() == "-":
            return line
        while line and self._lines[line].strip() != "-":
            line -= 1
        return line

    def _end_of_entry(self, line: int, last: int, column: int) -> int:
        """Returns where an entry ends: comments that stand as far left as its key follow it."""
        end = last
        for number in range(last - 1, line, -1):
            text = self._lines[number]
            if text.strip() and not (text.strip().startswith("#") and _indent(text) <= column):
                break
            end = number
        return end

    def _is_block_map(self, node: Node) -> bool:
        if not isinstance(node.value, dict) or not node.keys:
            return False
        lines = [line for line, _ in node.keys.values()]
        start = self._lines[node.line - 1][node.column - 1 : node.column]
        return start not in ("{", "&", "*", "?") and len(set(lines)) == len(lines)

    def _is_block_list(self, node: Node) -> bool:
        if not isinstance(node.value, list) or not node.children:
            return False
        return self._lines[node.line - 1][node.column - 1 : node.column] == "-"


def _unchanged(name: str) -> FaultsFound:
    message = "this file cannot be laid out without changing what it says; it is left as it is"
    help_ = "write directives and texts with | or > in the usual way"
    return FaultsFound(
        [Fault(code="S111", file=name, line=1, column=1, message=message, help=help_)]
    )


def _on_several_lines(node: Node) -> bool:
    return len({line for line, _ in node.keys.values()}) > 1


def _in_order(entries: list[_Entry], order: list[str]) -> list[_Entry]:
    places = {name: number for number, name in enumerate(order)}
    # What is written above the first key belongs to the whole, so it stays first.
    first = entries[0]
    above, first.leading = first.leading, []
    found = sorted(entries, key=lambda entry: places.get(entry.key, len(places)))
    found[0].leading = [*above, *found[0].leading]
    return found


def _stacked(
    entries: list[_Entry], tail: list[str], indent: int, *, apart: bool = False
) -> list[str]:
    """Puts entries below each other, with their comments; at most one blank line in between."""
    lines: list[str] = []
    for number, entry in enumerate(entries):
        leading = _tidy(_commented(entry.leading, indent))
        blank = bool(entry.leading) and not entry.leading[0].strip()
        if blank or (apart and number):
            lines.append("")
        lines += leading
        if entry.leading and not entry.leading[-1].strip() and leading:
            lines.append("")
        lines += entry.lines
    rest = _tidy(_commented(tail, indent))
    if rest:
        if tail and not tail[0].strip():
            lines.append("")
        lines += rest
    return lines


def _commented(lines: list[str], indent: int) -> list[str]:
    return [" " * indent + line.strip() if line.strip() else "" for line in lines]


def _tidy(lines: list[str]) -> list[str]:
    """Leaves blank lines out at both ends, and more than one in between."""
    kept: list[str] = []
    for line in lines:
        if line.strip() or (kept and kept[-1]):
            kept.append(line.rstrip())
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _shifted(lines: list[str], by: int, value: Node) -> list[str]:
    """Moves the lines of a value; only block texts keep the white space at their ends."""
    moved = []
    for line in lines:
        kept = line if value.style in ("|", ">") else line.rstrip()
        moved.append(" " * max(0, _indent(kept) + by) + kept.lstrip(" ") if kept.strip() else "")
    return moved


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _indent_of(lines: list[str]) -> int:
    return min((_indent(line) for line in lines if line.strip()), default=0)


def _spaced(line: str) -> str:
    """Writes `key:   value` with one space."""
    found = re.match(r"""("[^"]*"|'[^']*'|[^\s:#'"]+)\s*:(\s+)(?=\S)""", line)
    if not found:
        return line
    value = line[found.end() :]
    return f"{found[1]}: {_flow(value)}" if not value.startswith("#") else line


_FLOW_PART = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:''|[^'])*')|\s*(,)\s*|([{\[])\s*|\s*([}\]])""")


def _flow(text: str) -> str:
    """Spaces a map or list that begins and ends on one line: `{kind: demand, pool: kyc}`."""
    whole = text.startswith(("{", "[")) and text.endswith(("}", "]"))
    if not whole or "#" in text or len(text) > _LONGEST_FLOW:
        return text
    return _FLOW_PART.sub(lambda part: part[1] or (", " if part[2] else part[3] or part[4]), text)


def _comments(text: str) -> list[str]:
    return sorted(
        found.group().strip() for line in text.split("\n") if (found := _COMMENT.search(line))
    )


def _joined(lines: list[str]) -> str:
    text = "\n".join(lines).strip("\n")
    return f"{text}\n" if text else ""
