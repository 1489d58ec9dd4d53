"""For code scanners: SARIF 2.1.0, with what `rules.codes` says about each code that was found."""

from importlib.metadata import version
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from console.reports import Report
from rules.codes import CODES
from rules.faults import Fault

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def log(report: Report) -> dict[str, Any]:
    """Returns the log as JSON data."""
    codes = sorted({fault.code for fault in report.faults})
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": report.command,
                        "semanticVersion": version("sluicegate"),
                        "rules": [_rule(code) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "artifacts": [
                    {"location": {"uri": _uri(file)}}
                    for file in dict.fromkeys(checked.file for checked in report.checked)
                ],
                "results": [_result(fault, codes.index(fault.code)) for fault in report.faults],
            }
        ],
    }


def _rule(code: str) -> dict[str, Any]:
    known = CODES.get(code)
    if known is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": known.title},
        "fullDescription": {"text": known.why},
        "help": {"text": f"sluice explain {code}"},
    }


def _result(fault: Fault, index: int) -> dict[str, Any]:
    return {
        "ruleId": fault.code,
        "ruleIndex": index,
        "level": fault.level,
        "message": {"text": fault.in_words},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(fault.file)},
                    "region": {
                        "startLine": max(1, fault.line),
                        "startColumn": max(1, fault.column),
                    },
                }
            }
        ],
    }


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
