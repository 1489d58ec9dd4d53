"""How a command ends: its exit code is its answer, whatever happens after it."""

import subprocess
import sys

import pytest

ABORTS_LATE = """
import atexit, os, sys
import typer
from console import cli
from measures.errors import RefusedError

@cli.app.command()
def odd(how: str) -> None:
    import temporalio.client
    atexit.register(os.abort)  # as Temporal's threads now and then do
    print("the answer")
    if how == "blocked":
        raise typer.Exit(3)
    if how == "refused":
        raise RefusedError("not-entitled", "no")

sys.argv = ["sluice", "odd", sys.argv[1]]
cli.main()
"""


@pytest.mark.parametrize(("how", "code"), [("done", 0), ("blocked", 3), ("refused", 5)])
def test_a_late_abort_does_not_change_the_answer(how: str, code: int) -> None:
    """Temporal's client may abort the interpreter's shutdown; scripts must not see that."""
    done = subprocess.run(
        [sys.executable, "-c", ABORTS_LATE, how], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (code, "the answer\n"), done.stderr


def test_a_reader_that_goes_away_is_no_fault() -> None:
    """`sluice --help | head -0` says nothing about pipes."""
    done = subprocess.run(
        f"{sys.executable} -c 'from console.cli import main; main()' --help | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
