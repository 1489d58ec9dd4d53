"""Permits as the engine grants, renews and ends them; the keys never leave the worker."""

import base64
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from ledger.permits import permit_keys, revoked_permits
from ledger.writer import AsyncLedger
from measures.permit_checking import Asked, Checked, check, read_revocations
from measures.permit_keys import KeySet
from measures.permits import PERMIT_KEY, RevocationList, seconds
from measures.requests import ReasonInput, RevokePermitInput
from measures.sealing import key_id
from worker.activities.measures import MeasureActivities
from workflows.contract import MeasureAct
from workflows.keyfolder import add_key, key_files, read_key


def keys(engine: Any) -> KeySet:
    """The public keys that the ledger knows."""
    return KeySet({key.kid: key for key in permit_keys(engine.ledger)})


def ask(engine: Any, at: datetime | None = None) -> Asked:
    """May the campaign run?"""
    return Asked(campaign=engine.id("CMP"), at=at or datetime.now(UTC))


def checked(engine: Any, token: str, at: datetime | None = None) -> Checked:
    """Checks with what the ledger says now."""
    asked = ask(engine, at)
    now = seconds(asked.at)
    listed = RevocationList(
        iss="sluicegate",
        iat=now,
        exp=now + 60,
        revoked=revoked_permits(engine.ledger, asked.at),
    )
    return check(token, keys(engine), listed, asked)


async def launched(engine: Any, days: int = 30, **fields: Any) -> tuple[str, str]:
    """A measure whose campaign runs and may do so for so many days, and its permit."""
    campaign = {**engine.campaign(), "ends_on": engine.day(days)}
    measure = await engine.define(campaign=campaign, **fields)
    # An order that is taken back while it is carried out confuses the time-skipping server.
    await engine.until(lambda: engine.state(measure).campaign_told == "held")
    await engine.reach(measure, "decided")
    answer = await engine.client.launch(measure, "olga")
    assert answer.permit == "granted", answer
    return measure, answer.permit_token


async def ended(engine: Any, measure: str, *kinds: str) -> Any:
    """Waits until the permit has ended, and returns the entry that says so."""
    kinds = kinds or ("permit_revoked",)
    await engine.until(lambda: engine.state(measure).permit is None, "the permit still stands")
    return engine.entries(measure, *kinds)[-1]


class TestStanding:
    async def test_anybody_checks_it_with_the_published_keys(self, engine: Any) -> None:
        """It stands until it is revoked, and then is on the signed list."""
        measure, token = await launched(engine)
        assert checked(engine, token).valid
        empty = await engine.client.signed_revocations()
        assert check(
            token, keys(engine), read_revocations(empty, keys(engine), ask(engine)), ask(engine)
        ).valid

        revoke = RevokePermitInput(by="sam", reason="wrong page")
        assert (await engine.client.revoke_permit(measure, revoke)).accepted
        signed = await engine.client.signed_revocations()
        listed = read_revocations(signed, keys(engine), ask(engine))
        assert check(token, keys(engine), listed, ask(engine)).code == "revoked"
        assert checked(engine, token).code == "revoked"

        again = await engine.client.launch(measure, "olga")
        assert checked(engine, again.permit_token).valid
        assert checked(engine, token).code == "revoked"

    async def test_it_is_bound_to_the_content_that_the_asker_gave(self, engine: Any) -> None:
        """Another content is another permit, and ends the one before."""
        measure, _ = await launched(engine)
        page = (await engine.client.launch(measure, "olga", content="a" * 64)).permit_token
        assert checked(engine, page).code == "content-not-shown"
        asked = ask(engine).model_copy(update={"content": "a" * 64})
        now = seconds(asked.at)
        listed = RevocationList(
            iss="sluicegate",
            iat=now,
            exp=now + 60,
            revoked=revoked_permits(engine.ledger, asked.at),
        )
        assert check(page, keys(engine), listed, asked).valid

    async def test_the_same_request_twice_is_one_permit(self, engine: Any) -> None:
        """A lost answer is asked for again, and is the same text."""
        measure = await engine.define(campaign=engine.campaign())
        await engine.reach(measure, "decided")
        once = await engine.client.launch(measure, "olga", key="go")
        twice = await engine.client.launch(measure, "olga", key="go")
        assert once.permit_token == twice.permit_token != ""
        assert len(engine.entries(measure, "permit_granted")) == 1


class TestEnding:
    async def test_a_hold_ends_it(self, engine: Any) -> None:
        """With the campaign's release."""
        measure, token = await launched(engine)
        await engine.client.hold(measure, ReasonInput(by="sam", reason="budget"))
        assert checked(engine, token).code == "revoked"
        assert (await ended(engine, measure)).body["why"] == "hold"

    async def test_capacity_that_falls_away_ends_it(self, engine: Any) -> None:
        """The gate is shut, so nothing may run; nobody had to ask."""
        await engine.pool("kyc", 100)
        measure, token = await launched(engine, demands=[engine.demand("kyc", 80)])
        answer = await engine.capacity("kyc", 100)
        assert await engine.client.freed_by(answer) == ()
        await engine.client.settle(measure)
        assert engine.state(measure).permit is not None
        await engine.capacity("kyc", 10)
        end = await ended(engine, measure)
        assert end.body["why"] == "gate-shut"
        assert checked(engine, token).code == "revoked"
        assert engine.state(measure).campaign_wanted == "held"


async def until_due(engine: Any, server: WorkflowEnvironment, measure: str) -> None:
    """Lets time pass until the permit must be renewed, or else until it runs out.

    Not beyond: while a system is told something, time that passes makes the telling time out.
    """
    wanted = engine.state(measure).campaign_wanted
    await engine.until(lambda: engine.state(measure).campaign_told == wanted)
    permit = engine.state(measure).permit
    now = await server.get_current_time()
    due = permit.renew_at if permit.renew_at and permit.renew_at > now else permit.expires_at
    await server.sleep(due - now + timedelta(seconds=1))
    await engine.client.settle(measure)


@pytest.mark.time_skipping
class TestTime:
    async def test_it_is_renewed_while_the_gate_is_open_and_ends_with_the_window(
        self, skipping: Any, time_skipping_server: WorkflowEnvironment
    ) -> None:
        """Nobody asks; each renewal is an entry."""
        measure, first = await launched(skipping, days=2)
        began = skipping.state(measure).permit.at
        await until_due(skipping, time_skipping_server, measure)
        renewed = skipping.entries(measure, "permit_granted")[-1]
        assert renewed.by == "engine"
        assert timedelta(hours=17) < renewed.at - began < timedelta(hours=19)
        at = renewed.at + timedelta(minutes=1)
        assert checked(skipping, first, at).valid
        assert checked(skipping, renewed.body["token"], at).valid
        assert checked(skipping, first, at + timedelta(hours=9)).code == "expired"

        while skipping.state(measure).permit is not None:
            await until_due(skipping, time_skipping_server, measure)
        [end] = skipping.entries(measure, "permit_expired", "permit_revoked")
        assert end.kind == "permit_expired"
        closes = skipping.state(measure).plan.campaign.ends_on + timedelta(days=1)
        assert end.at.date() == closes
        assert skipping.state(measure).launched_at is not None
        assert skipping.state(measure).campaign_wanted == "held"

    async def test_stale_facts_let_it_run_out(
        self, skipping: Any, time_skipping_server: WorkflowEnvironment
    ) -> None:
        """Nobody says what the pool can take any more, so nobody renews."""
        await skipping.pool("kyc", 100)
        measure, _ = await launched(skipping, demands=[skipping.demand("kyc", 80)])
        while skipping.state(measure).permit is not None:
            await until_due(skipping, time_skipping_server, measure)
        [end] = skipping.entries(measure, "permit_expired", "permit_revoked")
        assert end.kind == "permit_expired"
        assert end.body["reason"] == "nobody renewed it"


class TestKeys:
    async def test_a_new_key_signs_and_the_old_one_runs_out(self, own_engine: Any) -> None:
        """While the worker runs; with all keys retired nothing is granted."""
        async with own_engine() as engine:
            measure, old = await launched(engine)
            folder = engine.settings.state_dir
            [first] = permit_keys(engine.ledger)
            fresh = add_key(folder, datetime.now(UTC))
            answer = await engine.client.launch(measure, "olga")
            head = json.loads(base64.urlsafe_b64decode(answer.permit_token.split(".")[0] + "=="))
            assert head["kid"] == key_id(fresh)
            assert checked(engine, old).valid

            for key in permit_keys(engine.ledger):
                gone = key.model_copy(
                    update={"retired_at": engine.now(), "verify_until": engine.now()}
                )
                engine.ledger.append_document(
                    PERMIT_KEY, key.kid, gone.model_dump(mode="json"), "rex", engine.now(), key.kid
                )
            assert checked(engine, old).code == "retired-key"
            refused = await engine.client.launch(measure, "olga")
            assert (refused.permit, refused.refused) == ("denied", "no-permit-key")
            assert first.kid != key_id(fresh)

    async def test_what_cannot_be_judged_or_signed_runs_out_all_the_same(
        self, own_engine: Any
    ) -> None:
        """A fault of ours renews nothing, ends nothing early, and keeps nothing alive."""
        async with own_engine() as engine:
            measure, _ = await launched(engine)
            permit = engine.state(measure).permit

            def broken(*_: Any, **__: Any) -> Any:
                msg = "the court is closed"
                raise ValueError(msg)

            async with await AsyncLedger.open(
                engine.settings.ledger_url.get_secret_value()
            ) as ledger:
                court: Any = SimpleNamespace(judge=broken)
                keys: Any = SimpleNamespace()
                activities = MeasureActivities(ledger, court, keys)
                act = MeasureAct(
                    measure=measure,
                    known=engine.state(measure).number,
                    verb="renew_permit",
                    at=permit.renew_at,
                    command="early",
                )
                assert (await activities.act_on_measure(act)).entries == ()
                late = act.model_copy(update={"at": permit.expires_at, "command": "late"})
                [end] = (await activities.act_on_measure(late)).entries
            assert end.kind == "permit_expired"
            assert end.body["reason"] == "nobody could renew it: the court is closed"

    async def test_the_private_key_is_nowhere_but_in_its_file(
        self, own_engine: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not in the ledger, the histories, the logs; and the file is its owner's only."""
        async with own_engine() as engine:
            measure, _ = await launched(engine)
            await engine.client.signed_revocations()
            folder = engine.settings.state_dir
            [file] = key_files(folder)
            assert oct(file.stat().st_mode & 0o777) == "0o600"
            assert oct(file.parent.stat().st_mode & 0o777) == "0o700"
            key = read_key(file)
            secret = str(key.as_dict(private=True)["d"])
            pem = file.read_text().splitlines()[1]
            raw = base64.urlsafe_b64decode(secret + "=")
            handle = engine.client.temporal.get_workflow_handle(f"measure:{measure}")
            history = (await handle.fetch_history()).to_json()
            out, err = capfd.readouterr()
            places = [history, out, err, caplog.text]
            for canary in (secret, pem, raw.hex(), base64.b64encode(raw).decode()):
                assert not any(canary in place for place in places)
            for other in folder.rglob("*"):
                if other.is_file() and other != file:
                    content = other.read_bytes()
                    assert raw not in content
                    assert secret.encode() not in content
                    assert pem.encode() not in content
