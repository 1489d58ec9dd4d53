"""A database in trouble is told apart, writes nothing by halves, and heals without a restart."""

import itertools
import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.projection import write_states
from ledger.store import Ledger
from measures.errors import LedgerError


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("NOT TESTED: a full and a read-only disk, since only root may mount")
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"NOT TESTED: a full and a read-only disk: {done.stderr}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def remount(place: Path, options: str) -> None:
    """Changes a mounted file system."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)


def test_locked_file_is_waited_for(tmp_path: Path, lives: Any) -> None:
    """Who comes while another process writes waits for it, and then goes on."""
    path = tmp_path / "ledger.db"
    with Ledger.open(f"sqlite:///{path}") as ledger:
        ledger.append([lives.pool("kyc")])
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN EXCLUSIVE")
        release = threading.Timer(0.3, other.execute, ["COMMIT"])
        release.start()
        assert ledger.append([lives.capacity("kyc", 2, 5)])[0].number == 2
        release.join()
        other.close()


def test_file_locked_for_too_long_is_told(tmp_path: Path, lives: Any) -> None:
    """Nothing is written then, reading goes on, and later it works without a restart."""
    path = tmp_path / "ledger.db"
    with Ledger.open(f"sqlite:///{path}?timeout=0.2") as ledger:
        ledger.append([lives.pool("kyc")])
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="another process is writing to it for too long"):
            ledger.append([lives.capacity("kyc", 2, 5)])
        assert ledger.position() == 1
        other.execute("COMMIT")
        other.close()
        assert ledger.append([lives.capacity("kyc", 2, 6)])[0].body["amount"] == 6
        ledger.verify()


def test_full_disk_is_told_and_heals(small_disk: Path, lives: Any) -> None:
    """No append is acknowledged that is not there; with room again it goes on."""
    with Ledger.open(f"sqlite:///{small_disk}/ledger.db") as ledger:
        ledger.append([lives.pool("kyc")])
        acknowledged = 1
        filler = small_disk / "filler"
        with pytest.raises(LedgerError, match="the disk is full"):  # noqa: PT012
            for number in itertools.count(2):
                if number == 20:
                    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 20_000))
                ledger.append([lives.capacity("kyc", number, number)])
                acknowledged = number
        with pytest.raises(LedgerError, match="the disk is full"):
            ledger.append([lives.capacity("kyc", acknowledged + 1, 1)])
        pool = ledger.pool("kyc")
        assert pool is not None
        assert pool.number == ledger.position() == acknowledged
        remount(small_disk, "size=8m")
        entry = ledger.append([lives.capacity("kyc", acknowledged + 1, 7)])[0]
        assert (entry.number, entry.body["amount"]) == (acknowledged + 1, 7)
        assert ledger.verify().entries == acknowledged + 1


def test_read_only_disk_is_told_and_heals(small_disk: Path, lives: Any) -> None:
    """What is there can be read; writing says why it cannot and works again afterwards."""
    with Ledger.open(f"sqlite:///{small_disk}/ledger.db") as ledger:
        ledger.append([lives.pool("kyc")])
    # Closed and opened: a file system with files open for writing cannot become read-only.
    remount(small_disk, "ro")
    told = r"it is read-only|the file cannot be opened"
    with (
        pytest.raises(LedgerError, match=told),
        Ledger.open(f"sqlite:///{small_disk}/ledger.db") as ledger,
    ):
        ledger.append([lives.capacity("kyc", 2, 5)])
    remount(small_disk, "rw")
    with Ledger.open(f"sqlite:///{small_disk}/ledger.db") as ledger:
        assert ledger.append([lives.capacity("kyc", 2, 5)])[0].number == 2
        ledger.verify()


def test_file_made_read_only_under_an_open_ledger(tmp_path: Path, lives: Any) -> None:
    """A ledger that may no longer write says so, and writes again once it may."""
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        ledger.append([lives.pool("kyc")])
        with ledger.database.reading() as connection:
            connection.exec_driver_sql("PRAGMA query_only=ON")  # of the one pooled connection
        with pytest.raises(LedgerError, match="it is read-only"):
            ledger.append([lives.capacity("kyc", 2, 5)])
        with ledger.database.reading() as connection:
            connection.exec_driver_sql("PRAGMA query_only=OFF")
        assert ledger.append([lives.capacity("kyc", 2, 6)])[0].body["amount"] == 6


@pytest.fixture
def on_postgres(postgres: Callable[[], str]) -> Iterator[tuple[Ledger, psycopg.Connection]]:
    """A ledger on PostgreSQL and an administrator's connection to its database."""
    url = postgres()
    with (
        Ledger.open(url) as ledger,
        psycopg.connect(url, autocommit=True) as admin,
    ):
        yield ledger, admin


def disconnect(admin: psycopg.Connection) -> None:
    """Ends every other connection to the database."""
    admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


def test_connections_lost_in_the_pool_are_replaced(
    on_postgres: tuple[Ledger, psycopg.Connection], lives: Any
) -> None:
    """A restart of PostgreSQL between two appends is not even noticed."""
    ledger, admin = on_postgres
    ledger.append([lives.pool("kyc")])
    disconnect(admin)
    assert ledger.append([lives.capacity("kyc", 2, 5)])[0].number == 2
    ledger.verify()


def test_connection_lost_in_mid_transaction(
    on_postgres: tuple[Ledger, psycopg.Connection], lives: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the append is there, it is told, and the next one works."""
    ledger, admin = on_postgres
    ledger.append([lives.pool("kyc")])

    def lose_and_write(*states: Any) -> None:
        disconnect(admin)
        write_states(*states)

    with monkeypatch.context() as patch:  # after the entries are written, before the states are
        patch.setattr("ledger.turn.write_states", lose_and_write)
        with pytest.raises(LedgerError, match="does not answer"):
            ledger.append([lives.capacity("kyc", 2, 5)])
    pool = ledger.pool("kyc")
    assert pool is not None
    assert pool.number == ledger.position() == 1
    assert ledger.append([lives.capacity("kyc", 2, 6)])[0].body["amount"] == 6
    ledger.verify()


def test_writer_lock_held_for_too_long_is_told(
    on_postgres: tuple[Ledger, psycopg.Connection], lives: Any
) -> None:
    """Another writer that hangs is waited for only so long; the URL may say how long."""
    ledger, _ = on_postgres
    ledger.append([lives.pool("kyc")])
    url = ledger.database.engine.url.update_query_dict({"options": "-c lock_timeout=200ms"})
    with Ledger.open(url.render_as_string(hide_password=False)) as other:
        with (
            ledger.database.writing(),
            pytest.raises(LedgerError, match="another process is writing to it for too long"),
        ):
            other.append([lives.capacity("kyc", 2, 5)])
        assert other.append([lives.capacity("kyc", 2, 6)])[0].body["amount"] == 6
