"""Blockers become tickets in another system, and stay in step with what blocks."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.contract import Remote
from connectors.memory import MemoryConnector
from console.rebuilding import rebuild
from console.remote_showing import view_of
from measures.documents import document_content
from measures.mapping import Mapping
from measures.remote import RemoteState
from measures.remotes import wanted_of
from measures.requests import AmendInput, ReasonInput
from workflows.remote_contract import (
    RemoteForget,
    RemoteNews,
    RemoteResume,
    RemoteSettle,
    RemotesTelling,
)


def system(engine: Any) -> MemoryConnector:
    """The ticket system, as a person sees it."""
    return MemoryConnector(engine.settings.state_dir)


def tickets(engine: Any) -> list[Remote]:
    """The tickets of this test's measures, oldest first."""
    known = {one.external_id for one in remotes(engine)}
    with system(engine).by_hand("ann") as shown:
        found = shown.changed("ticket", datetime(2000, 1, 1, tzinfo=UTC), 0, 10_000)
    mine = [one for one in found if one.external_id in known]
    return sorted(mine, key=lambda one: int(one.ref))


def comments(engine: Any, ref: str) -> list[tuple[str, str]]:
    """What was said on a ticket."""
    with system(engine).by_hand("ann") as shown:
        return shown.comments(ref)


def remotes(engine: Any) -> list[RemoteState]:
    """What the ledger says of the objects of this test's mapping."""
    found: list[RemoteState] = engine.ledger.remotes(mapping=engine.id("tickets"))
    return found


def mapping(engine: Any, version: int = 1, **fields: Any) -> Mapping:
    """A mapping for the measures of this test alone."""
    whole = {
        "id": engine.id("tickets"),
        "version": version,
        "connection": "memory",
        "object": "ticket",
        "purpose": "blockers",
        "for": {"packages": [engine.id("pack")]},
        "fields": [{"ours": "title", "theirs": "title"}, {"ours": "owner", "theirs": "assignee"}],
        "statuses": {"open": "open", "cleared": "done"},
        **fields,
    }
    return Mapping.model_validate(whole, strict=False)


def apply(engine: Any, document: Mapping) -> None:
    """A mapping becomes known."""
    command = f"{document.id}-{document.version}"
    engine.ledger.append_document(
        "Mapping", document.id, document_content(document), "operator", engine.now(), command
    )


async def blocked(engine: Any, **fields: Any) -> str:
    """A measure that waits for capacity."""
    await engine.pool(amount=100)
    measure = await engine.define(
        package=engine.id("pack"), demands=[engine.demand("kyc", 120)], **fields
    )
    await engine.reach(measure, "detailed")
    await engine.approve(measure)
    assert (await engine.client.advance(measure, "olga")).verdict == "block"
    return str(measure)


async def in_step(engine: Any, count: int = 1) -> list[RemoteState]:
    """Waits until so many objects are as wanted, and returns them."""

    def look() -> list[RemoteState]:
        found = remotes(engine)
        return found if len(found) == count and all(one.in_step for one in found) else []

    await engine.until(look, f"not in step: {remotes(engine)}")
    return look()


async def test_a_blocker_becomes_a_ticket_that_is_closed_when_it_is_cleared(engine: Any) -> None:
    """One ticket, one comment for each reason; its workflow ends with it."""
    apply(engine, mapping(engine))
    measure = await blocked(engine)
    [remote] = await in_step(engine)
    [ticket] = tickets(engine)
    assert ticket.status == "open"
    assert ticket.fields["assignee"] == "kim"
    [(author, opening)] = comments(engine, ticket.ref)
    assert author == "engine"
    assert measure in opening
    assert "sluice" in opening
    await engine.capacity("kyc", 120)
    await engine.until(lambda: remotes(engine)[0].ended_at)
    [closed] = tickets(engine)
    assert (closed.ref, closed.status) == (ticket.ref, "done")
    assert [text.split(":")[0] for _, text in comments(engine, ticket.ref)][1:] == ["Cleared"]
    kinds = [one.kind for one in engine.ledger.entries(f"remote:{remote.id}")]
    assert kinds == [
        "remote_wanted", "remote_written", "remote_wanted", "remote_written", "remote_ended",
    ]  # fmt: skip
    await engine.client.temporal.get_workflow_handle(f"remote:{remote.id}").result()


async def test_a_blocker_that_comes_back_opens_its_ticket_again(engine: Any) -> None:
    """The same ticket, with a comment of its own."""
    apply(engine, mapping(engine))
    measure = await blocked(engine)
    await in_step(engine)
    await engine.client.step_back(measure, ReasonInput(by="olga", reason="not yet"))
    await engine.until(lambda: remotes(engine)[0].ended_at)
    await engine.client.advance(measure, "olga")
    await engine.approve(measure)
    await engine.client.advance(measure, "olga")
    [remote] = await in_step(engine)
    assert remote.want.phase == "open"
    [ticket] = tickets(engine)
    assert ticket.status == "open"
    assert len(comments(engine, ticket.ref)) == 3


async def test_a_measure_without_a_mapping_costs_no_event(engine: Any) -> None:
    """Whatever mappings there are for others."""
    apply(engine, mapping(engine))
    await engine.pool(amount=100)
    measure = await engine.define(demands=[engine.demand("kyc", 120)])
    await engine.reach(measure, "detailed")
    handle = engine.client.temporal.get_workflow_handle(f"measure:{measure}")
    history = await handle.fetch_history()
    asked = {
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
    }
    assert asked == {"", "reserve_capacity"}


# --- two ways ---


async def changed(engine: Any, remote: RemoteState) -> None:
    """A webhook or a poll says that the object has changed."""
    news = RemoteNews(seen_at=datetime.now(UTC))
    await engine.client.remote_changed(remote.id, news)


def kinds(engine: Any, remote: RemoteState) -> list[str]:
    """What has happened to an object."""
    return [one.kind for one in engine.ledger.entries(f"remote:{remote.id}")]


async def test_a_ticket_closed_too_early_is_opened_again(engine: Any) -> None:
    """What blocks still does; a comment says so, once. Our own write is no news."""
    apply(engine, mapping(engine))
    await blocked(engine)
    [remote] = await in_step(engine)
    with system(engine).by_hand("ann") as shown:
        shown.move("ticket", remote.ref, "done")
    await changed(engine, remote)
    await engine.until(lambda: "remote_reverted" in kinds(engine, remote))
    [ticket] = tickets(engine)
    assert ticket.status == "open"
    [_, (author, why)] = comments(engine, ticket.ref)
    assert author == "engine"
    assert "still does" in why
    [reverted] = [
        one.body for one in engine.ledger.entries(f"remote:{remote.id}") if "revert" in one.kind
    ]
    assert reverted["actor"] == "ann", "what ann did is not ours because we wrote after her"
    before = kinds(engine, remote)
    await changed(engine, remote)
    answer = await engine.client.bring_remote_now(remote.id)
    assert answer.state.in_step
    assert kinds(engine, remote) == before
    assert tickets(engine)[0].version == ticket.version


async def test_a_ticket_that_is_worked_on_is_left_alone(engine: Any) -> None:
    """Whose it is and where it stands is theirs, until it is cleared."""
    fields = [
        {"ours": "title", "theirs": "title"},
        {"ours": "owner", "theirs": "assignee", "policy": "remote"},
    ]
    apply(engine, mapping(engine, fields=fields))
    await blocked(engine)
    [remote] = await in_step(engine)
    with system(engine).by_hand("ann") as shown:
        shown.move("ticket", remote.ref, "in work")
        shown.upsert("ticket", remote.external_id, {"assignee": "ann"}, None)
    await engine.client.bring_remote_now(remote.id)
    [ticket] = tickets(engine)
    assert (ticket.status, ticket.fields["assignee"]) == ("in work", "ann")
    assert len(comments(engine, ticket.ref)) == 1
    assert kinds(engine, remote)[2:] == ["remote_taken", "remote_observed"]
    await engine.capacity("kyc", 120)
    await engine.until(lambda: remotes(engine)[0].ended_at)
    assert tickets(engine)[0].status == "done"


async def test_a_fight_over_a_ticket_comes_to_rest_until_somebody_resumes_it(engine: Any) -> None:
    """Nothing more is written, not even what is newly wanted; then all of it at once."""
    apply(engine, mapping(engine, flips={"most": 1}))
    await blocked(engine)
    [remote] = await in_step(engine)
    for count in (1, 2):
        with system(engine).by_hand("robot") as shown:
            shown.upsert("ticket", remote.external_id, {"assignee": f"robot-{count}"}, None)
        await engine.client.bring_remote_now(remote.id)
    assert remotes(engine)[0].suspended is not None
    assert tickets(engine)[0].fields["assignee"] == "robot-2"
    await engine.capacity("kyc", 120)
    await engine.until(lambda: remotes(engine)[0].want.phase == "cleared")
    assert tickets(engine)[0].status == "open"
    stranger = RemoteResume(by="kim", reason="please")
    assert (await engine.client.resume_remote(remote.id, stranger)).refused == "not-entitled"
    ask = RemoteResume(by="olga", reason="the robot is off")
    assert (await engine.client.resume_remote(remote.id, ask)).accepted
    await engine.until(lambda: remotes(engine)[0].ended_at)
    assert tickets(engine)[0].status == "done"


async def test_a_ticket_that_was_removed_is_made_again(engine: Any) -> None:
    """Under our name for it, with what blocks said anew."""
    apply(engine, mapping(engine))
    await blocked(engine)
    [remote] = await in_step(engine)
    with system(engine).by_hand("ann") as shown:
        shown.remove("ticket", remote.ref)
    await engine.client.bring_remote_now(remote.id)
    [ticket] = tickets(engine)
    assert ticket.ref != remote.ref
    assert ticket.status == "open"
    assert len(comments(engine, ticket.ref)) == 1
    assert remotes(engine)[0].ref == ticket.ref


# --- one object for the measure ---


def board(engine: Any, **fields: Any) -> Mapping:
    """A mapping that shows measures on a board."""
    shown = [
        {"ours": "title", "theirs": "title", "policy": "remote"},
        {
            "ours": "owner",
            "theirs": "assignee",
            "policy": "newest",
            "values": {"piet": "Peter", "olga": "Olga"},
        },
        {"ours": "stage", "theirs": "stage"},
        {"ours": "verdict", "theirs": "verdict"},
    ]
    whole: dict[str, Any] = {
        "purpose": "measure",
        "as": "olga",
        "fields": shown,
        "statuses": {"detailed": "in work", "cancelled": "done"},
    }
    return mapping(engine, **{**whole, **fields})


async def test_stage_and_verdict_are_shown_and_a_new_owner_is_taken_over(engine: Any) -> None:
    """From the day it is defined; what is changed there becomes a change of the plan."""
    apply(engine, board(engine))
    measure = await engine.define(package=engine.id("pack"))
    [remote] = await in_step(engine)
    assert tickets(engine)[0].fields["stage"] == "defined"
    await engine.reach(measure, "detailed")
    await engine.until(lambda: tickets(engine)[0].status == "in work")
    assert tickets(engine)[0].fields["stage"] == "detailed"
    await engine.client.bring_remote_now(remote.id)

    with system(engine).by_hand("ann") as shown:
        shown.upsert("ticket", remote.external_id, {"assignee": "Peter", "stage": "closed"}, None)
    await engine.client.bring_remote_now(remote.id)
    assert engine.state(measure).plan.owner == "piet"
    assert tickets(engine)[0].fields == {
        "title": engine.state(measure).plan.title,
        "assignee": "Peter",
        "stage": "detailed",
        "verdict": "pass",
    }
    amended = engine.entries(measure, "measure_amended")[-1]
    assert amended.by == "olga"

    await engine.client.cancel(measure, ReasonInput(by="piet", reason="enough"))
    await engine.until(lambda: remotes(engine)[0].ended_at)
    assert tickets(engine)[0].status == "done"
    assert "enough" in comments(engine, tickets(engine)[0].ref)[-1][1]
    await engine.client.temporal.get_workflow_handle(f"measure:{measure}").result()


async def test_what_cannot_be_taken_over_is_asked_about(engine: Any) -> None:
    """The plan refuses it, so a person decides; nothing is written meanwhile."""
    apply(engine, board(engine))
    measure = await engine.define(package=engine.id("pack"))
    [remote] = await in_step(engine)
    with system(engine).by_hand("ann") as shown:
        shown.upsert("ticket", remote.external_id, {"assignee": "No Such Person!"}, None)
    await engine.client.bring_remote_now(remote.id)
    [now] = remotes(engine)
    assert now.open_questions == {"assignee": "No Such Person!"}
    assert engine.state(measure).plan.owner == "olga"
    asked = list(engine.ledger.entries(f"remote:{remote.id}"))[-1]
    assert asked.kind == "remote_asked"
    assert "No Such Person!" in asked.body["why"]


async def test_a_person_settles_what_was_asked_with_ours(engine: Any) -> None:
    """It is written there, on record of who decided; a stranger decides nothing."""
    fields = [
        {"ours": "title", "theirs": "title"},
        {"ours": "owner", "theirs": "assignee", "policy": "ask"},
    ]
    apply(engine, mapping(engine, fields=fields))
    await blocked(engine)
    [remote] = await in_step(engine)
    with system(engine).by_hand("ann") as shown:
        shown.upsert("ticket", remote.external_id, {"assignee": "ann"}, None)
    await engine.client.bring_remote_now(remote.id)
    assert f"--settle {remote.id} --with engine|remote" in comments(engine, remote.ref)[-1][1]
    stranger = RemoteSettle(by="kim", side="engine")
    assert (await engine.client.settle_remote(remote.id, stranger)).refused == "not-entitled"
    ask = RemoteSettle(by="olga", side="engine", reason="kim does it")
    assert (await engine.client.settle_remote(remote.id, ask)).accepted
    await engine.until(lambda: tickets(engine)[0].fields["assignee"] == "kim")
    await engine.until(lambda: not remotes(engine)[0].open_questions)
    [settled] = [
        one for one in engine.ledger.entries(f"remote:{remote.id}") if one.kind == "remote_settled"
    ]
    assert (settled.by, settled.body["theirs"], settled.body["reason"]) == (
        "olga", "ann", "kim does it",
    )  # fmt: skip
    again = await engine.client.settle_remote(remote.id, ask)
    assert again.refused == "nothing-asked"


async def test_a_person_settles_what_was_asked_with_theirs(engine: Any) -> None:
    """The plan is changed on their behalf, though the mapping names nobody."""
    fields = [{"ours": "owner", "theirs": "assignee", "policy": "ask"}]
    title = {"ours": "title", "theirs": "title"}
    apply(engine, board(engine, fields=[title, *fields], **{"as": None}))
    measure = await engine.define(package=engine.id("pack"))
    [remote] = await in_step(engine)
    with system(engine).by_hand("ann") as shown:
        shown.upsert("ticket", remote.external_id, {"assignee": "piet"}, None)
    await engine.client.bring_remote_now(remote.id)
    assert engine.state(measure).plan.owner == "olga"
    ask = RemoteSettle(by="sam", side="remote")
    assert (await engine.client.settle_remote(remote.id, ask)).accepted
    await engine.until(lambda: engine.state(measure).plan.owner == "piet")
    assert engine.entries(measure, "measure_amended")[-1].by == "sam"
    await engine.until(lambda: not remotes(engine)[0].open_questions)
    [now] = await in_step(engine)
    assert (now.open_questions, now.settled, now.suspended) == ({}, {}, None)
    assert tickets(engine)[0].fields["assignee"] == "piet"


# --- moves made there that ask for gates ---


def asking(engine: Any, now: str, after: str, **fields: Any) -> Mapping:
    """A board on which people move a measure from one stage to the next."""
    statuses = {now: "open", after: "in work", "closed": "done"}
    return board(engine, statuses=statuses, status_policy="remote", **fields)


async def shows_stage(engine: Any, stage: str) -> RemoteState:
    """Waits until the object shows a stage, and returns it."""
    await engine.until(lambda: any(one.want.phase == stage for one in remotes(engine)))
    [remote] = await in_step(engine)
    return remote


def move(engine: Any, remote: RemoteState, status: str) -> None:
    """Ann moves the object."""
    with system(engine).by_hand("ann") as shown:
        shown.move("ticket", remote.ref, status)


async def test_a_move_there_asks_for_the_gate(engine: Any) -> None:
    """On behalf of whom the mapping names; a move beyond the next stage is none."""
    apply(engine, asking(engine, "identified", "detailed"))
    measure = await engine.define(package=engine.id("pack"))
    await engine.reach(measure, "identified")
    remote = await shows_stage(engine, "identified")
    move(engine, remote, "in work")
    await engine.client.bring_remote_now(remote.id)
    await engine.until_stage(measure, "detailed")
    assert engine.entries(measure, "stage_advanced")[-1].by == "olga"
    await in_step(engine)
    assert tickets(engine)[0].status == "in work"
    assert "remote_reverted" not in kinds(engine, remote)
    move(engine, remote, "open")
    await engine.client.bring_remote_now(remote.id)
    assert tickets(engine)[0].status == "in work", "nobody goes back by moving a ticket"


async def test_a_move_that_the_gate_forbids_is_put_back_and_its_request_waits(engine: Any) -> None:
    """With the reasons in a comment; moved again it is asked anew, and the engine moves it last."""
    apply(engine, asking(engine, "detailed", "decided"))
    measure = await engine.define(package=engine.id("pack"))
    await engine.reach(measure, "detailed")
    remote = await shows_stage(engine, "detailed")
    for count in (1, 2):
        move(engine, remote, "in work")
        await engine.client.bring_remote_now(remote.id)
        await engine.until(
            lambda count=count: kinds(engine, remote).count("remote_reverted") == count
        )
        assert tickets(engine)[0].status == "open"
    author, why = comments(engine, remote.ref)[-1]
    assert author == "engine"
    assert "asks for gate decided" in why
    assert "sponsor sam has not approved" in why
    assert engine.state(measure).stage == "detailed"
    assert engine.state(measure).request.gate == "decided"
    await engine.approve(measure)
    await engine.until_stage(measure, "decided")
    await engine.until(lambda: tickets(engine)[0].status == "in work")


async def test_a_move_that_the_gate_forbids_may_be_left_and_said(engine: Any) -> None:
    """With `move: flag`."""
    apply(engine, asking(engine, "detailed", "decided", move="flag"))
    measure = await engine.define(package=engine.id("pack"))
    await engine.reach(measure, "detailed")
    remote = await shows_stage(engine, "detailed")
    move(engine, remote, "in work")
    await engine.client.bring_remote_now(remote.id)
    await engine.until(lambda: "remote_flagged" in kinds(engine, remote))
    assert tickets(engine)[0].status == "in work"
    assert "it was left there" in comments(engine, remote.ref)[-1][1]


# --- versions, and systems that are down ---


async def test_a_measure_keeps_the_version_that_it_began_with(engine: Any) -> None:
    """A new one is for new measures, until somebody moves the measure to it."""
    apply(engine, board(engine))
    measure = await engine.define(package=engine.id("pack"))
    [remote] = await in_step(engine)
    newer = [{"ours": "title", "theirs": "title"}, {"ours": "id", "theirs": "priority"}]
    apply(engine, board(engine, version=2, fields=newer))
    await engine.client.advance(measure, "olga")
    await engine.client.sync_remotes(RemotesTelling(measure=measure))
    assert remotes(engine)[0].mapping.version == 1
    other = await engine.define("autumn", package=engine.id("pack"))
    await in_step(engine, 2)
    assert {one.measure: one.mapping.version for one in remotes(engine)} == {measure: 1, other: 2}
    move = RemotesTelling(measure=measure, move=engine.id("tickets"), by="rex")
    await engine.client.sync_remotes(move)
    await engine.until(lambda: engine.ledger.remote(remote.id).mapping.version == 2)
    await in_step(engine, 2)
    assert tickets(engine)[0].fields["priority"] == measure
    moved = [e for e in engine.ledger.entries(f"remote:{remote.id}") if e.kind == "remote_wanted"]
    assert moved[-1].by == "rex"


async def test_a_mapping_that_comes_later_shows_measures_that_are_there(engine: Any) -> None:
    """Whether or not they wait at a gate."""
    measure = await engine.define(package=engine.id("pack"))
    apply(engine, board(engine))
    await engine.client.tell_mappings_changed([measure])
    await in_step(engine)
    assert tickets(engine)[0].fields["stage"] == "defined"


async def test_a_system_that_is_down_holds_up_nothing(own_engine: Any) -> None:
    """The measure goes on; the ticket is written when the system answers again."""
    async with own_engine(circuit=0.5) as engine:
        apply(engine, mapping(engine))
        system(engine).take_down()
        measure = await blocked(engine)
        await engine.until(lambda: remotes(engine) and remotes(engine)[0].unreachable_since)
        answer = await engine.client.bring_remote_now(remotes(engine)[0].id)
        assert "does not answer" in answer.state.unreachable_why
        await engine.client.hold(measure, ReasonInput(by="olga", reason="wait"))
        system(engine).take_down(down=False)
        await in_step(engine)
        [ticket] = tickets(engine)
        assert len(comments(engine, ticket.ref)) == 1


async def test_a_blocker_that_is_gone_before_its_ticket_was_made_leaves_none(
    own_engine: Any,
) -> None:
    """The system was down all the time."""
    async with own_engine(circuit=0.5) as engine:
        apply(engine, mapping(engine))
        system(engine).take_down()
        await blocked(engine)
        await engine.until(lambda: remotes(engine) and remotes(engine)[0].unreachable_since)
        await engine.capacity("kyc", 120)
        await engine.until(lambda: remotes(engine)[0].want.phase == "cleared")
        system(engine).take_down(down=False)
        await engine.until(lambda: remotes(engine)[0].ended_at)
        assert tickets(engine) == []


async def test_the_ledger_alone_starts_remote_objects_again(
    own_engine: Any, tmp_path: Path
) -> None:
    """On another server: what was wanted is brought about, and what was there is found."""
    async with own_engine(circuit=0.5) as engine:
        apply(engine, mapping(engine))
        await blocked(engine)
        [remote] = await in_step(engine)
        await engine.client.temporal.get_workflow_handle(f"remote:{remote.id}").terminate()
        rebuilt = await rebuild(engine.ledger, engine.client)
        assert rebuilt.remotes == 1
        await engine.capacity("kyc", 120)
        await engine.until(lambda: remotes(engine)[0].ended_at)
        assert [one.status for one in tickets(engine)] == ["done"]


# --- mappings that no longer count ---


def remove(engine: Any) -> None:
    """The mapping of this test is taken away."""
    engine.ledger.remove_document(
        "Mapping", engine.id("tickets"), "a new tracker", "rex", engine.now(), "remove"
    )


async def test_a_mapping_that_is_removed_leaves_nothing_open(engine: Any) -> None:
    """Its tickets are closed with the reason; applied again, it goes on with the same ones."""
    apply(engine, mapping(engine))
    measure = await blocked(engine)
    await in_step(engine)
    remove(engine)
    await engine.client.tell_mappings_changed([measure])
    await engine.until(lambda: remotes(engine)[0].ended_at)
    [ticket] = tickets(engine)
    assert ticket.status == "done"
    assert "was removed by rex: a new tracker" in comments(engine, ticket.ref)[-1][1]
    apply(engine, mapping(engine, version=2))
    await engine.client.tell_mappings_changed([measure])
    await engine.until(lambda: remotes(engine)[0].ended_at is None and remotes(engine)[0].in_step)
    [again] = tickets(engine)
    assert (again.ref, again.status) == (ticket.ref, "open")


async def test_a_measure_that_leaves_a_mapping_leaves_its_object(engine: Any) -> None:
    """It moves to a package that the mapping does not name; the ticket stays as it is."""
    apply(engine, board(engine))
    measure = await engine.define(package=engine.id("pack"))
    await in_step(engine)
    before = tickets(engine)[0]
    plan = engine.state(measure).plan.model_copy(update={"package": "media"})
    await engine.client.amend(measure, AmendInput(by="olga", plan=plan))
    await engine.until(lambda: remotes(engine)[0].ended_at)
    [after] = tickets(engine)
    assert (after.status, after.fields) == (before.status, before.fields)
    assert "does not concern it any more" in comments(engine, after.ref)[-1][1]


async def test_an_object_of_a_system_that_is_gone_is_forgotten(own_engine: Any) -> None:
    """What is tried for ever is given up, on record; until the measure wants something else."""
    async with own_engine(circuit=0.5) as engine:
        apply(engine, mapping(engine))
        await blocked(engine)
        [remote] = await in_step(engine)
        system(engine).take_down()
        remove(engine)
        await engine.client.tell_mappings_changed([remote.measure])
        await engine.until(lambda: remotes(engine)[0].unreachable_since)
        ask = RemoteForget(by="olga", reason="the tracker was shut down")
        answer = await engine.client.forget_remote(remote.id, ask)
        assert (answer.accepted, answer.state.ended_at is not None) == (True, True)
        assert view_of(remotes(engine)[0]).standing == "ended"
        await engine.client.temporal.get_workflow_handle(f"remote:{remote.id}").result()
        ended = list(engine.ledger.entries(f"remote:{remote.id}"))[-1]
        assert (ended.kind, ended.by) == ("remote_ended", "olga")
        assert ended.body == {"reason": "the tracker was shut down"}
        system(engine).take_down(down=False)
        assert tickets(engine)[0].status == "open", "it is left as it is"


# --- several installations on one system ---


async def test_two_installations_on_one_tracker_have_a_ticket_each(
    own_engine: Any, time_skipping_server: Any
) -> None:
    """Test and production know the same measure by the same mapping."""
    async with (
        own_engine(circuit=0.5) as one,
        own_engine(server=time_skipping_server, cached=0, ledger="other.db") as found,
    ):
        other = found.renamed_as(one)
        for engine in (one, other):
            apply(engine, mapping(engine))
            await blocked(engine)
        [[ours], [theirs]] = [await in_step(engine) for engine in (one, other)]
        assert (ours.measure, ours.mapping) == (theirs.measure, theirs.mapping)
        assert ours.ref != theirs.ref
        await other.capacity("kyc", 120)
        await other.until(lambda: remotes(other)[0].ended_at)
        assert [one.status for one in (*tickets(one), *tickets(other))] == ["open", "done"]


async def test_a_ticket_of_an_older_release_is_gone_on_with(own_engine: Any) -> None:
    """It bears a name without the installation's; the upgrade opens no second one."""
    async with own_engine(circuit=0.5, installation="production") as engine:
        measure = await blocked(engine)
        named = mapping(engine)
        [old] = wanted_of(
            engine.state(measure), named, engine.ledger.directory(), [], installation=""
        )
        await engine.client.order_remote(old)
        await in_step(engine)
        apply(engine, named)
        told = await engine.client.sync_remotes(RemotesTelling(measure=measure))
        assert (told.concerned, told.told) == (True, ())
        await engine.capacity("kyc", 120)
        await engine.until(lambda: remotes(engine)[0].ended_at)
        assert [one.status for one in tickets(engine)] == ["done"]
        assert [one.id for one in remotes(engine)] == [old.id]
