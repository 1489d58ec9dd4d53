"""Silver: it moves objects and comments on them, once each, and tells what it could not."""

from connectors.conformance import faults
from connectors.conformance.bronze import connected, kind_of
from connectors.conformance.making import conflict_of, made_anew, needs, new_name
from connectors.conformance.results import Checks, ExemptError, Tier
from connectors.conformance.subject import Subject
from connectors.failures import NotFound, Rejected, RetryLater
from connectors.texts import CUT

moves = Checks(Tier.SILVER)


@moves
async def moves_an_object(subject: Subject) -> None:
    """It is moved from status to status, and shows each."""
    if not subject.moves:
        raise ExemptError("its objects have no statuses")
    async with connected(subject) as connector:
        made = await made_anew(subject, connector)
        for status in subject.moves:
            moved = await connector.transition(made.kind, made.ref, status, key=status)
            assert moved.status == status, f"it shows {moved.status!r}, not {status!r}"
        again = await connector.transition(made.kind, made.ref, status, key="again")
        assert again.version == moved.version, "moved to where it is, it changed"


@moves
async def refuses_an_illegal_move(subject: Subject) -> None:
    """A status that cannot be reached is Rejected, and nothing changes."""
    async with connected(subject) as connector:
        made = await made_anew(subject, connector)
        needs(connector, "transition")
        try:
            await connector.transition(made.kind, made.ref, subject.illegal, key="k")
        except Rejected:
            shown = await connector.get(made.kind, made.ref)
        else:
            msg = f"it moved to {subject.illegal!r}"
            raise AssertionError(msg)
        assert shown.status == made.status, f"it shows {shown.status!r}"


@moves
async def does_not_move_what_is_not_there(subject: Subject) -> None:
    """Moving an object that is not there is NotFound."""
    kind = kind_of(subject)
    async with connected(subject) as connector:
        needs(connector, "transition")
        status = subject.moves[0] if subject.moves else subject.illegal
        try:
            await connector.transition(kind, "99999999", status, key="k")
        except (NotFound, Rejected):
            return
    msg = "it moved an object that is not there"
    raise AssertionError(msg)


@moves
async def finishes_a_move_when_the_answer_is_lost(subject: Subject) -> None:
    """Moved, the answer lost, asked again: it is there, and moved once."""
    if not subject.moves:
        raise ExemptError("its objects have no statuses")
    status = subject.moves[0]
    async with connected(subject) as connector:
        made = await made_anew(subject, connector)
    async with connected(subject, faults.LosingReplies) as connector:
        try:
            await connector.transition(made.kind, made.ref, status, key="move")
        except RetryLater:
            before = await connector.get(made.kind, made.ref)
        else:
            raise ExemptError("it does not write over HTTP")
        moved = await connector.transition(made.kind, made.ref, status, key="move")
        assert moved.status == status, f"it shows {moved.status!r}, not {status!r}"
        assert moved.version == before.version or before.status != status, "it moved twice"


@moves
async def does_not_move_what_has_changed(subject: Subject) -> None:
    """Who saw an old version gets a Conflict, and nothing is moved."""
    if not subject.moves:
        raise ExemptError("its objects have no statuses")
    async with connected(subject) as connector:
        made = await made_anew(subject, connector)
        patch = {"title": "changed"}
        await connector.upsert(made.kind, made.external_id, patch, key="changed")
        await conflict_of(
            connector.transition(
                made.kind, made.ref, subject.moves[0], key="k", expect=made.version
            )
        )
        shown = await connector.get(made.kind, made.ref)
        assert shown.status == made.status, f"it shows {shown.status!r}"


@moves
async def keeps_long_texts_or_says_no(subject: Subject) -> None:
    """9,000 letters come back whole or with a cut that shows, or are refused; none get lost."""
    long = "long " * 1800 + "end"
    async with connected(subject) as connector:
        made = await made_anew(subject, connector)
        needs(connector, "comment")
        try:
            await connector.comment(made.kind, made.ref, long, key=new_name())
        except Rejected:
            return
    if subject.comments is not None:
        found = [one for one in await subject.comments(made.ref) if one.startswith("long ")]
        assert len(found) == 1, f"it shows {len(found)} such comments"
        assert long in found[0] or CUT in found[0], "a part of it got lost without a word"


@moves
async def keeps_every_letter_of_a_comment(subject: Subject) -> None:
    """A comment of several lines in any script comes back as it was written."""
    text = "Wartet auf: Prüfung\n\u4f60\u597d \U0001f600 <b>&amp; 100 %\n  - eingerückt"
    async with connected(subject) as connector:
        made = await made_anew(subject, connector)
        needs(connector, "comment")
        await connector.comment(made.kind, made.ref, text, key=new_name())
    if subject.comments is None:
        raise ExemptError("nobody can read its comments here")
    found = await subject.comments(made.ref)
    assert any(text in one.replace("\r\n", "\n") for one in found), f"it shows {found}"


@moves
async def comments_once(subject: Subject) -> None:
    """The same key twice is one comment, also when the answer was lost."""
    async with connected(subject) as connector:
        made = await made_anew(subject, connector)
        needs(connector, "comment")
    key = new_name()
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
    if subject.comments is not None:
        found = [one for one in await subject.comments(made.ref) if "cleared" in one]
        assert len(found) == 1, f"it shows {len(found)} such comments"
