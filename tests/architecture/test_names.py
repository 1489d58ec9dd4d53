"""What is persisted keeps its name: histories, ledgers and scripts rely on it."""

from typing import Any, cast, get_args

import pytest
from temporalio import activity, workflow

from console.exits import MEANINGS, Exit, exit_for
from measures.documents import KINDS
from measures.entry import (
    GENESIS,
    EntryKind,
    document_stream,
    measure_stream,
    pool_stream,
    remote_stream,
    subject_of,
)
from worker.activities.campaigns import CampaignActivities
from worker.activities.capacity import CapacityActivities
from worker.activities.launches import LaunchActivities
from worker.activities.loads import LoadActivities
from worker.activities.measures import MeasureActivities
from worker.activities.permits import PermitActivities
from worker.activities.pools import PoolActivities
from worker.activities.remote_objects import RemoteObjectActivities
from worker.activities.remotes import RemoteActivities
from worker.assembly import WORKFLOWS
from worker.server import SEARCH_ATTRIBUTES
from workflows import contract, remote_contract
from workflows.contract import DECISION_LIMIT, FACTS_LIMIT, MeasureVerb, PoolVerb


def definition(kind: type) -> Any:
    """A workflow's names as Temporal knows them."""
    return workflow._Definition.must_from_class(kind)


def test_workflows() -> None:
    """Types, updates, signals and queries."""
    names = {
        definition(kind).name: (
            sorted(map(str, definition(kind).updates)),
            sorted(name for name in definition(kind).signals if name),
            sorted(name for name in definition(kind).queries if name),
        )
        for kind in WORKFLOWS
    }
    assert names == {
        "MeasureLifecycle": (
            ["advance", "amend", "cancel", "hold", "launch", "migrate", "report", "resume",
             "revoke_permit", "revoke_waiver", "settle", "sign", "step_back", "sync_remotes",
             "waive"],
            ["campaign_shows", "facts_changed", "mappings_changed"],
            ["blockers", "status"],
        ),
        "LaunchControl": (
            ["ask_pause", "ask_unpause"],
            ["facts_changed", "look_now", "order", "pause_campaign", "set_share", "try_now",
             "unpause"],
            ["status"],
        ),
        "CapacityPool": (
            ["change", "queue", "release", "report_capacity", "report_load", "reserve"], [],
            ["status"],
        ),
        "RemoteObject": (
            ["bring_now", "forget", "resume", "settle"],
            ["remote_changed", "remote_order", "try_now"],
            ["status"],
        ),
        "RevocationSigning": ([], [], []),
    }  # fmt: skip


def test_every_update_and_query_is_described() -> None:
    """Temporal's own pages show what each is for."""
    for kind in WORKFLOWS:
        named = definition(kind)
        for one in (*named.updates.values(), *named.queries.values()):
            assert one.description


def test_activities() -> None:
    """Each port has exactly one that fills it, under its name."""
    fillings = {
        contract.ACT_ON_MEASURE: MeasureActivities.act_on_measure,
        contract.ACT_ON_POOL: PoolActivities.act_on_pool,
        contract.ACT_ON_LOAD: LoadActivities.act_on_load,
        contract.RESERVE_CAPACITY: CapacityActivities.reserve_capacity,
        contract.SIGN_REVOCATIONS: PermitActivities.sign_revocations,
        contract.BRING_CAMPAIGN: CampaignActivities.bring_campaign,
        contract.LOOK_AT_CAMPAIGN: CampaignActivities.look_at_campaign,
        contract.ACT_ON_LAUNCH: LaunchActivities.act_on_launch,
        contract.TELL_LAUNCH: LaunchActivities.tell_launch,
        remote_contract.TELL_REMOTES: RemoteActivities.tell_remotes,
        remote_contract.ACT_ON_REMOTE: RemoteActivities.act_on_remote,
        remote_contract.BRING_REMOTE: RemoteObjectActivities.bring_remote,
    }
    for name, filling in fillings.items():
        defined = activity._Definition.from_callable(cast("Any", filling))
        assert defined is not None
        assert defined.name == name
    assert set(fillings) == {
        "act_on_measure", "act_on_pool", "act_on_load", "reserve_capacity", "bring_campaign",
        "look_at_campaign", "act_on_launch", "tell_launch", "sign_revocations", "tell_remotes",
        "act_on_remote", "bring_remote",
    }  # fmt: skip


def test_verbs() -> None:
    """What stands in a history as asked."""
    assert set(get_args(MeasureVerb)) == {
        "define", "advance", "launch", "sign", "amend", "report", "hold", "resume", "cancel",
        "step_back", "migrate", "notify", "told", "released", "reserved", "waive", "revoke",
        "expire", "renew_permit", "revoke_permit", "launch_again",
    }  # fmt: skip
    assert set(get_args(PoolVerb)) == {
        "open",
        "change",
        "report_capacity",
        "reserve",
        "release",
        "queue",
        "expire",
    }


def test_kinds_of_entry() -> None:
    """What stands in a ledger as happened. New ones may come, none may go."""
    assert set(get_args(EntryKind)) >= {
        "document_applied", "measure_defined", "measure_amended", "gate_judged",
        "stage_advanced", "stage_stepped_back", "signed_off", "sign_offs_voided", "reported",
        "capacity_reserved", "capacity_released", "permit_granted", "permit_denied",
        "campaign_told", "hold_placed", "hold_released", "measure_cancelled", "reminder_sent",
        "escalation_sent", "pool_opened", "pool_changed", "capacity_reported",
        "reservation_made", "reservation_dropped", "reservation_expired", "queue_joined",
        "queue_left", "pack_migrated",
        "permit_revoked", "permit_expired", "remote_wanted", "remote_written",
        "remote_unreachable", "remote_observed", "remote_reverted", "remote_flagged",
        "remote_taken", "remote_asked", "remote_suspended", "remote_resumed", "remote_ended",
        "remote_settled",
    }  # fmt: skip


def test_streams_and_workflow_ids() -> None:
    """One name for a life in both stores, and its inverse."""
    assert measure_stream("spring") == "measure:spring"
    assert pool_stream("kyc") == "pool:kyc"
    assert remote_stream("desk/issue/x") == "remote:desk/issue/x"
    assert document_stream("Person", "olga") == "document:Person/olga"
    assert subject_of("measure:spring") == "spring"
    assert GENESIS == "0" * 64


def test_search_attributes() -> None:
    """Those the server is told of are those the workflows set."""
    keys = (contract.STAGE, contract.VERDICT, contract.TYPE, contract.PACKAGE, contract.OWNER)
    assert tuple(key.name for key in keys) == SEARCH_ATTRIBUTES
    assert SEARCH_ATTRIBUTES == (
        "SluiceStage", "SluiceVerdict", "SluiceType", "SluicePackage", "SluiceOwner",
    )  # fmt: skip


def test_limits_at_the_door() -> None:
    """64 KiB for decisions, 256 KiB for facts."""
    assert (DECISION_LIMIT, FACTS_LIMIT) == (65_536, 262_144)


def test_kinds_of_document() -> None:
    """What people write."""
    assert set(KINDS) >= {"Person", "Node", "Pool", "Measure", "Delegation", "RulePack"}


def test_exit_codes() -> None:
    """Scripts rely on the numbers; each has its sentence."""
    assert {code.name: int(code) for code in Exit} == {
        "DONE": 0, "FAILED": 1, "USAGE": 2, "BLOCKED": 3, "WAITING": 4, "NOT_ALLOWED": 5,
        "LEDGER_BROKEN": 6,
    }  # fmt: skip
    assert set(MEANINGS) == set(Exit)


@pytest.mark.parametrize(
    ("refused", "verdict", "permit", "code"),
    [
        ("", "pass", "", Exit.DONE),
        ("", "", "", Exit.DONE),
        ("", "block", "", Exit.BLOCKED),
        ("", "inconclusive", "", Exit.WAITING),
        ("", "block", "denied", Exit.BLOCKED),
        ("", "pass", "granted", Exit.DONE),
        ("on-hold", "", "denied", Exit.BLOCKED),
        ("on-hold", "", "", Exit.FAILED),
        ("not-entitled", "", "", Exit.NOT_ALLOWED),
        ("not-entitled", "", "denied", Exit.NOT_ALLOWED),
        ("not-finance", "", "", Exit.NOT_ALLOWED),
        ("duties-not-separate", "", "", Exit.NOT_ALLOWED),
        ("unknown-person", "", "", Exit.NOT_ALLOWED),
        ("embedded-only", "", "", Exit.NOT_ALLOWED),
    ],
)
def test_how_an_answer_ends_a_command(refused: str, verdict: str, permit: str, code: Exit) -> None:
    """Blocked is an answer, refused a failure, not allowed its own code."""
    assert exit_for(refused, verdict, permit) is code
