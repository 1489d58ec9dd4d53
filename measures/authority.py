"""Who may apply which document, as a pure check."""

from measures.conversion import Conversion
from measures.directory import Directory
from measures.documents import Document, Pool
from measures.duties import refuse_stranger, refuse_uninvolved
from measures.errors import RefusedError
from measures.people import OPERATOR, Delegation
from measures.plan import Measure


def refuse_unless_may_apply(
    document: Document, by: str, directory: Directory, present: Document | None = None
) -> None:
    """Refuses a document from a person who has no right to write it.

    The operator and administrators write everything; everybody else only what is theirs.

    Args:
        document: what is to be applied.
        by: who applies it.
        directory: as it is before any document of the same call.
        present: the pool, conversion or measure that the document changes; None when it is new.

    Raises:
        RefusedError: ``unknown-person`` or ``not-entitled``.
    """
    if by == OPERATOR:
        return
    refuse_stranger(directory, by)
    if directory.has_role(by, "administrator"):
        return
    owner: str | None = None
    match document:
        case Delegation():
            owner = document.from_
        case Pool():
            owner = present.owner if isinstance(present, Pool) else document.owner
        case Conversion():
            owner = present.owner if isinstance(present, Conversion) else document.owner
        case Measure() if isinstance(present, Measure):
            refuse_uninvolved(present, directory, by, "change its plan")
            return
        case Measure():
            owner = document.owner
        case _:
            pass
    if by != owner:
        entitled = f"{owner} or an administrator" if owner else "an administrator"
        raise RefusedError(
            "not-entitled",
            f"{by} may not apply {document.kind} {document.id}; entitled: {entitled}",
        )
