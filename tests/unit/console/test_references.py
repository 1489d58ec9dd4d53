"""Every document names only what is there."""

import json
from dataclasses import replace
from typing import Any

import pytest

from console.references import Known, Misfit, misfits
from measures.directory import Directory
from measures.documents import KINDS, Connection
from measures.lifecycle import DOI
from measures.people import Person
from measures.plan import Measure
from measures.tree import Node

ROLES = {"olga": "owner", "sam": "sponsor", "carla": "controller", "tom": "committee"}
NODES = [("bank", "organization", None), ("growth", "portfolio", "bank"),
         ("web", "program", "growth"), ("shop", "project", "web"),
         ("media", "package", "shop")]  # fmt: skip

KNOWN = Known(
    Directory(
        people={
            name: Person.model_validate({"id": name, "name": name, "roles": (role,)})
            for name, role in ROLES.items()
        },
        nodes={
            name: Node.model_validate({"id": name, "level": level, "name": name, "parent": parent})
            for name, level, parent in NODES
        },
    ),
    frozenset({"kyc"}),
    {"base": tuple(DOI.order)},
)
MEASURE = {"kind": "Measure", "id": "m", "title": "M", "type": "t", "package": "media",
           "owner": "olga", "sponsor": "sam", "controller": "carla",
           "steering_committee": ["tom"]}  # fmt: skip


def found(document: dict[str, Any]) -> list[tuple[str, tuple[str | int, ...], str]]:
    """What does not fit: code, field and hint."""
    made = KINDS[document["kind"]].model_validate_json(json.dumps(document))
    return [(one.code, one.field, one.help) for one in misfits(made, KNOWN)]


def test_a_document_that_fits() -> None:
    """Names only what is known."""
    full = {**MEASURE, "demands": [{"pool": "kyc", "period": "2031", "amount": 1}],
            "dependencies": [{"measure": "base"}]}  # fmt: skip
    assert found(full) == []


@pytest.mark.parametrize(
    ("change", "code", "field", "hint"),
    [
        ({"package": "medea"}, "unknown-package", ("package",), "media"),
        ({"package": "shop"}, "unknown-package", ("package",), ""),
        ({"owner": "olaf"}, "unknown-person", ("owner",), "olga"),
        ({"sponsor": "tom"}, "role-missing", ("sponsor",), "committee"),
        ({"steering_committee": ["tom", "sam"]}, "role-missing", ("steering_committee", 1), ""),
        ({"lifecycle": "dio"}, "unknown-lifecycle", ("lifecycle",), "doi"),
        ({"demands": [{"pool": "kyk", "period": "2031", "amount": 1}]}, "unknown-pool",
         ("demands", 0, "pool"), "kyc"),
        ({"dependencies": [{"measure": "bse"}]}, "unknown-measure",
         ("dependencies", 0, "measure"), "base"),
        ({"dependencies": [{"measure": "m"}]}, "depends-on-itself",
         ("dependencies", 0, "measure"), ""),
        ({"dependencies": [{"measure": "base", "stage": "decidet"}]}, "unknown-stage",
         ("dependencies", 0, "stage"), "decided"),
        ({"kpis": [{"id": "k", "title": "K", "owner": "x"}]}, "unknown-person",
         ("kpis", 0, "owner"), ""),
        ({"milestones": [{"id": "k", "title": "K", "owner": "x"}]}, "unknown-person",
         ("milestones", 0, "owner"), ""),
        ({"commitments": [{"id": "k", "what": "K", "who": "x"}]}, "unknown-person",
         ("commitments", 0, "who"), ""),
        ({"promises": [{"id": "k", "text": "K", "backed_by": "x"}]}, "unknown-person",
         ("promises", 0, "backed_by"), ""),
        ({"approvals": {"escalate_to": "x"}}, "unknown-person", ("approvals", "escalate_to"), ""),
        ({"owner": "carla"}, "duties-not-separate", ("controller",), ""),
        ({"campaign": {"connector": "memorie", "ref": "C", "launch_on": "2031-03-02",
                       "ends_on": "2031-03-31"}}, "unknown-connector",
         ("campaign", "connector"), "memory"),
    ],
)  # fmt: skip
def test_what_a_measure_names_wrongly(
    change: dict[str, Any], code: str, field: tuple[str | int, ...], hint: str
) -> None:
    """The field that it stands in, and what was meant."""
    misses = found({**MEASURE, **change})
    assert [(one[0], one[1]) for one in misses] == [(code, field)]
    assert hint in misses[0][2]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"kind": "Node", "id": "x", "level": "portfolio", "name": "X", "parent": "bnk"},
         "unknown-node"),
        ({"kind": "Node", "id": "x", "level": "package", "name": "X", "parent": "bank"},
         "wrong-level"),
        ({"kind": "Pool", "id": "x", "title": "X", "unit": "c", "owner": "x"}, "unknown-person"),
        ({"kind": "Delegation", "from": "sam", "to": "x", "role": "sponsor",
          "starts": "2031-01-01", "ends": "2031-01-02"}, "unknown-person"),
        ({"kind": "Delegation", "from": "tom", "to": "sam", "role": "sponsor",
          "starts": "2031-01-01", "ends": "2031-01-02"}, "role-missing"),
    ],
)  # fmt: skip
def test_what_others_name_wrongly(document: dict[str, Any], code: str) -> None:
    """Tree, pools and delegations."""
    assert [one[0] for one in found(document)] == [code]


def test_a_campaign_needs_a_lifecycle_with_a_launch() -> None:
    """It could never run."""
    trial = DOI.model_copy(update={"id": "trial", "launch_from": None})
    directory = KNOWN.directory.model_copy(update={"lifecycles": {"trial": trial}})
    campaign = {"connector": "memory", "ref": "C", "launch_on": "2031-03-02",
                "ends_on": "2031-03-31"}  # fmt: skip
    plan = KINDS["Measure"].model_validate_json(
        json.dumps({**MEASURE, "lifecycle": "trial", "campaign": campaign})
    )
    [miss] = misfits(plan, replace(KNOWN, directory=directory))
    assert (miss.code, miss.field) == ("no-launch", ("campaign",))


@pytest.mark.parametrize(
    ("change", "field", "hint"),
    [
        ({"lifecycle": "dio"}, ("lifecycle",), "doi"),
        ({"rules": [{"id": "r", "gate": "decidet"}]}, ("rules", 0, "gate"), "decided"),
        ({"rules": [{"id": "r", "gate": ["decided", "lunch"]}]}, ("rules", 0, "gate", 1), "launch"),
        ({"lifecycle": "l0-l5", "rules": [{"id": "r", "gate": "l6"}]}, ("rules", 0, "gate"), "l5"),
    ],
)
def test_a_pack_names_a_lifecycle_and_its_gates(
    change: dict[str, Any], field: tuple[str | int, ...], hint: str
) -> None:
    """The same code as `sluice rules check` gives."""
    [(code, place, help_)] = found({"kind": "RulePack", "pack": "p", "title": "P", "rules": [],
                                    **change})  # fmt: skip
    assert (code, place) == ("R304", field)
    assert hint in help_


def test_a_dependency_names_a_stage_of_the_other_s_lifecycle() -> None:
    """Not of its own."""
    wave = {**MEASURE, "lifecycle": "l0-l5"}
    assert found({**wave, "dependencies": [{"measure": "base", "stage": "closed"}]}) == []
    [(code, _, hint)] = found({**wave, "dependencies": [{"measure": "base", "stage": "l4"}]})
    assert code == "unknown-stage"
    assert "implemented" in hint


LINK = {"id": "form", "connection": "desk", "object": "ticket", "ref": "7"}
MAPPING = {"kind": "Mapping", "id": "tickets", "version": 1, "connection": "desk",
           "object": "ticket", "purpose": "blockers",
           "fields": [{"ours": "title", "theirs": "title"}]}  # fmt: skip
POOL = {"kind": "Pool", "id": "kyc", "title": "KYC", "unit": "checks", "owner": "olga"}
FEED = {"gives": "load", "connection": "desk", "object": "ticket", "ref": "7", "field": "text"}


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (lambda kind: {**MEASURE, "links": [{**LINK, "object": kind}]}, ("links", 0, "object")),
        (lambda kind: {**MAPPING, "object": kind}, ("object",)),
        (lambda kind: {**POOL, "feeds": [{**FEED, "object": kind}]}, ("feeds", 0, "object")),
    ],
)
def test_an_object_is_of_a_kind_that_its_system_has(document: Any, place: tuple[Any, ...]) -> None:
    """What could never be read is refused with the kinds that there are."""
    desk = Connection(id="desk", connector="memory")
    known = replace(KNOWN, directory=KNOWN.directory.model_copy(
        update={"connections": {"desk": desk}}
    ))  # fmt: skip

    def wrong(kind: str) -> list[Misfit]:
        whole = document(kind)
        return misfits(KINDS[whole["kind"]].model_validate_json(json.dumps(whole)), known)

    assert wrong("ticket") == []
    [misfit] = wrong("tikcet")
    assert (misfit.code, misfit.field) == ("unknown-object", place)
    assert "connection desk has no 'tikcet'" in misfit.message
    assert misfit.message.endswith("has ticket")
    assert misfit.help == "did you mean 'ticket'?"


def test_a_connector_that_only_workers_have_is_not_judged() -> None:
    """Its package need not be installed where documents are applied."""
    theirs = Connection.model_construct(id="desk", connector="house-desk", settings={})
    known = replace(KNOWN, directory=KNOWN.directory.model_copy(
        update={"connections": {"desk": theirs}}
    ))  # fmt: skip
    whole = {**MEASURE, "links": [{**LINK, "object": "anything"}]}
    assert misfits(Measure.model_validate_json(json.dumps(whole)), known) == []
