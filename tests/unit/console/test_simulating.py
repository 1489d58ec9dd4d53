"""`sluice simulate capacity` on files: figures, pictures, what-ifs, and clear refusals."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from console.cli import app
from console.waits_showing import days

EXAMPLE = Path(__file__).parents[3] / "examples" / "queues" / "three-months.yaml"
QUICK = ("--replications", "2")


def simulate(*words: object, measure: str = "three-months", file: Path = EXAMPLE) -> Any:
    """Runs the command on a file."""
    command = ["simulate", "capacity", measure, "-f", str(file), *map(str, words)]
    return CliRunner().invoke(app, command, env={"COLUMNS": "300"})


def as_data(*words: object) -> Any:
    """Returns what the command says to programs."""
    ran = simulate(*words, "-o", "json")
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)


def test_the_example_says_what_the_issue_says() -> None:
    """6,000 by the end of May, nobody from December on, a third of the uplift fits."""
    ran = simulate("--steady")
    assert ran.exit_code == 0
    assert "33.3% of the uplift fits what is free; +18.2% capacity carries all of it" in ran.output
    assert "without chance 6,000 checks wait at most, and nobody from 2031-11-30 on" in ran.output
    [wait] = as_data("--steady")["pools"]
    assert wait["backlog_peak"] == pytest.approx(6_000, abs=10)
    assert wait["drains_on"] == "2031-11-30"


def test_programs_get_the_months_and_the_same_again() -> None:
    """The same seed, the same answer to the byte; months add up to the demands."""
    said = as_data(*QUICK, "--seed", 5)
    assert said == as_data(*QUICK, "--seed", 5)
    assert said["seed"] == 5
    assert [row["arrivals"] for row in said["months"]["kyc"][:3]] == pytest.approx([13_000] * 3)
    assert as_data(*QUICK, "--seed", 6)["pools"] != said["pools"]


def test_what_is_supposed_is_said_and_played() -> None:
    """More capacity, less volume, steps, a later start: in the answer and in the figures."""
    said = as_data(
        *("--steady", "--capacity", "kyc:2031-03=14000", "--volume", 19500),
        *("--ramp", "10:14,30:14,100", "--move", 15, "--normal", "kyc=9000"),
    )
    assert said["what_if"] == [
        "kyc takes 14,000 in 2031-03",
        "9,000 arrive at kyc without it",
        "it reaches 19,500 people",
        "it grows by 10:14,30:14,100",
        "it comes 15 days later",
    ]
    [wait] = said["pools"]
    assert wait["backlog_peak"] < 3_000
    assert wait["peak_on"] == "2031-05-15"


def test_a_picture_is_drawn_for_each_pool(tmp_path: Path) -> None:
    """One pool: the file itself; several: each pool's name is added."""
    one = tmp_path / "queue.svg"
    assert as_data(*QUICK, "--svg", one)["pictures"] == [str(one)]
    assert "wait at its end, P90" in one.read_text()
    text = EXAMPLE.read_text()
    two = text.replace("demands:\n", "demands:\n  - {pool: desk, period: 2031-03, amount: 5}\n")
    file = tmp_path / "two.yaml"
    pool = "---\n{kind: Pool, id: desk, title: Desk, unit: h, owner: kim, capacity: {2031-03: 6}}"
    file.write_text(two + pool)
    ran = simulate(*QUICK, "--svg", one, file=file)
    assert ran.exit_code == 0, ran.output
    assert (tmp_path / "queue-desk.svg").exists()
    assert (tmp_path / "queue-kyc.svg").exists()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--capacity", "kyc=5"), 2, "write POOL:PERIOD=AMOUNT"),
        (("--capacity", "kyc:2031-13=5"), 2, "2031-13"),
        (("--capacity", "kyc:2031-03=-5"), 2, "greater than or equal to 0"),
        (("--capacity", "kyc:2031-03=nan"), 2, "no number"),
        (("--capacity", "kyc:2031-03=1e16"), 2, "less than or equal to"),
        (("--capacity", "desk:2031-03=5"), 1, "asks nothing of a pool desk"),
        (("--normal", "kyc"), 2, "write POOL=AMOUNT"),
        (("--volume", "-1"), 2, "--volume"),
        (("--volume", "inf"), 2, "--volume"),
        (("--ramp", "10,100"), 2, "how many days 10 % lasts"),
        (("--ramp", "0:7,100"), 2, "above 0 and at most 100"),
        (("--ramp", "10:0,100"), 2, "1 to 3650 days"),
        (("--move", "4000"), 2, "ten years"),
        (("--replications", "0"), 2, "--replications"),
        (("--replications", "1001"), 2, "--replications"),
        (("--volume-error", "nan"), 2, "--volume-error"),
        (("--service-days", "1,1"), 2, "seven numbers"),
        (("--arrival-days", "0,0,0,0,0,0,0"), 1, "arrive on no day"),
        (("--svg", "/nowhere/at/all.svg"), 2, "no folder"),
    ],
)
def test_wrong_options_are_told(words: tuple[str, ...], code: int, told: str) -> None:
    """Usage ends with 2, what does not fit the measure with 1; the message says what to write."""
    ran = simulate(*words, "--steady")
    said = ran.output if ran.exception is None or isinstance(ran.exception, SystemExit) else ""
    said += str(ran.exception or "")
    assert told in " ".join(said.replace("│", " ").split()), said
    assert code == (ran.exit_code if isinstance(ran.exception, SystemExit) else 1)


def test_files_without_the_measure_are_told(tmp_path: Path) -> None:
    """An unknown name, a file that is not there, a document with a fault."""
    assert "have three-months, not measure autumn" in str(simulate(measure="autumn").exception)
    assert simulate(file=tmp_path / "none.yaml").exit_code == 2
    bad = tmp_path / "bad.yaml"
    bad.write_text(EXAMPLE.read_text().replace("amount: 13000", "amount: .nan", 1))
    ran = simulate(file=bad)
    assert ran.exit_code != 0
    assert "bad.yaml:" in ran.output


def test_stopping_it_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130 and says that nothing was written."""

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("measures.queueing.outcome.simulate", stopped)
    ran = simulate()
    assert ran.exit_code == 130
    assert "stopped; nothing was written" in ran.output


def test_waits_are_written_in_words() -> None:
    """Days from two on, hours below, nothing where there is none."""
    assert [days(wait) for wait in (15.03, 2, 1.5, 0.001, 0)] == [
        "15.0 days", "2.0 days", "36.0 h", "0 h", "0 h",
    ]  # fmt: skip
