"""How a check of files is told: to people, to programs, to CI servers and to code scanners.

A command makes one `Report` and hands it to `print_report`; each form is a module of its own that
knows nothing of the command:

    output: ReportOutput = ReportForm.PRETTY         # the `-o` option
    ...
    checked = [Checked("launch.yaml", "launch.yaml", faults=tuple(faults))]
    print_report(Report("sluice rules check", checked, texts, data={...}, summary=[...]), output)

A failed case is a `Checked` with the case's name, its file and line, and one
`rules.faults.Fault` (code ``T401``) per expectation that did not hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rules.faults import Fault


class ReportForm(StrEnum):
    """What ``-o`` takes where files are checked."""

    PRETTY = "pretty"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"
    JUNIT = "junit"


ReportOutput = Annotated[
    ReportForm, typer.Option("-o", "--output", help="pretty, json, github, sarif or junit.")
]


@dataclass(frozen=True)
class Checked:
    """One thing that was looked at, such as a file or a case.

    Attributes:
        name: what people call it; the file's name for a file.
        faults: what is wrong with it; nothing when it is good.
        seconds: how long looking took, where that was measured.
    """

    name: str
    file: str
    line: int = 1
    faults: "tuple[Fault, ...]" = ()
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Tells whether it has an error; warnings and notes do not count."""
        return any(fault.level == "error" for fault in self.faults)


@dataclass(frozen=True)
class Report:
    """Everything that one command has to tell.

    Attributes:
        command: as it is typed, e.g. ``sluice rules check``.
        texts: the text of each file by its name, for the source lines.
        data: what ``-o json`` prints.
        summary: lines for people, after the faults.
    """

    command: str
    checked: Sequence[Checked]
    texts: Mapping[str, str]
    data: Mapping[str, Any] = field(default_factory=dict)
    summary: Sequence[str] = ()

    @property
    def faults(self) -> "list[Fault]":
        """Every fault, in the order of what was looked at."""
        return [fault for checked in self.checked for fault in checked.faults]

    @property
    def failed(self) -> bool:
        """Tells whether anything has an error."""
        return any(checked.failed for checked in self.checked)


def print_report(report: Report, form: ReportForm) -> None:
    """Prints a report: faults for people on the error stream, everything else on the output."""
    match form:
        case ReportForm.PRETTY:
            from console.reports import pretty

            pretty.write(report)
        case ReportForm.JSON:
            from console.output import Form, print_data

            print_data(report.data, Form.JSON)
        case ReportForm.GITHUB:
            from console.reports import github

            for line in github.lines(report):
                typer.echo(line)
        case ReportForm.SARIF:
            from console.output import Form, print_data
            from console.reports import sarif

            print_data(sarif.log(report), Form.JSON)
        case ReportForm.JUNIT:
            from console.reports import junit

            typer.echo(junit.document(report))
