"""`sluice import` without an engine: what it prints, writes and how it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.cli import app
from console.exits import Exit
from console.reading import files_under, read_files
from measures.errors import ConfigurationError

MAP = """\
title: Staff
inputs:
  staff:
    file: staff.csv
    key: id
    documents:
      - {kind: Person, fields: {id: "{id}", name: {column: name, default: "Nobody {id}"}}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place to work in, where no engine has run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLUICE_STATE_DIR", raising=False)
    (tmp_path / "map.yaml").write_text(MAP)
    (tmp_path / "staff.csv").write_text("id,name\nanna,Anna\nbea,\n")
    return tmp_path


def sluice(*arguments: str) -> tuple[int, str, str]:
    """Runs the command; returns exit code, output and errors."""
    result = CliRunner().invoke(app, ["import", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_a_dry_run_shows_what_would_be_and_changes_nothing(folder: Path) -> None:
    """Without --apply nothing is written anywhere, and no engine is needed."""
    before = sorted(folder.rglob("*"))
    code, out, err = sluice("staff.csv", "--map", "map.yaml")
    assert code == Exit.DONE
    assert "Person     2" in out
    assert "defaulted" in out
    assert "nothing was changed" in err
    assert sorted(folder.rglob("*")) == before


def test_programs_get_every_row(folder: Path) -> None:
    """As JSON on request, in the output and in a file; as lines for people."""
    code, out, _ = sluice("staff.csv", "--map", "map.yaml", "-o", "json", "--report", "report.json")
    assert code == Exit.DONE
    told = json.loads(out)
    assert told == json.loads((folder / "report.json").read_text())
    rows = told["import"]["rows"]
    assert [(row["line"], row["outcome"], row["documents"]) for row in rows] == [
        (2, "imported", ["Person/anna created"]),
        (3, "imported", ["Person/bea created"]),
    ]
    sluice("staff.csv", "--map", "map.yaml", "--report", "report.txt")
    assert (folder / "report.txt").read_text().splitlines() == [
        "staff.csv:2: imported: Person/anna created",
        "staff.csv:3: imported: Person/bea created",
        "staff.csv:3:   defaulted name; name: staff.name is empty; a text stands in",
    ]


def test_the_documents_can_be_written_and_read_back(folder: Path) -> None:
    """What --out writes is what `sluice apply -f` reads."""
    assert sluice("staff.csv", "--map", "map.yaml", "--out", "made")[0] == Exit.DONE
    reading = read_files(files_under([folder / "made"]))
    assert not reading.faults
    names = [document.document.model_dump()["name"] for document in reading.documents]
    assert names == ["Anna", "Nobody bea"]


def test_refused_rows_are_a_failure_and_told(folder: Path) -> None:
    """File, line, column, value and what was expected, on the error output; exit code 1."""
    (folder / "staff.csv").write_text("id,name\nAnna!,Anna\n")
    code, _, err = sluice("staff.csv", "--map", "map.yaml")
    assert code == Exit.FAILED
    assert "staff.csv:2: refused" in err
    assert "id 'Anna!': 'id': a name has small letters" in err


def test_a_broken_table_is_a_failure_and_a_broken_map_wrong_usage(folder: Path) -> None:
    """The two are told apart: one is the data's fault, the other the caller's."""
    (folder / "staff.csv").write_bytes(b"id,name\nanna,\xff\n")
    code, _, err = sluice("staff.csv", "--map", "map.yaml")
    assert code == Exit.FAILED
    assert "staff.csv:2:6: C301 byte 0xFF at offset 13" in err
    (folder / "map.yaml").write_text(MAP.replace("key:", "kee:"))
    code, out, _ = sluice("staff.csv", "--map", "map.yaml", "-o", "json")
    assert code == Exit.USAGE
    assert json.loads(out)["faults"][0]["help"] == "did you mean 'key'?"


def test_cells_cannot_speak_to_the_terminal(folder: Path) -> None:
    """An escape sequence in a cell is written out, never acted on."""
    (folder / "staff.csv").write_text("id,name\n\x1b[2Janna,Anna\nbea,\x1b]0;x\x07Bea\n")
    code, out, err = sluice("staff.csv", "--map", "map.yaml")
    assert code == Exit.FAILED
    assert "\x1b" not in out + err
    assert "\\x1b[2Janna" in err


def test_a_report_that_cannot_be_written_is_named() -> None:
    """The command line turns this error into exit code 2."""
    with pytest.raises(ConfigurationError, match=r"none/report\.txt cannot be written"):
        sluice("staff.csv", "--map", "map.yaml", "--report", "none/report.txt")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["staff.csv", "--map", "gone.yaml"], id="no map"),
        pytest.param(["staff.csv", "--map", "map.yaml", "--ask"], id="ask without apply"),
        pytest.param(["staff.csv", "--map", "map.yaml", "-o", "name"], id="names of rows"),
        pytest.param(["staff.csv"], id="no map option"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    """As with every command."""
    assert sluice(*arguments)[0] == Exit.USAGE


def test_files_that_are_not_there_are_named() -> None:
    """The command line turns this error into exit code 2."""
    with pytest.raises(ConfigurationError, match=r"there is no file gone\.csv"):
        sluice("gone.csv", "--map", "map.yaml")


def test_help_has_an_example() -> None:
    """Somebody who types --help can copy a line."""
    code, out, _ = sluice("--help")
    assert code == Exit.DONE
    assert "Example: sluice import" in out
