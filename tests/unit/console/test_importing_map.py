"""A wrong map is refused before any row is read, with file, line, column and a suggestion."""

from pathlib import Path

import pytest

from console.import_map import (
    DateFormat,
    Each,
    Input,
    NumberFormat,
    Recipe,
    holes,
    read_map,
)
from console.importing import Prepared, assign, prepare
from measures.errors import ConfigurationError
from rules.source import FaultsFound

MAP = """\
title: People
inputs:
  staff:
    file: staff.csv
    key: id
    joins:
      boss: {input: staff, by: boss}
    documents:
      - kind: Person
        fields:
          id: "{id}"
          name: "{name}, led by {boss.name}"
"""
STAFF = "id,name,boss\nanna,Anna,bea\nbea,Bea,bea\n"


def prepared(tmp_path: Path, text: str, **tables: str) -> Prepared:
    """Prepares an import of these texts."""
    (tmp_path / "map.yaml").write_text(text, encoding="utf-8")
    for name, table in (tables or {"staff": STAFF}).items():
        (tmp_path / f"{name}.csv").write_text(table, encoding="utf-8")
    paths = [tmp_path / f"{name}.csv" for name in (tables or {"staff": STAFF})]
    return prepare(tmp_path / "map.yaml", paths)


def test_the_map_as_it_should_be(tmp_path: Path) -> None:
    """The map that the other tests break makes two people."""
    found = prepared(tmp_path, MAP)
    names = [located.document.model_dump()["name"] for located in found.documents]
    assert names == ["Anna, led by Bea", "Bea, led by Bea"]


@pytest.mark.parametrize(
    ("right", "wrong", "line", "column", "words"),
    [
        ("file:", "fle:", 4, 5, "unknown field 'fle'; did you mean 'file'?"),
        ("title: People", "titel: People", 1, 1, "unknown field 'titel'; did you mean 'title'?"),
        ("kind: Person", "kind: Persn", 9, 15, "did you mean 'Person'?"),
        ("key: id", "key: ids", 5, 10, "has no column 'ids'; did you mean 'id'?"),
        ("by: boss", "by: bos", 7, 32, "has no column 'bos'; did you mean 'boss'?"),
        ("{input: staff,", "{input: stuff,", 7, 21, "no input 'stuff'; did you mean 'staff'?"),
        ("          name:", "          nmae:", 12, 11, "no field 'nmae'; did you mean 'name'?"),
        ('"{name},', '"{nmae},', 12, 17, "has no column 'nmae'; did you mean 'name'?"),
        ("{boss.name}", "{boss.nme}", 12, 17, "has no column 'nme'; did you mean 'name'?"),
        ("{boss.name}", "{chef.name}", 12, 17, "has no column 'chef.name'"),
        ("{boss.name}", "{boss.name", 12, 17, "write {{ for a brace itself"),
        ('"{id}"', "{colum: id}", 11, 16, "unknown field 'colum'; did you mean 'column'?"),
        ('"{id}"', "{column: id, text: x}", 11, 15, "here: column, text"),
        ('"{id}"', "{column: id, slug: true, date: {}}", 11, 15, "read as slug and date"),
        ('"{id}"', "{column: id, date: {format: '%d.%m'}}", 11, 34, "year, month and day"),
        ('"{id}"', "{column: id, default: x, optional: true}", 11, 15, "not both"),
        ('"{id}"', "{column: id, not_after: 2031-01-01}", 11, 15, "go with date"),
        ('"{id}"', "{column: id, when: [{column: id}]}", 11, 35, "in, not_in or empty"),
        ("    key: id\n", "", 6, 21, "has no key, so its rows cannot be found"),
        ("    documents:", "    ignore: {boss: x}\n    documents:", 8, 14, "and yet read"),
        ("    documents:", "    ignore: {age: old}\n    documents:", 8, 14, "no column 'age'"),
        ('          id: "{id}"\n', "", 11, 11, "a Person needs the field 'id'"),
    ],
)
def test_each_mistake_is_told_where_it_stands(
    tmp_path: Path, right: str, wrong: str, line: int, column: int, words: str
) -> None:
    """One mistake in the map is one fault, at its own line and column."""
    assert right in MAP
    with pytest.raises(FaultsFound) as found:
        prepared(tmp_path, MAP.replace(right, wrong, 1))
    faults = [f for f in found.value.faults if words in str(f)]
    assert [(f.line, f.column) for f in faults] == [(line, column)], found.value


def test_a_wrong_constant_is_the_maps_fault_and_told_once(tmp_path: Path) -> None:
    """Every row would be refused for it, but it is written in the map only once."""
    text = MAP.replace('          id: "{id}"\n', '          id: "{id}"\n          roles: [boss]\n')
    with pytest.raises(FaultsFound) as found:
        prepared(tmp_path, text)
    (fault,) = found.value.faults
    assert (fault.file, fault.line, fault.column) == (str(tmp_path / "map.yaml"), 12, 19)
    assert "owner" in fault.expected


def test_documents_of_the_map_are_checked_too(tmp_path: Path) -> None:
    """The standing documents are documents like any other."""
    text = MAP + "documents:\n  - {kind: Node, id: root, levl: organization, name: Root}\n"
    with pytest.raises(FaultsFound, match=r"map\.yaml:14:28: D201 unknown field 'levl'"):
        prepared(tmp_path, text)


def test_all_mistakes_are_told_in_one_go(tmp_path: Path) -> None:
    """Whoever mends a map sees everything that does not fit the tables."""
    text = MAP.replace("key: id", "key: ids").replace("{boss.name}", "{boss.nme}")
    with pytest.raises(FaultsFound) as found:
        prepared(tmp_path, text)
    assert len(found.value.faults) == 2


def test_files_and_inputs_must_match(tmp_path: Path) -> None:
    """A file that is missing, or that nothing is made of, is no detail."""
    (tmp_path / "map.yaml").write_text(MAP)
    mapping, _ = read_map(tmp_path / "map.yaml")
    (tmp_path / "staf.csv").write_text(STAFF)
    with pytest.raises(ConfigurationError) as error:
        assign(mapping, [tmp_path / "staf.csv", tmp_path / "gone" / "staff.csv"])
    assert "the map has no input for staf.csv; did you mean 'staff.csv'?" in str(error.value)
    assert "there is no file" in str(error.value)
    with pytest.raises(ConfigurationError, match=r"the input staff needs a file named staff\.csv"):
        assign(mapping, [])


def test_a_pattern_finds_a_file_with_a_date_in_its_name(tmp_path: Path) -> None:
    """Exports carry their day; two of them at once are one too many."""
    (tmp_path / "map.yaml").write_text(MAP.replace("file: staff.csv", 'file: "staff-*.csv"'))
    mapping, _ = read_map(tmp_path / "map.yaml")
    files = [tmp_path / "staff-2031-03-02.csv", tmp_path / "staff-2031-03-03.csv"]
    for file in files:
        file.write_text(STAFF)
    assert assign(mapping, files[:1]) == {"staff": files[0]}
    with pytest.raises(ConfigurationError, match="both meant for the input staff"):
        assign(mapping, files)


def test_braces_can_be_written_twice_to_mean_themselves() -> None:
    """A text may hold a brace."""
    pieces = list(holes("{{x}} is {x}, {{{ y }}}"))
    assert pieces == [
        ("{", ""),
        ("x", ""),
        ("}", ""),
        (" is ", ""),
        ("", "x"),
        (", ", ""),
        ("{", ""),
        ("", "y"),
        ("}", ""),
    ]


def test_the_guide_shows_a_map_that_is_one_and_names_every_key(tmp_path: Path) -> None:
    """docs/import.md cannot show what the reader refuses, nor forget what it takes."""
    text = (Path(__file__).parents[3] / "docs" / "import.md").read_text(encoding="utf-8")
    (tmp_path / "map.yaml").write_text(text.split("```yaml\n")[1].split("```")[0])
    mapping, _ = read_map(tmp_path / "map.yaml")
    assert list(mapping.inputs) == ["packages", "plans", "kpis"]
    for model in (Input, Recipe, NumberFormat, DateFormat, Each):
        for name in model.model_fields:
            assert f"`{name}`" in text, f"{model.__name__}.{name}"
