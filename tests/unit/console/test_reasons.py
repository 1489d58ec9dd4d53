"""Reasons at the door: every command that takes one refuses blanks before anything is sent."""

import re

import pytest
import typer
from typer.testing import CliRunner

from console.cli import app

COMMANDS = (
    "hold spring",
    "resume spring",
    "cancel spring",
    "step-back spring",
    "pause CMP",
    "unpause CMP",
    "permit revoke spring",
    "rules remove launch",
    "rules migrate launch",
    "waive spring --revoke w1",
    "connectors sync crm --resume obj",
    "connectors remove tickets",
)


_ARGUMENTS = re.compile(r" (spring|CMP|launch|crm|tickets)\b")


@pytest.mark.parametrize("reason", ["", " \t"])
@pytest.mark.parametrize("command", COMMANDS)
def test_blanks_are_refused_by_every_command(command: str, reason: str) -> None:
    """Exit 2, and what to do instead."""
    words = [*command.split(), "--reason", reason]
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, words)
    assert done.exit_code == 2, done.output
    assert "blanks are no reason; say why in words" in done.output


def test_these_are_all_commands_that_take_a_reason() -> None:
    """A new one is listed above."""
    assert set(_reasoned(typer.main.get_command(app))) == {
        _ARGUMENTS.split(command)[0] for command in COMMANDS
    }


def _reasoned(command: object, path: str = "") -> list[str]:
    found = [path] if any(one.name == "reason" for one in getattr(command, "params", ())) else []
    for name, sub in getattr(command, "commands", {}).items():
        found += _reasoned(sub, f"{path} {name}".strip())
    return found
