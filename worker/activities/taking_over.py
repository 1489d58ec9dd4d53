"""Taking over what somebody changed in a connected system: in the plan, or by asking for a gate."""

from ledger.writer import AsyncLedger
from measures.errors import RefusedError
from measures.reconciling import Difference
from measures.remote import STATUS, RemoteState
from measures.requests import AmendInput
from workflows.client import SluiceClient

_REASONS = 3
"""So many are told in a comment; `sluice explain` has all."""


class TakingOver:
    """Amends measures and asks for gates on behalf of the person whom the mapping names."""

    def __init__(self, ledger: AsyncLedger, client: SluiceClient) -> None:
        self._ledger = ledger
        self._client = client

    async def take(self, state: RemoteState, one: Difference, key: str) -> str:
        """Takes a value over and returns why not; empty when it counts now.

        What shows a blocker stands for nothing that could be changed here: there it is only left
        as it is. Who decided that it counts answers for it, else the person whom the mapping names.
        """
        want = state.want
        settled = state.settlement(one.field, one.ours, one.theirs)
        person = settled.by if settled is not None else want.as_person
        if not want.stands_for_measure or person is None:
            return ""
        if one.field == STATUS:
            return await self._ask_gate(state, want.asks[str(one.theirs)], person, key)
        field = next(field for field in want.fields if field.theirs == one.field)
        meant = field.meanings.get(str(one.theirs), one.theirs)
        docket = await self._ledger.docket(state.measure)
        measure = docket.measure
        if measure is None:
            return f"there is no measure {state.measure}"
        if field.ours == "owner" and meant not in docket.directory.people:
            return f"there is no person {meant!r} here: sluice get persons"
        content = measure.plan.model_dump(mode="json", by_alias=True) | {field.ours: meant}
        try:
            plan = type(measure.plan).model_validate(content, strict=False)
        except ValueError as error:
            return f"{meant!r} is no {field.ours} of a measure: {error}"
        if plan == measure.plan:
            return ""
        try:
            ask = AmendInput(by=person, plan=plan)
            answer = await self._client.amend(state.measure, ask, key=key)
        except RefusedError as error:
            return error.message
        return "" if answer.accepted else answer.message

    async def _ask_gate(self, state: RemoteState, gate: str, by: str, key: str) -> str:
        """Asks for a gate and returns why it stays shut; empty when it is open now.

        A request that is blocked keeps waiting, as every other: once it goes through, the object
        is moved by the engine.
        """
        measure = await self._ledger.measure(state.measure)
        if measure is None or measure.next_gate not in (gate, None):
            stands = "is not there" if measure is None else f"stands at {measure.stage} by now"
            return f"measure {state.measure} {stands}"
        try:
            answer = await self._client.advance(state.measure, by, key=key)
        except RefusedError as error:
            return error.message
        if not answer.accepted:
            return answer.message
        if answer.verdict == "pass":
            return ""
        reasons = "; ".join(reason.message for reason in answer.reasons[:_REASONS])
        more = len(answer.reasons) - _REASONS
        told = f"{reasons} (and {more} more)" if more > 0 else reasons
        return f"the gate is shut: {told or answer.verdict}; the request keeps waiting"
