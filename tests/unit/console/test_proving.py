"""`sluice rules prove` and `sluice deadlocks`, on documents and on a ledger."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.store import Ledger
from measures.documents import Pool
from measures.drafting import Drafting
from measures.entry import Draft, measure_stream
from measures.folding import fold_measure
from measures.plan import Campaign, Demand, Dependency, Measure
from measures.pool import fold_pool, open_pool, reserve

NOW = datetime(2031, 1, 12, 9, tzinfo=UTC)
PROVE_DOI = ("rules", "prove", "--only", "doi")
"""The other lifecycles that come with the product are proved in tests/unit/rules/test_proof.py."""


def sluice(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs a command in a folder."""
    return subprocess.run(
        [sys.executable, "-c", "from console.cli import main; main()", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def lived(plan: Measure, *stages: str) -> list[Draft]:
    """The entries of a measure that has passed these gates."""
    body = {"plan": plan.model_dump(mode="json", by_alias=True)}
    first = Draft(stream=measure_stream(plan.id), number=1, kind="measure_defined", at=NOW,
                  by="olga", command=f"{plan.id}-1", body=body)  # fmt: skip
    state = fold_measure(None, first)
    drafting = Drafting(state, by="olga", at=NOW, command=f"{plan.id}-2")
    for stage in stages:
        drafting.write("stage_advanced", {"from": drafting.state.stage, "to": stage})
    return [first, *drafting.drafts]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a ledger in which `holder` waits for `asker`, and `asker` for capacity."""
    day = date(2031, 1, 12)
    campaign = Campaign(connector="memory", ref="c", launch_on=day, ends_on=day + timedelta(9))
    holder_needs = (Demand(pool="kyc", period="2031-03", amount=800),)
    asker_needs = (Demand(pool="kyc", period="2031-03", amount=600),)
    common: dict[str, Any] = {
        "type": "campaign", "package": "p", "campaign": campaign, "sponsor": "sam",
        "controller": "carla", "steering_committee": ("tom",),
    }  # fmt: skip
    holder = Measure(id="holder", title="Holder", owner="olga", demands=holder_needs,
                     dependencies=(Dependency(measure="asker"),), **common)  # fmt: skip
    asker = Measure(id="asker", title="Asker", owner="ole", demands=asker_needs, **common)
    pool = Pool(id="kyc", title="Checks", unit="checks", owner="kim", capacity={"2031-03": 1000})
    opened = open_pool(pool, "kim", NOW, "open")
    reserved, lacking = reserve(
        fold_pool(None, opened), "holder", holder_needs, hard=True, at=NOW, command="reserve"
    )
    assert reserved is not None, lacking
    (tmp_path / ".sluice").mkdir()
    with Ledger.open(f"sqlite:///{tmp_path}/.sluice/ledger.db") as ledger:
        for name, role in (("sam", "sponsor"), ("carla", "controller"), ("tom", "committee")):
            person = {"kind": "Person", "id": name, "name": name, "roles": [role]}
            ledger.append_document(
                kind="Person", name=name, body=person, by="operator", at=NOW, command=name
            )
        ledger.append([opened])
        ledger.append([reserved])
        ledger.append(lived(holder, "identified", "detailed", "decided"))
        ledger.append(lived(asker, "identified", "detailed"))
    return tmp_path


def test_deadlocks_are_told_with_the_cheapest_way_out(folder: Path) -> None:
    """Which ends with 1, and is data for a program."""
    ran = sluice(folder, "deadlocks")
    assert ran.returncode == 1, ran.stderr
    assert "holder waits at launch for asker to be implemented" in ran.stdout
    assert "help: sluice amend asker --set demands.0.amount=200 --as ole" in ran.stdout
    said = json.loads(sluice(folder, "deadlocks", "-o", "json").stdout)
    assert said["measures"] == 2
    (found,) = said["deadlocks"]
    assert found["rules"] == ["decided.capacity-covers-demand", "launch.dependencies-done"]


def test_live_measures_are_proved_too(folder: Path) -> None:
    """The circle is a defect among all claims; the packs themselves have none."""
    ran = sluice(folder, *PROVE_DOI, "--live", "-o", "json")
    assert ran.returncode == 1, ran.stderr
    claims = json.loads(ran.stdout)["claims"]
    assert {one["name"] for one in claims if one["outcome"] == "defect"} == {"no-deadlock"}
    assert any(one["name"] == "end-can-be-reached" for one in claims)


def test_what_would_be_applied_breaks_the_circle(folder: Path) -> None:
    """Documents count as if they were applied."""
    (folder / "pool.yaml").write_text(
        "{kind: Pool, id: kyc, title: Checks, unit: checks, owner: kim,"
        " capacity: {2031-03: 1400}}\n"
    )
    ran = sluice(folder, *PROVE_DOI, "--live", "-f", "pool.yaml", "-o", "json")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_pack_with_a_defect_fails(tmp_path: Path) -> None:
    """With the rule, the place where it stands and an example; without documents or a ledger."""
    (tmp_path / "odd.yaml").write_text(
        "pack: odd\ntitle: Odd\nrules:\n"
        "  - id: decided.odd\n    gate: decided\n    require: measure.quorum < 1\n"
        "    message: the quorum is {measure.quorum}\n"
    )
    ran = sluice(tmp_path, "rules", "prove", "odd.yaml")
    assert ran.returncode == 1, ran.stderr
    assert "DEFECT gate-can-open decided: decided.odd can never hold" in ran.stdout
    assert "--> odd.yaml:4 decided.odd" in ran.stdout
    assert "a measure that is detailed can be only cancelled, never closed" in ran.stdout


def test_what_is_not_proved_fails_only_when_strict(tmp_path: Path) -> None:
    """And says which rule and why."""
    (tmp_path / "named.yaml").write_text(
        "pack: named\ntitle: Named\nrules:\n"
        "  - id: detailed.named\n    gate: detailed\n"
        "    require: measure.title.matches('^Q[1-4] 20[0-9][0-9]$')\n    message: no quarter\n"
    )
    ran = sluice(tmp_path, *PROVE_DOI, "named.yaml")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "not proved gate-can-open detailed: detailed.named: 'matches' is not" in ran.stdout
    assert sluice(tmp_path, *PROVE_DOI, "named.yaml", "--strict").returncode == 1


def test_a_wrong_question_is_told(tmp_path: Path) -> None:
    """An unknown lifecycle, one without its packs, a missing file, documents with faults."""
    ran = sluice(tmp_path, "rules", "prove", "--only", "dio")
    assert ran.returncode == 2
    assert "dio" in ran.stderr
    assert sluice(tmp_path, "rules", "prove", "--lifecycle", "own.yaml").returncode == 2
    assert sluice(tmp_path, "rules", "prove", "-f", "nowhere.yaml").returncode == 2
    (tmp_path / "bad.yaml").write_text("{kind: Person, id: UPPER}\n")
    ran = sluice(tmp_path, "rules", "prove", "-f", "bad.yaml")
    assert ran.returncode == 1
    assert "bad.yaml:1" in ran.stderr
