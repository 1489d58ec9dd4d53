"""For people: each fault with its source line, then the summary."""

import typer

from console.reports import Report
from rules.faults import render


def write(report: Report) -> None:
    """Prints the faults on the error stream and the summary on the output."""
    for fault in report.faults:
        typer.echo(render(fault, report.texts.get(fault.file, "")) + "\n", err=True)
    for line in report.summary:
        typer.echo(line)
