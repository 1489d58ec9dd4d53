"""Lifecycles as YAML: those that come with the product, and those that were applied."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path as FilePath

from measures.errors import RefusedError
from measures.lifecycle import Lifecycle
from rules.faults import FaultsFound, did_you_mean
from rules.files import read_beside
from rules.source import Source, parse, validate

DEFAULT = "doi"
"""The lifecycle of packs and measures that name none."""

_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


def load_lifecycle(text: str | bytes, name: str) -> Lifecycle:
    """Reads the one lifecycle of a text.

    Args:
        text: YAML.
        name: the file's name, for faults.

    Raises:
        FaultsFound: with every fault of the text.
    """
    source = parse(text, name)
    if len(source.items) != 1:
        message = f"a lifecycle file holds one lifecycle, not {len(source.items)}"
        raise FaultsFound([source.fault("D206", (1,), message)])
    return lifecycle_at(source)


def holds_lifecycle(source: Source) -> bool:
    """Tells whether a text says that it is a lifecycle."""
    kind = source.node((0, "kind"))
    return kind is not None and kind.value == "Lifecycle"


def lifecycle_at(source: Source) -> Lifecycle:
    """Reads the lifecycle that a parsed text begins with.

    Raises:
        FaultsFound: with every fault of the text.
    """
    found: Lifecycle = validate(source, (0,), Lifecycle)
    return found


@cache
def builtin_lifecycles() -> Mapping[str, Lifecycle]:
    """Returns the lifecycles that come with the product, by id."""
    files = resources.files("rules.lifecycles").iterdir()
    found = [
        load_lifecycle(file.read_bytes(), f"rules/lifecycles/{file.name}")
        for file in files
        if file.name.endswith(".yaml")
    ]
    return {lifecycle.id: lifecycle for lifecycle in sorted(found, key=lambda one: one.id)}


def lifecycles_for(
    pack: Source, pack_file: FilePath, given: Mapping[str, Lifecycle]
) -> Mapping[str, Lifecycle]:
    """Returns the lifecycles that a pack's file may be for.

    Args:
        pack: the text of the file.
        pack_file: where it stands; `NAME.yaml` beside it is the lifecycle when the pack names NAME.
        given: others that win over the built-in ones.

    Raises:
        FaultsFound: with every fault of the lifecycle beside the pack.
    """
    known = lifecycles_in_force(given)
    named = pack.node((0, "lifecycle"))
    name = named.value if named else None
    if not isinstance(name, str) or name in known or not _FILE_NAME.fullmatch(name):
        return known
    beside = pack_file.with_name(f"{name}.yaml")
    if not beside.is_file():
        return known
    found = load_lifecycle(read_beside(beside, pack_file), str(beside))
    return {**known, found.id: found}


def lifecycles_in_force(applied: Mapping[str, Lifecycle]) -> Mapping[str, Lifecycle]:
    """Returns what new measures can take: the built-in and the applied, an applied one winning.

    A measure that is under way keeps its own, `MeasureState.lifecycle`.
    """
    return {**builtin_lifecycles(), **applied}


def lifecycle_named(name: str, applied: Mapping[str, Lifecycle]) -> Lifecycle:
    """Returns what a name stands for now.

    Raises:
        RefusedError: ``unknown-lifecycle``.
    """
    known = lifecycles_in_force(applied)
    if name not in known:
        raise RefusedError(
            "unknown-lifecycle",
            f"there is no lifecycle {name!r}; {did_you_mean(name, known)}",
        )
    return known[name]
