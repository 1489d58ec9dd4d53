"""Writers of one SQLite file take turns, also those that never rest."""

import fcntl
import threading
import time
from pathlib import Path

import pytest

from ledger.database import Database
from ledger.store import Ledger
from ledger.turnstile import Turnstile


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A ledger in a file."""
    file = tmp_path / "ledger.db"
    Ledger.open(f"sqlite:///{file}").close()
    return file


def is_held(file: Path) -> bool:
    """Tells whether somebody waits to write next."""
    with file.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def wait_for_waiter(file: Path) -> None:
    """Returns once somebody waits to write next; a lock sends no event."""
    deadline = time.monotonic() + 20
    while not is_held(file):
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.005)


def test_who_writes_again_and_again_lets_others_in(place: Path) -> None:
    """Whoever waits is next, even if the one before comes back without a pause."""
    order: list[str] = []
    url = f"sqlite:///{place}"
    busy, other = Database(url), Database(url)
    writing, may_end = threading.Event(), threading.Event()

    def write_twice() -> None:
        with busy.writing():
            writing.set()
            assert may_end.wait(20)
            order.append("busy")
        with busy.writing():
            order.append("busy again")

    def write_once() -> None:
        with other.writing():
            order.append("other")

    first, second = threading.Thread(target=write_twice), threading.Thread(target=write_once)
    first.start()
    assert writing.wait(20)
    second.start()
    wait_for_waiter(Path(f"{place}-turn"))
    may_end.set()
    first.join(20)
    second.join(20)
    assert order == ["busy", "other", "busy again"]
    busy.close()
    other.close()


def test_a_frozen_waiter_holds_nobody_up_for_ever(place: Path) -> None:
    """Who stands in the way for longer than the patience is passed by."""
    database = Database(f"sqlite:///{place}?timeout=0.1")
    with Path(f"{place}-turn").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with database.writing() as connection:
            connection.exec_driver_sql("create table passed (x integer)")
    with database.reading() as connection:
        connection.exec_driver_sql("select * from passed")
    database.close()


def test_a_place_for_the_database_alone_is_enough(place: Path) -> None:
    """Where no file can be made beside it, it is written to as ever."""
    Path(f"{place}-turn").unlink()
    Path(f"{place}-turn").mkdir()
    database = Database(f"sqlite:///{place}")
    with database.writing() as connection:
        connection.exec_driver_sql("create table written (x integer)")
    database.close()


def test_threads_of_one_process_write_one_after_the_other(place: Path) -> None:
    """The next is called when the one before is done, and no longer than the patience lasts."""
    turnstile = Turnstile(Path(f"{place}-turn"), patience=0.1)
    order: list[str] = []

    def other() -> None:
        with turnstile.alone():
            order.append("passed")

    with turnstile.alone():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(20)
        order.append("frozen")
    with turnstile.alone():
        order.append("goes on")
    assert order == ["passed", "frozen", "goes on"]
