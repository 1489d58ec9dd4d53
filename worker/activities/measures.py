"""Deciding and recording one request to a measure.

The ledger arbitrates: if another attempt recorded first, its entries count and the request is
decided anew on top of them. So this can run any number of times and records once.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from temporalio import activity

from ledger.changes import Unmoved
from ledger.reading import Docket
from ledger.writer import AsyncLedger
from measures import decisions, permitting
from measures.answers import Refusal
from measures.assessment import assess
from measures.confirming import confirm
from measures.directory import Directory
from measures.entry import Draft, measure_stream
from measures.errors import LedgerError, RefusedError
from measures.folding import fold_measure
from measures.judging import (
    judged,
    only_with_controller,
    says_the_same,
    waited_for,
    with_waivers,
)
from measures.lifecycle import LAUNCH
from measures.loads import Need
from measures.mapping import concern
from measures.model import restore
from measures.needs import in_pool_units
from measures.people import ENGINE
from measures.places import Places, may_want_places, places_to_take, waits_at_pools
from measures.plan import Demand, Measure
from measures.queueing.inputs import QueueInputs, inputs_of
from measures.queueing.recording import refuse_to_simulate, simulated
from measures.reasons import refuse_blank
from measures.requests import (
    AdvanceInput,
    LaunchInput,
    MigrateInput,
    ReportInput,
    SignInput,
)
from measures.rollout import migrate, refuse_unless_may_migrate
from measures.state import MeasureState
from measures.verdict import Verdict
from measures.waivers import demands_to_hold
from rules.archive import LostVersionError
from rules.lifecycle_files import lifecycle_named
from worker.activities.court import Court, Judgement, unsettled
from worker.activities.queues import Simulator
from worker.activities.unjudged import drafts_of
from worker.activities.unseen import unseen
from worker.signing import KeyRing
from workflows.contract import ACT_ON_MEASURE, MeasureAct, MeasureRecord

_log = logging.getLogger("sluicegate.worker.measures")


@dataclass(frozen=True)
class _Deed:
    """What a request leads to, before it is recorded.

    Attributes:
        at_pools: whether the gate that holds capacity was judged.
        only_room: the verdict, when nothing but capacity keeps that gate shut.
    """

    drafts: list[Draft]
    verdict: Verdict | None = None
    judgement: Judgement | None = None
    wants_capacity: bool = False
    repeated: bool = False
    at_pools: bool = False
    only_room: Verdict | None = None


class MeasureActivities:
    """Fills `workflows.ports.act_on_measure`."""

    def __init__(self, ledger: AsyncLedger, court: Court, keys: KeyRing) -> None:
        self._ledger = ledger
        self._court = court
        self._keys = keys
        self._queues = Simulator()

    @activity.defn(name=ACT_ON_MEASURE)
    async def act_on_measure(self, act: MeasureAct) -> MeasureRecord:
        """Decides a request to a measure and records it; asking twice records it once.

        Raises:
            LedgerError: the record cannot be written or read now; asking again may work.
        """
        docket, record = await self._act(act)
        mappings = docket.directory.mappings
        if not mappings:
            return record
        plan = docket.measure.plan if docket.measure else restore(Measure, act.ask["plan"])
        return record.model_copy(update={"mapped": bool(concern(mappings.values(), plan))})

    async def _act(self, act: MeasureAct) -> tuple[Docket, MeasureRecord]:
        while True:
            docket = await self._ledger.docket(act.measure)
            state = docket.measure
            try:
                deed = await self._decide(docket, act)
            except RefusedError as error:
                return docket, await self._refuse(act, state, error)
            except LedgerError:
                raise
            except Exception as error:
                # A fault of ours would come again with every retry and stop this measure for
                # good; refused, it stops one request.
                _log.exception("fault while deciding %s for %s", act.verb, act.measure)
                why = f"the engine failed on {act.verb} for {act.measure}: {error!r}; nothing moved"
                return docket, await self._refuse(act, state, RefusedError("engine-fault", why))
            bound = await self._stands_on(docket, deed)
            if not deed.drafts or await self._ledger.record(deed.drafts, bound):
                return docket, await self._record(act, state, deed)

    async def _stands_on(self, docket: Docket, deed: _Deed) -> Unmoved | None:
        """Returns whose moves a permit must know of: who is after the same audience.

        Of two that are granted at the same moment the ledger's writer takes the first; the other
        is judged again and sees it.
        """
        granted = any(draft.kind == "permit_granted" for draft in deed.drafts)
        if docket.measure is None or not granted:
            return None
        rivals = await self._ledger.rivals(docket.measure)
        return Unmoved(tuple(map(measure_stream, rivals)), docket.position) if rivals else None

    async def _refuse(
        self, act: MeasureAct, state: MeasureState | None, error: RefusedError
    ) -> MeasureRecord:
        news = await unseen(self._ledger, measure_stream(act.measure), act.known)
        return MeasureRecord(
            entries=news,
            refused=Refusal.of(error),
            wake=await self._wake(act, news),
        )

    async def _decide(self, docket: Docket, act: MeasureAct) -> _Deed:
        state, directory = docket.measure, docket.directory
        if state is None:
            plan = restore(Measure, act.ask["plan"])
            lifecycle = lifecycle_named(plan.lifecycle, directory.lifecycles)
            by, at, command = act.ask["by"], act.at, act.command
            await self._refuse_taken_campaign(plan)
            return _Deed([decisions.define(plan, lifecycle, by=by, at=at, command=command)])
        if act.verb == "define":
            return _Deed([])
        if act.command in state.commands:
            return _Deed([], repeated=True)
        refuse_blank(act.ask.get("reason"), f"measure {state.id}")
        if act.verb == "advance":
            return await self._advance(state, act, docket)
        if act.verb == "sign":
            return await self._sign(state, act, docket)
        if act.verb == "launch":
            return await self._launch(state, act, docket)
        if act.verb == "renew_permit":
            return await self._renew(state, act, docket)
        if act.verb == "launch_again":
            return await self._launch_again(state, act, docket)
        if act.verb == "migrate":
            return _Deed(await self._migrate(state, act, directory))
        if act.verb == "amend":
            drafts = drafts_of(state, act, directory)
            await self._refuse_taken_campaign(reduce(fold_measure, drafts, state).plan)
            return _Deed(drafts)
        if act.verb == "report" and act.ask.get("surge") is not None:
            return _Deed(await self._confirm(state, act, directory))
        if act.verb == "report" and act.ask.get("queue") is not None:
            return _Deed(await self._simulate(state, act, directory))
        return _Deed(drafts_of(state, act, directory))

    async def _refuse_taken_campaign(self, plan: Measure) -> None:
        """Refuses a campaign that another measure has: it cannot obey two.

        Raises:
            RefusedError: ``campaign-taken``.
        """
        if plan.campaign is None:
            return
        holder = await self._ledger.campaign_holder(plan.campaign.ref, except_for=plan.id)
        if holder is not None:
            raise RefusedError(
                "campaign-taken",
                f"measure {plan.id}: campaign {plan.campaign.ref} belongs to measure {holder};"
                " give it a campaign of its own, or end the other measure first",
            )

    async def _sign(self, state: MeasureState, act: MeasureAct, docket: Docket) -> _Deed:
        ask = restore(SignInput, act.ask)
        drafts = decisions.sign(state, ask, docket.directory, act.at, act.command)
        if not ask.advance:
            return _Deed(drafts)
        signed = reduce(fold_measure, drafts, state)
        gate = decisions.gate_to_ask(signed, docket.directory, ask.by, act.at)
        if gate != ask.gate:
            raise RefusedError(
                "not-the-next-gate",
                f"measure {state.id} is {state.stage}: its next gate is {gate}, not {ask.gate};"
                " sign without asking to advance",
            )
        deed = await self._ask(signed, gate, act, docket, by=ask.by)
        if deed.wants_capacity:
            return deed
        return replace(deed, drafts=[*drafts, *deed.drafts])

    async def _advance(self, state: MeasureState, act: MeasureAct, docket: Docket) -> _Deed:
        by = restore(AdvanceInput, act.ask).by
        if by == ENGINE:
            if state.request is None or state.on_hold is not None:
                return _Deed([])
            gate = state.request.gate
        else:
            gate = decisions.gate_to_ask(state, docket.directory, by, act.at)
        return await self._ask(state, gate, act, docket, by=by)

    async def _ask(
        self, state: MeasureState, gate: str, act: MeasureAct, docket: Docket, *, by: str
    ) -> _Deed:
        """Has a gate judged and drafts what the verdict leads to."""
        directory = docket.directory
        again = await self._simulate_again(state, act, directory)
        if again:
            deed = await self._ask(reduce(fold_measure, again, state), gate, act, docket, by=by)
            return deed if deed.wants_capacity else replace(deed, drafts=[*again, *deed.drafts])
        judgement = await self._court.judge(state, gate, act.at, directory, docket.position, by=by)
        verdict = only_with_controller(state, with_waivers(state, judgement.verdict, by))
        lifecycle = state.lifecycle
        reserves = bool(state.plan.demands) and gate in (lifecycle.soft_at, lifecycle.hard_at)
        needs = judgement.assessment.needs
        unknown = next((need.why for need in needs if need.amount is None), "")
        if verdict.passed and unknown and gate == lifecycle.hard_at:
            verdict = unsettled(verdict, unknown)
        elif verdict.passed and reserves and _asks_anew(act, needs):
            if not act.final:
                return _Deed([], verdict, judgement, wants_capacity=True)
            verdict = unsettled(verdict, "others took it again and again")
        at_pools = bool(state.plan.demands) and gate == lifecycle.hard_at
        only_room = (
            verdict
            if at_pools and await self._waits_for_room(state, gate, act, docket, verdict, by=by)
            else None
        )
        deed = _Deed([], verdict, judgement, at_pools=at_pools, only_room=only_room)
        if by == ENGINE and not verdict.passed:
            waiting_for = waited_for(state, verdict, directory)
            if says_the_same(state, verdict, waiting_for):
                return deed
        drafts = judged(
            state,
            verdict,
            directory,
            held=act.held,
            by=by,
            command=act.command,
            assessment=judgement.assessment,
        )
        return replace(deed, drafts=drafts)

    async def _waits_for_room(
        self,
        state: MeasureState,
        gate: str,
        act: MeasureAct,
        docket: Docket,
        verdict: Verdict,
        *,
        by: str,
    ) -> bool:
        """Tells whether a gate would open if only the pools had room."""
        if not may_want_places(state, verdict):
            return False
        at, directory = act.at, docket.directory
        supposed = await self._court.judge(
            state, gate, at, directory, docket.position, by=by, plenty=True
        )
        return with_waivers(state, supposed.verdict, by).passed

    async def _places(
        self, act: MeasureAct, before: MeasureState | None, deed: _Deed
    ) -> Places | None:
        """Returns the places in queues that a measure is to take, or to leave."""
        if before is None or deed.wants_capacity:
            return None
        unsure = deed.repeated or before.number != act.known
        if not (deed.at_pools or unsure or waits_at_pools(before)):
            return None
        after = reduce(fold_measure, deed.drafts, before)
        names = {d.pool for d in (*before.plan.demands, *after.plan.demands)}
        if waits_at_pools(after) and not deed.at_pools:
            # Not judged: whatever it waits for stays, but for pools that it no longer needs.
            names -= {d.pool for d in after.plan.demands}
        if not names:
            return None
        pools = await self._ledger.pools(sorted(names))
        needs = deed.judgement.assessment.needs if deed.judgement is not None else ()
        demands = in_pool_units(needs) if deed.only_room is not None else ()
        return places_to_take(after, demands_to_hold(demands, deed.only_room), pools)

    async def _launch(self, state: MeasureState, act: MeasureAct, docket: Docket) -> _Deed:
        ask = restore(LaunchInput, act.ask)
        by, directory = ask.by, docket.directory
        decisions.refuse_launch(state, directory, by, act.at)
        again = await self._simulate_again(state, act, directory)
        state = reduce(fold_measure, again, state)
        judgement = await self._court.judge(
            state, LAUNCH, act.at, directory, docket.position, by=by
        )
        verdict = with_waivers(state, judgement.verdict, by)
        issuer = await self._keys.issuer()
        drafts = permitting.launch_judged(
            state, verdict, by=by, command=act.command, issuer=issuer, content=ask.content
        )
        return _Deed([*again, *drafts], verdict, judgement)

    async def _renew(self, state: MeasureState, act: MeasureAct, docket: Docket) -> _Deed:
        """Has the launch gate judged again for a permit that stands."""
        permit = state.permit
        if permit is None or permit.expires_at is None or state.ended:
            return _Deed([])
        try:
            return await self._judge_permit(state, permit.by, act, docket)
        except LedgerError:
            raise
        except Exception as error:
            # Whatever keeps a permit from being renewed must not keep it from running out.
            _log.exception("the permit %s cannot be renewed", permit.id)
            if act.at < permit.expires_at:
                return _Deed([])
            why = f"nobody could renew it: {error}"
            at, command = act.at, act.command
            return _Deed(permitting.ended(state, "expired", why, by=ENGINE, at=at, command=command))

    async def _judge_permit(
        self, state: MeasureState, by: str, act: MeasureAct, docket: Docket
    ) -> _Deed:
        again = await self._simulate_again(state, act, docket.directory)
        state = reduce(fold_measure, again, state)
        judgement = await self._court.judge(
            state, LAUNCH, act.at, docket.directory, docket.position, by=by
        )
        verdict = with_waivers(state, judgement.verdict, by)
        issuer = await self._keys.issuer()
        drafts = permitting.renewed(state, verdict, command=act.command, issuer=issuer)
        # No verdict: a request that waits was not asked anything.
        return _Deed([*again, *drafts])

    async def _confirm(
        self, state: MeasureState, act: MeasureAct, directory: Directory
    ) -> list[Draft]:
        """Confirms a surge as it is now, whether or not a gate has been asked for yet."""
        ask = restore(ReportInput, act.ask)
        assert ask.surge is not None, "asked for by the verb"
        around = await self._ledger.surroundings(state)
        surge = assess(state, around.pools, directory).surge
        return confirm(
            state, ask.surge, surge, directory, by=ask.by, at=act.at, command=act.command
        )

    async def _simulate(
        self, state: MeasureState, act: MeasureAct, directory: Directory
    ) -> list[Draft]:
        """Simulates the queues before the measure's pools, as they are now."""
        ask = restore(ReportInput, act.ask)
        assert ask.queue is not None, "asked for by the verb"
        refuse_to_simulate(state, directory, ask.by)
        inputs = await self._queue_inputs(state, directory)
        record = await self._queues.play(inputs, ask.queue)
        return simulated(state, record, act.at, act.command, ask.by)

    async def _simulate_again(
        self, state: MeasureState, act: MeasureAct, directory: Directory
    ) -> list[Draft]:
        """Brings a recorded simulation up to what plan and pools state by now."""
        if state.queue is None:
            return []
        try:
            inputs = await self._queue_inputs(state, directory)
            if inputs.digest == state.queue.inputs:
                return []
            record = await self._queues.play(inputs, state.queue.ask)
        except RefusedError:
            # What can no longer be simulated is unknown, and a rule that asks for it says so.
            return []
        return simulated(state, record, act.at, act.command)

    async def _queue_inputs(self, state: MeasureState, directory: Directory) -> QueueInputs:
        around = await self._ledger.surroundings(state)
        return inputs_of(state.plan, around.pools, assess(state, around.pools, directory).needs)

    async def _launch_again(self, state: MeasureState, act: MeasureAct, docket: Docket) -> _Deed:
        """Has the launch gate judged again for who waits at it."""
        waits = state.launch_waits
        if waits is None or state.ended:
            return _Deed([])
        judgement = await self._court.judge(
            state, LAUNCH, act.at, docket.directory, docket.position, by=waits.by
        )
        verdict = with_waivers(state, judgement.verdict, waits.by)
        issuer = await self._keys.issuer()
        return _Deed(permitting.asked_again(state, verdict, command=act.command, issuer=issuer))

    async def _migrate(
        self, state: MeasureState, act: MeasureAct, directory: Directory
    ) -> list[Draft]:
        ask = restore(MigrateInput, act.ask)
        refuse_unless_may_migrate(ask.by, directory)
        try:
            newest = {pack.id: pack for pack in await self._court.newest(directory)}
            if ask.pack not in newest:
                raise RefusedError(
                    "unknown-pack", f"there is no pack {ask.pack!r}: sluice get rulepacks"
                )
            to = await self._court.version(ask.pack, ask.to)
        except LostVersionError as error:
            raise RefusedError("unknown-version", f"{error}: sluice get rulepacks") from error
        return migrate(state, ask, directory, newest[ask.pack], to, act.at, act.command)

    async def _record(
        self, act: MeasureAct, before: MeasureState | None, deed: _Deed
    ) -> MeasureRecord:
        """Says what was recorded, and whether it must be looked at again."""
        entries = tuple(deed.drafts)
        if before is not None and before.number != act.known:
            entries = await unseen(self._ledger, measure_stream(act.measure), act.known)
        waits = deed.verdict is not None and not deed.verdict.passed and act.verb != "launch"
        stale = False
        if waits and deed.judgement is not None and before is not None:
            after = reduce(fold_measure, deed.drafts, before)
            stale = await self._court.is_stale(after, deed.judgement)
        look_again_at = deed.verdict.look_again_at if deed.verdict and waits else None
        if deed.repeated and before is not None and before.request is not None:
            # The first answer was lost, and with it when to look again and whether to.
            look_again_at = before.request.verdict.look_again_at
            stale = True
        return MeasureRecord(
            entries=entries,
            # What was recorded holds it already, and every byte here stays in the history.
            verdict=None if deed.drafts else deed.verdict,
            wants_capacity=deed.wants_capacity,
            demands=_converted(deed.judgement) if deed.wants_capacity else None,
            look_again_at=look_again_at,
            stale=stale,
            wake=await self._wake(act, entries),
            places=await self._places(act, before, deed),
        )

    async def _wake(self, act: MeasureAct, news: Sequence[Draft]) -> tuple[str, ...]:
        """Returns whom it may concern, also what a dead attempt recorded: requests and permits."""
        rivals: list[str] = []
        if any(entry.kind in _FREES_AUDIENCE for entry in news):
            state = await self._ledger.measure(act.measure)
            rivals = await self._ledger.rivals(state) if state is not None else []
        if not any(entry.kind in _MOVES for entry in news):
            return tuple(rivals)
        watching = await self._ledger.watching(measure_stream(act.measure))
        return tuple(dict.fromkeys([*watching, *rivals]))


_MOVES = ("stage_advanced", "stage_stepped_back", "measure_cancelled")
"""What other measures may be waiting for."""

_FREES_AUDIENCE = (
    "permit_granted",
    "permit_denied",
    "permit_revoked",
    "permit_expired",
    "hold_placed",
    "measure_cancelled",
    "stage_stepped_back",
)
"""What changes which campaign holds an audience."""


def _converted(judgement: Judgement | None) -> tuple[Demand, ...] | None:
    """Returns the demands in the pools' units; None where the plan states them so itself."""
    needs = judgement.assessment.needs if judgement is not None else ()
    return in_pool_units(needs) if any(need.converted for need in needs) else None


def _asks_anew(act: MeasureAct, needs: Sequence[Need]) -> bool:
    """Tells whether capacity is still to be reserved, or was for what came to something else.

    A conversion may have learned between the verdict and the reservation.
    """
    if act.held is None:
        return True
    held = act.held.amounts
    return any(
        held[need.pool][need.period] != need.amount
        for need in needs
        if need.converted and need.period in held.get(need.pool, {})
    )
