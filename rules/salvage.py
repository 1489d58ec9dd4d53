"""What can be checked of a rule that has faults: a misspelt key must not hide the other faults."""

import json
from typing import Any

from pydantic import ValidationError

from rules.faults import nearest
from rules.schema import RuleText
from rules.source import Path, Source

_KEYS = {info.alias or name for name, info in RuleText.model_fields.items()}
_BINDING = {"when", "expect", "seen"}
"""Keys that give names; without them, every use of a name would look like a fault."""
_SAYING_NOTHING = {"id": "rule", "gate": "gate", "message": "-", "require": "true"}
"""What stands for a key that is needed and cannot be read; nothing in it can be wrong."""


def readable_part(source: Source, path: Path) -> RuleText | None:
    """Returns a rule without the keys that are unknown or have a wrong value, or None.

    Args:
        source: the text.
        path: where in it the rule stands.
    """
    node = source.node(path)
    if node is None or not isinstance(node.value, dict):
        return None
    content: dict[str, Any] = dict(node.value)
    try:
        return _read(content)
    except ValidationError as error:
        bad = {str(one["loc"][0]) for one in error.errors() if one["loc"]}
    meant = {key if key in _KEYS else nearest(key, _KEYS) for key in bad & content.keys()}
    if meant & _BINDING:
        content = {key: value for key, value in content.items() if key == "gate"}
    good = {key: value for key, value in content.items() if key not in bad and value is not None}
    try:
        return _read({**_SAYING_NOTHING, **good})
    except ValidationError:
        return None


def _read(content: dict[str, Any]) -> RuleText:
    return RuleText.model_validate_json(json.dumps(content), strict=True)
