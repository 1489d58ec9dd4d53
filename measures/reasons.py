"""What counts as a reason: whoever reads the record later must learn something."""

from measures.errors import RefusedError


def is_blank(reason: str) -> bool:
    """Tells whether a reason was given that says nothing; giving none at all is no such reason."""
    return bool(reason) and not reason.strip()


def refuse_blank(reason: str | None, subject: str) -> None:
    """Refuses a reason of nothing but blanks.

    Args:
        reason: as it was given; empty or None when it was left out.
        subject: what it is about, e.g. ``measure spring``.

    Raises:
        RefusedError: ``no-reason``.
    """
    if is_blank(reason or ""):
        raise RefusedError(
            "no-reason", f"{subject}: blanks are no reason; say why in words: --reason TEXT"
        )
