"""Bronze: it reads, and whatever goes wrong is one of the six failures, without secrets."""

import asyncio
import contextlib
import email.utils
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from connectors.conformance import faults
from connectors.conformance.results import Checks, ExemptError, Tier
from connectors.conformance.subject import WRONG_SECRET, Subject, Wrap
from connectors.contract import Connector
from connectors.failures import FAILURES, AuthFailed, ConnectorError, NotFound, RetryLater
from connectors.http import LONGEST_WAIT

bronze = Checks(Tier.BRONZE)


@asynccontextmanager
async def connected(subject: Subject, wrap: Wrap | None = None) -> AsyncIterator[Connector]:
    """A connection that is closed afterwards."""
    connector = subject.connect(wrap)
    if wrap is not None and not connector.manifest.http:
        raise ExemptError("it does not speak HTTP")
    try:
        yield connector
    finally:
        await connector.aclose()


async def _failure(subject: Subject, instead: faults.Answering) -> ConnectorError:
    """Returns how a read fails while something else answers in the system's place."""
    async with connected(subject, lambda _: instead) as connector:
        try:
            await connector.check()
        except FAILURES as failure:
            return failure
        except Exception as error:
            msg = f"{error!r} escaped; only the six failures may"
            raise AssertionError(msg) from error
    msg = "it found nothing wrong"
    raise AssertionError(msg)


async def _asks_to_retry(subject: Subject, instead: faults.Answering) -> RetryLater:
    failure = await _failure(subject, instead)
    assert isinstance(failure, RetryLater), f"expected RetryLater, came {failure!r}"
    return failure


@bronze
async def says_what_it_is(subject: Subject) -> None:
    """The manifest names the system, its kinds and what it can do."""
    async with connected(subject) as connector:
        manifest = connector.manifest
        assert manifest.name, "no name"
        assert manifest.title, "no title"
        assert manifest.api, "no version of the interface"
        assert ("hold" in manifest.can) == (manifest.hold is not None), "holds without a level"
        assert not subject.kind or subject.kind in manifest.kinds, f"{subject.kind} is not named"


@bronze
async def knows_who_we_are(subject: Subject) -> None:
    """The check tells the account that the system takes us for."""
    async with connected(subject) as connector:
        health = await connector.check()
        assert health.account, "no account"
        assert not _shows(subject, health.model_dump_json()), "the secret shows"


@bronze
async def refuses_unknown_settings(subject: Subject) -> None:
    """A misspelt setting is refused."""
    async with connected(subject) as connector:
        try:
            connector.Config.model_validate({"no_such_setting": 1})
        except ValidationError as error:
            found = {one["type"] for one in error.errors()}
            assert "extra_forbidden" in found, "an unknown setting is accepted"
        else:
            msg = "an unknown setting is accepted"
            raise AssertionError(msg)


@bronze
async def reports_wrong_credentials(subject: Subject) -> None:
    """Wrong credentials are AuthFailed, and do not show."""
    if subject.connect_wrongly is None:
        raise ExemptError("it needs no credentials")
    connector = subject.connect_wrongly()
    try:
        await connector.check()
    except AuthFailed as failure:
        said = str(failure)
    else:
        msg = "wrong credentials are good enough"
        raise AssertionError(msg)
    finally:
        await connector.aclose()
    assert WRONG_SECRET not in said, "the secret shows"


@bronze
async def finds_no_object_where_there_is_none(subject: Subject) -> None:
    """An object that is not there is NotFound."""
    kind = kind_of(subject)
    async with connected(subject) as connector:
        try:
            await connector.get(kind, "99999999")
        except NotFound:
            return
    msg = "it found an object that is not there"
    raise AssertionError(msg)


@bronze
async def refuses_unknown_kinds(subject: Subject) -> None:
    """A kind that it does not know is one of the six failures."""
    async with connected(subject) as connector:
        try:
            await connector.get("no-such-kind", "1")
        except FAILURES:
            return
    msg = "it read an object of a kind that it does not know"
    raise AssertionError(msg)


@bronze
async def waits_out_an_outage(subject: Subject) -> None:
    """503 is RetryLater."""
    await _asks_to_retry(subject, faults.failing(503))


@bronze
async def waits_as_long_as_asked(subject: Subject) -> None:
    """429 is RetryLater after what Retry-After says."""
    failure = await _asks_to_retry(subject, faults.failing(429, {"Retry-After": "17"}))
    assert failure.after == timedelta(seconds=17), f"it waits {failure.after}, not 17 s"


@bronze
async def understands_until_when_to_wait(subject: Subject) -> None:
    """Retry-After may name a moment; what it names strangely does no harm."""
    soon = email.utils.format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    failure = await _asks_to_retry(subject, faults.failing(429, {"Retry-After": soon}))
    assert failure.after is not None, "it does not understand a date"
    assert timedelta(minutes=4) < failure.after <= timedelta(minutes=5), f"it waits {failure.after}"
    for strange in ("soon", "-7", "1e400", "9" * 30):
        failure = await _asks_to_retry(subject, faults.failing(503, {"Retry-After": strange}))
        assert failure.after is None or timedelta() <= failure.after <= LONGEST_WAIT, strange


@bronze
async def does_not_ask_again_what_is_refused(subject: Subject) -> None:
    """400, 403 and 422 are for a person to look at, not RetryLater."""
    for code in (400, 403, 422):
        failure = await _failure(subject, faults.failing(code, body="{}"))
        assert not isinstance(failure, RetryLater), f"{code} is asked again for ever"


@bronze
async def waits_out_a_timeout(subject: Subject) -> None:
    """No answer in time is RetryLater."""
    await _asks_to_retry(subject, faults.timing_out())


@bronze
async def waits_out_a_refused_connection(subject: Subject) -> None:
    """Nobody there is RetryLater."""
    await _asks_to_retry(subject, faults.unreachable())


@bronze
async def does_not_believe_a_proxy(subject: Subject) -> None:
    """200 with a page instead of data is RetryLater."""
    page = "<html><body>Please sign in to the guest network</body></html>"
    await _asks_to_retry(subject, faults.failing(200, {"Content-Type": "text/html"}, page))


@bronze
async def does_not_trip_over_strange_data(subject: Subject) -> None:
    """200 with JSON of another form is RetryLater."""
    json = {"Content-Type": "application/json"}
    for body in ("{}", "[]", "null", '{"data": 7}', '"text"', "[[[[]]]]"):
        await _asks_to_retry(subject, faults.failing(200, json, body))


@bronze
async def does_not_read_without_end(subject: Subject) -> None:
    """An answer without end is a failure, not a full memory."""
    await _failure(subject, faults.endless())


@bronze
async def does_not_follow_redirects(subject: Subject) -> None:
    """A redirect to somewhere else is a failure: credentials go nowhere else."""
    await _failure(subject, faults.failing(302, {"Location": "http://169.254.169.254/"}))


@bronze
async def can_be_cancelled(subject: Subject) -> None:
    """Cancelled in the middle of a call it ends at once and works afterwards."""
    hanging = faults.Hanging()
    async with connected(subject, lambda _: hanging) as connector:
        asking = asyncio.create_task(connector.check())
        await asyncio.wait_for(hanging.asked.wait(), 10)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(asking, 10)
        assert asking.cancelled(), "cancelling it was swallowed"
    async with connected(subject) as connector:
        await connector.check()


@bronze
async def keeps_secrets_out_of_logs(subject: Subject) -> None:
    """The secret is in no log line and no failure, however much is logged."""
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(self.format(record))

    root, ear = logging.getLogger(), Ear(logging.DEBUG)
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        async with connected(subject) as connector:
            await connector.check()
        echo = f"your key {subject.secret} is fine, but we are not"
        answers = [faults.failing(code, body=echo) for code in (400, 401, 500)]
        heard += [str(await _failure(subject, answer)) for answer in answers]
    finally:
        root.removeHandler(ear)
        root.setLevel(level)
    assert not any(_shows(subject, line) for line in heard), "the secret shows"


def _shows(subject: Subject, text: str) -> bool:
    return bool(subject.secret) and subject.secret in text


def kind_of(subject: Subject) -> str:
    """Returns the kind of object that can be examined."""
    if not subject.kind:
        raise ExemptError("it has no objects")
    return subject.kind
