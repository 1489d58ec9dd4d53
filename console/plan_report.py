"""What `sluice rules plan` says, for people and for programs."""

from dataclasses import dataclass, field
from typing import Any

from rich.markup import escape

from console.output import people
from console.plan_cases import Change, PageResult
from console.plan_later import LaterDay
from console.plan_live import LiveReport
from console.plan_tally import EFFECTS, Money, Tally
from rules.comparing import Effect, PackDifference, RuleEffect
from rules.preview import Gate

MISSING_SHOWN = 10

_EFFECT_WORDS: dict[Effect, str] = {
    "newly-blocked": "newly blocked",
    "newly-freed": "newly freed",
    "other-reasons": "held for other reasons",
    "warnings-only": "other warnings only",
    "same": "the same",
}
_RULE_WORDS: dict[RuleEffect, str] = {
    "blocks": "would hold",
    "frees": "would no longer hold",
    "other-reasons": "would hold for other reasons",
    "warns": "would warn",
    "stops-warning": "would no longer warn",
}


@dataclass
class PastReport:
    """What the changed packs would have answered to what was decided.

    Attributes:
        judged: how many decisions were made at a changed gate.
        by_engine: of these, how many were held by trouble, not by a rule.
        not_reproducible: of these, how many were made on facts that the entries do not give.
        positions: the first of those entries.
    """

    tally: Tally
    judged: int = 0
    by_engine: int = 0
    not_reproducible: int = 0
    positions: list[int] = field(default_factory=list)

    def take(self, result: PageResult) -> None:
        """Counts what came of a page."""
        for change in result.changes:
            self.tally.add([change])

    def trouble(self) -> None:
        """Counts a decision that trouble made, not a rule."""
        self.by_engine += 1
        self.tally.set_aside += 1

    def missing(self, position: int) -> None:
        """Counts a decision whose facts are not found."""
        self.not_reproducible += 1
        self.tally.set_aside += 1
        if len(self.positions) < MISSING_SHOWN:
            self.positions.append(position)


@dataclass(frozen=True)
class Report:
    """Everything that was found.

    Attributes:
        commands: what puts the change in force.
    """

    packs: list[PackDifference]
    digests: tuple[str, str]
    gates: list[Gate]
    live: LiveReport | None
    past: PastReport | None
    later: list[LaterDay]
    commands: tuple[str, ...]

    @property
    def changes(self) -> int:
        """How many answers would change."""
        return sum(part.tally.changes for part in (self.live, self.past) if part is not None)

    @property
    def changes_something(self) -> bool:
        """Whether an answer would change, now or on a later day."""
        return bool(self.changes or any(later.compared.tally.changes for later in self.later))

    def as_data(self) -> dict[str, Any]:
        """Returns the report for programs."""
        data: dict[str, Any] = {
            "changes": self.changes,
            "packs": [pack.model_dump(mode="json") for pack in self.packs],
            "pack_digest": {"before": self.digests[0], "after": self.digests[1]},
            "gates": [{"lifecycle": lifecycle, "gate": gate} for lifecycle, gate in self.gates],
            "commands": list(self.commands),
        }
        if self.live is not None:
            data["live"] = {
                "at": self.live.at.isoformat(),
                "facts_at": self.live.now.isoformat(),
                "measures": self.live.tally.subjects,
                "before_a_changed_gate": self.live.judged,
                "version_lost": self.live.lost,
                "keep_older_version": self.live.keeping,
                "passed_already": self.live.passed,
                **self.live.tally.as_data(),
            }
            data["later"] = [later.as_data() for later in self.later]
        if self.past is not None:
            data["past"] = {
                "decisions": self.past.tally.subjects,
                "at_a_changed_gate": self.past.judged,
                "held_by_engine": self.past.by_engine,
                "not_reproducible": {
                    "count": self.past.not_reproducible,
                    "positions": self.past.positions,
                },
                **self.past.tally.as_data(),
            }
        return data


def show(report: Report) -> None:
    """Prints the report for people."""
    _packs(report)
    if not report.gates and not (report.live and report.live.judged):
        return
    if report.live is not None:
        _live(report.live)
        for later in report.later:
            _later(later)
    if report.past is not None:
        _past(report.past)
    _say()
    _say("Nothing was written; what was decided stays decided. To put it in force:")
    for command in report.commands:
        _say(f"  {command}")


def _packs(report: Report) -> None:
    if not report.packs and not (report.live and report.live.judged):
        _say("Nothing changes: these packs are in force already, word for word.")
        return
    for pack in report.packs:
        _say(f"{pack.change} pack {pack.pack}", style="bold")
        for sign, rules in (("+", pack.new), ("~", pack.changed), ("-", pack.removed)):
            for rule in rules:
                _say(f"  {sign} {rule}")
    if not report.gates and not (report.live and report.live.judged):
        _say("No rule changes at any gate, so every answer stays as it is.")


def _live(live: LiveReport) -> None:
    measures = "live measure" if live.tally.subjects == 1 else "live measures"
    _say()
    _say(
        f"{live.tally.subjects:,} {measures}, {live.judged:,} of them before a gate whose rules"
        f" change ({_moments(live)})",
        style="bold",
    )
    _effects(live.tally)
    if live.keeping:
        keep = "keeps" if live.keeping == 1 else "keep"
        _say(f"  {live.keeping:,} {keep} an older version, by the policy of the pack; left out")
    if live.lost:
        _say(
            f"  {live.lost:>9,}  not judged: they keep a version of a pack that cannot be had;"
            " sluice explain MEASURE says which"
        )
    for gate, many in live.passed.items():
        if many:
            have = "has" if many == 1 else "have"
            _say(f"  {many:,} {have} passed {gate} already and would not be asked again")
    _rules(live.tally)


def _moments(live: LiveReport) -> str:
    if live.at == live.now:
        return f"at {live.at:%Y-%m-%d %H:%M} UTC"
    return f"as of {live.at:%Y-%m-%d %H:%M} UTC, on the facts of {live.now:%Y-%m-%d %H:%M} UTC"


def _later(later: LaterDay) -> None:
    _say()
    _say(
        f"from {later.day}, when {', '.join(later.rules)}"
        f" {'starts' if len(later.rules) == 1 else 'start'} to be enforced"
        " (on the facts of now)",
        style="bold",
    )
    _say(f"  with the changed packs: {_counts(later.starts.tally)}")
    _say(f"  compared with the packs in force: {_counts(later.compared.tally)}")
    _say(f"  every rule and measure: --at {later.day}")


def _counts(tally: Tally) -> str:
    """Writes in one line what happens, as `2 newly blocked, 1 other warnings only`."""
    found = [effect for effect in EFFECTS[:-1] if tally.effects[effect]]
    words = [f"{tally.effects[effect]:,} {_EFFECT_WORDS[effect]}" for effect in found]
    return ", ".join(words) or "no answer changes"


def _past(past: PastReport) -> None:
    decisions = "past decision" if past.tally.subjects == 1 else "past decisions"
    _say()
    _say(
        f"{past.tally.subjects:,} {decisions}, {past.judged:,} of them at a gate whose rules"
        " change",
        style="bold",
    )
    _effects(past.tally)
    if past.by_engine:
        _say(f"  {past.by_engine:>9,}  not compared: trouble held the gate, not a rule")
    if past.not_reproducible:
        entries = ", ".join(map(str, past.positions))
        more = ", ..." if past.not_reproducible > len(past.positions) else ""
        _say(
            f"  {past.not_reproducible:>9,}  not compared: their facts do not follow from the"
            f" entries before (entry {entries}{more})"
        )
    _rules(past.tally)


def _effects(tally: Tally) -> None:
    for effect in EFFECTS[:-1]:
        count = tally.effects[effect]
        money = _money(tally.money.get(effect))
        _say(f"  {count:>9,}  {_EFFECT_WORDS[effect]}{money}")
    _say(f"  {tally.same:>9,}  {_EFFECT_WORDS['same']}")


def _rules(tally: Tally) -> None:
    for (rule, effect), found in tally.in_order():
        _say()
        _say(f"  {rule} {_RULE_WORDS[effect]} {found.count:,}{_money(found.money)}")
        for example in found.examples:
            _example(example, rule, effect)
        left = found.count - len(found.examples)
        if left and found.examples:
            _say(f"    and {left:,} more")


def _example(change: Change, rule: str, effect: RuleEffect) -> None:
    difference = change.difference
    answers = (
        difference.before
        if difference.before == difference.after
        else f"{difference.before} -> {difference.after}"
    )
    entry = f", entry {change.position}" if change.position else ""
    _say(f"    {change.measure} at {change.gate}{entry}: {answers}")
    shown = {
        "blocks": difference.added,
        "other-reasons": (*difference.added, *difference.gone),
        "frees": difference.gone,
        "warns": difference.warned,
        "stops-warning": difference.silenced,
    }[effect]
    for reason in [one for one in shown if one.rule == rule][:3]:
        who = ", ".join(reason.clear_by) or reason.role
        _say(f"      {reason.message}{f' ({who})' if who else ''}")


def _money(money: Money | None) -> str:
    """Writes the benefit that waits, as `EUR 1,200,000 (weighted 360,000)`."""
    sums = money.as_data() if money else {}
    words = ", ".join(
        f"{currency} {sum_['benefit']:,.0f} (weighted {sum_['weighted']:,.0f})"
        for currency, sum_ in sums.items()
    )
    return f"  {words}" if words else ""


def _say(text: str = "", style: str = "") -> None:
    people().print(escape(text), style=style or None)
