"""A CSV file becomes a table, or says by line and column why it is none; no line is lost."""

from pathlib import Path

import pytest

from console import import_table
from console.import_map import Input
from console.import_table import Table, read_table
from rules.source import FaultsFound

PLAIN = Input(file="t.csv", key="id")


def read(tmp_path: Path, content: bytes, how: Input = PLAIN) -> Table:
    """Reads a file of these bytes."""
    file = tmp_path / "t.csv"
    file.write_bytes(content)
    return read_table("things", file, how)


def refused(tmp_path: Path, content: bytes, how: Input = PLAIN) -> list[tuple[int, int, str]]:
    """Returns line, column and words of every fault of a file that is no table."""
    with pytest.raises(FaultsFound) as found:
        read(tmp_path, content, how)
    return [(f.line, f.column, f.message + " " + f.help) for f in found.value.faults]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"id,name\n1,Anna\n", id="as it should be"),
        pytest.param(b"\xef\xbb\xbfid,name\n1,Anna\n", id="byte order mark"),
        pytest.param(b"id;name\r\n1;Anna\r\n", id="semicolons and Windows line ends"),
        pytest.param(b"id\tname\n1\tAnna", id="tabs, no last line end"),
        pytest.param(b"id|name\r1|Anna\r", id="bars and old Macintosh line ends"),
        pytest.param(b" id , name \n 1 , Anna \n", id="white space"),
        pytest.param(b'id,name\n"1","Anna"\n', id="quotes"),
    ],
)
def test_the_usual_forms_of_csv_are_one_table(tmp_path: Path, content: bytes) -> None:
    """Marks, delimiters, line ends, quotes and white space make no difference."""
    table = read(tmp_path, content)
    assert table.columns == ("id", "name")
    assert [row.cells for row in table.rows] == [{"id": "1", "name": "Anna"}]


def test_a_row_knows_the_line_that_it_begins_in(tmp_path: Path) -> None:
    """Cells of several lines do not shift the numbers of the rows after them."""
    table = read(tmp_path, b'id,name\n1,"two\nlines"\n2,Bea\n')
    assert [(row.line, row.cells["id"]) for row in table.rows] == [(2, "1"), (4, "2")]


def test_other_encodings_are_read_when_the_map_names_them(tmp_path: Path) -> None:
    """What is not UTF-8 is refused with byte and line; the map can say what it is."""
    content = "id,name\n1,Zoë\n".encode("latin-1")
    assert refused(tmp_path, content) == [
        (
            2,
            5,
            "byte 0xEB at offset 12 is not utf-8 save the file as UTF-8,"
            " or write what it is in the map: encoding: windows-1252",
        )
    ]
    how = Input(file="t.csv", encoding="windows-1252")
    assert read(tmp_path, content, how).rows[0].cells["name"] == "Zoë"


@pytest.mark.parametrize(
    ("content", "line", "column", "words"),
    [
        (b"", 1, 1, "the file is empty"),
        (b"\xef\xbb\xbf", 1, 1, "the file is empty"),
        (b",,\n1,2,3\n", 1, 1, "names no columns"),
        ("id,name\n".encode("utf-16"), 1, 1, "UTF-16"),
        (b"\xef\xbb\xbfid\n\xff\n", 2, 1, "byte 0xFF at offset 6"),
        (b"id,name\n1,a\0b\n", 2, 4, "NUL"),
        (b"id,name,id\n1,a,2\n", 1, 3, "columns 1 and 3 are both named 'id'"),
        (b"id,,name\n1,,a\n", 1, 2, "column 2 has no name"),
        (b"id,na\x1b[2Jme\n1,a\n", 1, 2, "column 2 has hidden characters"),
        (b'id,name\n1,a\n2,"never closed\n3,c\n', 3, 1, "quote that is not closed"),
        (b"id,name\n1," + b"x" * 200_000 + b"\n", 2, 1, "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused_where_it_stops_being_one(
    tmp_path: Path, content: bytes, line: int, column: int, words: str
) -> None:
    """Line and column, and what is wrong there."""
    (fault,) = refused(tmp_path, content)
    assert fault[:2] == (line, column)
    assert words in fault[2]


def test_a_file_of_200_megabytes_is_refused_unread(tmp_path: Path) -> None:
    """Its size is enough; it is sparse here, so reading it would show 200 MB of NUL."""
    file = tmp_path / "t.csv"
    with file.open("wb") as sparse:
        sparse.truncate(200 * 1024 * 1024)
    with pytest.raises(FaultsFound, match=r"209,715,200 bytes; at most 67,108,864"):
        read_table("things", file, PLAIN)


def test_too_many_columns_are_refused(tmp_path: Path) -> None:
    """A header of thousands of columns is a broken file."""
    many = ",".join(f"c{number}" for number in range(import_table.LONGEST_ROW + 1))
    ((line, _, words),) = refused(tmp_path, many.encode())
    assert line == 1
    assert "2,001 columns" in words


def test_lines_that_are_no_rows_are_kept_with_the_reason(tmp_path: Path) -> None:
    """Ragged, double and nameless rows are faults, empty lines are not; good rows stay."""
    table = read(tmp_path, b"id,name\n1,a\n2\n3,c,d\n1,again\n,nameless\n\n , \n4,e\n")
    assert [row.cells["id"] for row in table.rows] == ["1", "4"]
    assert table.odd == [
        (3, True, "the row has 1 cells; the header has 2"),
        (4, True, "the row has 3 cells; the header has 2"),
        (5, True, "id '1' is already in line 2"),
        (6, True, "the row has no 'id', which names the rows"),
        (7, False, "the line is empty"),
        (8, False, "the line is empty"),
    ]


def test_cells_that_look_like_formulas_stay_text(tmp_path: Path) -> None:
    """Nothing is reckoned: a formula is its characters."""
    table = read(tmp_path, b"id,name\n1,\"=cmd|'/c calc'!A1\"\n")
    assert table.rows[0].cells["name"] == "=cmd|'/c calc'!A1"
