"""Silver too: every change is found, and comes once."""

from collections.abc import Sequence

from connectors.conformance.bronze import connected, kind_of
from connectors.conformance.making import just_now, made_anew, needs, news
from connectors.conformance.results import Checks, Tier
from connectors.conformance.subject import Subject
from connectors.contract import Remote
from connectors.failures import Rejected

feed = Checks(Tier.SILVER)


@feed
async def finds_every_change(subject: Subject) -> None:
    """Read two at a time, every change comes once and none is missing."""
    since = just_now()
    async with connected(subject) as connector:
        needs(connector, "changes")
        made = {(await made_anew(subject, connector)).ref for _ in range(5)}
        seen, _ = await news(
            connector, kind_of(subject), since, lambda seen: made <= {r.ref for r in seen}, limit=2
        )
        assert {one.ref for one in seen} >= made, "a change is missing"
        mine = [(one.ref, one.version) for one in seen]
        assert len(mine) == len(set(mine)), "a change came twice"


@feed
async def tells_a_later_change_once(subject: Subject) -> None:
    """Nothing new, nothing comes; changed again, it comes once more."""
    since = just_now()
    async with connected(subject) as connector:
        needs(connector, "changes")
        made = await made_anew(subject, connector)

        def comes(seen: Sequence[Remote]) -> list[str]:
            return [one.title for one in seen if one.ref == made.ref]

        _, cursor = await news(connector, made.kind, since, lambda seen: bool(comes(seen)))
        again, cursor = await news(connector, made.kind, cursor, lambda _: True)
        assert not comes(again), "it came again unchanged"
        await connector.upsert(made.kind, made.external_id, {"title": "later"}, key="later")
        later, cursor = await news(connector, made.kind, cursor, lambda seen: bool(comes(seen)))
        assert comes(later) == ["later"], f"the later change came as {comes(later)}"
        again, _ = await news(connector, made.kind, cursor, lambda _: True)
        assert not comes(again), "it came again unchanged"


@feed
async def refuses_a_broken_cursor(subject: Subject) -> None:
    """A cursor that is none is Rejected."""
    kind = kind_of(subject)
    async with connected(subject) as connector:
        needs(connector, "changes")
        try:
            await connector.changes(kind, "no cursor")
        except Rejected:
            return
    msg = "it takes anything for a cursor"
    raise AssertionError(msg)
