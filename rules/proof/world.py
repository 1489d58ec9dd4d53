"""A measure at a gate, with facts left open: what can be true there the first time it gets so far.

What the engine guarantees between facts is stated as laws. They are what a measure meets on its way
up: a sign-off is one by the people whom the plan names then, and nothing is there yet that only a
later stage brings. A few laws are only assumed when an example is looked for, never when something
is called impossible.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import z3

from measures.duties import SIGNING_ROLES
from measures.facts import FACT_KINDS
from measures.lifecycle import CANCELLED, LAUNCH, Lifecycle
from rules.fields import fields_of
from rules.lifecycle_files import builtin_lifecycles
from rules.proof.expression import Sort
from rules.proof.texts import Shape, Texts
from rules.proof.translation import Term, Truth, Value

ALWAYS_ONE = ("measure", "clock", "campaign", "finance")
"""Kinds of which a measure has at most one fact."""

_MOST_WHOLE = 10**9
_MOST_NUMBER = 10**15
_DAYS = frozenset({"due", "drains_on", "launch_on", "ends_on", "earliest", "today"})
_SHAPED: dict[Shape, frozenset[str]] = {
    "period": frozenset({"period", "latest_period"}),
    "sha256": frozenset({"sha256"}),
}
_NEVER_EMPTY = {
    ("measure", "title"), ("measure", "type"), ("measure", "package"), ("kpi", "name"),
    ("milestone", "title"), ("commitment", "what"), ("lead_time", "item"), ("promise", "text"),
    ("campaign", "ref"), ("evidence", "title"), ("campaign", "launch_on"), ("campaign", "ends_on"),
    ("lead_time", "earliest"), ("lead_time", "launch_on"), ("clock", "today"), ("signoff", "by"),
    ("signoff", "on_behalf_of"), ("offer", "owner"), ("dependency", "wanted"),
}  # fmt: skip
_IDS = {
    ("measure", "type"), ("measure", "package"), ("measure", "category"), ("measure", "owner"),
    ("measure", "sponsor"), ("measure", "controller"), ("kpi", "owner"), ("milestone", "owner"),
    ("commitment", "who"), ("promise", "backed_by"), ("offer", "owner"),
    ("blackout", "owner"), ("audience_conflict", "owner"), ("audience_conflict", "audience"),
}  # fmt: skip
_KEYS = frozenset({"id", "pool", "measure", "by", "on_behalf_of"})
_WORDS = {
    ("measure", "stage"), ("kpi", "cadence"), ("kpi", "result"), ("signoff", "gate"),
    ("signoff", "role"), ("signoff", "decision"), ("dependency", "wanted"), ("dependency", "stage"),
}  # fmt: skip
CADENCES = ("", "daily", "weekly", "monthly", "quarterly", "yearly")
_COUNTS = {
    "measure": ("committee_size", "quorum", "kpis", "milestones"),
    "kpi": ("periods_needed", "periods_held"),
    "demand": ("amount",),
    "offer": ("capacity", "held_by_others"),
    "reservation": ("amount",),
    "wait": (
        *("p50_days", "p90_days", "p95_days", "backlog_peak"),
        *("cost_rise", "admissible_share", "seed", "replications"),
    ),
    "milestone": ("late_days",),
    "lead_time": ("days", "remaining_days"),
    "campaign": ("budget", "volume"),
}
"""Number fields that are never negative."""

_MOVING = {
    ("lead_time", "remaining_days"), ("lead_time", "slack_days"), ("lead_time", "earliest"),
    ("campaign", "inside_window"), ("demand", "unit"),
}  # fmt: skip
"""What the plan states, and still changes with the day or with what a pool says."""


def planned_fields(kind: str) -> frozenset[str]:
    """Returns the fields of a kind that stay as they are once the plan is frozen."""
    model = FACT_KINDS[kind]
    if not model.PLANNED:
        return frozenset()
    moving = {field for other, field in _MOVING if other == kind}
    return model.PLANNED.union(model.NAMED_BY) - moving


class OpenFact:
    """A fact that may be there or not, with fields that may hold anything.

    Attributes:
        present: whether it is there.
    """

    def __init__(
        self, kind: str, number: int, gate: str, texts: Texts, later: "OpenFact | None" = None
    ) -> None:
        """Opens a fact at a gate; with the same plan as `later`, if it is given."""
        self.kind = kind
        self.name = f"{kind} {number}"
        self._gate = gate
        self._planned = planned_fields(kind) if later is not None else frozenset[str]()
        self._later = later if self._planned else None
        self.present = z3.Bool(f"{self.name} is there at {gate}")
        if self._later is not None:
            self.present = self._later.present
        self._texts = texts
        self._terms: dict[str, tuple[Term, Any]] = {}
        self.laws: list[Any] = []

    @property
    def terms(self) -> Mapping[str, tuple[Term, Any]]:
        """The fields that somebody has asked for: each term and whether the field is there."""
        if self._later is None:
            return self._terms
        planned = {n: t for n, t in self._later.terms.items() if n in self._planned}
        return {**planned, **self._terms}

    def field(self, name: str) -> tuple[Term, Any]:
        """Returns a field's term and whether the field is there."""
        if self._later is not None and name in self._planned:
            return self._later.field(name)
        if name not in self._terms:
            self._terms[name] = self._new(name)
        return self._terms[name]

    def value(self, name: str) -> Any:
        """Returns the formula of a field, whether or not the field is there."""
        term, _ = self.field(name)
        return term.value if isinstance(term, Value) else term.true

    def there(self, name: str) -> Any:
        """Returns whether a field is there."""
        return self.field(name)[1]

    def yes(self, name: str) -> Any:
        """Returns whether a yes/no field is yes."""
        term, _ = self.field(name)
        assert isinstance(term, Truth)
        return term.true

    def _new(self, name: str) -> tuple[Term, Any]:
        info = fields_of(self.kind)[name]
        model_field = FACT_KINDS[self.kind].model_fields[name]
        optional = not model_field.is_required() and model_field.default is None
        full = f"{self.name}.{name} at {self._gate}"
        there = z3.Bool(f"{full} is known") if optional else z3.BoolVal(True)
        if info.type == "boolean":
            yes = z3.Bool(full)
            return Truth(z3.And(there, yes), z3.And(there, z3.Not(yes))), there
        if info.type == "text":
            shape = _shape(self.kind, name)
            filled = (self.kind, name) in _NEVER_EMPTY or name in _KEYS or shape in _SHAPED
            text = self._texts.variable(full, shape, filled=filled)
            if info.values:
                self.laws.append(z3.Or([text == self._texts.constant(v) for v in info.values]))
            return Value("text", text, there), there
        most = _MOST_WHOLE if info.type == "whole" else _MOST_NUMBER
        number = z3.Int(full) if info.type == "whole" else z3.Real(full)
        least = 0 if name in _COUNTS.get(self.kind, ()) else -most
        self.laws += [number >= least, number <= most]
        sort: Sort = "whole" if info.type == "whole" else "number"
        return Value(sort, number, there, float(most)), there


def _shape(kind: str, field: str) -> Shape:
    if (kind, field) in _WORDS:
        return "word"
    for shape, names in _SHAPED.items():
        if field in names:
            return shape
    if field in _DAYS:
        return "day"
    return "id" if (kind, field) in _IDS or field in _KEYS else "name"


LAW_TEXTS: frozenset[str] = frozenset(
    {CANCELLED, LAUNCH, *CADENCES, *SIGNING_ROLES, "approve", "reject", "met", "not-met", "unknown"}
)
"""Every text that the laws themselves speak of, whatever the lifecycle."""


def lifecycles_beside(lifecycle: Lifecycle) -> tuple[Lifecycle, ...]:
    """Returns the lifecycles that others it depends on may have: its own and the built-in ones."""
    return tuple({**builtin_lifecycles(), lifecycle.id: lifecycle}.values())


def law_texts(lifecycle: Lifecycle) -> frozenset[str]:
    """Returns every text that the laws speak of for measures of a lifecycle."""
    return LAW_TEXTS.union(*(one.order for one in lifecycles_beside(lifecycle)))


class World:
    """The facts of a measure at a gate.

    Attributes:
        gate: the gate.
        laws: what always holds.
        assumed: what is assumed while looking for an example, with the reason in words.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        gate: str,
        numbers: Mapping[str, int],
        texts: Texts,
        day: date,
        *,
        launches: bool = True,
        later: "World | None" = None,
    ) -> None:
        """Opens the facts at a gate.

        Args:
            launches: whether any campaign can have been launched.
            later: the same measure at a later gate, with the same plan.
        """
        self._launches = launches
        self._lifecycle = lifecycle
        self.gate = gate
        self._texts = texts
        self.facts = {
            kind: [
                OpenFact(kind, place, gate, texts, later.planned(kind, place) if later else None)
                for place in range(1, number + 1)
            ]
            for kind, number in numbers.items()
        }
        self.measure = self.facts["measure"][0]
        self.assumed: dict[str, Any] = {}
        self.laws = [*self._of_measure(), *self._of_singles(day), *self._of_names()]
        for kind, law in _LAWS.items():
            for fact in self.facts.get(kind, ()):
                self.laws += law(fact, texts)
        self.laws += [*self._of_signoffs(), *self._of_the_way(), *self._of_outside()]
        if later is not None:
            today, then = (one.facts["clock"][0].value("today") for one in (self, later))
            self.laws.append(today <= then)
        self._assume()

    def planned(self, kind: str, place: int) -> OpenFact | None:
        """Returns a fact that gates share through the plan; None of what no plan states."""
        return self.facts[kind][place - 1] if planned_fields(kind) else None

    def all_laws(self) -> list[Any]:
        """Returns every law, those of the fields that were asked for meanwhile included."""
        return [*self.laws, *(law for fact in self.every() for law in fact.laws)]

    def every(self) -> Iterable[OpenFact]:
        """Yields all facts."""
        for facts in self.facts.values():
            yield from facts

    def _of_measure(self) -> Iterable[Any]:
        measure, lifecycle = self.measure, self._lifecycle
        stages = self._stages_before()
        yield measure.present
        stage = measure.value("stage")
        yield z3.Or([stage == self._texts.constant(one) for one in stages])
        yield z3.Not(measure.yes("on_hold"))
        yield measure.value("quorum") == measure.value("committee_size") / 2 + 1
        controller, empty = measure.value("controller"), self._texts.constant("")
        independent = [controller != measure.value(role) for role in ("owner", "sponsor")]
        yield z3.Or(controller == empty, z3.And(independent))
        if self.gate == LAUNCH:
            yield measure.yes("has_campaign")
        if lifecycle.launch_from is None:
            yield z3.Not(measure.yes("has_campaign"))
        if lifecycle.confirms_value(self.gate):
            yield controller != empty

    def _of_singles(self, day: date) -> Iterable[Any]:
        campaign, clock = self.facts["campaign"][0], self.facts["clock"][0]
        yield campaign.present == self.measure.yes("has_campaign")
        yield clock.present
        yield clock.value("today") >= self._texts.constant(day.isoformat())
        starts, ends = campaign.value("launch_on"), campaign.value("ends_on")
        today = clock.value("today")
        yield starts <= ends
        yield campaign.yes("inside_window") == z3.And(starts <= today, today <= ends)
        for lead in self.facts.get("lead_time", ()):
            yield z3.Implies(lead.present, self.measure.yes("has_campaign"))
            earliest, launch = lead.value("earliest"), lead.value("launch_on")
            yield launch == starts
            yield (lead.value("slack_days") >= 0) == (earliest <= launch)
            yield earliest >= today

    def _of_names(self) -> Iterable[Any]:
        """Facts of one kind differ in their names."""
        for kind, facts in self.facts.items():
            named_by = FACT_KINDS[kind].NAMED_BY
            if kind in (*ALWAYS_ONE, "signoff", "lead_time"):
                continue
            for place, one in enumerate(facts):
                for other in facts[:place]:
                    differ = z3.Or([one.value(name) != other.value(name) for name in named_by])
                    yield z3.Implies(z3.And(one.present, other.present), differ)
        for kind, count in (("kpi", "kpis"), ("milestone", "milestones")):
            number = z3.Sum([z3.If(fact.present, 1, 0) for fact in self.facts.get(kind, ())])
            yield self.measure.value(count) >= number

    def _of_signoffs(self) -> Iterable[Any]:
        text, measure = self._texts.constant, self.measure
        signed = self.facts.get("signoff", [])
        for fact in signed:
            role, by, principal = fact.value("role"), fact.value("by"), fact.value("on_behalf_of")
            yield z3.Or([fact.value("gate") == text(gate) for gate in self._lifecycle.gates])
            yield z3.Or([role == text(known) for known in SIGNING_ROLES])
            for office in ("sponsor", "controller", "owner"):
                yield z3.Implies(role == text(office), principal == measure.value(office))
            yield z3.Implies(role != text("owner"), by != measure.value("owner"))
            yield z3.Implies(role == text("controller"), by != measure.value("sponsor"))
        for place, one in enumerate(signed):
            for other in signed[:place]:
                both = z3.And(one.present, other.present)
                gates = one.value("gate") == other.value("gate")
                people = one.value("by") == other.value("by")
                roles = (one.value("role"), other.value("role"))
                yield z3.Implies(both, z3.Not(z3.And(gates, people)))
                same = one.value("on_behalf_of") == other.value("on_behalf_of")
                yield z3.Implies(both, z3.Not(z3.And(gates, roles[0] == roles[1], same)))
                for first, second in (roles, roles[::-1]):
                    apart = z3.And(first == text("sponsor"), second == text("controller"))
                    yield z3.Implies(both, z3.Not(z3.And(apart, people)))
        for gate in self._lifecycle.gates:
            votes = [
                z3.If(
                    z3.And(
                        fact.present,
                        fact.value("role") == text("committee"),
                        fact.value("gate") == text(gate),
                    ),
                    1,
                    0,
                )
                for fact in signed
            ]
            yield z3.Sum(votes) <= measure.value("committee_size")

    def _of_the_way(self) -> Iterable[Any]:
        """Nothing is there yet that only a later stage brings."""
        lifecycle, stage = self._lifecycle, self._stages_before()[-1]
        for fact in self.facts.get("reservation", ()):
            if not lifecycle.reached(stage, lifecycle.soft_at or lifecycle.hard_at):
                yield z3.Not(fact.present)
            if not lifecycle.reached(stage, lifecycle.hard_at):
                yield z3.Not(fact.yes("hard"))
        finance = self.facts["finance"][0]
        if not lifecycle.reached(stage, lifecycle.actuals_from):
            yield z3.Not(finance.yes("has_actuals"))
        if not lifecycle.reached(stage, lifecycle.forecast_from):
            yield z3.Not(finance.there("forecast_benefit"))
        begins = lifecycle.launch_from
        early = begins is None or not lifecycle.reached(stage, begins) or self.gate == LAUNCH
        if early or not self._launches:
            yield z3.Not(self.facts["campaign"][0].yes("launched"))

    def _of_outside(self) -> Iterable[Any]:
        text = self._texts.constant
        lifecycles = lifecycles_beside(self._lifecycle)
        for fact in self.facts.get("dependency", ()):
            done, wanted, stage = fact.yes("done"), fact.value("wanted"), fact.value("stage")
            yield fact.there("done") == fact.there("stage")
            far_enough = [
                z3.And(wanted == text(one), stage == text(other))
                for lifecycle in lifecycles
                for one in lifecycle.order
                for other in lifecycle.order
                if lifecycle.reached(other, one)
            ]
            yield z3.Implies(done, z3.Or(far_enough))
            stages = {name for lifecycle in lifecycles for name in lifecycle.order}
            yield z3.Or([stage == text(name) for name in sorted({*stages, CANCELLED})])

    def _assume(self) -> None:
        """Notes what only examples must keep to; an impossibility never rests on it."""
        measure = self.measure
        for kind, count in (("kpi", "kpis"), ("milestone", "milestones")):
            number = z3.Sum([z3.If(fact.present, 1, 0) for fact in self.facts.get(kind, ())])
            self.assumed[f"an example with few facts of the kind {kind}"] = (
                measure.value(count) == number
            )
        demands = self.facts.get("demand", [])
        for offer in self.facts.get("offer", ()):
            fits = [
                z3.And(
                    demand.present,
                    demand.value("pool") == offer.value("pool"),
                    demand.value("period") == offer.value("period"),
                )
                for demand in demands
            ]
            self.assumed[f"{offer.name} answers a demand"] = z3.Implies(offer.present, z3.Or(fits))
            gap = offer.value("capacity") - offer.value("held_by_others")
            self.assumed[f"{offer.name} adds up"] = offer.value("available") == gap

    def _stages_before(self) -> tuple[str, ...]:
        """Returns the stages in which a measure can ask for the gate."""
        stages = list(self._lifecycle.order)
        if self.gate == LAUNCH:
            first = self._lifecycle.launch_from
            assert first is not None, "only a lifecycle with a launch has the gate"
            return tuple(stages[self._lifecycle.order[first] : -1])
        return (stages[self._lifecycle.order[self.gate] - 1],)


def _kpi(fact: OpenFact, texts: Texts) -> list[Any]:
    needed, held = fact.value("periods_needed"), fact.value("periods_held")
    guarded = fact.yes("guarded")
    cadence = fact.value("cadence")
    return [
        fact.yes("has_baseline") == fact.there("baseline"),
        fact.yes("has_target") == fact.there("target"),
        fact.there("latest") == fact.there("latest_period"),
        z3.If(guarded, z3.And(needed >= 1, needed <= 24), z3.And(needed == 0, held == 0)),
        z3.Implies(held > 0, fact.there("latest")),
        z3.Or([cadence == texts.constant(one) for one in CADENCES]),
    ]


def _offer(fact: OpenFact, _: Texts) -> list[Any]:
    return [fact.value("available") <= fact.value("capacity")]


def _wait(fact: OpenFact, texts: Texts) -> list[Any]:
    p50, p90, p95 = (fact.value(f"p{share}_days") for share in (50, 90, 95))
    return [
        p50 <= p90,
        p90 <= p95,
        fact.yes("drains") == (fact.value("drains_on") != texts.constant("")),
        fact.value("admissible_share") <= 1,
    ]


def _milestone(fact: OpenFact, texts: Texts) -> list[Any]:
    dated = fact.yes("has_due")
    return [
        dated == (fact.value("due") != texts.constant("")),
        z3.Implies(z3.Not(dated), fact.value("late_days") == 0),
    ]


def _commitment(fact: OpenFact, texts: Texts) -> list[Any]:
    return [fact.yes("has_due") == (fact.value("due") != texts.constant(""))]


def _lead_time(fact: OpenFact, _: Texts) -> list[Any]:
    return [fact.value("days") <= 3650, fact.value("remaining_days") <= fact.value("days")]


def _promise(fact: OpenFact, texts: Texts) -> list[Any]:
    return [fact.yes("backed") == (fact.value("backed_by") != texts.constant(""))]


def _finance(fact: OpenFact, _: Texts) -> list[Any]:
    return [
        z3.Implies(z3.Not(fact.yes("has_benefit")), fact.value("benefit") == 0),
        z3.Implies(z3.Not(fact.yes("has_cost")), fact.value("cost") == 0),
        fact.yes("has_actuals") == fact.there("actual_benefit"),
    ]


_LAWS = {
    "kpi": _kpi,
    "offer": _offer,
    "wait": _wait,
    "milestone": _milestone,
    "commitment": _commitment,
    "lead_time": _lead_time,
    "promise": _promise,
    "finance": _finance,
}
