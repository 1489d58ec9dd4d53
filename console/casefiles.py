"""The file of cases beside a pack, to which commands add: read once, printed or written."""

import fcntl
import os
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import typer

from console.rules_files import refuse
from measures.errors import ConfigurationError

if TYPE_CHECKING:
    from rules.case_writing import Defaults, NewCase
    from rules.casebook import Casebook
    from rules.schema import Pack


class Casefile:
    """The cases beside a pack's file, where there is one, held while a command adds to them.

    One that is to be written is locked from before it is read until it is written, so that commands
    that run at once add one after the other: a case depends on the moment and the defaults that the
    file says.

    Args:
        pack_file: the pack's file; None for a pack that has none.
        pack: the pack.
        now: the moment of a new file.
        write: whether cases will be written rather than printed.

    Attributes:
        now: the moment of its cases; that of a new file when there is none.
    """

    def __init__(self, pack_file: Path | None, pack: "Pack", now: datetime, *, write: bool) -> None:
        from rules.casebook import cases_file

        if write and pack_file is None:
            raise typer.BadParameter("name the pack's FILE: cases are written beside it")
        self._pack = pack
        self._pack_file = pack_file
        self._file = cases_file(pack_file) if pack_file else None
        self._write = write
        self._text = ""
        self._book: Casebook | None = None
        self._held = ExitStack()
        self.now = now

    def __enter__(self) -> Self:
        """Reads the file, after locking it where it is to be written."""
        try:
            if self._file is not None and self._write:
                self._lock(self._file)
            if self._file is not None and os.path.lexists(self._file):
                self._book = self._read(self._file)
                self.now = self._book.text.now
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Lets others write."""
        self._held.close()

    @property
    def defaults(self) -> "Defaults":
        """The fields that its cases need not say."""
        return self._book.text.defaults if self._book else {}

    def answers(self, rule: str) -> set[str]:
        """Returns the answers for which there are cases about a rule."""
        cases = self._book.text.cases if self._book else ()
        return {case.verdict for case in cases if case.rule == rule}

    def add(self, cases: "Sequence[NewCase]") -> None:
        """Adds cases to the file, or prints what would be added; a whole file where there is none.

        A case that says nothing new is told and left out.

        Raises:
            RefusedError: the file has no place for another case.
            ConfigurationError: the file cannot be written.
        """
        from rules.case_writing import new_casebook, with_cases, write_case

        if self._book is None:
            whole = new_casebook(self._pack, self.now, cases)
        elif self._write:
            cases = self._new_ones(cases)
            if not cases:
                return
            whole = with_cases(self._text, str(self._file), self._pack, cases)
        else:
            whole = "\n".join(map(write_case, cases))
        if not self._write or self._file is None:
            typer.echo(whole, nl=False)
            return
        _replace(self._file, whole)
        typer.echo(f"{self._file}: {len(cases)} case{'s' if len(cases) > 1 else ''} added")

    def _new_ones(self, cases: "Sequence[NewCase]") -> "list[NewCase]":
        """Returns the cases whose situation the file does not hold yet, and tells of the others."""
        from rules.case_writing import with_cases
        from rules.casebook import load_casebook

        known = self._book.cases if self._book else ()
        found = []
        for case in cases:
            longer = with_cases(self._text, str(self._file), self._pack, [case])
            read = load_casebook(longer, str(self._file), self._pack).cases[-1]
            same = next((one for one in known if one.situation == read.situation), None)
            if same is None:
                found.append(case)
            else:
                typer.echo(
                    f"{self._file}:{same.line}: this situation is there already,"
                    f" as {same.text.case!r}; nothing was added",
                    err=True,
                )
        return found

    def _lock(self, file: Path) -> None:
        """Waits until nobody else writes in the folder of the file; it leaves nothing behind."""
        try:
            folder = os.open(file.resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
            self._held.callback(os.close, folder)
            fcntl.flock(folder, fcntl.LOCK_EX)
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None
        # Not left to the closing: a child of this process may hold the folder open too.
        self._held.callback(fcntl.flock, folder, fcntl.LOCK_UN)

    def _read(self, file: Path) -> "Casebook":
        from rules.casebook import load_casebook
        from rules.faults import FaultsFound
        from rules.files import read_beside

        try:
            content = read_beside(file, self._pack_file or file)
            self._text = content.decode("utf-8", errors="replace")
            return load_casebook(content, str(file), self._pack)
        except FaultsFound as found:
            refuse(found.faults, {str(file): self._text})


def _replace(file: Path, text: str) -> None:
    """Writes a file whole or not at all; whoever reads it meanwhile sees the old one.

    Raises:
        ConfigurationError: it cannot be written.
    """
    target = file.resolve()  # a link stays one
    beside = target.with_name(f".{target.name}.new")
    try:
        with beside.open("w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        if target.exists():
            beside.chmod(target.stat().st_mode & 0o7777)
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None
