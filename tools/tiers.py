"""Writes docs/connectors-tiers.md from what the conformance kit found: `python -m tools.tiers`.

Run `make test-servers` before: it examines every connector and keeps what was found under
`.sluice/conformance`. A suite that was not examined whole is refused, so that the page never tells
of yesterday's kit.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.conformance.examination import CHECKS
from connectors.conformance.results import Result, Tier, tier_of
from connectors.registry import connector_class, connector_names

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".sluice" / "conformance"
PAGE = ROOT / "docs" / "connectors-tiers.md"

EXAMINED_ON: Mapping[str, str] = {
    "github": "simulator",
    "hubspot": "simulator, checked against HubSpot's description",
    "jira": "simulator, checked against Atlassian's description",
    "memory": "itself",
    "redmine": "Redmine 5.0.4",
    "rest": "a help desk of the tests",
    "rest RedmineByManifest": "Redmine 5.0.4",
    "rest RoundupByManifest": "Roundup 2.6",
    "roundup": "Roundup 2.6",
    "rt": "Request Tracker 5.0.3",
    "salesforce": "simulator",
    "servicenow": "simulator",
    "tryton": "Tryton 8.2",
    "webhook": "a receiver of the tests",
    "zendesk": "simulator, checked against Zendesk's description",
}
"""What stood at the other end, by connector, or by connector and suite."""

HEAD = """# How far each connector has come

Written by `python -m tools.tiers` from what the conformance kit found; do not edit.
[connectors.md](connectors.md#write-one) says what the tiers mean.

| connector | suite | examined on | tier | passed | exempt |
| --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Suite:
    """What the kit found of one connector's one kind of object."""

    connector: str
    name: str
    results: Sequence[Result]

    @property
    def where(self) -> str:
        """What stood at the other end."""
        whole = f"{self.connector} {self.name}"
        where = EXAMINED_ON.get(whole) or EXAMINED_ON[self.connector]
        return f"{where}; its holds are advisory" if self._only_labels else where

    @property
    def tier(self) -> Tier | None:
        """The tier that was reached; who only labels a campaign has not shown that it stops."""
        reached = tier_of(self.results)
        return Tier.GOLD if reached is Tier.PLATINUM and self._only_labels else reached

    @property
    def _only_labels(self) -> bool:
        return connector_class(self.connector).manifest.hold == "advisory"


def suites(found: Iterable[Mapping[str, str]]) -> list[Suite]:
    """Returns what was found, by connector and suite, the checks in their order.

    Raises:
        ValueError: a suite lacks a check, or a connector its suite.
    """
    by_suite: dict[tuple[str, str], dict[str, Mapping[str, str]]] = {}
    for one in found:
        by_suite.setdefault((one["connector"], one["suite"]), {})[one["check"]] = one
    unseen = set(connector_names()) - {connector for connector, _ in by_suite}
    if unseen:
        msg = f"not examined: {', '.join(sorted(unseen))}"
        raise ValueError(msg)
    whole = []
    for (connector, name), outcomes in sorted(by_suite.items()):
        missing = [check.name for check in CHECKS if check.name not in outcomes]
        if missing:
            msg = f"{connector} {name} was not examined whole: {', '.join(missing)}"
            raise ValueError(msg)
        results = [
            Result(check, outcomes[check.name]["outcome"], outcomes[check.name]["why"])  # type: ignore[arg-type]
            for check in CHECKS
        ]
        whole.append(Suite(connector, name, results))
    return whole


def page(whole: Sequence[Suite]) -> str:
    """Returns the page: a table, then why checks do not apply and which failed."""
    rows, notes = [], []
    for one in whole:
        tier = one.tier
        by_outcome = {
            outcome: [result for result in one.results if result.outcome == outcome]
            for outcome in ("passed", "failed", "exempt")
        }
        applied = len(by_outcome["passed"]) + len(by_outcome["failed"])
        reached = tier.name.casefold() if tier else "none"
        counted = f"{len(by_outcome['passed'])} of {applied} | {len(by_outcome['exempt'])}"
        rows.append(f"| `{one.connector}` | {one.name} | {one.where} | {reached} | {counted} |")
        why: dict[str, list[str]] = {}
        for result in (*by_outcome["failed"], *by_outcome["exempt"]):
            why.setdefault(f"{result.outcome}: {result.detail}", []).append(result.check.name)
        reasons = [
            f"- {reason}: {', '.join(f'`{c}`' for c in names)}" for reason, names in why.items()
        ]
        notes.append(
            f"\n## {one.connector}: {one.name}\n\n" + "\n".join(reasons or ["- all apply"])
        )
    return HEAD + "\n".join(rows) + "\n" + "\n".join(notes) + "\n"


def main() -> int:
    """Writes the page."""
    found = [json.loads(file.read_text()) for file in KEPT.glob("*.json")]
    try:
        PAGE.write_text(page(suites(found)))
    except ValueError as missing:
        print(f"{missing}: run make test-servers", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
