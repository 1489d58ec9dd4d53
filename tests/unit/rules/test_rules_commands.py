"""`sluice rules check` and `sluice rules test`, as people and CI jobs run them."""

import json
import os
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from console.rules_commands import app

PACK = """\
pack: small
title: Small
rules:
  - {id: owned, gate: decided, require: measure.owner != "", message: m, clear_by: measure.owner}
"""
CASES = """\
pack: small
now: 2031-01-12T09:00:00Z
cases:
  - {case: not gathered, rule: owned, without: [measure], verdict: %s}
"""


@pytest.fixture
def pack_file(tmp_path: Path) -> Path:
    """A pack with one case that holds."""
    file = tmp_path / "small.yaml"
    file.write_text(PACK)
    file.with_name("small_cases.yaml").write_text(CASES % "inconclusive")
    return file


def test_check_accepts_the_built_in_packs() -> None:
    """Without a file it looks at what the product brings."""
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 0
    assert "standard.yaml: 29 rules, " in result.output


def test_check_shows_faults_with_their_line(pack_file: Path) -> None:
    """Exit code 1, and the error shape of the whole product."""
    pack_file.write_text(PACK.replace("measure.owner !=", "measure.ownr !="))
    result = CliRunner().invoke(app, ["check", str(pack_file)])
    assert result.exit_code == 1
    place = f"{pack_file}:4:49"
    assert f"error[R302]: the fact 'measure' has no field 'ownr'\n  --> {place}\n" in result.output
    assert "help: did you mean 'owner'?" in result.output


def test_check_looks_at_the_cases_too(pack_file: Path) -> None:
    """However a shell names the files; each is looked at once."""
    beside = pack_file.with_name("small_cases.yaml")
    for files in ([pack_file, beside], [beside], [pack_file], [pack_file.parent]):
        result = CliRunner().invoke(app, ["check", *map(str, files)])
        [line] = result.output.splitlines()
        assert line.startswith(f"{pack_file}: 1 rules, 1 cases, no faults (")
    beside.write_text(CASES.replace("rule: owned", "rule: owed") % "pass")
    result = CliRunner().invoke(app, ["check", str(pack_file)])
    assert result.exit_code == 1
    assert f"{beside}:4:32" in result.output


def test_check_as_json(pack_file: Path) -> None:
    """The same for programs."""
    result = CliRunner().invoke(app, ["check", str(pack_file), "-o", "json"])
    told = json.loads(result.output)
    assert (told["packs"][0]["pack"], told["faults"]) == ("small", [])


def test_test_runs_the_cases(pack_file: Path) -> None:
    """And names the answers that no case shows."""
    result = CliRunner().invoke(app, ["test", str(pack_file)])
    assert result.exit_code == 0
    assert "1 cases passed, 0 failed" in result.output
    assert "owned has no case for pass or block" in result.output


def test_test_tells_which_case_failed(pack_file: Path) -> None:
    """With the file and line of the case."""
    cases = pack_file.with_name("small_cases.yaml")
    cases.write_text(CASES % "pass")
    result = CliRunner().invoke(app, ["test", str(pack_file)])
    assert result.exit_code == 1
    assert "error[T401]: not gathered: expected pass, got inconclusive" in result.output
    assert f"--> {cases}:4:5" in result.output
    told = json.loads(CliRunner().invoke(app, ["test", str(pack_file), "-o", "json"]).output)
    assert told["failed"][0]["line"] == 4


def invoke(*words: object) -> Result:
    """Runs `sluice rules` with these words."""
    return CliRunner().invoke(app, [str(word) for word in words])


def test_coverage_is_shown_and_may_be_demanded(pack_file: Path) -> None:
    """One of three answers is 33 %, rounded down; a threshold above it fails."""
    shown = invoke("test", pack_file, "--coverage")
    assert shown.exit_code == 0
    assert "coverage: 1 of 3 answers shown, 33 %" in shown.output
    assert invoke("test", pack_file, "--threshold", "33").exit_code == 0
    low = invoke("test", pack_file, "--threshold", "34")
    assert low.exit_code == 1
    assert "error[T402]: no case shows that owned answers pass or block" in low.output
    told = json.loads(invoke("test", pack_file, "-o", "json").output)
    assert told["coverage"] == {
        "covered": 1,
        "total": 3,
        "percent": 33,
        "rules": {"owned": {"pass": 0, "block": 0, "inconclusive": 1}},
    }


@pytest.mark.parametrize(
    "fitting", [["--rule", "own*"], ["--case", "NOT gath"], ["--gate", "decided"]]
)
def test_cases_can_be_chosen(pack_file: Path, fitting: list[str]) -> None:
    """By rule, by words and by gate; a filter that fits nothing is a mistake."""
    chosen = invoke("test", pack_file, *fitting)
    assert (chosen.exit_code, "1 cases passed" in chosen.output) == (0, True)
    nothing = invoke("test", pack_file, fitting[0], "no-such")
    assert nothing.exit_code == 2
    assert "no case fits" in nothing.output


def test_a_first_case_for_each_answer(pack_file: Path) -> None:
    """Printed, then written; what is there already is not written again, and all of it holds."""
    cases = pack_file.with_name("small_cases.yaml")
    before = cases.read_text()
    printed = invoke("case", "new", "owned", pack_file)
    assert "- case: does not hold with measure.owner empty" in printed.output
    assert "verdict: inconclusive" not in printed.output
    assert cases.read_text() == before
    assert "2 cases added" in invoke("case", "new", "owned", pack_file, "--write").output
    assert cases.read_text().startswith(before)
    assert invoke("test", pack_file, "--threshold", "100").exit_code == 0
    again = invoke("case", "new", "owned", pack_file, "--write")
    assert (again.exit_code, "for each answer already" in again.output) == (0, True)


def test_a_first_case_begins_the_file(pack_file: Path) -> None:
    """As the message about a pack without cases advises."""
    pack_file.with_name("small_cases.yaml").unlink()
    assert f"case new RULE {pack_file} --write" in invoke("test", pack_file).output
    assert "3 cases added" in invoke("case", "new", "owned", pack_file, "--write").output
    assert "3 cases passed" in invoke("test", pack_file, "--threshold", "100").output


def test_a_case_is_new_for_a_rule_that_is_there(pack_file: Path) -> None:
    """A misspelt rule, a place to write that is not named, and faults are told."""
    misspelt = invoke("case", "new", "ownd", pack_file)
    assert misspelt.exit_code == 2
    assert "did you mean 'owned'?" in misspelt.output
    nowhere = invoke("case", "new", "closed.evidence-attached", "--write")
    assert nowhere.exit_code == 2
    assert "name the pack's FILE" in nowhere.output
    pack_file.with_name("small_cases.yaml").write_text("pack: other\nnow: x\ncases: []\n")
    faulty = invoke("case", "new", "owned", pack_file)
    assert (faulty.exit_code, "small_cases.yaml:2:6" in faulty.output) == (1, True)


def test_failures_are_told_to_ci_servers(pack_file: Path) -> None:
    """A failed case and a missing one, each where it stands."""
    cases = pack_file.with_name("small_cases.yaml")
    cases.write_text(CASES % "pass")
    told = invoke("test", pack_file, "-o", "github", "--threshold", "100")
    assert told.exit_code == 1
    assert (
        f"::error file={cases},line=4,col=5,title=T401::not gathered: expected pass" in told.output
    )
    assert f"::error file={pack_file},line=4,col=1,title=T402::no case shows" in told.output
    assert (
        'tests="2" failures="2"'
        in invoke("test", pack_file, "-o", "junit", "--threshold", "100").output
    )


def test_a_pack_without_cases_fails(pack_file: Path) -> None:
    """Silence is not a test."""
    pack_file.with_name("small_cases.yaml").unlink()
    result = CliRunner().invoke(app, ["test", str(pack_file)])
    assert result.exit_code == 1
    assert "write small_cases.yaml beside it" in result.output


@pytest.mark.parametrize("command", ["check", "test"])
def test_wrong_usage_is_2(command: str) -> None:
    """A file that is not there, and an option that does not exist."""
    assert CliRunner().invoke(app, [command, "/no/such/file.yaml"]).exit_code == 2
    assert CliRunner().invoke(app, [command, "--nope"]).exit_code == 2


@pytest.mark.parametrize("command", ["check", "test"])
def test_help_has_an_example(command: str) -> None:
    """Every command shows how it is used."""
    assert "Example: sluice rules" in CliRunner().invoke(app, [command, "--help"]).output


@pytest.mark.parametrize("command", ["check", "test", "fmt"])
def test_only_regular_files_are_read(command: str, pack_file: Path) -> None:
    """A pipe would keep the command waiting, and a device never ends."""
    pipe = pack_file.with_name("pipe.yaml")
    os.mkfifo(pipe)
    for wrong in (pipe, Path("/dev/zero")):
        result = CliRunner().invoke(app, [command, str(wrong)])
        assert (result.exit_code, "is no regular file" in result.output) == (2, True)
    inside = CliRunner().invoke(app, [command, str(pack_file.parent)])
    assert f"left out: {pipe} is no regular file" in inside.output
    beside = pack_file.with_name("small_cases.yaml")
    beside.unlink()
    os.mkfifo(beside)
    if command != "fmt":
        assert CliRunner().invoke(app, [command, str(pack_file)]).exit_code == 2


def test_a_link_out_of_the_folder_is_left_out(tmp_path: Path, pack_file: Path) -> None:
    """Faults show lines of files, and nobody named this one; named, it is read."""
    folder = tmp_path / "packs"
    folder.mkdir()
    pack_file.rename(folder / "small.yaml")
    secret = tmp_path / "secret.txt"
    secret.write_text("root: secret")
    link = folder / "link.yaml"
    link.symlink_to(secret)
    result = CliRunner().invoke(app, ["check", str(folder)])
    assert f"left out: {link} is a link that leads out of {folder}" in result.output
    assert (result.exit_code, "root: secret" in result.output) == (0, False)
    assert "root: secret" in CliRunner().invoke(app, ["check", str(link)]).output
    (folder / "small_cases.yaml").symlink_to(secret)
    result = CliRunner().invoke(app, ["check", str(folder)])
    assert "small_cases.yaml is a link that leads out of its folder" in result.output
    assert (result.exit_code, "root: secret" in result.output) == (2, False)


def test_what_cannot_be_read_hides_nothing(tmp_path: Path, pack_file: Path) -> None:
    """The others are reported, and a program gets its answer."""
    missing, empty = tmp_path / "none.yaml", tmp_path / "empty"
    empty.mkdir()
    files = [str(missing), str(empty), str(pack_file)]
    for command in ("check", "test"):
        result = CliRunner().invoke(app, [command, *files, "-o", "json"])
        answer = json.loads(result.stdout)
        assert result.exit_code == 2
        assert f"cannot read {missing}: No such file" in answer["error"]
        assert f"there is no pack in {empty}" in answer["error"]
    assert CliRunner().invoke(app, ["check", *files]).stdout.startswith(f"{pack_file}: 1 rules")
    for command in (["prove", str(missing)], ["diff", str(missing), str(pack_file)]):
        result = CliRunner().invoke(app, [*command, "-o", "json"])
        assert (result.exit_code, "No such file" in json.loads(result.stdout)["error"]) == (2, True)


@pytest.mark.parametrize("command", ["check", "test", "fmt", "prove --only doi"])
def test_the_packs_of_the_folder_come_first(
    command: str, pack_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sluice init` makes the folder; without it the built-in packs are meant, and that is told."""
    monkeypatch.chdir(pack_file.parent)
    if command == "fmt":
        assert "there is no packs/ here" in CliRunner().invoke(app, [command]).output
    else:
        assert "built-in packs" in CliRunner().invoke(app, command.split()).stderr
    folder = pack_file.parent / "packs"
    folder.mkdir()
    pack_file.rename(folder / "small.yaml")
    pack_file.with_name("small_cases.yaml").rename(folder / "small_cases.yaml")
    done = CliRunner().invoke(app, command.split())
    assert "looking at packs/" in done.stderr
    assert done.exit_code in (0, 1)
