"""Loading packs: what the language refuses so that no engine meets it, and what it accepts."""

import pytest

from measures.documents import RulePack, document_digest
from rules.conditions import MAX_LENGTH, Bound, ConditionError, Unknown, compile_condition
from rules.loader import builtin_packs, load_pack, pack_from_document
from rules.schema import MAX_RULES, Pack
from rules.source import Fault, FaultsFound

HEAD = "pack: p\ntitle: P\nrules:\n"


def load(rule: str) -> Pack:
    """Loads a pack of one rule, given as the lines after its id."""
    lines = "".join(f"    {line}\n" for line in rule.strip().split("\n"))
    return load_pack(f"{HEAD}  - id: r\n{lines}", "p.yaml")


def faults_of(rule: str) -> list[Fault]:
    """Loads a rule that must be refused."""
    with pytest.raises(FaultsFound) as found:
        load(rule)
    return list(found.value.faults)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("gate: decided\nmessage: m", "needs 'require', 'expect' or both"),
        ("gate: decided\nrequire: 'true'\nat_least: 2\nmessage: m", "count facts of 'expect'"),
        ("gate: decided\nrequire: ''\nmessage: m", "ends too early"),
        ("gate: decided\nexpect: {k: {kind: kpi}}\nrequire: ''\nmessage: m", "ends too early"),
        ("gate: decided\nexpect: {k: {kind: kpi}}\ndistinct: ''\nmessage: m", "no field"),
        ('gate: decided\nrequire: "\\0"\nmessage: m', "this is not CEL"),
        (f"gate: decided\nrequire: {'(' * 99}true{')' * 99}\nmessage: m", "nested deeper than 32"),
        (
            "gate: decided\nrequire: 'true'\nwaivable: false\nwaive_by: [sponsor]\nmessage: m",
            "names nobody when 'waivable' is false",
        ),
        ("gate: decided\nrequire: 'true'\nwaive_by: []\nmessage: m", "write 'waivable: false'"),
        ("gate: decided\nrequire: 'true'\nwaive_by: [owner]\nmessage: m", "'owner'"),
        ("gate: []\nrequire: 'true'\nmessage: m", "must not be empty"),
        ("gate: decided\nwhen: {}\nrequire: 'true'\nmessage: m", "binds nothing"),
        (
            "gate: decided\nwhen: {a: {kind: kpi}, b: {kind: kpi}}\n"
            "expect: {c: {kind: kpi}, d: {kind: kpi}}\nmessage: m",
            "at most 3 facts, this one 4",
        ),
        (
            "gate: decided\nwhen: {measure: {kind: kpi}}\nrequire: 'true'\nmessage: m",
            "always means",
        ),
        ("gate: decided\nwhen: {in: {kind: kpi}}\nrequire: 'true'\nmessage: m", "a word of CEL"),
        (
            "gate: decided\nwhen: {k: {kind: kpi}}\nexpect: {k: {kind: kpi}}\nmessage: m",
            "bound in 'when' already",
        ),
        ("gate: decided\nexpect: {k: {kind: kpi, guarded: 1}}\nmessage: m", "is true or false"),
        ("gate: decided\nexpect: {k: {kind: kpi, id: 1}}\nmessage: m", "put it in quotes"),
        ("gate: decided\nexpect: {k: {kind: kpi, latest: 1}}\nmessage: m", "cannot test 'latest'"),
        ("gate: decided\nexpect: {k: {kind: kpi, name: x}}\nmessage: m", "cannot test 'name'"),
        (
            f"gate: decided\nexpect: {{k: {{kind: kpi, periods_held: {2**53 + 1}}}}}\nmessage: m",
            "too large",
        ),
        (
            "gate: decided\nexpect: {s: {kind: signoff, decision: approved}}\nmessage: m",
            "did you mean 'approve'?",
        ),
        (
            "gate: decided\nwhen: {a: {kind: kpi, id: $b.id}, b: {kind: kpi}}\n"
            "require: 'true'\nmessage: m",
            "'b' is bound later",
        ),
        ("gate: decided\nexpect: {k: {kind: kpi}}\nat_least: k.periods_held\nmessage: m", "'k'"),
        (
            "gate: decided\nexpect: {o: {kind: offer, pool: $measure.id}}\nmessage: m",
            "",
        ),
    ],
)
def test_what_is_outside_the_safe_subset_is_refused(rule: str, says: str) -> None:
    """Comparisons, negation, wide joins and mixed types never reach durable_rules."""
    if not says:
        assert load(rule).rules
        return
    assert any(says in str(fault) for fault in faults_of(rule))


def test_limits_on_rules_and_conditions() -> None:
    """A pack is bounded in rules, a condition in characters."""
    rule = "  - {id: r%d, gate: decided, require: 'true', message: m}\n"
    assert len(load_pack(HEAD + rule % 1, "p").rules) == 1
    with pytest.raises(FaultsFound):
        load_pack(HEAD + "".join(rule % n for n in range(MAX_RULES + 1)), "p")
    long = " && ".join(["true"] * MAX_LENGTH)
    assert faults_of(f"gate: decided\nrequire: {long}\nmessage: m")[0].code == "R310"


def test_a_rule_id_is_used_once() -> None:
    """The second use is the fault, and names the line of the first."""
    rule = "  - {id: r, gate: decided, require: 'true', message: m}\n"
    with pytest.raises(FaultsFound) as found:
        load_pack(HEAD + rule * 2, "p")
    [fault] = found.value.faults
    assert (fault.line, fault.code) == (5, "R305")
    assert "line 4" in fault.message


def test_a_pack_file_and_its_document_are_one_pack() -> None:
    """The digest is that of the document, whichever way the pack came."""
    rule = {"id": "r", "gate": "decided", "require": "true", "message": "m", "fresh": {}}
    document = RulePack(pack="p", title="P", rules=(rule,))
    text = HEAD + "  - {id: r, gate: decided, require: 'true', message: m, fresh: {}}\n"
    from_file = load_pack(text, "p.yaml")
    from_kind = load_pack("kind: RulePack\n" + text, "p.yaml")
    from_document = pack_from_document(document)
    assert from_file.digest == from_kind.digest == from_document.digest == document_digest(document)
    assert (from_file.rules[0].line, from_document.rules[0].line) == (4, 0)


def test_a_file_holds_one_pack() -> None:
    """Two packs in a file would leave open which one the cases belong to."""
    with pytest.raises(FaultsFound, match="holds one pack"):
        load_pack("pack: a\ntitle: A\nrules: []\n---\npack: b\ntitle: B\nrules: []\n", "p.yaml")


def test_the_standard_pack_has_its_public_names() -> None:
    """Rule ids are an interface; each gate of the lifecycle has an enforced rule."""
    [standard] = [pack for pack in builtin_packs() if pack.id == "standard"]
    assert [rule.id for rule in standard.rules] == [
        "identified.governance-complete",
        "identified.kpi-has-baseline-and-target",
        "detailed.kpi-has-owner-and-cadence",
        "detailed.milestones-are-dated",
        "detailed.plan-has-money",
        "detailed.commitments-have-owner-and-date",
        "decided.capacity-covers-demand",
        "decided.surge-is-confirmed",
        "decided.lead-times-fit",
        "decided.promises-are-backed",
        "decided.sponsor-has-signed",
        "decided.committee-has-signed",
        "launch.dependencies-done",
        "launch.no-surge-is-declined",
        "launch.linked-work-done",
        "launch.capacity-reserved",
        "launch.capacity-is-fresh",
        "launch.inside-window",
        "launch.no-blackout",
        "launch.audience-is-free",
        "launch.campaign-obeys",
        "launch.hold-is-confirmed",
        "ramp.guardrails-hold",
        "implemented.milestones-complete",
        "implemented.campaign-launched",
        "closed.controller-has-confirmed",
        "closed.actuals-recorded",
        "closed.guardrails-held",
        "closed.evidence-attached",
    ]
    assert {gate for rule in standard.rules for gate in rule.gates} == {
        "identified", "detailed", "decided", "launch", "ramp", "implemented", "closed",
    }  # fmt: skip
    assert {rule.text.mode for rule in standard.rules} == {"enforce"}


KINDS = {"offer": "offer", "demand": "demand", "measure": "measure"}
FACTS = Bound({"offer": {"available": 2.5, "pool": "kyc"}, "measure": {"kpis": 2}, "demand": {}})


class TestConditions:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("offer.available >= 1", True),
            ("1 < offer.available", True),
            ("offer.available * 2 == 5", True),
            ("2 * offer.available - 1 > 3 && measure.kpis > 1", True),
            ("offer.available in [1, 2]", False),
            ("measure.kpis >= 1", True),
            ("double(measure.kpis) < offer.available", True),
            ('offer.pool == "1" || offer.pool == "kyc"', True),
            ("demand.amount > 1 || true", True),
            ("has(demand.amount) && demand.amount > 1", False),
            ('offer.pool.startsWith("k")', True),
        ],
    )
    def test_whole_numbers_are_numbers_where_one_is_meant(self, text: str, value: bool) -> None:
        assert compile_condition(text, KINDS, ("BOOL",)).value(FACTS) is value

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("demand.amount > 1", "'amount' is not known"),
            ("measure.kpis / 0 == 1", "divide"),
        ],
    )
    def test_what_cannot_be_known_is_unknown_not_false(self, text: str, why: str) -> None:
        value = compile_condition(text, KINDS, ("BOOL",)).value(FACTS)
        assert isinstance(value, Unknown)
        assert why in value.why

    def test_an_unbound_name_is_unknown(self) -> None:
        value = compile_condition("measure.kpis > 1", KINDS, ("BOOL",)).value(Bound())
        assert isinstance(value, Unknown)
        assert value.why == "there is no measure"

    @pytest.mark.parametrize(
        "text",
        [
            "offer.available > measure.kpis",
            "[1, 2].exists(x, x > 1)",
            "['a'].map(s, s + s).size() > 0",
            "offer.available ==",
            "offer",
            "offer.pool + 1 == 'a'",
            '"\\z" == offer.pool',
        ],
    )
    def test_what_has_no_type_is_refused(self, text: str) -> None:
        with pytest.raises(ConditionError):
            compile_condition(text, KINDS, ("BOOL",))


@pytest.mark.parametrize(
    "condition",
    [
        'measure.title.matches("(")',
        "measure.title != '' && matches(measure.title, '[a-')",
        '(measure.title).matches("x{1001}")',
    ],
)
def test_a_broken_regular_expression_is_a_fault(condition: str) -> None:
    """Found when the pack is loaded: at the gate every answer would be inconclusive."""
    quoted = condition.replace("'", "''")
    [fault] = faults_of(f"gate: decided\nrequire: '{quoted}'\nmessage: m")
    assert (fault.code, fault.line) == ("R307", 6)
    assert fault.message.startswith("this is no regular expression: ")


@pytest.mark.parametrize(
    "condition",
    [
        'measure.title.matches("^spring( [0-9]+)?$")',
        "measure.title.matches(measure.id)",
        'measure.title.matches("(" + measure.id + ")")',
        'measure.title == "matches(("',
    ],
)
def test_other_regular_expressions_pass(condition: str) -> None:
    """Only a plain text can be tried before there are facts."""
    load(f"gate: decided\nrequire: {condition!r}\nmessage: m")


def test_every_undefined_name_of_a_condition_is_told() -> None:
    """Not only the first."""
    faults = faults_of(
        "gate: decided\nrequire: measure.ownr == measure.id && kpi.x == 1 && measure.quorm > 1\n"
        "message: m"
    )
    assert [(fault.code, fault.message[-12:]) for fault in faults] == [
        ("R302", "field 'ownr'"),
        ("R303", "und to 'kpi'"),
        ("R302", "ield 'quorm'"),
    ]


def test_a_fraction_in_a_pattern_is_compared_elsewhere() -> None:
    """Quotes would only give the next fault."""
    [fault] = faults_of("gate: decided\nexpect: {d: {kind: demand, amount: 1.5}}\nmessage: m")
    assert (fault.code, fault.help) == ("R306", "compare it in 'require'")


def test_a_fault_of_form_hides_no_other_fault() -> None:
    """What can be read of a rule is checked, and ids are compared whatever else is wrong."""
    text = f"""{HEAD}\
  - id: a
    gate: deciced
    when: {{demand: {{kind: demnd}}, d: {{kind: demand}}}}
    require: d.amunt >= 1
    message: "{{d.pol}}"
    mode: dryrun
    colour: red
  - id: b
    gates: decided
    require: measure.ownr != ""
    message: m
  - id: a
    gate: decided
    wehn: {{d: {{kind: demand}}}}
    require: d.amount >= 1
"""
    with pytest.raises(FaultsFound) as found:
        load_pack(text, "p.yaml")
    assert [(fault.line, fault.code) for fault in found.value.faults] == [
        (5, "R304"),
        (6, "R301"),
        (7, "R302"),
        (8, "R302"),
        (9, "D203"),
        (10, "D201"),
        (12, "D201"),
        (13, "R302"),
        (15, "D202"),
        (15, "R305"),
        (17, "D201"),
    ]


def test_each_missing_field_is_told_and_an_empty_one_once() -> None:
    """They stand at one place, and are not one fault."""
    faults = faults_of("require:\ntitle: t")
    assert sorted((fault.code, fault.line) for fault in faults) == [
        ("D202", 4),
        ("D202", 4),
        ("D203", 5),
    ]
