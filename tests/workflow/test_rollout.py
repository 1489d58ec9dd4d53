"""A pack changes: who is judged by which version, and nothing that was said is said again."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from console.rebuilding import rebuild
from ledger.reading import Reader
from measures.answers import Answer
from measures.digest import digest
from measures.requests import MigrateInput
from rules.loader import builtin_packs

Engine = Any


def pack(rule: str, policy: str = "follow", **fields: Any) -> dict[str, Any]:
    """A version of a pack whose one rule never holds."""
    return {
        "kind": "RulePack",
        "pack": "roll",
        "title": "Rolled out",
        "lifecycle": "doi",
        **({} if policy == "follow" else {"policy": policy}),
        "rules": [
            {"id": rule, "gate": "identified", "require": "false", "message": rule, **fields}
        ],
    }


def apply(engine: Engine, version: dict[str, Any]) -> str:
    """Puts a version in force and returns its digest."""
    name = f"roll-{digest(version)}"
    engine.ledger.append_document("RulePack", "roll", version, "x", engine.now(), name)
    return digest(version)


async def blocked(engine: Engine, name: str = "spring") -> str:
    """Defines a measure, asks for its first gate, and returns its id."""
    measure = await engine.define(name)
    assert (await engine.client.advance(measure, "olga")).verdict == "block"
    return str(measure)


async def told(engine: Engine, measure: str) -> Answer:
    """Tells a waiting measure that documents changed, as `sluice apply` does."""
    await engine.client.tell_facts_changed([measure])
    answer: Answer = await engine.client.settle(measure)
    return answer


def ask(to: str, by: str = "rex") -> MigrateInput:
    """A request to move to a version."""
    return MigrateInput(by=by, pack="roll", to=to, reason="tried out")


@pytest.mark.temporal
class TestPolicy:
    @pytest.mark.parametrize(
        ("policy", "waiting"), [("follow", "two"), ("pin", "one"), ("migrate", "one")]
    )
    async def test_a_waiting_request_after_a_change(
        self, own_engine: Any, policy: str, waiting: str
    ) -> None:
        """The newest version's policy counts, and what was recorded stays as it was."""
        async with own_engine() as engine:
            first = apply(engine, pack("one"))
            measure = await blocked(engine)
            recorded = engine.entries(measure)
            second = apply(engine, pack("two", policy))
            answer = await told(engine, measure)
            assert answer.blockers == (waiting,)
            status = await engine.client.status(measure)
            assert status.packs["roll"] == (second if waiting == "two" else first)
            assert engine.ledger.judged_by("roll") == {measure: status.packs["roll"]}
            assert engine.entries(measure)[: len(recorded)] == recorded
            other = await blocked(engine, "other")
            assert engine.state(other).packs["roll"] == second
            engine.ledger.verify()

    async def test_a_pinned_request_takes_the_newest_when_it_asks_again(
        self, own_engine: Any
    ) -> None:
        """Its version goes with the request."""
        async with own_engine() as engine:
            apply(engine, pack("one", "pin"))
            measure = await blocked(engine)
            apply(engine, pack("two", "pin", mode="warn"))
            assert (await told(engine, measure)).blockers == ("one",)
            open_again = apply(engine, pack("three", mode="warn"))
            assert (await told(engine, measure)).stage == "identified"
            assert engine.state(measure).packs["roll"] == open_again

    async def test_migrate_keeps_a_version_until_it_is_moved(self, own_engine: Any) -> None:
        """By whom and why is an entry; the waiting request is judged again in the same request."""
        async with own_engine() as engine:
            first = apply(engine, pack("one", "migrate"))
            measure = await blocked(engine)
            second = apply(engine, pack("two", "migrate"))
            refused = await engine.client.migrate(measure, ask(second, by="olga"))
            assert refused.refused == "not-entitled"
            refused = await engine.client.migrate(measure, ask("0" * 64))
            assert refused.refused == "unknown-version"
            answer = await engine.client.migrate(measure, ask(second), key="moved")
            assert answer.blockers == ("two",)
            [moved] = engine.entries(measure, "pack_migrated")
            assert moved.by == "rex"
            assert moved.body == {
                "pack": "roll", "from": first, "to": second, "reason": "tried out",
            }  # fmt: skip
            await engine.client.migrate(measure, ask(second), key="again")
            assert len(engine.entries(measure, "pack_migrated")) == 1
            back = await engine.client.migrate(measure, ask(first))
            assert back.blockers == ("one",)
            engine.ledger.verify()


@pytest.mark.temporal
class TestWhatIsKept:
    async def test_total_loss_of_temporal_keeps_the_version(self, own_engine: Any) -> None:
        """The ledger alone says which version judges."""
        async with own_engine() as engine:
            first = apply(engine, pack("one", "pin"))
            measure = await blocked(engine)
            apply(engine, pack("two", "pin"))
            await told(engine, measure)
            handle = engine.client.temporal.get_workflow_handle(f"measure:{measure}")
            await handle.terminate("lost")
            assert (await rebuild(engine.ledger, engine.client)).measures == 1
            answer = await told(engine, measure)
            assert answer.blockers == ("one",)
            assert engine.state(measure).packs["roll"] == first

    async def test_a_built_in_version_is_kept_for_who_needs_it(self, own_engine: Any) -> None:
        """The product's own pack is in the ledger from the first start, once."""
        async with own_engine() as engine:
            [version] = engine.ledger.versions("BuiltinPack", "standard")
            [standard] = [one for one in builtin_packs() if one.id == "standard"]
            assert version.digest == standard.digest
            assert engine.ledger.pack_version("standard", standard.digest) == standard.document
            measure = await engine.define(description="")
            waiting = await engine.client.advance(measure, "olga")
            content = {**version.body, "policy": "migrate", "rules": version.body["rules"][-1:]}
            engine.ledger.append_document(
                "RulePack", "standard", content, "x", engine.now(), "changed"
            )
            assert (await told(engine, measure)).blockers == waiting.blockers

    async def test_a_version_that_cannot_be_had_never_opens_a_gate(
        self, own_engine: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Inconclusive with the reason; moving on or having it back mends it."""
        async with own_engine() as engine:
            first = apply(engine, pack("one", "migrate"))
            measure = await blocked(engine)
            second = apply(engine, pack("two", "migrate", mode="warn"))
            with monkeypatch.context() as lost:
                lost.setattr(Reader, "versions", lambda *_: iter(()))
                answer = await told(engine, measure)
            assert (answer.verdict, answer.blockers) == ("inconclusive", ("engine",))
            assert f"version {first[:12]} of pack roll is not in the ledger" in (
                answer.reasons[0].message
            )
            assert engine.state(measure).packs["roll"] == first
            assert (await engine.client.migrate(measure, ask(second))).stage == "identified"

    async def test_a_newest_version_that_this_release_cannot_read(self, own_engine: Any) -> None:
        """An older release after a newer one: nothing opens, and the reason says what to do."""
        async with own_engine() as engine:
            apply(engine, pack("one", conjure=True))
            measure = await engine.define()
            answer = await engine.client.advance(measure, "olga")
            assert answer.verdict == "inconclusive"
            assert "RulePack/roll is not accepted by this release" in answer.reasons[0].message
            apply(engine, pack("one", mode="warn"))
            assert (await told(engine, measure)).stage == "identified"


@pytest.mark.time_skipping
async def test_a_rule_holds_gates_from_its_day_on(
    skipping: Engine, time_skipping_server: WorkflowEnvironment
) -> None:
    """Until then it warns and lets pass; a request that waits meets it by itself on that day."""
    version = pack("soon", enforce_from=skipping.day(3))
    held = {"id": "held", "gate": "identified", "require": 'measure.scope != "held"',
            "message": "held"}  # fmt: skip
    apply(skipping, {**version, "rules": [*version["rules"], held]})
    measure = await skipping.define("early")
    passed = await skipping.client.advance(measure, "olga")
    assert (passed.stage, passed.warnings) == ("identified", ("soon",))
    [warned] = (await skipping.client.status(measure)).would_block
    assert (warned.mode, str(warned.enforce_from), warned.count) == ("warn", skipping.day(3), 1)
    waiting = await skipping.define("late", scope="held")
    assert (await skipping.client.advance(waiting, "olga")).blockers == ("held",)
    await time_skipping_server.sleep(timedelta(days=3, minutes=1))
    await skipping.until(lambda: "soon" in skipping.state(waiting).request.verdict.blocking_rules)
    late = await skipping.define("late-again")
    assert (await skipping.client.advance(late, "olga")).blockers == ("soon",)
