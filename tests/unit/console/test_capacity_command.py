"""Reporting capacity for several periods in one command."""

import math

import pytest
import typer
from typer.testing import CliRunner

from console.ask_commands import capacity
from console.asking import made
from measures.requests import CapacityInput, ReportInput


def test_each_period_has_its_amount() -> None:
    """One too few is refused before anything is sent."""
    app = typer.Typer()
    app.command()(capacity)
    words = ["kyc", "--period", "2031-03", "--period", "2031-W10", "--amount", "5"]
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, words)
    assert done.exit_code == 2
    assert "2 periods and 1 amounts: give --amount once for each --period" in done.output


@pytest.mark.parametrize(
    ("period", "amount", "told"),
    [
        ("2031-03", math.nan, "'amount' must be a number, not 'NaN'; write a number, like 3"),
        ("2031-03", -1, "'amount': must be at least 0; write a larger number"),
        ("2031-3", 1, "'2031-3' is no period: write 2031, 2031-03, 2031-W09 or 2031-03-02"),
        ("2031-W60", 1, "there is no such week as 2031-W60"),
        ("2031-02-30", 1, "there is no such day as 2031-02-30"),
        ("0000", 1, "there is no such year as 0000"),
    ],
)
def test_what_does_not_fit_is_told_in_words(period: str, amount: float, told: str) -> None:
    """Those of documents, not pydantic's, which name a field once per type that it might have."""
    with pytest.raises(typer.BadParameter) as refused:
        made(CapacityInput, {"by": "kim", "period": period, "amount": amount})
    assert refused.value.message.endswith(told)
    assert "Input should" not in refused.value.message


def test_a_digest_that_is_none_is_told_how_to_make_one() -> None:
    """It was told a regular expression."""
    with pytest.raises(typer.BadParameter, match="64 digits of 0-9 and a-f: sha256sum FILE"):
        made(ReportInput, {"by": "carla", "evidence": {"id": "proof", "sha256": "abc"}})
