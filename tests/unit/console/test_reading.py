"""Files that hold no documents, or are no files: told plainly, never a hang or a traceback."""

import os
from pathlib import Path

import pytest

from console.reading import files_under, read_files, read_text
from measures.errors import ConfigurationError


@pytest.mark.parametrize("kind", ["[a]", "{a: b}", "3", "true"])
def test_a_kind_that_is_no_word_is_a_fault(kind: str) -> None:
    """Whatever YAML can say may stand there."""
    [fault] = read_text(f"kind: {kind}\nid: x\n", "x.yaml").faults
    assert (fault.code, fault.line) == ("D207", 1)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (
            "kind: Pool\nid: p\ntitle: P\nunit: u\nowner: kim\n"
            "teams: [{id: n, title: N, lead: kim}, {id: n, title: N, lead: kim}]\n",
            (6, 8),
        ),
        (
            "kind: Pool\nid: p\ntitle: P\nunit: u\nowner: kim\n"
            "feeds:\n"
            "  - {gives: load, connection: d, object: o, ref: r, field: f}\n"
            "  - {gives: utilisation, connection: d, object: o, ref: r, field: g}\n",
            (7, 3),
        ),
        (
            "kind: Measure\nid: m\ntitle: M\ntype: campaign\npackage: p\n"
            "owner: o\nsponsor: s\ncontroller: c\n"
            "campaign:\n  connector: memory\n  ref: C\n  launch_on: 2031-03-02\n"
            "  ends_on: 2031-03-03\n  audience: [x, x]\n",
            (14, 13),
        ),
    ],
)
def test_what_is_there_twice_is_a_fault_where_it_stands(text: str, place: tuple[int, int]) -> None:
    """Teams, feeds and audiences too: each says so in words of its own."""
    [fault] = read_text(text, "x.yaml").faults
    assert (fault.code, fault.line, fault.column) == ("D203", *place)
    assert "twice" in fault.message or "from two" in fault.message


@pytest.mark.parametrize("text", ["", "null\n", "---\n", "# nothing yet\n", "[]\n"])
def test_a_file_without_documents_says_so(text: str) -> None:
    """An empty file is a mistake more often than a wish."""
    [fault] = read_text(text, "empty.yaml").faults
    assert fault.message == "no documents in empty.yaml"


def test_only_regular_files_of_a_folder_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe would wait for ever; what is left out is told."""
    os.mkfifo(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").symlink_to("gone.yaml")
    (tmp_path / "c.yaml").write_text("kind: Person\nid: x\nname: X\n")
    (tmp_path / "d.yaml").mkdir()
    assert files_under([tmp_path]) == [tmp_path / "c.yaml"]
    told = "".join(capsys.readouterr().err.split())
    assert "a.yamlisnoregularfile" in told
    assert "b.yamlisalinktogone.yaml,whichisnotthere" in told


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    """Named, with what it is instead."""
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "link.yaml").symlink_to("gone.yaml")
    with pytest.raises(ConfigurationError, match="no regular file"):
        files_under([tmp_path / "pipe.yaml"])
    with pytest.raises(ConfigurationError, match=r"a link to gone\.yaml"):
        files_under([tmp_path / "link.yaml"])
    with pytest.raises(FileNotFoundError):
        files_under([tmp_path / "none.yaml"])
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_files([tmp_path])


def test_very_many_faults_are_counted(tmp_path: Path) -> None:
    """The first hundred are shown; nobody reads more at once."""
    (tmp_path / "many.yaml").write_text("- {kind: Persn}\n" * 1234)
    faults = read_files([tmp_path / "many.yaml"]).faults
    assert len(faults) == 101
    assert (faults[-1].message, faults[-1].line) == ("and 1,134 more faults", 101)


def test_what_is_hidden_in_a_folder_belongs_to_other_tools(tmp_path: Path) -> None:
    """`.github/workflows/rules.yaml`, which `sluice init` writes, was refused as a document."""
    for name in (".github/workflows/rules.yaml", ".pool.yaml", "pools/kyc.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert files_under([tmp_path]) == [tmp_path / "pools/kyc.yaml"]
    hidden = tmp_path / ".github"
    assert files_under([hidden]) == [hidden / "workflows/rules.yaml"]


def test_a_folder_without_documents_is_refused(tmp_path: Path) -> None:
    """Else a wrong path in a CI job passes for ever."""
    (tmp_path / "pool.yml.txt").touch()
    with pytest.raises(
        ConfigurationError, match=r"there are no documents in .*\.yaml, \.yml, \.json"
    ):
        files_under([tmp_path])


def test_a_name_with_accents_is_proposed_without_them() -> None:
    """Dropping the letters themselves made of ünï an n."""
    [fault] = read_text("kind: Person\nid: Zoë Ünï\nname: Zoë\nroles: [owner]\n", "x.yaml").faults
    assert fault.help == "write zoe-uni"


def test_a_value_that_cannot_be_read_hides_no_other_fault() -> None:
    """Faults of a file come in one go, each place once, and no document of it counts."""
    text = """\
kind: Pool
id: kyc
title: Checks
unit: checks
owner: kim
capacity: {2031-03: .nan}
---
kind: Person
id: ada
nam: Ada
---
kind: Person
id: ben
name: Ben
"""
    reading = read_text(text, "team.yaml")
    assert reading.documents == ()
    assert [(one.code, one.line, one.column) for one in reading.faults] == [
        ("S107", 6, 21), ("D201", 10, 1),
    ]  # fmt: skip
