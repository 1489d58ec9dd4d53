"""A rule that starts to be enforced on a later day."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench import portfolio
from console import planning
from console.planning import Look, prepare, preview
from ledger.store import Ledger
from rules.loader import load_pack, packs_in_force
from rules.schema import Pack
from tests.unit.console.planning.brute_force import changes_by_hand, told
from tests.unit.console.planning.clerk import NOW
from tests.unit.console.planning.packs import more_pack

_LATER = NOW.date() + timedelta(days=1)


def _packs(*, more: dict[str, Any], mode: str | None = None) -> tuple[Pack, ...]:
    """Returns the built-in packs and one more, its rule in another mode if need be."""
    if mode:
        more = {**more, "rules": [{**more["rules"][0], "mode": mode}]}
    return (*packs_in_force({}), load_pack(json.dumps(more), "more.yaml"))


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, _LATER), (_LATER, _LATER + timedelta(days=7)), (_LATER, None)],
    ids=["enforced, then later", "put off", "put forward"],
)
def test_a_later_day_of_enforcement_equals_brute_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: Any, after: Any
) -> None:
    """A gate that shuts again tomorrow is not just newly freed: each later day is judged too."""
    monkeypatch.setattr(planning, "system_clock", lambda: NOW)
    old, new = (more_pack(day and day.isoformat()) for day in (before, after))
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        portfolio.fill(ledger, 60, NOW, seed=11)
        ledger.append_document("RulePack", "more", old, "rex", NOW, "apply-more")
        directory = ledger.directory()
        states = [state for n in range(60) if (state := ledger.measure(f"m-{n:05}"))]
        change = prepare(
            directory.packs, ((json.dumps(new).encode(), "more.yaml"),), frozenset(), None
        )
        report = preview(ledger, change, Look(True, False, None, 99))
        days = {day for day in (before, after) if day is not None}
        assert [one.day for one in report.later] == sorted(days)
        for one in report.later:
            at = datetime.fromisoformat(f"{one.day}T00:00:00Z")
            cases = [
                (state, gate, ledger.facts(state, directory, NOW), at)
                for state in states
                for gate in state.gates_ahead
            ]
            packs = _packs(more=old), _packs(more=new)
            expected = changes_by_hand(cases, *packs)
            assert told(one.compared.tally) == expected
            # As of that day is the same question.
            asked = preview(ledger, change, Look(True, False, None, 99, at))
            assert asked.live is not None
            assert not asked.later
            assert told(asked.live.tally) == expected
            starts = one.day == after
            eve = _packs(more=new, mode="warn" if starts else None)
            held = changes_by_hand(cases, eve, packs[1])
            assert bool(held) == starts
            assert told(one.starts.tally) == held
