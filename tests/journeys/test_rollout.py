"""A pack is changed under a measure that waits: nothing moves before somebody moves it."""

from collections.abc import Callable
from typing import Any

PACK = """\
kind: RulePack
pack: trial
title: What a trial asks
policy: {policy}
rules:
  - id: identified.{rule}
    gate: identified
    when: {{measure: {{kind: measure, type: trial}}}}
    require: measure.scope == "{rule}"
    message: the scope is not {rule}
"""


def test_a_measure_keeps_its_version_until_it_is_moved(
    office: Any, measure_text: Callable[..., str]
) -> None:
    """Apply, look, try out, move, prove; the policy of the newest version counts."""
    office.write("trial.yaml", PACK.format(policy="follow", rule="small"))
    first = office.asks("rules", "check", "trial.yaml")["packs"][0]["digest"]
    assert office.sluice("apply", "-f", "trial.yaml").code == 0
    office.write("m.yaml", measure_text("trial-one").replace("type: campaign", "type: trial"))
    assert office.sluice("apply", "-f", "m.yaml").code == 0
    assert office.sluice("advance", "trial-one", "--as", "ada").code == 3

    office.write("trial.yaml", PACK.format(policy="migrate", rule="large"))
    second = office.asks("rules", "check", "trial.yaml")["packs"][0]["digest"]
    assert office.sluice("rules", "diff", "trial", "trial.yaml").code == 3
    assert office.sluice("apply", "-f", "trial.yaml").code == 0
    assert office.sluice("rules", "diff", "trial", "trial.yaml").code == 0
    status = office.asks("explain", "trial-one")
    assert status["blockers"] == ["identified.small"]
    assert status["packs"]["trial"] == first
    versions = {
        one["digest"]: (one["newest"], one["measures"])
        for one in office.asks("get", "rulepacks")
        if one["id"] == "trial"
    }
    assert versions == {first: (False, 1), second: (True, 0)}

    tried = office.asks("rules", "migrate", "trial", "--all", "--dry-run")
    [would_move] = tried["measures"]
    assert would_move["measure"] == "trial-one"
    assert (would_move["verdict"], would_move["verdict_then"]) == ("block", "block")
    assert would_move["blockers_then"] == ["identified.large"]
    denied = office.sluice("rules", "migrate", "trial", "--all", "--as", "ada")
    assert denied.code == 5
    assert "entitled: an administrator" in denied.err
    moved = office.sluice("rules", "migrate", "trial", "--all", "--reason", "tried out")
    assert moved.code == 0, moved
    assert "moved" in moved.out
    status = office.asks("explain", "trial-one")
    assert status["blockers"] == ["identified.large"]
    assert status["packs"]["trial"] == second
    again = office.sluice("rules", "migrate", "trial", "--all")
    assert f"no measure keeps another version than trial@{second[:12]}" in again.out
    assert office.sluice("ledger", "verify").code == 0


def test_a_pack_is_taken_out_of_force_and_put_back(
    office: Any, measure_text: Callable[..., str]
) -> None:
    """As `rules plan --remove` foresees it, on record, safe to repeat, its versions kept."""
    office.write("stop.yaml", PACK.format(policy="follow", rule="small").replace("trial", "stop"))
    assert office.sluice("apply", "-f", "stop.yaml").code == 0
    office.write("s.yaml", measure_text("stop-one").replace("type: campaign", "type: stop"))
    assert office.sluice("apply", "-f", "s.yaml").code == 0
    assert office.sluice("advance", "stop-one", "--as", "ada").code == 3
    first = office.asks("explain", "stop-one")["packs"]["stop"]

    planned = office.asks("rules", "plan", "--remove", "stop", "--live")
    assert planned["commands"] == ["sluice rules remove stop"]
    assert planned["live"]["effects"]["newly-freed"]["count"] == 1
    denied = office.sluice("rules", "remove", "stop", "--as", "ada")
    assert denied.code == 5
    assert "entitled: an administrator" in denied.err
    removed = office.sluice("rules", "remove", "stop", "--reason", "tried out")
    assert removed.code == 0, removed
    assert "pack stop is no longer in force" in removed.out
    assert office.sluice("wait", "stop-one", "--stage", "identified", "--timeout", "30s").code == 0
    assert office.asks("rules", "remove", "stop")["outcome"] == "unchanged"
    kept = office.sluice("get", "rulepack", f"stop@{first[:12]}", "-o", "yaml")
    assert kept.code == 0
    assert "was removed" in office.sluice("get", "rulepack", "stop").err
    assert office.sluice("apply", "-f", "stop.yaml").code == 0
    assert office.asks("get", "rulepack", "stop")["newest"]
