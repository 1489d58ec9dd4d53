"""Silver: it writes without duplicates, and believes what it reads back."""

import asyncio
import contextlib

import httpx

from connectors.conformance import faults
from connectors.conformance.bronze import connected, kind_of
from connectors.conformance.making import conflict_of, just_now, made_anew, needs, new_name, news
from connectors.conformance.results import Checks, ExemptError, Tier
from connectors.conformance.subject import Subject
from connectors.contract import Connector, Remote
from connectors.failures import Conflict, Rejected, RetryLater

silver = Checks(Tier.SILVER)

_TRICKY = 'Blocker: "KYC" is 2.000 short\u2014\u00e9\u00f1\u4f60\U0001f600 <b>&amp; 100 %'


@silver
async def describes_its_objects(subject: Subject) -> None:
    """It tells the statuses that an object can show."""
    kind = kind_of(subject)
    async with connected(subject) as connector:
        needs(connector, "describe")
        schema = await connector.describe(kind)
        missing = set(subject.moves) - set(schema.statuses)
        assert not missing, f"statuses that it does not tell: {missing}"
        assert set(schema.closed) <= set(schema.statuses), "closed statuses that are none"


@silver
async def makes_an_object_once(subject: Subject) -> None:
    """The same name twice is one object, with every letter as it was written."""
    async with connected(subject) as connector:
        first = await made_anew(subject, connector, title=_TRICKY)
        again = await connector.upsert(
            first.kind, first.external_id, {"title": _TRICKY}, key="conformance-2"
        )
        assert again.ref == first.ref, "there are two objects of one name"
        assert again.title == _TRICKY, f"the title came back as {again.title!r}"


@silver
async def finds_what_it_made(subject: Subject) -> None:
    """Looking for a name and reading the object show the same."""
    async with connected(subject) as connector:
        made = await made_anew(subject, connector)
        found = await connector.find(made.kind, made.external_id)
        read = await connector.get(made.kind, made.ref)
        assert found is not None, "it does not find what it made"
        assert (found.ref, found.version) == (read.ref, read.version), "find and get disagree"
        assert found.external_id == made.external_id, "the name is another"


@silver
async def finds_nothing_of_another_name(subject: Subject) -> None:
    """A name that begins with the same letters is another name."""
    async with connected(subject) as connector:
        made = await made_anew(subject, connector)
        assert await connector.find(made.kind, made.external_id[:-2]) is None
        assert await connector.find(made.kind, made.external_id + "-2") is None


@silver
async def changes_an_object(subject: Subject) -> None:
    """A change shows, and the version with it."""
    async with connected(subject) as connector:
        made = await made_anew(subject, connector)
        changed = await connector.upsert(
            made.kind, made.external_id, {"title": "changed"}, key="k", expect=made.version
        )
        assert changed.title == "changed", f"it shows {changed.title!r}"
        assert changed.version != made.version, "the version did not change"


@silver
async def writes_only_differences(subject: Subject) -> None:
    """Nothing is written where nothing differs, so nobody hears an echo."""
    counted: list[faults.Counting] = []

    def count(inner: httpx.AsyncBaseTransport) -> faults.Counting:
        counted.append(faults.Counting(inner))
        return counted[0]

    async with connected(subject, count) as connector:
        made = await made_anew(subject, connector, title="as it is")
        before = counted[0].writes if counted else 0
        again = await connector.upsert(
            made.kind, made.external_id, {"title": "as it is"}, key="again"
        )
        assert again.version == made.version, "the version changed"
        assert not counted or counted[0].writes == before, "it wrote what was there already"


@silver
async def writes_a_text_once(subject: Subject) -> None:
    """A title and a text of several lines, written again as they are, change nothing."""
    counted: list[faults.Counting] = []

    def count(inner: httpx.AsyncBaseTransport) -> faults.Counting:
        counted.append(faults.Counting(inner))
        return counted[0]

    async with connected(subject, count) as connector:
        needs(connector, "upsert")
        patch = {"title": "with a text", "text": f"{_TRICKY}\n\nand why", **subject.extra}
        kind, name = kind_of(subject), new_name()
        try:
            made = await connector.upsert(kind, name, patch, key=name)
        except Rejected as refused:
            raise ExemptError(f"it takes no text: {refused}") from None
        before = counted[0].writes if counted else 0
        again = await connector.upsert(kind, name, patch, key="again")
        assert again.version == made.version, "the version changed"
        assert not counted or counted[0].writes == before, "it wrote what was there already"


@silver
async def makes_nothing_while_told_to_wait(subject: Subject) -> None:
    """429 to a write is RetryLater after what Retry-After says; asked again, it is made."""
    kind, name = kind_of(subject), new_name()
    async with connected(subject, faults.Refusing) as connector:
        needs(connector, "upsert")
        patch = {"title": "later", **subject.extra}
        try:
            await connector.upsert(kind, name, patch, key=name)
        except RetryLater as failure:
            after = failure.after
        else:
            msg = "it made something although it was told to wait"
            raise AssertionError(msg)
        assert after == faults.Refusing.AFTER, f"it waits {after}, not {faults.Refusing.AFTER}"
        made = await connector.upsert(kind, name, patch, key=name)
        assert made.external_id == name, "it made something else"


@silver
async def finishes_what_was_cancelled(subject: Subject) -> None:
    """Cancelled while the answer was on its way, asked again: one object."""
    kind, name, since = kind_of(subject), new_name(), just_now()
    patch = {"title": "cancelled", **subject.extra}
    withholding: list[faults.Withholding] = []

    def withhold(inner: httpx.AsyncBaseTransport) -> faults.Withholding:
        withholding.append(faults.Withholding(inner))
        return withholding[0]

    async with connected(subject, withhold) as connector:
        needs(connector, "upsert")
        needs(connector, "changes")
        writing = asyncio.create_task(connector.upsert(kind, name, patch, key=name))
        await asyncio.wait_for(withholding[0].written.wait(), 30)
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(writing, 30)
        assert writing.cancelled(), "cancelling it was swallowed"
    async with connected(subject) as connector:
        made = await connector.upsert(kind, name, patch, key=name)
        seen, _ = await news(
            connector, kind, since, lambda seen: any(r.external_id == name for r in seen)
        )
        same = {one.ref for one in seen if one.external_id == name}
        assert same == {made.ref}, f"there are {len(same)} objects of one name"


@silver
async def makes_no_duplicate_when_the_answer_is_lost(subject: Subject) -> None:
    """Made, the answer lost, asked again: one object."""
    kind, name, since = kind_of(subject), new_name(), just_now()
    async with connected(subject, faults.LosingReplies) as connector:
        needs(connector, "upsert")
        needs(connector, "changes")
        patch = {"title": "lost", **subject.extra}
        try:
            await connector.upsert(kind, name, patch, key=name)
        except RetryLater:
            made = await connector.upsert(kind, name, patch, key=name)
        else:
            raise ExemptError("it does not write over HTTP")
        seen, _ = await news(
            connector, kind, since, lambda seen: any(r.external_id == name for r in seen)
        )
        same = {one.ref for one in seen if one.external_id == name}
        assert same == {made.ref}, f"there are {len(same)} objects of one name"


@silver
async def finishes_a_change_when_the_answer_is_lost(subject: Subject) -> None:
    """Changed, the answer lost, asked again: changed once."""
    async with connected(subject) as connector:
        made = await made_anew(subject, connector)
    async with connected(subject, faults.LosingReplies) as connector:
        for _ in range(2):
            try:
                shown = await connector.upsert(
                    made.kind, made.external_id, {"title": "after all"}, key="lost"
                )
            except RetryLater:
                continue
            break
        assert shown.title == "after all", f"it shows {shown.title!r}"


@silver
async def refuses_to_overwrite(subject: Subject) -> None:
    """Who saw an old version gets a Conflict with the present one, and nothing changes."""
    async with connected(subject) as connector:
        made = await made_anew(subject, connector)
        changed = await connector.upsert(
            made.kind, made.external_id, {"title": "first"}, key="a", expect=made.version
        )
        conflict = await conflict_of(
            connector.upsert(
                made.kind, made.external_id, {"title": "second"}, key="b", expect=made.version
            )
        )
        assert conflict.current is not None, "the conflict does not show what is there"
        assert conflict.current.version == changed.version, "it shows another version"
        assert (await connector.get(made.kind, made.ref)).title == "first"


@silver
async def lets_one_of_two_writers_win(subject: Subject) -> None:
    """Of two who write at once somebody wins, and what it shows was written by one of them."""
    async with connected(subject) as connector, connected(subject) as other:
        made = await made_anew(subject, connector)

        async def write(who: Connector, title: str) -> Remote | None:
            try:
                return await who.upsert(
                    made.kind, made.external_id, {"title": title}, key=title, expect=made.version
                )
            except Conflict:
                return None

        outcomes = await asyncio.gather(write(connector, "one"), write(other, "two"))
        shown = await connector.get(made.kind, made.ref)
        winners = [one for one in outcomes if one is not None]
        assert winners, "neither of two writers won"
        assert shown.title in {"one", "two"}, f"it shows {shown.title!r}"


@silver
async def sees_who_wrote_between_its_reading_and_writing(subject: Subject) -> None:
    """Where the system has a lock it is used: what came in between is never overwritten."""
    async with connected(subject) as other:
        if not other.manifest.lock:
            raise ExemptError("its system has no lock: it is read and compared just before")
        made = await made_anew(subject, other)

        async def meddle() -> None:
            patch = {"title": "in between"}
            await other.upsert(made.kind, made.external_id, patch, key="in between")

        async with connected(subject, lambda inner: faults.Meddling(inner, meddle)) as connector:
            patch = {"title": "too late"}
            await conflict_of(
                connector.upsert(
                    made.kind, made.external_id, patch, key="late", expect=made.version
                )
            )
        shown = await other.get(made.kind, made.ref)
        assert shown.title == "in between", f"it shows {shown.title!r}"
