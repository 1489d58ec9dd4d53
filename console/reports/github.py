"""For GitHub Actions: workflow commands that put each fault beside its line in the pull request."""

from collections.abc import Iterator

from console.reports import Report
from rules.faults import Fault

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def lines(report: Report) -> Iterator[str]:
    """Yields one workflow command per fault, then the summary as plain lines of the log."""
    for fault in report.faults:
        yield _command(fault)
    for line in report.summary:
        # A line that begins with :: would be taken for a command.
        yield line.lstrip(":") if line.startswith("::") else line


def _command(fault: Fault) -> str:
    properties = {
        "file": fault.file,
        "line": str(fault.line),
        "col": str(fault.column),
        "title": fault.code,
    }
    where = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[fault.level]} {where}::{_text(fault.in_words)}"


def _text(value: str) -> str:
    """Escapes as the runner unescapes: the percent sign first."""
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _text(value).replace(":", "%3A").replace(",", "%2C")
