"""A ledger creates and migrates itself, and says what is wrong with its address."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text

from ledger import schema, tables
from ledger.database import Database
from ledger.rebuild import code_that_folds
from ledger.store import Ledger
from measures.errors import ConfigurationError, LedgerError


def test_head_is_the_newest_migration() -> None:
    """The constant that spares loading alembic names the last script."""
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


def test_migrations_make_the_tables(ledger: Ledger) -> None:
    """The scripts lead to exactly the tables that the code uses."""
    with ledger.database.reading() as connection:
        context = MigrationContext.configure(connection)
        found = compare_metadata(context, tables.metadata)
    assert found == []


def test_many_may_open_a_new_ledger_at_once(url: str) -> None:
    """Of several that start together one makes the tables, the others find them."""
    faults: list[BaseException] = []
    together = threading.Barrier(6)

    def start() -> None:
        try:
            together.wait()
            with Ledger.open(url) as opened:
                assert opened.position() == 0
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_projections_of_other_code_are_made_anew(
    ledger: Ledger, url: str, lives: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release that folds otherwise does not read what the one before it folded."""
    ledger.append([lives.defined("m1")])
    with ledger.database.writing() as connection:
        connection.execute(text("UPDATE measures SET title = 'as an older release had it'"))
    with Ledger.open(url) as same_code:
        assert same_code.find_measures()[0].title == "as an older release had it"
    monkeypatch.setattr("ledger.rebuild.folded_with", lambda: "newer")
    with Ledger.open(url) as other_code:
        assert other_code.find_measures()[0].title == "Measure m1"


def test_what_states_are_made_of_is_code_that_folds() -> None:
    """A default that a release changes in a plan is in no state that was folded before it."""
    code = (
        "import sys, ledger.folding;"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('measures.')))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert {Path(file) for file in loaded.stdout.split()} <= set(code_that_folds())


def test_a_ledger_of_the_first_release_is_brought_up_to_date(
    sqlite_ledger: Ledger, url: str, lives: Any
) -> None:
    """Its entries stay as they are; what is read from them is made by this code."""
    sqlite_ledger.append([lives.defined("m1"), lives.judged("m1", 2, "decided.r")])
    sqlite_ledger.append([lives.pool("kyc", **{"2031-03": 100})])
    rows = list(sqlite_ledger.rows(select(tables.entries)))
    old = Database(url)
    old.make_room()
    with old.writing() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(insert(tables.entries), rows)
    old.close()

    with Ledger.open(url) as opened:
        assert list(opened.rows(select(tables.entries))) == rows
        assert opened.measure("m1") == sqlite_ledger.measure("m1")
        assert opened.find_measures() == sqlite_ledger.find_measures()
        assert opened.counts() == sqlite_ledger.counts()
        assert opened.verify().entries == len(rows)


def test_an_installation_is_named_once_and_as_somebody_says(ledger: Ledger, url: str) -> None:
    """Every process finds the same name, also after everything was made anew."""
    given = ledger.installation()
    assert len(given) == 8
    with Ledger.open(url) as other:
        assert other.installation() == given
        assert other.name_installation("production") == given
    ledger.rebuild_projections()
    assert ledger.installation() == "production"


def test_two_ledgers_are_two_installations(sqlite_ledger: Ledger, url: str) -> None:
    """Though nobody named either."""
    with Ledger.open(url) as other:
        assert other.installation() != sqlite_ledger.installation()


def test_a_newer_release_is_not_touched(ledger: Ledger, url: str) -> None:
    """An older program stops instead of writing into tables it does not know."""
    with ledger.database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="a newer release wrote it"):
        Ledger.open(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://root:hush@host/db", "mysql is not known"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite:///x.db?synchronous=OFF", "synchronous="),
        ("sqlite:///x.db?mode=ro", "the options are"),
        ("sqlite:///x.db?timeout=soon", "timeout=SECONDS"),
        ("sqlite:////proc/none/x.db", "its folder cannot be made"),
        ("no address at all", "write sqlite:///path"),
    ],
)
def test_wrong_addresses_say_what_is_right(url: str, message: str) -> None:
    """The message names the fault and never the password."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        Ledger.open(url)
    assert "hush" not in str(caught.value)


def test_unreachable_server_shows_no_password() -> None:
    """A server that does not answer is told apart by its place."""
    with pytest.raises(LedgerError, match="does not answer") as caught:
        Ledger.open("postgresql://root:hush@127.0.0.1:1/db?connect_timeout=2")
    assert "hush" not in str(caught.value)


def test_who_only_looks_makes_no_ledger(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A misspelt address must not verify as an empty record."""
    place = tmp_path / "none" / "ledger.db"
    with pytest.raises(ConfigurationError, match="there is no ledger at"):
        Ledger.open(f"sqlite:///{place}", create=False)
    assert not place.parent.exists()
    empty = request.getfixturevalue("postgres")()
    with pytest.raises(ConfigurationError, match="there is no ledger at"):
        Ledger.open(empty, create=False)


def test_sqlite_options(tmp_path: Path) -> None:
    """A power cut can be guarded against by URL; readers never wait for the writer."""
    database = Database(f"sqlite:///{tmp_path}/x.db?synchronous=full&timeout=0.5")
    with database.reading() as connection:
        settings = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }
    database.close()
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 500,
        "foreign_keys": 1,
    }
