"""Help answers at once: what a command needs is loaded when it runs, and not before."""

import json
import subprocess
import sys

HEAVY = {
    "asyncio",
    "connectors",
    "google",
    "ledger",
    "networkx",
    "pydantic",
    "rich",
    "ruamel",
    "rules",
    "sqlalchemy",
    "ssl",
    "temporalio",
    "worker",
    "workflows",
    "z3",
}
"""Packages that cost more than all commands together."""
LIGHT = {"measures", "measures.errors"}
"""The only modules of the layers below that starting may load."""


def _loaded(code: str) -> set[str]:
    """Returns the modules that a fresh interpreter has after running some code."""
    show = "; import json, sys; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code + show], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stderr))


def _heavy(modules: set[str]) -> set[str]:
    return HEAVY & {name.partition(".")[0] for name in modules}


def test_starting_loads_nothing_that_only_a_command_needs() -> None:
    """One import at the top of a command module makes every command slower, help too."""
    loaded = _loaded("import console.cli")
    assert _heavy(loaded) == set()
    assert {name for name in loaded if name.partition(".")[0] == "measures"} == LIGHT


def test_help_loads_nothing_but_what_prints_it() -> None:
    """That rich lays out the help is all that comes on top of starting."""
    help_ = "from console.cli import app; app(['--help'], standalone_mode=False)"
    assert _heavy(_loaded(help_)) == {"rich"}
