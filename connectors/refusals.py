"""What a connector refuses by itself: before it asks its system, or by what that shows."""

from collections.abc import Mapping
from typing import Any

from connectors.contract import Manifest, Remote
from connectors.failures import Conflict, Rejected


def refuse_other_kinds(manifest: Manifest, kind: str) -> None:
    """Refuses a kind of object that a connector does not know.

    Raises:
        Rejected: it is none of its kinds.
    """
    if kind not in manifest.kinds:
        msg = f"{manifest.title} has no {kind!r} here, only {', '.join(manifest.kinds)}"
        raise Rejected(msg)


def refuse_changed(manifest: Manifest, found: Remote, expect: str | None) -> None:
    """Refuses to write over what somebody else has changed; for systems without locks.

    Args:
        manifest: the connector's.
        found: the object as it was read just now.
        expect: the version that the asker saw; None where any will do.

    Raises:
        Conflict: it has another version.
    """
    if expect is not None and found.version != expect:
        msg = f"{manifest.title} {found.kind} {found.ref} has changed since it was read"
        raise Conflict(msg, found)


def differing(shown: Remote, content: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what of some content, by the system's names, an object does not show."""
    return {name: value for name, value in content.items() if shown.fields.get(name) != value}


def refuse_unkept(
    manifest: Manifest,
    shown: Remote,
    content: Mapping[str, Any],
    *,
    before: Remote | None = None,
    said: str = "",
) -> None:
    """Refuses to believe that something was written that an object does not show.

    Args:
        manifest: the connector's.
        shown: the object as it was read after the writing.
        content: what was written, by the system's names.
        before: the object as it was read before; None where it was made just now.
        said: what the system said to it, where it says anything.

    Raises:
        Conflict: a field shows neither what was written nor what it showed before: somebody else
            wrote at the same moment.
        Rejected: a field shows something else.
    """
    for name, value in differing(shown, content).items():
        found = shown.fields.get(name)
        if before is not None and found != before.fields.get(name):
            msg = f"{manifest.title} {shown.kind} {shown.ref} was changed while we wrote it"
            raise Conflict(msg, shown)
        msg = (
            f"{manifest.title} shows {name} of {shown.kind} {shown.ref} as"
            f" {str(found)[:100]!r} after {str(value)[:100]!r} was written: a rule there, a"
            " missing right or a name that it does not know keeps it so; take the field out of"
            " the mapping, or mend it there"
        )
        raise Rejected(f"{msg}. It said: {said}" if said else msg)
