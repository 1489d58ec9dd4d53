"""The real portfolio becomes documents, measures live, and every one is asked for its gate.

On a stack of real processes: the Temporal dev server and a worker, as `sluice up` runs them.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.store import Ledger
from workflows.stackfile import Stack, read_stack

ROOT = Path(__file__).parents[2]
MAP = ROOT / "examples" / "us-health-it" / "map.yaml"
DATA = ROOT.parent / "shared" / "data" / "us-health-it-portfolio"
TABLES = ("bureaus", "investments", "projects", "activities", "metrics")
KPI_RULE = "identified.kpi-has-baseline-and-target"
GOVERNANCE_RULE = "identified.governance-complete"

SMALL = {
    "bureaus": "code,name\n38,Centers for Medicare\n",
    "investments": (
        "identifier,name,bureau_code,type,business_function,cio_evaluation_1_to_5,"
        "enhancement_spend_musd,last_baseline,changes_to_baseline\n"
        "009-1,Payments,38,Major,110-Health,4,1.298,2011-02-11,9.0\n"
        "009-2,,38,Major,110-Health,4,0,,\n"
    ),
    "projects": (
        "id,name,investment,planned_cost_musd,cost_variance_musd,planned_duration_days,"
        "delay_days,start_days_after_2000\n"
        "7,Ledger,009-1,0.3,-0.001,189,4,4251\n"
        "8,,,,,,,\n"
    ),
    "activities": (
        "id,name,project_id,status,output_type,planned_cost_musd,planned_start,"
        "planned_duration,actual_start_delay\n"
        "71,Design,7,Completed - Closed,Key Deliverable,0.143,2011-02-28,80 days,-8 days\n"
        "72,Build,7,In-progress,Usable Functionality,1.101,2011-08-30,92 days,1 day\n"
        "81,Pilot,8,Completed - Costs Pending,,0.9,2012-07-01,365 days,0 days\n"
    ),
    "metrics": (
        "id,description,investment,category,result\n"
        "1,Uptime,009-1,Technology,Met\n"
        "2,Hours to respond,009-1,Technology,Not Met\n"
        "3,Throughput,009-2,Technology,\n"
    ),
}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack of its own, which ends with the test."""
    state = tmp_path / "state"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SLUICE_")}
    supervisor = subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "worker.stack",
            "--state",
            str(state),
            f"--with-parent={os.getpid()}",
        ],
        env=environment,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 60
        while not ((found := read_stack(state)) and found.ready):
            assert supervisor.poll() is None, supervisor.communicate()[1].decode()
            assert time.monotonic() < deadline, "the stack does not start"
            time.sleep(0.05)
        yield found
    finally:
        supervisor.terminate()
        supervisor.communicate()


def sluice(stack: Stack, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Runs a command against the stack; returns its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from console.cli import main; main()", *arguments],
        env={**os.environ, "SLUICE_STATE_DIR": str(stack.state_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def import_all(stack: Stack, folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Runs the import of the five tables in a folder."""
    tables = [str(folder / f"{name}.csv") for name in TABLES]
    return sluice(stack, "import", *tables, "--map", str(MAP), "-o", "json", *options)


def by_rule(asked: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    """Returns per rule how many measures it passed, blocked and could not judge."""
    return {c["rule"]: (c["passed"], c["block"], c["inconclusive"]) for c in asked["rules"]}


def small(folder: Path) -> Path:
    """Writes a portfolio with each gap of the real one."""
    folder.mkdir()
    for name, text in SMALL.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def test_a_small_portfolio_is_imported_asked_and_imported_again(
    stack: Stack, tmp_path: Path
) -> None:
    """Dry run, apply and ask, unchanged the second time, a changed cell changes its measure."""
    folder = small(tmp_path / "tables")
    code, dry = import_all(stack, folder)
    assert code == 0
    assert dry["import"]["documents"]["Measure"] == {"created": 5}
    with Ledger.open(stack.ledger_url) as ledger:
        assert ledger.find_measures(limit=None) == []

        code, real = import_all(stack, folder, "--apply", "--ask")
        assert code == 0, real
        assert real["import"]["documents"] == {
            "Person": {"created": 4},
            "Node": {"created": 3 + 1 + 3 * 2 + 2 * 2},
            "Measure": {"created": 5},
        }
        assert real["asked"]["verdicts"] == {"block": 5}
        # Nothing in the data says from where to where a KPI is to go, nor what unit project 8
        # belongs to; that is what the gate finds.
        assert by_rule(real["asked"]) == {KPI_RULE: (0, 5, 0), GOVERNANCE_RULE: (4, 1, 0)}

        done = ledger.measure("activity-71")
        assert done is not None
        dates = [(str(m.due), str(m.done_on)) for m in done.plan.milestones]
        assert dates == [("2011-02-28", "2011-02-20"), ("2011-05-19", "2011-05-11")]
        assert done.plan.finance is not None
        assert done.plan.finance.plan == {"cost": 143_000}
        pending = ledger.measure("activity-81")
        assert pending is not None
        assert pending.plan.milestones[1].done_on is None, "it would lie after the data"
        outcomes = ledger.measure("outcomes-009-1")
        assert outcomes is not None
        assert [(k.id, k.result) for k in outcomes.plan.kpis] == [
            ("metric-1", "met"),
            ("metric-2", "not-met"),
        ]

        _, again = import_all(stack, folder, "--apply")
        assert {tuple(c) for c in again["import"]["documents"].values()} == {("unchanged",)}
        activities = folder / "activities.csv"
        activities.write_text(activities.read_text().replace("1.101", "1.2"))
        _, changed = import_all(stack, folder, "--apply")
        assert changed["import"]["documents"]["Measure"] == {"unchanged": 4, "changed": 1}


def test_refused_rows_hold_everything_back_unless_told_otherwise(
    stack: Stack, tmp_path: Path
) -> None:
    """Nothing is applied by halves by accident; --partial leaves only the bad row out."""
    folder = small(tmp_path / "tables")
    activities = folder / "activities.csv"
    activities.write_text(activities.read_text().replace("92 days", "a quarter"))
    code, held = import_all(stack, folder, "--apply")
    assert code == 1
    assert held["import"]["documents"]["Measure"] == {"held-back": 4}
    (bad,) = [row for row in held["import"]["rows"] if row["outcome"] == "refused"]
    assert bad["line"] == 3
    assert bad["findings"][-1]["expected"] == "a number like 1234.5 days"
    code, partial = import_all(stack, folder, "--apply", "--partial", "--ask")
    assert code == 1, "a refused row is told again"
    assert partial["import"]["documents"]["Measure"] == {"created": 4}
    assert partial["asked"]["measures"] == 4


@pytest.mark.timeout(900)
@pytest.mark.skipif(not DATA.is_dir(), reason=f"the real portfolio is not there: {DATA}")
def test_the_whole_portfolio_is_imported_and_every_measure_asked(stack: Stack) -> None:
    """The acceptance run: 11 bureaus, 81 investments, 202 projects, 1,102 activities, 455 metrics.

    Every activity is a measure, every metric a KPI exactly once, and no row is lost.
    """
    code, real = import_all(stack, DATA, "--apply", "--ask")
    assert code == 0
    files = {file["input"]: file for file in real["import"]["files"]}
    assert {name: (f["rows"], f["imported"]) for name, f in files.items()} == {
        "bureaus": (11, 11),
        "investments": (81, 81),
        "projects": (202, 202),
        "activities": (1102, 1102),
        "metrics": (455, 455),
    }
    assert all(file["unused"] == [] for file in files.values())
    assert real["import"]["documents"]["Measure"] == {"created": 1102 + 81}
    assert real["asked"]["measures"] == 1183
    assert real["asked"]["verdicts"] == {"block": 1183}
    assert by_rule(real["asked"]) == {KPI_RULE: (0, 1183, 0), GOVERNANCE_RULE: (514, 669, 0)}
    with Ledger.open(stack.ledger_url) as ledger:
        kpis = [
            kpi
            for row in ledger.find_measures(limit=None)
            if (state := ledger.measure(row.id))
            for kpi in state.plan.kpis
        ]
        ledger.verify()
    inside = [row["inside"] for row in real["import"]["rows"] if row["input"] == "metrics"]
    assert [len(documents) for documents in inside] == [1] * 455
    results = [kpi.result for kpi in kpis]
    assert len({kpi.id for kpi in kpis}) == len(kpis) == 455
    assert (results.count("met"), results.count("not-met"), results.count(None)) == (165, 42, 248)
