"""`sluice init`: what it makes passes at once, as in the CI job that it makes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from console.schemas import file_name, names

SLUICE = Path(sys.executable).with_name("sluice")


def sluice(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in a folder."""
    return subprocess.run(
        [SLUICE, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that was begun with init."""
    done = sluice(tmp_path, "init", "gates", "--pack", "bank-rules")
    assert done.returncode == 0, done.stderr
    assert "sluice rules check gates/packs" in done.stdout
    return tmp_path / "gates"


def test_every_step_of_the_job_passes(folder: Path) -> None:
    """Check, test with full coverage, and layout, exactly as the CI file runs them."""
    job = YAML(typ="safe").load((folder / ".github/workflows/rules.yaml").read_text())
    steps = [step["run"].split() for step in job["jobs"]["rules"]["steps"] if "run" in step]
    commands = [step[1:] for step in steps if step[0] == "sluice"]
    assert [command[:2] for command in commands] == [
        ["rules", "check"], ["rules", "test"], ["rules", "fmt"],
    ]  # fmt: skip
    for command in commands:
        done = sluice(folder, *command)
        assert (done.returncode, done.stderr) == (0, ""), (command, done.stdout)


def test_the_job_is_a_job(folder: Path) -> None:
    """GitHub would take the file."""
    job = YAML(typ="safe").load((folder / ".github/workflows/rules.yaml").read_text())
    errors = Draft7Validator(get_builtin_schema("vendor.github-workflows")).iter_errors(job)
    assert [error.message for error in errors] == []


def test_the_editor_finds_the_schemas(folder: Path) -> None:
    """The first line of each file leads to a schema that is there."""
    for file in (folder / "packs").iterdir():
        first = file.read_text().split("\n")[0]
        head, _, link = first.partition("$schema=")
        assert head == "# yaml-language-server: "
        assert json.loads((file.parent / link).read_text())["$schema"].endswith("2020-12/schema")
    assert {file.name for file in (folder / "schemas").iterdir()} == set(map(file_name, names()))


def test_nothing_is_overwritten(folder: Path) -> None:
    """A file that is there stays as it is, and nothing else is written."""
    pack = folder / "packs/bank-rules.yaml"
    pack.write_text("mine")
    (folder / "schemas/pool.schema.json").unlink()
    done = sluice(folder.parent, "init", "gates", "--pack", "bank-rules")
    assert done.returncode == 1
    assert "nothing was written: gates/packs/bank-rules.yaml and" in done.stderr
    assert pack.read_text() == "mine"
    assert not (folder / "schemas/pool.schema.json").exists()


def test_a_name_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    """Before anything is written."""
    done = sluice(tmp_path, "init", "gates", "--pack", "My Rules")
    assert done.returncode == 2
    assert "small letters" in done.stderr
    assert not (tmp_path / "gates").exists()
