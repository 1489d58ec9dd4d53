"""Reading the files that people write: regular ones only, and no more than may be read."""

import os
import stat
from pathlib import Path

from rules.faults import Fault, FaultsFound
from rules.source import MAX_BYTES


def read(file: Path) -> bytes:
    """Returns what a file holds; of one that is too long, a byte more than `source.parse` takes.

    Raises:
        FaultsFound: ``S112``, the file cannot be read.
    """
    try:
        # Opening a pipe would wait for somebody who writes into it.
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
        with open(handle, "rb") as opened:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise FaultsFound([unreadable(file, f"{file} is no regular file")])
            return opened.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise FaultsFound([unreadable(file, f"{file} is a folder")]) from None
    except OSError as error:
        raise FaultsFound([unreadable(file, f"cannot read {file}: {error.strerror}")]) from None


def read_beside(file: Path, other: Path) -> bytes:
    """Reads a file that nobody named: it was found beside another, so it must belong there.

    Raises:
        FaultsFound: ``S112``, it cannot be read, or is a link that leads elsewhere.
    """
    homes = {other.parent.resolve(), other.resolve().parent}
    if not any(file.resolve().is_relative_to(home) for home in homes):
        message = f"{file} is a link that leads out of its folder"
        raise FaultsFound([unreadable(file, message)])
    return read(file)


def unreadable(path: Path, message: str, help_: str = "") -> Fault:
    """Returns the fault of something that cannot be read at all."""
    return Fault(code="S112", file=str(path), line=1, column=1, message=message, help=help_)
