"""Templates: what a manifest sends, with places for what is only known when it is sent.

``{title}`` is such a place, ``{{`` a brace. A text that is nothing but one place keeps the kind of
the value (a number stays a number); in a path a value is always one segment, whatever it is made
of. What names a value that is not there is left out: only what is to change is sent.
"""

import json
import string
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from connectors.contract import Scalar
from connectors.failures import Rejected
from connectors.http import segment

LONGEST = 4_000
"""Characters of a template."""

Values = Mapping[str, Scalar]


def _is_template(text: str) -> str:
    for _, name, spec, conversion in string.Formatter().parse(text):
        if name is not None and (not name.isidentifier() or spec or conversion):
            msg = f"{{{name}}} is no place for a value: write a name in braces, or {{{{ for a brace"
            raise ValueError(msg)
    return text


Template = Annotated[str, Field(max_length=LONGEST), AfterValidator(_is_template)]
"""A text with places for values."""


def _is_body(content: Any) -> Any:
    for text in _texts(content):
        if len(text) > LONGEST:
            msg = f"a text of {len(text):,} characters; at most {LONGEST:,} may stand in a body"
            raise ValueError(msg)
        _is_template(text)
    return content


Body = Annotated[Any, AfterValidator(_is_body)]
"""JSON whose texts are templates."""


def names_in(template: Any) -> frozenset[str]:
    """Returns the names of the values that a template, or a body of templates, has places for."""
    parsed = (string.Formatter().parse(text) for text in _texts(template))
    return frozenset(name for parts in parsed for _, name, _, _ in parts if name is not None)


def filled_path(template: str, values: Values) -> str:
    """Returns a path in which every value is one segment.

    Raises:
        Rejected: a value is not there, or cannot be a segment.
    """
    _refuse_gaps(template, values)
    # Others of the values may be texts that are no segment, and need not be one.
    return template.format_map({name: segment(_plain(values[name])) for name in names_in(template)})


def filled_text(template: str, values: Values) -> str:
    """Returns a text.

    Raises:
        Rejected: a value is not there.
    """
    _refuse_gaps(template, values)
    return template.format_map({name: _plain(one) for name, one in values.items()})


def filled_texts(templates: Mapping[str, str], values: Values) -> dict[str, str]:
    """Returns those texts whose values are there."""
    there = {name: one for name, one in templates.items() if names_in(one) <= values.keys()}
    return {name: filled_text(one, values) for name, one in there.items()}


def filled_body(template: Any, values: Values) -> Any:
    """Returns a body without what names a value that is not there.

    A mapping goes when nothing of it is left; an entry of a list goes as a whole, because half
    of it would mean something else.
    """
    match template:
        case str():
            parts = list(string.Formatter().parse(template))
            if len(parts) == 1 and parts[0][0] == "" and parts[0][1] is not None:
                return values[parts[0][1]]
            return filled_text(template, values)
        case dict():
            return {
                name: filled_body(one, values)
                for name, one in template.items()
                if not _is_empty(one, values)
            }
        case list():
            return [filled_body(one, values) for one in template if names_in(one) <= values.keys()]
        case _:
            return template


def _is_empty(template: Any, values: Values) -> bool:
    """Tells whether nothing of what a template says can be said with these values."""
    if isinstance(template, dict) and template:
        return all(_is_empty(one, values) for one in template.values())
    if isinstance(template, list) and template:
        return all(not names_in(one) <= values.keys() for one in template)
    return not names_in(template) <= values.keys()


def _texts(content: Any) -> list[str]:
    match content:
        case str():
            return [content]
        case dict():
            return [text for one in content.values() for text in _texts(one)]
        case list():
            return [text for one in content for text in _texts(one)]
        case _:
            return []


def _refuse_gaps(template: str, values: Values) -> None:
    missing = sorted(names_in(template) - values.keys())
    if missing:
        msg = f"the manifest asks for {', '.join(missing)} in {template!r}, and it is not known"
        raise Rejected(msg)


def _plain(value: Scalar) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
