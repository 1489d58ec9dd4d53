"""Documents as they were applied: the newest version of each is a state like any other."""

from typing import Any

from measures.digest import digest
from measures.entry import Entry, subject_of
from measures.model import Moment, Stored

REMOVED = "removed"
"""The key, holding the reason, that stands in place of a document's content once it is taken away.

No kind of document has a field of that name."""


class AppliedDocument(Stored):
    """The newest version of a document, and who applied it."""

    kind: str
    id: str
    version: int
    digest: str
    body: dict[str, Any]
    applied_at: Moment
    applied_by: str

    @property
    def removed(self) -> bool:
        """Whether this says that the document was taken away; the versions before it stay."""
        return REMOVED in self.body


def fold_document(entry: Entry) -> AppliedDocument:
    """Returns a document after its latest entry, which alone says all of it.

    Raises:
        ValueError: when the entry says something else.
    """
    if entry.kind != "document_applied":
        msg = f"{entry.kind} does not belong to a document"
        raise ValueError(msg)
    kind, _, name = subject_of(entry.stream).partition("/")
    content = entry.body["document"]
    return AppliedDocument(
        kind=kind,
        id=name,
        version=entry.number,
        digest=digest(content),
        body=content,
        applied_at=entry.at,
        applied_by=entry.by,
    )
