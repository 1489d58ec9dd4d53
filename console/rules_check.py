"""`sluice rules check`: every fault of packs and their cases, with its line, column and the fix."""

from typing import TYPE_CHECKING, Any

import typer

from console.exits import Exit
from console.reports import Checked, Report, ReportForm, ReportOutput, print_report
from console.rules_files import (
    Files,
    LifecycleFiles,
    error_in,
    exit_for_faults,
    files_or_own,
    load_cases_beside,
    load_packs,
)

if TYPE_CHECKING:
    from rules.schema import Pack


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: sluice rules check packs/launch.yaml -o github")(check)


def check(
    files: Files = None,
    lifecycle: LifecycleFiles = None,
    output: ReportOutput = ReportForm.PRETTY,
) -> None:
    """Check packs and their cases: every fault with its line, column and the fix."""
    packs, faults, texts = load_packs(files_or_own(files), lifecycle)
    cases = {file: len(found) for file, _, found in load_cases_beside(packs, faults, texts)}
    report = Report(
        command="sluice rules check",
        checked=[
            Checked(file, file, faults=tuple(fault for fault in faults if fault.file == file))
            for file in texts
        ],
        texts=texts,
        data={
            "packs": [_pack_as_json(pack) for _, pack in packs],
            "faults": [fault.model_dump() for fault in faults],
            **error_in(faults),
        },
        summary=[
            *(
                f"{file}: {len(pack.rules)} rules, {cases[file]} cases, no faults"
                f" ({pack.digest[:12]})"
                if file in cases
                else f"{file}: {len(pack.rules)} rules, no faults ({pack.digest[:12]})"
                for file, pack in packs
            ),
            *([f"{_count(faults)}; sluice explain CODE says more about one"] if faults else []),
        ],
    )
    print_report(report, output)
    raise typer.Exit(exit_for_faults(faults) if report.failed else Exit.DONE)


def _count(faults: list[Any]) -> str:
    return f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"


def _pack_as_json(pack: "Pack") -> dict[str, Any]:
    return {
        "pack": pack.id,
        "title": pack.title,
        "lifecycle": pack.lifecycle,
        "digest": pack.digest,
        "rules": [
            {"id": rule.id, "gates": list(rule.gates), "mode": rule.text.mode, "line": rule.line}
            for rule in pack.rules
        ],
    }
