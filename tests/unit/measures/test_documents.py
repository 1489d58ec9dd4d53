"""What people write: each kind, what it refuses, and its address by content."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from measures.documents import KINDS, Pool, RulePack, document_content, document_digest
from measures.people import Delegation, Person
from measures.plan import Campaign, Demand, Finance, Guardrail, Kpi, Measure
from measures.tree import Node


def test_kinds_are_applied_in_the_order_in_which_they_name_each_other() -> None:
    """People before the tree, connections before pools, pools before measures and so on."""
    assert list(KINDS) == [
        "Person", "Node", "Connection", "Pool", "Conversion", "Lifecycle", "Mapping", "Blackout",
        "Measure", "Delegation", "RulePack",
    ]  # fmt: skip


def test_only_the_root_has_no_parent() -> None:
    """An organization stands alone; every other level hangs somewhere."""
    assert Node(id="bank", level="organization", name="Bank").parent is None
    for wrong in (
        {"id": "bank", "level": "organization", "name": "Bank", "parent": "x"},
        {"id": "media", "level": "package", "name": "Media"},
    ):
        with pytest.raises(ValidationError, match="an organization has no parent"):
            Node.model_validate(wrong)


@pytest.mark.parametrize(
    ("guardrail", "value", "holds"),
    [
        (Guardrail(at_most=5), 5, True),
        (Guardrail(at_most=5), 5.01, False),
        (Guardrail(at_least=-1), -1, True),
        (Guardrail(at_least=0), -0.1, False),
        (Guardrail(at_least=1, at_most=2), 1.5, True),
        (Guardrail(at_least=1, at_most=2), 3, False),
    ],
)
def test_a_guardrail_includes_its_bounds(guardrail: Guardrail, value: float, holds: bool) -> None:
    """A value on the bound is inside."""
    kpi = Kpi(id="cac", title="Cost", guardrail=guardrail)
    assert kpi.keeps_guardrail(value) is holds


def test_a_guardrail_needs_a_bound_and_a_sane_number_of_periods() -> None:
    """Without any bound it would hold always."""
    with pytest.raises(ValidationError, match="at_most, at_least or over_baseline"):
        Guardrail()
    for periods in (0, 25):
        with pytest.raises(ValidationError):
            Guardrail(at_most=1, periods=periods)


@pytest.mark.parametrize(
    ("field", "items"),
    [
        ("kpis", [{"id": "k", "title": "K"}] * 2),
        ("milestones", [{"id": "m", "title": "M"}] * 2),
        ("commitments", [{"id": "c", "what": "C"}] * 2),
        ("promises", [{"id": "p", "text": "P"}] * 2),
        ("dependencies", [{"measure": "base"}, {"measure": "base", "stage": "decided"}]),
        ("demands", [{"pool": "kyc", "period": "2031", "amount": n} for n in (1, 2)]),
    ],
)
def test_names_inside_a_measure_are_unique(
    plan: Callable[..., Measure], field: str, items: list[dict[str, Any]]
) -> None:
    """What is there twice is named, so that no rule counts the wrong one."""
    with pytest.raises(ValidationError, match="is there twice"):
        plan(**{field: items})


def test_a_campaign_ends_after_it_begins() -> None:
    """A window of one day is one."""
    day = date(2031, 3, 2)
    assert Campaign(connector="memory", ref="C", launch_on=day, ends_on=day).ends_on == day
    with pytest.raises(ValidationError, match="before launch_on"):
        Campaign(connector="memory", ref="C", launch_on=day, ends_on=date(2031, 3, 1))


def test_a_delegation_goes_to_somebody_else_and_forward_in_time() -> None:
    """It is named by who, to whom, as what and since when."""
    fields = {"from": "sam", "to": "wim", "role": "sponsor", "starts": "2031-02-15"}
    made = Delegation.model_validate_json(json.dumps({**fields, "ends": "2031-02-15"}))
    assert made.id == "sam.wim.sponsor.2031-02-15"
    for wrong in ({"ends": "2031-02-14"}, {"ends": "2031-03-01", "to": "sam"}):
        with pytest.raises(ValidationError):
            Delegation.model_validate_json(json.dumps({**fields, **wrong}))


def test_money_needs_a_currency_and_amounts_are_not_negative() -> None:
    """Three capital letters; capacity below nothing is refused, money below nothing is not."""
    assert Finance(currency="EUR", plan={"ebitda": -5}).plan == {"ebitda": -5}
    with pytest.raises(ValidationError):
        Finance(currency="eur")
    with pytest.raises(ValidationError):
        Demand(pool="kyc", period="2031", amount=-1)


def test_a_document_is_found_by_its_content(plan: Callable[..., Measure]) -> None:
    """The same content has the same address, however it was written; a change another one."""
    one = plan()
    again = Measure.model_validate_json(json.dumps(document_content(one)))
    assert again == one
    assert document_digest(again) == document_digest(one)
    assert document_digest(plan(title="Autumn campaign")) != document_digest(one)


def test_content_uses_the_names_that_people_write() -> None:
    """A delegation says `from`."""
    made = Delegation.model_validate(
        {"from": "a", "to": "b", "role": "owner", "starts": date(2031, 1, 1),
         "ends": date(2031, 1, 2)}
    )  # fmt: skip
    assert document_content(made)["from"] == "a"
    assert restored(made) == made


def test_every_kind_survives_json(plan: Callable[..., Measure]) -> None:
    """Out to JSON and back nothing is lost."""
    for document in (
        Person(id="olga", name="Olga", roles=("owner",), email="o@example.org"),
        Node(id="media", level="package", name="Media", parent="spring"),
        Pool(id="kyc", title="Checks", unit="checks", owner="kim", capacity={"2031-03": 10.5}),
        plan(approvals={"remind_after": ["30d", "36h"], "escalate_after": "85d"}),
        RulePack(pack="own", title="Own", rules=({"id": "decided.x", "gate": "decided"},)),
    ):
        assert restored(document) == document


def restored(document: Any) -> Any:
    """The document as it comes back from the ledger."""
    return type(document).model_validate_json(json.dumps(document_content(document)))
