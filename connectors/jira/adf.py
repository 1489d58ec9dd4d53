"""Texts as Jira Cloud keeps them: documents in the Atlassian Document Format, version 1.

Interface version 3 takes and gives descriptions, comments and large text fields only so (Atlassian,
"Atlassian Document Format"; "The Jira Cloud platform REST API": Version).
"""

import json
import re
from typing import Any

from connectors.texts import cut

LIMIT = 32_767
"""Characters that a text may have; counted on the written document, which is never the shorter."""

_LINK = re.compile(r"(https?://[^\s<>\"]+)")
_INLINE = frozenset({"text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status"})


def document(text: str, *, end: str = "") -> dict[str, Any]:
    """Returns a text as a document: blank lines part paragraphs, addresses become links.

    Args:
        text: of any length; what Jira would not take is cut, and the cut shows.
        end: kept whole.
    """
    limit = LIMIT
    while True:
        made = _document(cut(text, limit, end=end))
        size = len(json.dumps(made, ensure_ascii=False))
        if size <= LIMIT:
            return made
        limit = int(limit * LIMIT / size * 0.99)


def text_of(node: Any) -> str:
    """Returns a document as plain text; what is no text, such as a picture, is left out."""
    if not isinstance(node, dict):
        return "" if node is None else str(node)
    attributes = node.get("attrs") or {}
    match node.get("type"):
        case "text":
            return str(node.get("text", ""))
        case "hardBreak":
            return "\n"
        case "mention" | "emoji" | "status":
            return str(attributes.get("text") or attributes.get("shortName") or "")
        case "inlineCard" | "blockCard":
            return str(attributes.get("url", ""))
        case _:
            return _text_inside(node)


def _text_inside(node: dict[str, Any]) -> str:
    inside = [one for one in node.get("content") or () if isinstance(one, dict)]
    if all(one.get("type") in _INLINE for one in inside):
        return "".join(map(text_of, inside))
    return ("\n\n" if node.get("type") == "doc" else "\n").join(map(text_of, inside))


def _document(text: str) -> dict[str, Any]:
    paragraphs = text.replace("\r\n", "\n").replace("\r", "\n").split("\n\n")
    content = [{"type": "paragraph", "content": _lines(one)} for one in paragraphs]
    return {"type": "doc", "version": 1, "content": content}


def _lines(paragraph: str) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = []
    for number, line in enumerate(paragraph.split("\n")):
        if number:
            nodes.append({"type": "hardBreak"})
        nodes += [_words(part) for part in _LINK.split(line) if part]  # no text may be empty
    return nodes


def _words(part: str) -> dict[str, Any]:
    if _LINK.fullmatch(part):
        link = {"type": "link", "attrs": {"href": part}}
        return {"type": "text", "text": part, "marks": [link]}
    return {"type": "text", "text": part}
