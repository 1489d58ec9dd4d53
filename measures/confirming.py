"""Confirming a surge: whoever runs a touched pool or team says whether it can take what comes."""

from collections.abc import Sequence
from datetime import UTC, datetime

from measures.directory import Directory
from measures.drafting import Drafting
from measures.duties import refuse_stranger
from measures.entry import Draft
from measures.errors import RefusedError
from measures.loads import Confirmation, Touched
from measures.requests import SurgeReport
from measures.state import MeasureState


def confirm(
    state: MeasureState,
    ask: SurgeReport,
    surge: Sequence[Touched],
    directory: Directory,
    *,
    by: str,
    at: datetime,
    command: str,
) -> list[Draft]:
    """Drafts one confirmation, or refusal, per touched pool and team that somebody may speak for.

    Args:
        state: the measure.
        ask: the pool, and the period and team where only one is meant.
        surge: whom the measure touches now.
        directory: the people; who acts for somebody in operations confirms for them.
        by: who confirms.
        at: when; delegations count on their days.
        command: the request.

    Raises:
        RefusedError: ``already-ended``, ``unknown-person``, ``no-surge``, ``not-entitled``,
            ``confirmed-already``, ``declined-already``, ``gate-passed``, or
            ``duties-not-separate`` when the measure's owner confirms.
    """
    if state.ended:
        raise RefusedError("already-ended", f"measure {state.id} has ended")
    refuse_stranger(directory, by)
    meant = [one for one in surge if _is_meant(one, ask)]
    if not meant:
        touched = ", ".join(dict.fromkeys(f"{one.pool} {one.period}" for one in surge))
        raise RefusedError(
            "no-surge",
            f"measure {state.id} brings no surge to {_words(ask)}; it touches"
            f" {touched or 'nothing beyond normal'}: sluice explain {state.id}",
        )
    declined = ask.declined or ""
    own = [one for one in meant if _may(one, directory, by, at)]
    if own and by == state.plan.owner and not declined:
        raise RefusedError("duties-not-separate", _needs_another(state, own, by))
    if not own:
        persons = ", ".join(dict.fromkeys(name for one in meant for name in one.confirmers))
        persons = persons or "somebody else in operations"
        raise RefusedError(
            "not-entitled",
            f"measure {state.id}: the surge at {_words(ask)} is for {persons} to confirm, not {by}",
        )
    open_ones = [one for one in own if not _is_said(one, declined)]
    if not open_ones:
        said = "declined" if declined else "confirmed"
        who = own[0].declined_by if declined else own[0].confirmed_by
        raise RefusedError(
            f"{said}-already", f"measure {state.id}: {who} has {said} {_words(ask)} already"
        )
    if declined:
        _refuse_too_late(state, at)
    drafting = Drafting(state, by=by, at=at, command=command)
    for one in open_ones:
        confirmation = Confirmation(
            pool=one.pool,
            period=one.period,
            team=one.team,
            by=by,
            on_behalf_of=one.person,
            needed=one.needed,
            at=at,
            declined=declined,
        )
        body = {**confirmation.model_dump(mode="json"), "unit": one.unit, "normal": one.normal}
        drafting.write("surge_declined" if declined else "surge_confirmed", body)
    return drafting.drafts


def _refuse_too_late(state: MeasureState, at: datetime) -> None:
    """Refuses an objection that no gate is left to hear: once decided only a launch still does."""
    lifecycle, campaign = state.lifecycle, state.plan.campaign
    if not lifecycle.reached(state.stage, lifecycle.hard_at):
        return
    if campaign is not None and at.astimezone(UTC).date() <= campaign.ends_on:
        return
    left = "has no campaign" if campaign is None else f"its campaign ended on {campaign.ends_on}"
    raise RefusedError(
        "gate-passed",
        f"measure {state.id} has passed the gate {lifecycle.hard_at} and {left}, so no gate"
        f" is left that an objection could hold; ask its owner {state.plan.owner} to stop it:"
        f" sluice hold {state.id} --reason ... --as {state.plan.owner}",
    )


def _is_said(touched: Touched, declined: str) -> bool:
    return touched.declined == declined if declined else bool(touched.confirmed_by)


def _is_meant(touched: Touched, ask: SurgeReport) -> bool:
    return (
        touched.pool == ask.pool
        and ask.period in (None, touched.period)
        and ask.team in (None, touched.team)
    )


def _may(touched: Touched, directory: Directory, by: str, at: datetime) -> bool:
    acting = directory.acting_for(touched.person, "operations", at.date())
    return by in (touched.person, acting, *touched.instead)


def _needs_another(state: MeasureState, own: Sequence[Touched], by: str) -> str:
    """Says who can confirm what the measure's owner cannot confirm themselves."""
    others = [name for name in own[0].confirmers if name != by]
    ask = f"sluice confirm {state.id} --pool {own[0].pool} --as"
    way = f"apply a Delegation of the role operations from {own[0].person} to somebody else"
    if others:
        way = f"{', '.join(others)} can: {ask} {others[0]}"
    return f"measure {state.id}: its owner {by} cannot confirm its surge; {way}"


def _words(ask: SurgeReport) -> str:
    team = f" team {ask.team}" if ask.team else ""
    return f"{ask.pool}{team}" + (f" {ask.period}" if ask.period else "")
