"""Which files a folder holds: those that belong to it, whatever their names lead to."""

from collections.abc import Collection
from pathlib import Path

from console.output import aside


def files_in(folder: Path, endings: Collection[str]) -> list[Path]:
    """Returns the files under a folder, in order; what is no file of its own is left out and told.

    That is what only looks like a file, such as a pipe, and a link that leads out of the folder:
    its text would be shown to whoever reads the faults. Hidden files and folders, whose names begin
    with a dot, belong to other tools (`.github`, `.venv`) and are passed over.
    """
    found = []
    home = folder.resolve()
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden or path.suffix not in endings or path.is_dir():
            continue
        if not path.is_file():
            aside().print(f"left out: {no_file(path)}", markup=False)
        elif not path.resolve().is_relative_to(home):
            aside().print(f"left out: {path} is a link that leads out of {folder}", markup=False)
        else:
            found.append(path)
    return found


def no_file(path: Path) -> str:
    """Says why what stands at a path is no file."""
    if path.is_symlink() and not path.exists():
        return f"{path} is a link to {path.readlink()}, which is not there"
    return f"{path} is no regular file"
