"""The forms in which a check is told, for people, programs, CI servers and code scanners."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from console.reports import Checked, Report, ReportForm, github, junit, print_report, sarif
from console.rules_commands import app
from rules.codes import CODES
from rules.faults import Fault

PACK = """\
pack: small
title: Small
rules:
  - {id: owned, gate: decided, require: measure.ownr != "", message: m, clear_by: measure.owner}
"""


def fault(**changes: Any) -> Fault:
    """A fault with what the test says of it."""
    said: dict[str, Any] = {
        "code": "R302", "file": "packs/a.yaml", "line": 2, "column": 8, "message": "no field 'x'",
        "help": "did you mean 'y'?", **changes,
    }  # fmt: skip
    return Fault(**said)


def report(*faults: Fault) -> Report:
    """A report of one bad file and one good one."""
    bad = Checked("packs/a.yaml", "packs/a.yaml", faults=faults)
    good = Checked("b", "packs/b.yaml", line=7, seconds=0.25)
    return Report("sluice rules check", [bad, good], {"packs/a.yaml": "pack: a\ntitle: T\n"})


def test_github_escapes_what_the_runner_unescapes() -> None:
    """A line break or a colon in a message must not become a command of its own."""
    told = fault(file="a,b:c%.yaml", message="50% of\n::error::x", help="")
    assert list(github.lines(report(told))) == [
        "::error file=a%2Cb%3Ac%25.yaml,line=2,col=8,title=R302::50%25 of%0A::error::x"
    ]


def test_github_knows_levels() -> None:
    """A warning must not fail the job."""
    lines = list(github.lines(report(fault(level="warning"), fault(level="note"))))
    assert [line.split()[0] for line in lines] == ["::warning", "::notice"]
    assert lines[0].endswith("::no field 'x'; did you mean 'y'?")


def test_what_would_be_right_is_told_too() -> None:
    """Where an author cannot see the source line, the message alone must do."""
    told = report(fault(expected="one of a, b"))
    assert next(github.lines(told)).endswith("::no field 'x'; one of a, b; did you mean 'y'?")
    [result] = sarif.log(told)["runs"][0]["results"]
    assert result["message"]["text"] == "no field 'x'; one of a, b; did you mean 'y'?"


def test_github_summary_is_never_a_command() -> None:
    """Whoever names a pack cannot speak to the runner."""
    told = Report("c", [], {}, summary=["::set-env name=x::y"])
    assert list(github.lines(told)) == ["set-env name=x::y"]


def test_sarif_has_what_the_standard_requires() -> None:
    """SARIF 2.1.0: the properties that are required, and indices that fit."""
    found = fault(), fault(code="S101", file="/tmp/with space/a.yaml", line=0, level="note")
    log = sarif.log(report(*found))
    assert log["version"] == "2.1.0"
    assert log["$schema"].startswith("https://")
    [run] = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"]
    assert [rule["id"] for rule in driver["rules"]] == ["R302", "S101"]
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"] == CODES[rule["id"]].title
        assert rule["fullDescription"]["text"]
        assert rule["help"]["text"] == f"sluice explain {rule['id']}"
    assert len(run["results"]) == 2
    for one, result in zip(found, run["results"], strict=True):
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == one.code
        assert result["level"] in ("none", "note", "warning", "error")
        assert one.message in result["message"]["text"]
        [place] = result["locations"]
        region = place["physicalLocation"]["region"]
        assert region["startLine"] >= 1
        assert region["startColumn"] >= 1
    uris = [
        r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]
    ]
    assert uris == ["packs/a.yaml", "file:///tmp/with%20space/a.yaml"]
    json.dumps(log)


def test_sarif_of_a_code_that_nobody_registered() -> None:
    """The report of another command may bring codes of its own."""
    [rule] = sarif.log(report(fault(code="X999")))["runs"][0]["tool"]["driver"]["rules"]
    assert rule == {"id": "X999"}


def test_junit_counts_and_names() -> None:
    """One test case per thing that was looked at; the failure holds the whole message."""
    root = ET.fromstring(junit.document(report(fault(), fault(line=1))))
    [suite] = root
    for element in (root, suite):
        assert (element.get("tests"), element.get("failures"), element.get("errors")) == (
            "2", "1", "0",
        )  # fmt: skip
    bad, good = suite
    assert (bad.get("classname"), bad.get("name")) == ("packs/a.yaml", "packs/a.yaml")
    [failure] = bad
    assert (failure.get("type"), failure.get("message")) == ("R302", "no field 'x' (and 1 more)")
    assert "packs/a.yaml:2:8" in str(failure.text)
    assert "help: did you mean 'y'?" in str(failure.text)
    assert (good.get("line"), good.get("time"), list(good)) == ("7", "0.250", [])


def test_junit_stays_xml_whatever_a_text_holds() -> None:
    """Control characters, markup and quotes of a pack do not break the reader."""
    told = fault(message="<a> & \"b\" 'c' ]]> \x00\x1b\ud800", level="warning")
    root = ET.fromstring(junit.document(report(told, fault(message="\x07"))))
    assert "<a> & \"b\" 'c' ]]> ???" in str(root[0][0].findtext("system-out"))


def test_warnings_fail_nothing() -> None:
    """Only an error does."""
    assert not report(fault(level="warning"), fault(level="note")).failed
    assert report(fault(level="warning"), fault()).failed


@pytest.mark.parametrize("form", ReportForm)
def test_rules_check_speaks_every_form(form: ReportForm, tmp_path: Path) -> None:
    """The place stands in each, and the exit code is the same."""
    file = tmp_path / "small.yaml"
    file.write_text(PACK)
    result = CliRunner().invoke(app, ["check", str(file), "-o", str(form)])
    assert result.exit_code == 1
    assert "R302" in result.output
    assert "'ownr'" in result.output.replace("&apos;", "'")
    if form in (ReportForm.JSON, ReportForm.SARIF):
        json.loads(result.stdout)
    if form is ReportForm.JUNIT:
        ET.fromstring(result.stdout.encode())


def test_nothing_wrong_is_a_report_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A CI server wants to see that something was looked at."""
    for form in ReportForm:
        print_report(report(), form)
    assert "<testcase" in capsys.readouterr().out
