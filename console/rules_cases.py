"""`sluice rules test`: the cases beside packs, judged as a gate would be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

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
    from rules.case_running import CaseResult
    from rules.casebook import Case
    from rules.coverage import Coverage
    from rules.faults import Fault
    from rules.schema import Pack, Rule


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("test", epilog="Example: sluice rules test packs/launch.yaml --coverage")(run_tests)


@dataclass(frozen=True)
class _Filter:
    """Which cases are run, and which rules are counted."""

    rule: str | None
    case: str | None
    gate: str | None

    @property
    def everything(self) -> bool:
        """Tells whether nothing is left out."""
        return self.rule is self.case is self.gate is None

    def takes(self, case: "Case") -> bool:
        """Tells whether a case is run."""
        by_rule = self.rule is None or (
            case.rule is not None and fnmatchcase(case.rule.id, self.rule)
        )
        by_text = self.case is None or self.case.casefold() in case.text.case.casefold()
        return by_rule and by_text and self.gate in (None, case.gate)

    def counts(self, rule: "Rule") -> bool:
        """Tells whether a rule is counted in the coverage."""
        by_rule = self.rule is None or fnmatchcase(rule.id, self.rule)
        return by_rule and (self.gate is None or self.gate in rule.gates)

    def __str__(self) -> str:
        given = {"--rule": self.rule, "--case": self.case, "--gate": self.gate}
        return " ".join(f"{name} {value!r}" for name, value in given.items() if value is not None)


def run_tests(
    files: Files = None,
    lifecycle: LifecycleFiles = None,
    rule: Annotated[
        str | None, typer.Option(metavar="GLOB", help="Only cases about these rules: 'decided.*'.")
    ] = None,
    case: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only cases whose name contains this.")
    ] = None,
    gate: Annotated[str | None, typer.Option(help="Only cases at this gate.")] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Show which answers of each rule the cases show.")
    ] = False,
    threshold: Annotated[
        int | None,
        typer.Option(
            min=0, max=100, metavar="PERCENT", help="Fail below this coverage; shows it too."
        ),
    ] = None,
    output: ReportOutput = ReportForm.PRETTY,
) -> None:
    """Run the cases beside packs (PACK_cases.yaml), judged as a gate would be."""
    import asyncio

    from rules.coverage import coverage_of

    chosen = _Filter(rule, case, gate)
    packs, cases, faults, texts = _load(files, lifecycle)
    results: list[CaseResult] = []
    for pack, beside in cases:
        results.extend(asyncio.run(_run(pack, [one for one in beside if chosen.takes(one)])))
    if not results and not faults and not chosen.everything:
        message = f"no case fits {chosen}; 'sluice rules test --coverage' lists rules and cases"
        raise typer.BadParameter(message)
    counted = [one for pack in packs for one in pack.rules if chosen.counts(one)]
    found = coverage_of(counted, results)
    failed = [result for result in results if not result.passed]
    low = threshold is not None and found.covered * 100 < threshold * found.total
    summary = [f"{len(results) - len(failed)} cases passed, {len(failed)} failed"]
    if coverage or threshold is not None:
        summary = [*_table(found), *summary]
    elif chosen.case is None:
        summary = [*_notes(found), *summary]
    report = Report(
        command="sluice rules test",
        checked=[
            *(Checked(one.file, one.file, one.line, (one,)) for one in faults),
            *(_checked(result) for result in results),
            *(_too_little(found, counted, threshold) if low and threshold is not None else ()),
        ],
        texts=texts,
        data={
            "passed": len(results) - len(failed),
            "failed": [_result_as_json(result) for result in failed],
            "faults": [fault.model_dump() for fault in faults],
            "coverage": _coverage_as_json(found),
            **error_in(faults),
        },
        summary=summary,
    )
    print_report(report, output)
    if failed or low or not report.failed:
        raise typer.Exit(Exit.FAILED if report.failed else Exit.DONE)
    raise typer.Exit(exit_for_faults(faults))


def _load(
    files: Files, lifecycles: LifecycleFiles
) -> "tuple[list[Pack], list[tuple[Pack, tuple[Case, ...]]], list[Fault], dict[str, str]]":
    """Reads packs and the cases beside them; returns what is good, every fault, and the texts."""
    from rules.casebook import cases_file
    from rules.faults import Fault

    packs, faults, texts = load_packs(files_or_own(files), lifecycles)
    for file, _ in packs:
        beside = cases_file(file)
        if not beside.exists():
            faults.append(
                Fault(
                    code="T402",
                    file=str(file),
                    line=1,
                    column=1,
                    message="there are no cases",
                    help=f"write {beside.name} beside it,"
                    f" or begin with: sluice rules case new RULE {file} --write",
                )
            )
    cases = [(pack, one) for _, pack, one in load_cases_beside(packs, faults, texts)]
    return [pack for _, pack in packs], cases, faults, texts


async def _run(pack: "Pack", cases: "list[Case]") -> "list[CaseResult]":
    from rules.case_running import run_cases
    from rules.judge import Judge

    if not cases:
        return []
    async with Judge([pack]) as judge:
        return await run_cases(cases, pack, judge)


def _checked(result: "CaseResult") -> Checked:
    from rules.faults import Fault

    case = result.case
    faults = (
        Fault(
            code="T401",
            file=case.file,
            line=case.line,
            column=case.column,
            message=f"{case.text.case}: {problem}",
        )
        for problem in result.problems
    )
    return Checked(case.text.case, case.file, case.line, tuple(faults))


def _too_little(
    coverage: "Coverage", rules: "Sequence[Rule]", threshold: int
) -> "Iterator[Checked]":
    """Yields each rule whose cases show too little, because less than the threshold is shown."""
    from rules.faults import Fault

    places = {rule.id: rule for rule in rules}
    for name, answers in coverage.uncovered.items():
        rule = places[name]
        fault = Fault(
            code="T402",
            file=rule.file,
            line=rule.line,
            column=1,
            message=f"no case shows that {name} answers {' or '.join(answers)}:"
            f" the cases show {coverage.percent} % of all answers, wanted are {threshold} %",
            help=f"sluice rules case new {name} {rule.file}",
        )
        yield Checked(name, rule.file, rule.line, (fault,))


def _table(coverage: "Coverage") -> list[str]:
    """Tells how many cases show each answer of each rule, and the share of answers shown."""
    from rules.coverage import ANSWERS

    width = max(map(len, coverage.shown), default=4)
    line = "{:<%d}  {:>4}  {:>5}  {:>12}" % width  # noqa: UP031  the width is computed
    return [
        line.format("RULE", *(answer.upper() for answer in ANSWERS)),
        *(
            line.format(rule, *(count or "-" for count in answers.values()))
            for rule, answers in coverage.shown.items()
        ),
        f"coverage: {coverage.covered} of {coverage.total} answers shown, {coverage.percent} %",
    ]


def _notes(coverage: "Coverage") -> list[str]:
    return [
        f"note: {rule} has no case for {' or '.join(answers)}"
        for rule, answers in coverage.uncovered.items()
    ]


def _result_as_json(result: "CaseResult") -> dict[str, Any]:
    return {
        "case": result.case.text.case,
        "file": result.case.file,
        "line": result.case.line,
        "verdict": result.verdict.verdict,
        "problems": list(result.problems),
    }


def _coverage_as_json(coverage: "Coverage") -> dict[str, Any]:
    return {
        "covered": coverage.covered,
        "total": coverage.total,
        "percent": coverage.percent,
        "rules": {rule: dict(answers) for rule, answers in coverage.shown.items()},
    }
