"""The packs whose change is planned."""

from typing import Any

from console import plan_cases
from console.planning import prepare
from ledger.store import Ledger
from rules.loader import builtin_pack_files

STANDARD = next(file for file in builtin_pack_files() if file.name == "standard.yaml").read_text()

TOUGHER = STANDARD.replace(
    "require: offer.available >= demand.amount", "require: offer.available >= demand.amount * 3.0"
).replace('require: kpi.owner != "" && kpi.cadence != ""', 'require: kpi.owner != ""')
"""The built-in pack, asking for more at one gate and for less at another."""


def tougher(ledger: Ledger) -> plan_cases.PackChange:
    """The change from what is in force to it."""
    files = ((TOUGHER.encode(), "standard.yaml"),)
    return prepare(ledger.directory().packs, files, frozenset(), None)


def more_pack(start: str | None, require: str = "measure.kpis > 1") -> dict[str, Any]:
    """A pack with one rule at three gates, enforced from a day on."""
    rule = {
        "id": "more",
        "gate": ["identified", "detailed", "decided"],
        "require": require,
        "message": "too few KPIs",
        **({"enforce_from": start} if start else {}),
    }
    return {"pack": "more", "title": "More", "rules": [rule]}
