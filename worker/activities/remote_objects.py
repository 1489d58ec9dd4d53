"""Bringing one remote object in step: find it, compare, write only differences, read it back."""

from collections.abc import Collection
from datetime import UTC, datetime

from temporalio import activity

from connectors.contract import Connector, Remote
from connectors.failures import Conflict, NotFound
from measures.digest import digest
from measures.mapping import Scalar
from measures.reconciling import Difference, Reconciliation, Shown, denied, reconcile
from measures.remote import STATUS, RemoteState
from measures.remote_words import said_of
from measures.syncing import Brought, Refused
from worker.activities.taking_over import TakingOver
from worker.activities.telling import beating, told_to_temporal
from worker.connections import Connections
from workflows.remote_contract import BRING_REMOTE

CONFLICTS = 3
"""So often an object may change between reading and writing before a later try goes on."""

GONE = "object"
"""The field that stands for the object itself, where somebody has removed it."""


class RemoteObjectActivities:
    """Fills `workflows.remote_ports.bring_remote`."""

    def __init__(self, connections: Connections, taking: TakingOver) -> None:
        self._connections = connections
        self._taking = taking

    @activity.defn(name=BRING_REMOTE)
    async def bring_remote(self, state: RemoteState) -> Brought:
        """Brings an object to what is wanted of it and believes only what is read back.

        Finding comes first, and every effect has a key that follows from the ledger, so a lost
        answer or a death in the middle leads to no second object and no second comment.
        """
        with told_to_temporal():
            connector = await self._connections.get(state.connection)
            async with beating():
                return await _Bringing(connector, state, self._taking).bring()


class _Bringing:
    """One try at one object."""

    def __init__(self, connector: Connector, state: RemoteState, taking: TakingOver) -> None:
        self._connector = connector
        self._state = state
        self._taking = taking

    async def bring(self) -> Brought:
        for _ in range(CONFLICTS - 1):
            try:
                return await self._try()
            except Conflict:
                continue  # somebody was quicker: what they did is read and decided about anew
        return await self._try()

    async def _try(self) -> Brought:
        state = self._state
        found = await self._find()
        if found is None and state.want.done:
            return Brought(outcome="absent", wanted_number=state.wanted_number)
        if found is None:
            return await self._make()
        closed: Collection[str] = ()
        if found.status != state.shown.get(STATUS, found.status):
            closed = (await self._connector.describe(state.kind)).closed
        decided = reconcile(state, self._shown(found), closed, datetime.now(UTC))
        if decided.suspended:
            return Brought(
                outcome="left",
                shown=self._shown(found),
                wanted_number=state.wanted_number,
                suspended=decided.suspended,
            )
        written = await self._write(found, decided)
        # Afterwards it shows us, whoever it was that was answered.
        return written.model_copy(update={"actor": found.actor})

    async def _find(self) -> Remote | None:
        state = self._state
        if state.ref:
            try:
                return await self._connector.get(state.kind, state.ref)
            except NotFound:
                pass  # removed there, or moved away: our name for it may still find it
        return await self._connector.find(state.kind, state.external_id)

    async def _make(self) -> Brought:
        state = self._state
        if state.ref:
            lately = state.recent_flips(GONE, datetime.now(UTC))
            if lately >= state.want.flips.most:
                why = (
                    f"{state.connection} {state.kind} {state.ref} was removed there again and again"
                )
                return Brought(outcome="left", wanted_number=state.wanted_number, suspended=why)
        sent = {one.theirs: one.value for one in state.want.fields if one.value is not None}
        made = await self._connector.upsert(
            state.kind, state.external_id, sent, key=self._key("make")
        )
        gone = Difference(field=GONE, ours=made.ref, theirs=None)
        decided = Reconciliation(
            sent, status=state.want.status, reverted=(gone,) if state.ref else ()
        )
        return await self._say_and_move(made, decided, made.status)

    async def _write(self, found: Remote, decided: Reconciliation) -> Brought:
        state = self._state
        refused = await self._take_over(decided.taken)
        denial = refused.pop(STATUS, "")
        if denial:
            decided = denied(decided, state.want.move)
        for number, one in enumerate(decided.reverted):
            # Said before it is put back: afterwards nobody could tell that it still is to be said.
            await self._connector.comment(
                state.kind,
                found.ref,
                said_of("reverted", one, state, denial),
                key=self._key(f"reverted {state.answers + number}"),
            )
        for number, one in enumerate((*decided.flagged, *decided.asked)):
            await self._connector.comment(
                state.kind,
                found.ref,
                said_of("left", one, state, denial),
                key=self._key(f"left {state.answers + number}"),
            )
        before = found.status
        if decided.reverted or decided.flagged or decided.asked:
            found = await self._connector.get(state.kind, found.ref)
        if decided.writes:
            found = await self._connector.upsert(
                state.kind,
                state.external_id,
                decided.writes,
                key=self._key("write"),
                expect=found.version,
            )
        return await self._say_and_move(found, decided, before, refused)

    async def _take_over(self, taken: tuple[Difference, ...]) -> dict[str, str]:
        """Returns why, by field, what could not be taken over."""
        return {
            one.field: why
            for one in taken
            if (
                why := await self._taking.take(
                    self._state, one, self._key(f"take {one.field} {self._state.answers}")
                )
            )
        }

    async def _say_and_move(
        self,
        found: Remote,
        decided: Reconciliation,
        before: str,
        refused: dict[str, str] | None = None,
    ) -> Brought:
        """Says first: some systems open an object again when something is said about it."""
        state = self._state
        sent: dict[str, Scalar] = dict(decided.writes)
        said = ""
        is_new = bool(state.ref) and found.ref != state.ref
        if state.want.remark and (state.remark_number is not None or is_new):
            about = f"say on {found.ref}" if is_new else "say"
            key = self._key(about, state.remark_number)
            await self._connector.comment(state.kind, found.ref, state.want.remark, key=key)
            said = state.want.phase
            found = await self._connector.get(state.kind, found.ref)
        status = decided.status or before
        if decided.status:
            sent[STATUS] = status
        if found.status != status:
            found = await self._connector.transition(
                state.kind, found.ref, status, key=self._key("move"), expect=found.version
            )
        if sent:
            found = await self._connector.get(state.kind, found.ref)
        whys = refused or {}
        return Brought(
            outcome="shown",
            shown=self._shown(found),
            sent=sent,
            said=said,
            wanted_number=state.wanted_number,
            reverted=decided.reverted,
            taken=tuple(one for one in decided.taken if one.field not in whys),
            asked=decided.asked,
            flagged=decided.flagged,
            refused=tuple(
                Refused(difference=one, why=whys[one.field])
                for one in decided.taken
                if one.field in whys
            ),
        )

    def _shown(self, remote: Remote) -> Shown:
        """Returns what an object shows of what is mapped; a system may have hundreds of fields."""
        mapped = {one.theirs for one in self._state.want.fields}
        fields = {
            name: value
            for name, value in {"title": remote.title, **remote.fields}.items()
            if name in mapped and (value is None or isinstance(value, str | int | float | bool))
        }
        return Shown(
            ref=remote.ref,
            url=remote.url,
            version=remote.version,
            status=remote.status,
            fields=fields,
            updated_at=remote.updated_at,
            actor=remote.actor,
        )

    def _key(self, effect: str, number: int | None = None) -> str:
        """Names an effect: the object, the entry that it follows from, and what is done."""
        follows = self._state.wanted_number if number is None else number
        return digest([self._state.id, follows, effect])[:24]
