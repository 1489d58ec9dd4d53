"""Silver: it writes without duplicates, believes what it reads back, and finds every change."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import httpx

from connectors.conformance import faults
from connectors.conformance.bronze import connected, kind_of
from connectors.conformance.results import Checks, ExemptError, Tier
from connectors.conformance.subject import Subject
from connectors.contract import Capability, Connector, Remote
from connectors.cursor import cursor_from
from connectors.failures import Conflict, NotFound, Rejected, RetryLater

silver = Checks(Tier.SILVER)

_TRICKY = 'Blocker: "KYC" is 2.000 short\u2014\u00e9\u00f1\u4f60\U0001f600 <b>&amp; 100 %'


@silver
async def describes_its_objects(subject: Subject) -> None:
    """It tells the statuses that an object can show."""
    kind = kind_of(subject)
    async with connected(subject) as connector:
        _needs(connector, "describe")
        schema = await connector.describe(kind)
        missing = set(subject.moves) - set(schema.statuses)
        assert not missing, f"statuses that it does not tell: {missing}"
        assert set(schema.closed) <= set(schema.statuses), "closed statuses that are none"


@silver
async def makes_an_object_once(subject: Subject) -> None:
    """The same name twice is one object, with every letter as it was written."""
    async with connected(subject) as connector:
        first = await _made(subject, connector, title=_TRICKY)
        again = await connector.upsert(
            first.kind, first.external_id, {"title": _TRICKY}, key="conformance-2"
        )
        assert again.ref == first.ref, "there are two objects of one name"
        assert again.title == _TRICKY, f"the title came back as {again.title!r}"


@silver
async def finds_what_it_made(subject: Subject) -> None:
    """Looking for a name and reading the object show the same."""
    async with connected(subject) as connector:
        made = await _made(subject, connector)
        found = await connector.find(made.kind, made.external_id)
        read = await connector.get(made.kind, made.ref)
        assert found is not None, "it does not find what it made"
        assert (found.ref, found.version) == (read.ref, read.version), "find and get disagree"
        assert found.external_id == made.external_id, "the name is another"


@silver
async def finds_nothing_of_another_name(subject: Subject) -> None:
    """A name that begins with the same letters is another name."""
    async with connected(subject) as connector:
        made = await _made(subject, connector)
        assert await connector.find(made.kind, made.external_id[:-2]) is None
        assert await connector.find(made.kind, made.external_id + "-2") is None


@silver
async def changes_an_object(subject: Subject) -> None:
    """A change shows, and the version with it."""
    async with connected(subject) as connector:
        made = await _made(subject, connector)
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
        made = await _made(subject, connector, title="as it is")
        before = counted[0].writes if counted else 0
        again = await connector.upsert(
            made.kind, made.external_id, {"title": "as it is"}, key="again"
        )
        assert again.version == made.version, "the version changed"
        assert not counted or counted[0].writes == before, "it wrote what was there already"


@silver
async def makes_no_duplicate_when_the_answer_is_lost(subject: Subject) -> None:
    """Made, the answer lost, asked again: one object."""
    kind, name = kind_of(subject), _name()
    async with connected(subject, faults.LosingReplies) as connector:
        _needs(connector, "upsert")
        patch = {"title": "lost", **subject.extra}
        try:
            await connector.upsert(kind, name, patch, key=name)
        except RetryLater:
            made = await connector.upsert(kind, name, patch, key=name)
        else:
            raise ExemptError("it does not write over HTTP")
        page = await connector.changes(kind, _just_now(), limit=200)
        same = {one.ref for one in page.items if one.external_id == name}
        assert same == {made.ref}, f"there are {len(same)} objects of one name"


@silver
async def finishes_a_change_when_the_answer_is_lost(subject: Subject) -> None:
    """Changed, the answer lost, asked again: changed once."""
    async with connected(subject) as connector:
        made = await _made(subject, connector)
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
        made = await _made(subject, connector)
        changed = await connector.upsert(
            made.kind, made.external_id, {"title": "first"}, key="a", expect=made.version
        )
        try:
            await connector.upsert(
                made.kind, made.external_id, {"title": "second"}, key="b", expect=made.version
            )
        except Conflict as conflict:
            assert conflict.current is not None, "the conflict does not show what is there"  # noqa: PT017
            assert conflict.current.version == changed.version, "it shows another version"  # noqa: PT017
        else:
            msg = "it overwrote what somebody else had changed"
            raise AssertionError(msg)
        assert (await connector.get(made.kind, made.ref)).title == "first"


@silver
async def lets_one_of_two_writers_win(subject: Subject) -> None:
    """Of two who saw the same version, the later one learns that the object changed."""
    async with connected(subject) as connector, connected(subject) as other:
        made = await _made(subject, connector)

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
async def keeps_long_texts_or_says_no(subject: Subject) -> None:
    """9,000 letters come back whole, or are refused; they never get lost silently."""
    long = "long " * 1800
    async with connected(subject) as connector:
        made = await _made(subject, connector)
        try:
            await connector.comment(made.kind, made.ref, long, key=_name())
        except Rejected:
            return


@silver
async def moves_an_object(subject: Subject) -> None:
    """It is moved from status to status, and shows each."""
    if not subject.moves:
        raise ExemptError("its objects have no statuses")
    async with connected(subject) as connector:
        made = await _made(subject, connector)
        for status in subject.moves:
            moved = await connector.transition(made.kind, made.ref, status, key=status)
            assert moved.status == status, f"it shows {moved.status!r}, not {status!r}"
        again = await connector.transition(made.kind, made.ref, status, key="again")
        assert again.version == moved.version, "moved to where it is, it changed"


@silver
async def refuses_an_illegal_move(subject: Subject) -> None:
    """A status that cannot be reached is Rejected, and nothing changes."""
    async with connected(subject) as connector:
        made = await _made(subject, connector)
        _needs(connector, "transition")
        try:
            await connector.transition(made.kind, made.ref, subject.illegal, key="k")
        except Rejected:
            shown = await connector.get(made.kind, made.ref)
        else:
            msg = f"it moved to {subject.illegal!r}"
            raise AssertionError(msg)
        assert shown.status == made.status, f"it shows {shown.status!r}"


@silver
async def does_not_move_what_is_not_there(subject: Subject) -> None:
    """Moving an object that is not there is NotFound."""
    kind = kind_of(subject)
    async with connected(subject) as connector:
        _needs(connector, "transition")
        status = subject.moves[0] if subject.moves else subject.illegal
        try:
            await connector.transition(kind, "99999999", status, key="k")
        except (NotFound, Rejected):
            return
    msg = "it moved an object that is not there"
    raise AssertionError(msg)


@silver
async def comments_once(subject: Subject) -> None:
    """The same key twice is one comment, also when the answer was lost."""
    async with connected(subject) as connector:
        made = await _made(subject, connector)
        _needs(connector, "comment")
    key = _name()
    async with connected(subject, faults.LosingReplies) as connector:
        for _ in range(3):
            try:
                await connector.comment(made.kind, made.ref, "cleared", key=key)
            except RetryLater:
                continue
        before = await connector.get(made.kind, made.ref)
        await connector.comment(made.kind, made.ref, "cleared", key=key)
        after = await connector.get(made.kind, made.ref)
        assert after.version == before.version, "the same comment was added again"


@silver
async def finds_every_change(subject: Subject) -> None:
    """Read two at a time, every change comes once and none is missing."""
    since = _just_now()
    async with connected(subject) as connector:
        _needs(connector, "changes")
        made = [await _made(subject, connector) for _ in range(5)]
        seen: list[Remote] = []
        cursor, more = since, True
        while more:
            page = await connector.changes(made[0].kind, cursor, limit=2)
            assert len(page.items) <= 2, "it gives more than was asked for"
            seen += page.items
            cursor, more = page.cursor, page.more
        found = [one.ref for one in seen]
        assert set(found) >= {one.ref for one in made}, "a change is missing"
        mine = [(one.ref, one.version) for one in seen]
        assert len(mine) == len(set(mine)), "a change came twice"


@silver
async def tells_a_later_change_once(subject: Subject) -> None:
    """Nothing new, nothing comes; changed again, it comes once more."""
    since = _just_now()
    async with connected(subject) as connector:
        _needs(connector, "changes")
        made = await _made(subject, connector)
        first = await connector.changes(made.kind, since, limit=100)
        second = await connector.changes(made.kind, first.cursor, limit=100)
        assert made.ref not in {one.ref for one in second.items}, "it came again unchanged"
        await connector.upsert(made.kind, made.external_id, {"title": "later"}, key="later")
        third = await connector.changes(made.kind, second.cursor, limit=100)
        titles = [one.title for one in third.items if one.ref == made.ref]
        assert titles == ["later"], f"the later change came as {titles}"
        fourth = await connector.changes(made.kind, third.cursor, limit=100)
        assert made.ref not in {one.ref for one in fourth.items}, "it came again unchanged"


@silver
async def refuses_a_broken_cursor(subject: Subject) -> None:
    """A cursor that is none is Rejected."""
    kind = kind_of(subject)
    async with connected(subject) as connector:
        _needs(connector, "changes")
        try:
            await connector.changes(kind, "no cursor")
        except Rejected:
            return
    msg = "it takes anything for a cursor"
    raise AssertionError(msg)


def _needs(connector: Connector, capability: Capability) -> None:
    if capability not in connector.manifest.can:
        raise ExemptError(f"it cannot {capability}")


async def _made(subject: Subject, connector: Connector, title: str = "conformance") -> Remote:
    _needs(connector, "upsert")
    patch = {"title": title, **subject.extra}
    return await connector.upsert(kind_of(subject), _name(), patch, key=_name())


def _name() -> str:
    return f"sluice-{uuid.uuid4().hex[:12]}"


def _just_now() -> str:
    return cursor_from(datetime.now(UTC) - timedelta(seconds=1))
