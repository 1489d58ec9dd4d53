"""Lifecycles as files: those that come with the product, and those that lie beside packs."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.cli import app
from measures.errors import RefusedError
from measures.lifecycle import DOI
from rules.faults import FaultsFound
from rules.lifecycle_files import (
    builtin_lifecycles,
    lifecycle_named,
    lifecycles_in_force,
    load_lifecycle,
)
from rules.loader import builtin_packs

TRIAL = """\
kind: Lifecycle
id: trial
title: Try, then keep
stages:
  - {id: proposed, title: Proposed, weight: 0}
  - {id: kept, title: Kept, weight: 1}
hard_at: kept
frozen_from: kept
forecast_from: kept
actuals_from: kept
"""
PACK = """\
pack: p
title: P
lifecycle: trial
rules:
  - {id: kept.described, gate: kept, require: measure.description != "", message: no description}
"""


def test_three_come_with_the_product() -> None:
    """Their stages are public names; the default is still what measures of before live by."""
    known = builtin_lifecycles()
    assert sorted(known) == ["doi", "doi-0-6", "l0-l5"]
    assert known["doi"] == DOI
    assert list(known["l0-l5"].order) == ["l0", "l1", "l2", "l3", "l4", "l5"]
    assert known["l0-l5"].entered_by == {"l5": "controller"}
    assert list(known["doi-0-6"].order) == [f"doi{number}" for number in range(7)]


@pytest.mark.parametrize("name", sorted(builtin_lifecycles()))
def test_each_gate_has_an_enforced_rule_named_after_a_gate(name: str) -> None:
    """A gate without one would stay shut for ever."""
    lifecycle = builtin_lifecycles()[name]
    rules = [r for pack in builtin_packs() if pack.lifecycle == name for r in pack.rules]
    enforced = {gate for rule in rules if rule.text.mode == "enforce" for gate in rule.gates}
    assert enforced == set(lifecycle.guarded)
    assert {rule.id.partition(".")[0] for rule in rules} <= set(lifecycle.guarded)
    confirmed = f"{lifecycle.last}.controller-has-confirmed"
    assert confirmed in {rule.id for rule in rules}


def test_faults_stand_where_they_are() -> None:
    """With the name that was meant."""
    text = TRIAL.replace("hard_at: kept", "hard_at: kebt").replace("weight: 1}", "weight: 2}")
    with pytest.raises(FaultsFound) as found:
        load_lifecycle(text, "trial.yaml")
    [weight] = found.value.faults
    assert (weight.code, weight.line) == ("D203", 6)
    with pytest.raises(FaultsFound) as found:
        load_lifecycle(TRIAL.replace("hard_at: kept", "hard_at: kebt"), "trial.yaml")
    [point] = found.value.faults
    assert (point.code, point.line, point.column) == ("D203", 7, 10)
    assert point.help == "did you mean 'kept'?"


def test_an_applied_one_wins_for_new_measures() -> None:
    """Also over a built-in one."""
    other = DOI.model_copy(update={"title": "Ours"})
    assert lifecycles_in_force({"doi": other})["doi"] is other
    assert lifecycle_named("doi", {"doi": other}).title == "Ours"
    with pytest.raises(RefusedError, match="did you mean 'l0-l5'") as refusal:
        lifecycle_named("l0-l6", {})
    assert refusal.value.code == "unknown-lifecycle"


class TestCheck:
    def run(self, *arguments: str) -> tuple[int, str]:
        """Runs `sluice rules check`."""
        ran = CliRunner().invoke(app, ["rules", "check", *arguments])
        return ran.exit_code, ran.output + ran.stderr

    def test_a_lifecycle_beside_the_pack_is_found(self, tmp_path: Path) -> None:
        """By its name; a folder of both is checked whole."""
        pack = tmp_path / "p.yaml"
        pack.write_text(PACK)
        code, told = self.run(str(pack))
        assert code == 1
        assert "there is no lifecycle 'trial'" in told
        (tmp_path / "trial.yaml").write_text(TRIAL)
        assert self.run(str(pack))[0] == 0
        assert self.run(str(tmp_path))[0] == 0

    def test_it_may_lie_elsewhere(self, tmp_path: Path) -> None:
        """With --lifecycle; its own faults are told too."""
        pack, elsewhere = tmp_path / "p.yaml", tmp_path / "other.yaml"
        pack.write_text(PACK)
        elsewhere.write_text(TRIAL)
        assert self.run(str(pack), "--lifecycle", str(elsewhere))[0] == 0
        elsewhere.write_text(TRIAL.replace("frozen_from: kept", "frozen_from: keept"))
        code, told = self.run(str(pack), "--lifecycle", str(elsewhere))
        assert code == 1
        assert "did you mean 'kept'?" in told
