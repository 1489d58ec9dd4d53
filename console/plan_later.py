"""What a change of packs does on the later days on which rules start to be enforced."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

from console.plan_cases import PackChange, Sides, Surroundings, assessing
from console.plan_live import LiveReport, judge_live, places_asked
from ledger.live import LiveMeasures


@dataclass(frozen=True)
class LaterDay:
    """What happens to live measures on a later day, on the facts of now.

    Attributes:
        day: on which rules start to be enforced, from midnight UTC.
        rules: these rules, of the changed packs before or after the change.
        starts: what changes on that day with the changed packs: against the day before.
        compared: what the change does on that day: against the packs in force.
    """

    day: date
    rules: tuple[str, ...]
    starts: LiveReport
    compared: LiveReport

    def as_data(self) -> dict[str, Any]:
        """Returns it for programs."""
        return {
            "day": self.day.isoformat(),
            "rules": list(self.rules),
            "starts": self.starts.tally.as_data(),
            "compared_with_in_force": self.compared.tally.as_data(),
        }


def later_days(
    living: LiveMeasures, change: PackChange, around: Surroundings, limit: int
) -> list[LaterDay]:
    """Judges the live measures on each later day on which a rule of a changed pack starts."""

    def judged(asked: PackChange, at: datetime) -> LiveReport:
        sides = asked.compiled()
        cases = sum(living.places[one] for one in places_asked(sides, living.places))
        then = around._replace(at=at)
        with assessing(asked, then, cases) as assessor:
            return judge_live(living, sides, assessor, then, limit)

    found = []
    for day, rules in days_of_start(change.compiled(), around.at):
        at = datetime.combine(day, time(), UTC)
        starts = judged(replace(change, starting=day), at)
        found.append(LaterDay(day, rules, starts, judged(change, at)))
    return found


def days_of_start(sides: Sides, now: datetime) -> Iterator[tuple[date, tuple[str, ...]]]:
    """Yields the later days on which rules of changed packs start to be enforced, with them."""
    starting: dict[datetime, list[str]] = {}
    for pack in sides.changed():
        for rule in pack.rules:
            start = rule.enforced_later_than(now)
            if start and sides.asked_about((pack.lifecycle, gate) for gate in rule.gates):
                starting.setdefault(start, []).append(rule.id)
    for start, rules in sorted(starting.items()):
        yield start.date(), tuple(dict.fromkeys(rules))
