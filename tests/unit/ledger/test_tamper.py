"""Whatever is changed in a record of 1,000 entries is found, with the first bad entry named."""

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update

from ledger import tables
from ledger.chain import Row, hash_of, seal
from ledger.store import Ledger
from ledger.verify import verify_file
from measures.errors import LedgerError, LedgerTamperedError
from measures.links import Link

ENTRIES = 1000


def fill(ledger: Ledger, lives: Any) -> None:
    """Records 1,000 entries of measures, pools and documents, mixed."""
    chance = random.Random(11)
    pools = {f"pool-{n}": 0 for n in range(5)}
    measures = {f"measure-{n}": 0 for n in range(60)}
    batches = []
    people = 0
    for _ in range(ENTRIES):
        sort = chance.choice(["pool", "measure", "measure", "measure", "document"])
        if sort == "document":
            people += 1
            name = f"person-{people % 20}"
            body = {"kind": "Person", "id": name, "name": f"Person {people}"}
            ledger.append_all(batches)
            batches.clear()
            ledger.append_document("Person", name, body, "root", lives.now, f"c{people}")
            continue
        lot = pools if sort == "pool" else measures
        name = chance.choice(list(lot))
        lot[name] += 1
        number = lot[name]
        if sort == "pool":
            first = number == 1
            batches.append([lives.pool(name) if first else lives.capacity(name, number, number)])
        else:
            later = (
                lives.judged(name, number, "r.one")
                if number % 2
                else lives.draft(name, number, "hold_placed", reason="because")
            )
            batches.append([lives.defined(name) if number == 1 else later])
    ledger.append_all(batches)
    assert ledger.position() == ENTRIES


@pytest.fixture(scope="module")
def sqlite_record(tmp_path_factory: pytest.TempPathFactory, lives: Any) -> Path:
    """A SQLite file with the record, never to be changed."""
    path = tmp_path_factory.mktemp("record") / "ledger.db"
    with Ledger.open(f"sqlite:///{path}") as made:
        fill(made, lives)
    return path


@pytest.fixture(scope="module")
def postgres_record(postgres: Callable[[], str], lives: Any) -> str:
    """A PostgreSQL database with the record, never to be changed."""
    url = postgres()
    with Ledger.open(url) as made:
        fill(made, lives)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def record(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A copy of the record to be tampered with."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_record"), tmp_path / "ledger.db")
        url = f"sqlite:///{tmp_path}/ledger.db"
    else:
        original: str = request.getfixturevalue("postgres_record")
        copy: Callable[..., str] = request.getfixturevalue("postgres")
        url = copy(template=original.rpartition("/")[2])
    with Ledger.open(url) as opened:
        yield opened


@pytest.fixture(scope="module")
def lines(sqlite_record: Path, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The record as exported lines."""
    path = tmp_path_factory.mktemp("lines") / "ledger.jsonl"
    with Ledger.open(f"sqlite:///{sqlite_record}") as opened:
        assert opened.export(path)[0] == ENTRIES
    return path.read_bytes().splitlines(keepends=True)


def run(ledger: Ledger, *statements: str, **values: Any) -> None:
    """Changes the database behind the ledger's back."""
    with ledger.database.writing() as connection:
        for statement in statements:
            connection.execute(text(statement), values)


def first_bad(ledger: Ledger, checkpoint: tuple[int, str] | None = None) -> int:
    """Returns the entry that verifying names."""
    with pytest.raises(LedgerTamperedError) as caught:
        ledger.verify(checkpoint=checkpoint)
    return caught.value.position


def row(ledger: Ledger, position: int) -> Row:
    """Returns an entry as it is stored."""
    with ledger.database.reading() as connection:
        query = select(tables.entries).where(tables.entries.c.position == position)
        return dict(connection.execute(query).mappings().one())


def last_of(ledger: Ledger, stream: str) -> int:
    """Returns the position of a stream's last entry."""
    return max(entry.position for entry in ledger.entries(stream))


def rehash_from(ledger: Ledger, position: int) -> None:
    """Gives every entry from a position on the hash that its content asks for."""
    with ledger.database.writing() as connection:
        rows = connection.execute(select(tables.entries).order_by(tables.entries.c.position))
        previous = ""
        for found in [dict(found) for found in rows.mappings()]:
            if found["position"] >= position:
                found["previous"] = previous or found["previous"]
                found["hash"] = hash_of(found)
                where = tables.entries.c.position == found["position"]
                connection.execute(update(tables.entries).where(where).values(**found))
            previous = found["hash"]


def test_untouched_record_verifies(record: Ledger, lines: list[bytes], tmp_path: Path) -> None:
    """What nobody touched is not accused; file and database agree."""
    told: list[int] = []
    report = record.verify(told.append)
    assert (report.entries, report.ok, told) == (ENTRIES, True, [1000])
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"".join(lines))
    checkpoint = (report.entries, report.head)
    if record.database.is_sqlite:
        assert verify_file(path, checkpoint=checkpoint) == report
    assert record.verify(checkpoint=checkpoint) == report


@pytest.mark.parametrize("column", [c.name for c in tables.entries.columns])
def test_every_edited_field_is_found(record: Ledger, column: str) -> None:
    """One letter of any field of any entry: that entry is named."""
    chance = random.Random(column)
    for position in chance.sample(range(1, ENTRIES + 1), 3):
        before = row(record, position)
        value = before[column]
        if isinstance(value, int):
            value = -value
        else:
            place = chance.randrange(len(value)) if value else 0
            value = (
                value[:place]
                + ("x" if value[place : place + 1] != "x" else "y")
                + value[place + 1 :]
            )
        change = f"UPDATE entries SET {column if column != 'by' else chr(34) + 'by' + chr(34)}"
        run(record, f"{change} = :value WHERE position = :position", value=value, position=position)
        # A negative position comes before the first: then entry 1 is not where it belongs.
        assert first_bad(record) == (1 if column == "position" else position)
        moved = value if column == "position" else position
        run(record, f"{change} = :value WHERE position = :moved", value=before[column], moved=moved)
    assert record.verify().ok


def test_dropped_entry_is_found(record: Ledger) -> None:
    """The gap is named."""
    run(record, "DELETE FROM entries WHERE position = 500")
    assert first_bad(record) == 500


def test_dropped_and_renumbered_entry_is_found(record: Ledger) -> None:
    """Closing the gap moves the next entry to a place that its hash does not know."""
    run(record, "DELETE FROM entries WHERE position = 500")
    for position in range(501, ENTRIES + 1):
        run(record, "UPDATE entries SET position = :p - 1 WHERE position = :p", p=position)
    assert first_bad(record) == 500


def test_swapped_entries_are_found(record: Ledger) -> None:
    """The first of the two places is named."""
    for old, new in ((300, -1), (700, 300), (-1, 700)):
        run(record, "UPDATE entries SET position = :new WHERE position = :old", old=old, new=new)
    assert first_bad(record) == 300


def test_appended_forgery_is_found(record: Ledger) -> None:
    """A copy at the end under another stream does not fit there."""
    forged = {**row(record, 10), "position": ENTRIES + 1, "stream": "measure:forged", "number": 1}
    with record.database.writing() as connection:
        connection.execute(insert(tables.entries), [forged])
    assert first_bad(record) == ENTRIES + 1


def test_inserted_entry_is_found(record: Ledger, lives: Any) -> None:
    """Even with a right hash of its own, the entry that it pushed away gives it away."""
    for position in range(ENTRIES, 399, -1):
        run(record, "UPDATE entries SET position = :p + 1 WHERE position = :p", p=position)
    forged = seal(lives.defined("forged"), 400, row(record, 399)["hash"])
    with record.database.writing() as connection:
        connection.execute(insert(tables.entries), [forged])
    assert first_bad(record) == 401


def test_forged_link_is_found(record: Ledger) -> None:
    """An entry that was cut out and whose follower was linked anew and re-hashed."""
    kept = row(record, 600)
    kept["previous"] = row(record, 598)["hash"]
    kept["hash"] = hash_of(kept)
    with record.database.writing() as connection:
        where = tables.entries.c.position == 600
        connection.execute(update(tables.entries).where(where).values(**kept))
    assert first_bad(record) == 600


def test_repeated_number_is_found(record: Ledger) -> None:
    """A re-hashed chain in which a stream goes on with a wrong number."""
    position = last_of(record, "measure:measure-7")
    run(record, "UPDATE entries SET number = 900 WHERE position = :p", p=position)
    rehash_from(record, position)
    assert first_bad(record) == position


def test_entry_that_cannot_follow_is_found(record: Ledger) -> None:
    """A re-hashed chain in which a life has an entry that was never possible."""
    position = last_of(record, "measure:measure-7")
    run(
        record,
        "UPDATE entries SET kind = 'pool_opened', body = '{}' WHERE position = :p",
        p=position,
    )
    rehash_from(record, position)
    assert first_bad(record) == position


def test_cut_tail_is_found_with_a_checkpoint(record: Ledger) -> None:
    """Without the tail the rest is a right record, so only a note from outside tells."""
    head = record.verify().head
    run(record, "DELETE FROM entries WHERE position > 900")
    record.rebuild_projections()
    assert record.verify().entries == 900
    assert first_bad(record, (ENTRIES, head)) == 901


def test_rehashed_record_is_found_with_a_checkpoint(record: Ledger) -> None:
    """Whoever can re-hash everything leaves a right record; a note from outside still tells."""
    head = record.verify().head
    position = last_of(record, "pool:pool-1")
    run(
        record,
        "UPDATE entries SET body = :body WHERE position = :p",
        body='{"amount":1,"period":"2031-03"}',
        p=position,
    )
    rehash_from(record, position)
    record.rebuild_projections()
    assert record.verify().entries == ENTRIES
    assert first_bad(record, (ENTRIES, head)) == ENTRIES


@pytest.mark.parametrize(
    ("statement", "stream"),
    [
        ("UPDATE measures SET stage = 'closed' WHERE id = 'measure-3'", "measure:measure-3"),
        ("UPDATE measures SET owner = NULL WHERE id = 'measure-3'", "measure:measure-3"),
        ("UPDATE measures SET benefit = benefit + 1 WHERE id = 'measure-3'", "measure:measure-3"),
        (
            "UPDATE measures SET state = replace(state, 'because', 'for fun')"
            " WHERE id = 'measure-3'",
            "measure:measure-3",
        ),
        ("UPDATE measures SET state = '{}' WHERE id = 'measure-3'", "measure:measure-3"),
        ("DELETE FROM measures WHERE id = 'measure-3'", "measure:measure-3"),
        ("UPDATE pools SET number = number + 1 WHERE id = 'pool-2'", "pool:pool-2"),
        ("UPDATE pools SET state = replace(state, '2031', '2032')", ""),
        ("UPDATE documents SET body = '{}' WHERE id = 'person-4'", "document:Person/person-4"),
        ("DELETE FROM documents WHERE id = 'person-4'", "document:Person/person-4"),
        ("DELETE FROM watches WHERE measure = 'measure-3'", "measure:measure-3"),
        ("INSERT INTO watches VALUES ('pool:x', 'measure-3')", "measure:measure-3"),
        ("INSERT INTO watches VALUES ('pool:x', 'nobody')", None),
        ("INSERT INTO pools VALUES ('ghost', 't', 'u', 'o', 1, 1, '{}')", None),
        ("INSERT INTO objects VALUES ('t/issue/7', 't', 'issue', '7', true, 1, 1, '{}')", None),
        ("INSERT INTO contacts VALUES ('ghost', false, 1, 1, '{}')", None),
        ("INSERT INTO links VALUES ('t', 'issue', '7', 'measure-3', 'x')", "measure:measure-3"),
        ("INSERT INTO links VALUES ('t', 'issue', '7', 'nobody', 'x')", None),
    ],
)
def test_edited_projection_is_found(record: Ledger, statement: str, stream: str | None) -> None:
    """The last entry of the life that is shown wrongly is named, 0 when there is no life."""
    if stream is None:
        wanted = 0
    elif stream == "":
        wanted = min(last_of(record, f"pool:pool-{n}") for n in range(5))
    else:
        wanted = last_of(record, stream)
    run(record, statement)
    assert first_bad(record) == wanted
    record.rebuild_projections()
    assert record.verify().ok


def test_a_link_that_is_no_longer_shown_is_found(ledger: Ledger, lives: Any) -> None:
    """Nobody would wake its measure."""
    link = Link(id="desk", connection="tracker", object="issue", ref="7")
    ledger.append([lives.defined("m1", links=(link,))])
    assert ledger.verify().ok
    run(ledger, "UPDATE links SET ref = '8'")
    assert first_bad(ledger) == 1


def test_flipped_bytes_of_a_file_are_found(lines: list[bytes], tmp_path: Path) -> None:
    """Every byte of some entries and a sample of all others: the line of that byte is named."""
    chance = random.Random(3)
    path = tmp_path / "ledger.jsonl"

    def try_flip(kept: list[bytes], number: int, place: int) -> None:
        line = bytearray(kept[number])
        line[place] ^= 1 << chance.randrange(8)
        path.write_bytes(b"".join([*kept[:number], bytes(line), *kept[number + 1 :]]))
        with pytest.raises(LedgerTamperedError) as caught:
            verify_file(path)
        assert caught.value.position == number + 1

    short = lines[:3]
    for number, line in enumerate(short):
        for place in range(len(line)):
            try_flip(short, number, place)
    for number in chance.sample(range(ENTRIES), 60):
        try_flip(lines, number, chance.randrange(len(lines[number])))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda lines: lines[:499] + lines[500:], 500),
        (lambda lines: [*lines[:500], lines[499], *lines[500:]], 501),
        (lambda lines: [*lines[:499], lines[500], lines[499], *lines[501:]], 500),
        (
            lambda lines: [
                *lines[:499],
                lines[499].replace(b'"number":', b'"number": '),
                *lines[500:],
            ],
            500,
        ),
        (
            lambda lines: [*lines[:499], lines[499].replace(b"{", b'{"at":"x",', 1), *lines[500:]],
            500,
        ),
        (lambda lines: [*lines[:499], b"[" * 100_000 + b"\n", *lines[500:]], 500),
        (lambda lines: [*lines[:499], b"null\n", *lines[500:]], 500),
        (lambda lines: [*lines[:499], b"\xff\n", *lines[500:]], 500),
        (lambda lines: [*lines[:-1], lines[-1][:-1]], 1000),
        (lambda lines: [*lines[:-1], lines[-1][:100]], 1000),
    ],
    ids=[
        "dropped",
        "doubled",
        "swapped",
        "a blank",
        "a doubled key",
        "deep nesting",
        "another JSON",
        "no text",
        "no line end",
        "cut in the middle",
    ],
)
def test_spoilt_files_are_found(
    lines: list[bytes],
    tmp_path: Path,
    change: Callable[[list[bytes]], list[bytes]],
    named: int,
) -> None:
    """Also what means the same to a lenient reader is no record."""
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"".join(change(lines)))
    with pytest.raises(LedgerTamperedError) as caught:
        verify_file(path)
    assert caught.value.position == named


def test_damaged_database_file_is_found_or_harmless(
    sqlite_record: Path, lines: list[bytes], tmp_path: Path
) -> None:
    """A flipped byte of the SQLite file is found unless it lies where nothing is stored."""
    chance = random.Random(5)
    whole = sqlite_record.read_bytes()
    found = 0
    for number in range(60):
        path = tmp_path / f"ledger-{number}.db"
        spoilt = bytearray(whole)
        spoilt[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(spoilt)
        try:
            with Ledger.open(f"sqlite:///{path}", create=False) as opened:
                assert opened.verify().entries == ENTRIES
                out = tmp_path / "out.jsonl"
                opened.export(out)
            assert out.read_bytes() == b"".join(lines)
        except LedgerError:
            found += 1
        path.unlink()
    assert found > 30
