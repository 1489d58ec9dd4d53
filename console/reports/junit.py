"""For CI servers: JUnit XML, one test case per thing that was looked at."""

import re
from xml.sax.saxutils import escape, quoteattr

from console.reports import Checked, Report
from rules.faults import render

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(report: Report) -> str:
    """Returns the whole document; warnings and notes stand in `system-out` and fail nothing."""
    failures = sum(checked.failed for checked in report.checked)
    seconds = sum(checked.seconds for checked in report.checked)
    totals = (
        f"name={_attribute(report.command)}"
        f' tests="{len(report.checked)}" failures="{failures}" errors="0" time="{seconds:.3f}"'
    )
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites {totals}>",
            f"  <testsuite {totals}>",
            *(_case(checked, report) for checked in report.checked),
            "  </testsuite>",
            "</testsuites>",
        ]
    )


def _case(checked: Checked, report: Report) -> str:
    head = (
        f"    <testcase classname={_attribute(checked.file)} name={_attribute(checked.name)}"
        f' file={_attribute(checked.file)} line="{checked.line}" time="{checked.seconds:.3f}"'
    )
    inside = []
    errors = [fault for fault in checked.faults if fault.level == "error"]
    others = [fault for fault in checked.faults if fault.level != "error"]
    if errors:
        told = f"{errors[0].message}" + (
            f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        )
        text = "\n\n".join(render(fault, report.texts.get(fault.file, "")) for fault in errors)
        inside.append(
            f"      <failure type={_attribute(errors[0].code)} message={_attribute(told)}>"
            f"{_text(text)}</failure>"
        )
    if others:
        text = "\n\n".join(render(fault, report.texts.get(fault.file, "")) for fault in others)
        inside.append(f"      <system-out>{_text(text)}</system-out>")
    if not inside:
        return f"{head}/>"
    return "\n".join([f"{head}>", *inside, "    </testcase>"])


def _text(value: str) -> str:
    return escape(_NOT_XML.sub("?", value))


def _attribute(value: str) -> str:
    return quoteattr(_NOT_XML.sub("?", value))
