"""The record as a file: one line of canonical JSON per entry, for auditors without a database."""

import json
from collections.abc import Iterable
from datetime import datetime
from json.encoder import encode_basestring as quote
from pathlib import Path
from typing import Any

from ledger.chain import Row, write_moment
from measures.digest import canonical


def write_line(row: Row) -> str:
    """Writes an entry as canonical JSON, its body inside it as JSON and not as text."""
    return (
        f'{{"at":{quote(row["at"])},"body":{row["body"]},"by":{quote(row["by"])},'
        f'"command":{quote(row["command"])},"facts_digest":{quote(row["facts_digest"])},'
        f'"hash":{quote(row["hash"])},"kind":{quote(row["kind"])},"number":{row["number"]},'
        f'"pack_digest":{quote(row["pack_digest"])},"position":{row["position"]},'
        f'"previous":{quote(row["previous"])},"stream":{quote(row["stream"])}}}\n'
    )


def read_line(line: bytes) -> Row:
    """Reads a line that `write_line` wrote.

    Raises:
        ValueError: when it is another line, even one that means the same: doubled keys, `1.0`
            for `1` or blanks would let two readers see two things.
    """
    try:
        content: dict[str, Any] = json.loads(line)
        row: Row = {**content, "body": canonical(content["body"]).decode()}
        row["at"] = write_moment(datetime.fromisoformat(row["at"]))
        same = write_line(row).encode() == line
    except (LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        msg = f"it is not an entry ({error})"
        raise ValueError(msg) from error
    if not same:
        msg = "it is not written the way an entry is written"
        raise ValueError(msg)
    return row


def write_file(path: Path, rows: Iterable[Row]) -> tuple[int, str]:
    """Writes entries to a file, which appears only when it is complete.

    Returns:
        How many, and the hash of the last one.
    """
    written, head = 0, ""
    unfinished = path.with_name(f"{path.name}.unfinished")
    with unfinished.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(write_line(row))
            written, head = row["position"], row["hash"]
    unfinished.replace(path)
    return written, head
