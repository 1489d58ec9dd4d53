"""The hash chain: how an entry gets its place, and how anybody can check it.

    hash = SHA-256 over the canonical JSON (RFC 8785) of the entry without `hash`

`previous` is the hash of the entry before, so an entry vouches for all that came before it.
"""

import hashlib
from datetime import UTC, datetime
from json.encoder import encode_basestring as quote
from typing import Any

from measures.digest import canonical
from measures.entry import GENESIS, Draft
from measures.errors import LedgerError, LedgerTamperedError

Row = dict[str, Any]
"""An entry as it is stored and exported: every value text, `position` and `number` whole."""

COLUMNS = (
    "position",
    "stream",
    "number",
    "kind",
    "at",
    "by",
    "command",
    "body",
    "facts_digest",
    "pack_digest",
    "previous",
    "hash",
)
_TEXTS = ("stream", "kind", "by", "command", "facts_digest", "pack_digest")
_LONGEST = 500  # PostgreSQL cannot index a longer stream, and nobody needs one


def write_moment(moment: datetime) -> str:
    """Writes a moment in UTC with microseconds, so that equal moments are equal texts."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def seal(draft: Draft, position: int, previous: str) -> Row:
    """Gives a draft its place behind the entry with the hash `previous`.

    Raises:
        LedgerError: when it holds something that cannot be written down the same everywhere.
    """
    row: Row = {
        "position": position,
        "stream": draft.stream,
        "number": draft.number,
        "kind": draft.kind,
        "by": draft.by,
        "command": draft.command,
        "facts_digest": draft.facts_digest,
        "pack_digest": draft.pack_digest,
        "previous": previous,
    }
    try:
        for name in _TEXTS:
            _refuse_unwritable(name, row[name])
        row["at"] = write_moment(draft.at)
        row["body"] = canonical(draft.body).decode()
        row["hash"] = hash_of(row)
    except (ValueError, OverflowError, RecursionError) as error:
        msg = f"{draft.stream} entry {draft.number} ({draft.kind}) cannot be recorded: {error}"
        raise LedgerError(msg) from error
    return row


def hash_of(row: Row) -> str:
    """Returns the hash that an entry must bear.

    The body is stored as canonical JSON, so the canonical JSON of the whole entry is its parts in
    the order of their names: nothing is parsed, and a body in any other form has another hash.
    """
    content = (
        f'{{"at":{quote(row["at"])},"body":{row["body"]},"by":{quote(row["by"])},'
        f'"command":{quote(row["command"])},"facts_digest":{quote(row["facts_digest"])},'
        f'"kind":{quote(row["kind"])},"number":{row["number"]},'
        f'"pack_digest":{quote(row["pack_digest"])},"position":{row["position"]},'
        f'"previous":{quote(row["previous"])},"stream":{quote(row["stream"])}}}'
    )
    return hashlib.sha256(content.encode()).hexdigest()


class ChainCheck:
    """Follows the entries in the order of their positions and stops at the first bad one.

    Attributes:
        entries: how many were good.
        head: the hash of the last good one.
    """

    def __init__(self, checkpoint: tuple[int, str] | None = None) -> None:
        self.entries = 0
        self.head = GENESIS
        self._known, self._known_hash = checkpoint or (0, GENESIS)
        self._numbers: dict[str, int] = {}

    def follow(self, row: Row) -> None:
        """Checks one more entry.

        Raises:
            LedgerTamperedError: when it is not the one that belongs here.
        """
        place = self.entries + 1
        if row["position"] != place:
            raise LedgerTamperedError(place, f"missing; entry {row['position']} comes instead")
        try:
            found = hash_of(row)
        except (TypeError, ValueError) as error:
            raise LedgerTamperedError(place, f"it cannot be read: {error}") from error
        if found != row["hash"]:
            raise LedgerTamperedError(place, "its content does not have the hash it bears")
        if row["previous"] != self.head:
            raise LedgerTamperedError(place, "it does not follow the entry before it")
        number = self._numbers.get(row["stream"], 0) + 1
        if row["number"] != number:
            reason = f"{row['stream']} goes on with number {row['number']}, not {number}"
            raise LedgerTamperedError(place, reason)
        if place == self._known and found != self._known_hash:
            reason = "the checkpoint has another hash; this entry or one before it was rewritten"
            raise LedgerTamperedError(place, reason)
        self._numbers[row["stream"]] = number
        self.entries, self.head = place, found

    def finish(self) -> None:
        """Checks that the record reaches as far as the checkpoint.

        Raises:
            LedgerTamperedError: when entries that existed at the checkpoint are gone.
        """
        if self.entries < self._known:
            reason = f"missing; the record ends here, the checkpoint knows {self._known} entries"
            raise LedgerTamperedError(self.entries + 1, reason)


def _refuse_unwritable(name: str, text: str) -> None:
    if len(text) > _LONGEST:
        msg = f"{name} is longer than {_LONGEST} characters"
        raise ValueError(msg)
    if "\x00" in text:
        msg = f"{name} holds a NUL character"
        raise ValueError(msg)
    text.encode()
