"""Several processes share one ledger, and any of them may die at any moment."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ledger.store import Ledger
from tests.unit.ledger.busy_writer import write

WRITER = Path(__file__).with_name("busy_writer.py")


def start(url: str, pool: str, appends: int) -> "subprocess.Popen[str]":
    """Starts a process that appends."""
    command = [sys.executable, str(WRITER), url, pool, str(appends)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def acknowledged(said: str) -> set[tuple[str, int, str]]:
    """Reads which entries a process was told are recorded; a half-said line does not count."""
    whole = said[: said.rfind("\n") + 1]
    split = (line.split() for line in whole.splitlines())
    return {(f"pool:{name}", int(number), head) for name, number, head in split}


def recorded(ledger: Ledger) -> set[tuple[str, int, str]]:
    """Reads which entries there are."""
    return {(entry.stream, entry.number, entry.hash) for entry in ledger.entries()}


@pytest.mark.parametrize("pools", [("one", "two"), ("same", "same")], ids=["own", "same stream"])
def test_two_processes_make_one_chain(url: str, pools: tuple[str, str]) -> None:
    """No gap, no fork, nothing lost, also when both write one stream."""
    writers = [start(url, pool, 200) for pool in pools]
    said = [writer.communicate(timeout=60)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    with Ledger.open(url) as ledger:
        report = ledger.verify()
        # The opening entry is not said, and of two in one stream both may be told the same.
        assert acknowledged("".join(said)) <= recorded(ledger)
        assert [e.position for e in ledger.entries()] == list(range(1, report.entries + 1))
        if pools[0] != pools[1]:
            assert report.entries == 402
        else:
            assert 201 <= report.entries <= 401


@pytest.mark.parametrize("after", [1, 5, 20, 60])
def test_killed_writer_loses_nothing_it_acknowledged(url: str, after: int) -> None:
    """After kill -9 in mid-stream the ledger verifies and goes on."""
    with start(url, "kyc", 1_000_000) as writer:
        assert writer.stdout is not None
        said = "".join(writer.stdout.readline() for _ in range(after))
        writer.kill()
        said += writer.stdout.read()
    assert writer.returncode == -9
    with Ledger.open(url) as ledger:
        ledger.verify()
        kept = recorded(ledger)
        assert acknowledged(said) <= kept
        # At most the one append that was under way when it died came through unsaid.
        assert len(kept) - len(acknowledged(said)) <= 2
        write(ledger, "kyc", 3)
        assert ledger.verify().entries == len(kept) + 3
        assert kept < recorded(ledger)


def test_reader_is_not_held_up_by_a_writer(ledger: Ledger, lives: Any) -> None:
    """A long write shows readers the moment before it."""
    ledger.append([lives.pool("kyc")])
    with ledger.database.writing() as connection:
        connection.exec_driver_sql("UPDATE pools SET title = 'in the making'")
        pool = ledger.pool("kyc")
        assert pool is not None
        assert ledger.position() == 1
        assert [row.title for row in ledger.find_measures()] == []
