"""Reporting capacity for several periods in one command."""

import typer
from typer.testing import CliRunner

from console.ask_commands import capacity


def test_each_period_has_its_amount() -> None:
    """One too few is refused before anything is sent."""
    app = typer.Typer()
    app.command()(capacity)
    words = ["kyc", "--period", "2031-03", "--period", "2031-W10", "--amount", "5"]
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, words)
    assert done.exit_code == 2
    assert "2 periods and 1 amounts: give --amount once for each --period" in done.output
