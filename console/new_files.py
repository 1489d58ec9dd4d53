"""Writing a folder of new files: all of them or none, and never over anything."""

from collections.abc import Mapping
from pathlib import Path

from measures.errors import ConfigurationError, RefusedError


def write_new(files: Mapping[Path, str]) -> None:
    """Writes files that are not there yet, with the folders that they lie in.

    Raises:
        RefusedError: ``already-there`` when one of them is; nothing is written.
        ConfigurationError: one cannot be written.
    """
    there = [str(file) for file in files if file.exists() or file.is_symlink()]
    if there:
        more = f" and {len(there) - 1} more files are" if len(there) > 1 else " is"
        raise RefusedError(
            "already-there",
            f"nothing was written: {there[0]}{more} there already; name another folder",
        )
    try:
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            # Whoever is faster than this loop wins: "x" writes new files only.
            with file.open("x", encoding="utf-8", newline="\n") as out:
                out.write(text)
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be written: {error.strerror}") from None
