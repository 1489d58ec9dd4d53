"""Applying documents: what is new, what has changed, what is refused, in one report."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal, Protocol

from console.reading import Located
from console.references import Known, Misfit, misfits
from ledger.store import Ledger
from measures.authority import refuse_unless_may_apply
from measures.blackouts import Blackout
from measures.conversion import Conversion, carried_over
from measures.directory import Directory
from measures.documents import (
    KINDS,
    Connection,
    Document,
    Pool,
    RulePack,
    document_content,
    document_digest,
)
from measures.duties import refuse_stranger
from measures.errors import RefusedError
from measures.lifecycle import Lifecycle
from measures.mapping import Mapping
from measures.model import Stored
from measures.people import OPERATOR, Delegation, Person
from measures.plan import Measure
from measures.pool_state import Uncovered
from measures.requests import AmendInput
from measures.tree import LEVELS, Node
from rules.source import Fault
from workflows.client import SluiceClient
from workflows.client.speaking import AT_ONCE

Outcome = Literal["created", "changed", "unchanged", "refused", "held-back"]


class Applied(Stored):
    """What came of one document.

    Attributes:
        outcome: ``held-back`` is good, but others of the same call were refused.
        code, message, help: why it was refused, first of `faults`.
        faults: everything that is wrong with it, each where it stands.
        uncovered: whose reservations a pool no longer covers by it, who lost first at the head.
    """

    kind: str
    id: str
    outcome: Outcome
    file: str
    line: int
    column: int
    code: str = ""
    message: str = ""
    help: str = ""
    faults: tuple[Fault, ...] = ()
    uncovered: tuple[Uncovered, ...] = ()


class Clock(Protocol):
    """Says what time it is; a story has a clock of its own."""

    def __call__(self) -> datetime:
        """Returns the time, with its zone."""


class Applier:
    """Applies documents to a ledger and to the running engine.

    Args:
        ledger: where people, tree, packs and delegations are kept; None to check documents
            against each other only.
        client: asks measures and pools; None to check only.
        clock: when it is.
    """

    def __init__(self, ledger: Ledger | None, client: SluiceClient | None, clock: Clock) -> None:
        self._ledger = ledger
        self._client = client
        self._clock = clock

    def check(self, documents: Sequence[Located], by: str = OPERATOR) -> list[Applied]:
        """Returns for each document what applying it would do, changing nothing.

        Rights are those of before the call; without a ledger nobody's are known.

        Raises:
            RefusedError: ``unknown-person`` when there is nobody of that name.
        """
        known = _with(self._known(), documents)
        before = known.directory
        if self._ledger is not None and by != OPERATOR:
            refuse_stranger(before, by)
        results: dict[int, Applied] = {}
        seen: dict[tuple[str, str], Located] = {}
        for located in _in_order(documents):
            key = (located.kind, located.id)
            wrong = (
                _twice(seen.get(key))
                or misfits(located.document, known)
                or self._denied(located.document, by, before)
            )
            if wrong:
                results[id(located)] = _refused(located, wrong)
                continue
            seen[key] = located
            known = _add(known, located.document)
            results[id(located)] = _result(located, self._foresee(located.document))
        return [results[id(located)] for located in documents]

    async def apply(
        self, documents: Sequence[Located], by: str, *, partial: bool = False, settle: bool = False
    ) -> list[Applied]:
        """Applies documents.

        Args:
            documents: in any order; what others name is applied first.
            by: who applies.
            partial: apply the good ones even if others are refused.
            settle: wait until every waiting measure has judged what changed.

        Raises:
            EngineError: the engine does not answer; asking again goes on where it stopped.
            RefusedError: ``unknown-person`` when nobody of that name can apply.
        """
        checked = self.check(documents, by)
        if not partial and any(result.outcome == "refused" for result in checked):
            return [
                result
                if result.outcome in ("refused", "unchanged")
                else result.model_copy(update={"outcome": "held-back"})
                for result in checked
            ]
        results = dict(zip(map(id, documents), checked, strict=True))
        wanted = [
            located
            for located in _in_order(documents)
            if results[id(located)].outcome in ("created", "changed")
        ]
        measures = [located for located in wanted if isinstance(located.document, Measure)]
        news = False
        for located in wanted:
            if not isinstance(located.document, Measure):
                results[id(located)] = await self._apply_one(located, by)
                news = news or not isinstance(located.document, Pool)
        # Each measure is a life of its own, so they need not wait for each other.
        turns = asyncio.Semaphore(AT_ONCE)

        async def in_turn(located: Located) -> None:
            async with turns:
                results[id(located)] = await self._apply_one(located, by)

        await asyncio.gather(*map(in_turn, measures))
        if news:
            await self._tell_waiting(settle=settle)
        mappings = [one.document for one in wanted if isinstance(one.document, Mapping)]
        if mappings:
            await self._tell_mapped(mappings)
        return [results[id(located)] for located in documents]

    async def _apply_one(self, located: Located, by: str) -> Applied:
        assert self._client is not None, "only a connected applier applies"
        assert self._ledger is not None, "only a connected applier applies"
        document = located.document
        outcome = self._foresee(document)
        try:
            if isinstance(document, Measure):
                if outcome == "created":
                    await self._client.define(document, by)
                else:
                    answer = await self._client.amend(document.id, AmendInput(by=by, plan=document))
                    if not answer.accepted:
                        raise RefusedError(answer.refused, answer.message)
            elif isinstance(document, Pool):
                if outcome == "created":
                    await self._client.open_pool(document, by)
                else:
                    changed = await self._client.change_pool(document, by)
                    if not changed.accepted:
                        raise RefusedError(changed.refused, changed.message)
                    await self._client.freed_by(changed)
                    lost = changed.uncovered
                    return _result(located, outcome).model_copy(update={"uncovered": lost})
            else:
                self._ledger.append_document(
                    kind=document.kind,
                    name=document.id,
                    body=document_content(self._as_recorded(document)),
                    by=by,
                    at=self._clock(),
                    command=str(uuid.uuid4()),
                )
        except RefusedError as error:
            return _refused(located, [Misfit(error.code, (), error.message)])
        return _result(located, outcome)

    async def _tell_waiting(self, *, settle: bool) -> None:
        """People, packs and the like have changed: whoever waits for them is judged again."""
        assert self._client is not None, "only a connected applier applies"
        assert self._ledger is not None, "only a connected applier applies"
        waiting = self._ledger.waiting()
        await self._client.tell_facts_changed(waiting)
        launches = self._ledger.launches(live=True)
        await self._client.tell_launches_facts_changed([one.ref for one in launches])
        if settle:
            await self._client.settle_all(waiting)

    async def _tell_mapped(self, mappings: Sequence[Mapping]) -> None:
        """Mappings have come or changed: the live measures that they concern look at them."""
        assert self._client is not None, "only a connected applier applies"
        assert self._ledger is not None, "only a connected applier applies"
        live = [row for row in self._ledger.find_measures() if not row.ended]
        # Those that it concerned until now have objects, and hear that it does no longer.
        shown = {
            state.measure
            for one in mappings
            for state in self._ledger.remotes(mapping=one.id, live=True)
        }
        mapped = [
            row.id for row in live if row.id in shown or any(one.concerns(row) for one in mappings)
        ]
        await self._client.tell_mappings_changed(mapped)

    def _foresee(self, document: Document) -> Outcome:
        """Returns what applying a good document does."""
        if self._ledger is None:
            return "created"
        if not isinstance(document, Measure | Pool):
            applied = self._ledger.document(document.kind, document.id)
            if applied is None:
                return "created"
            recorded = document_digest(self._as_recorded(document))
            return "unchanged" if applied.digest == recorded else "changed"
        before = self._present(document)
        if before is None:
            return "created"
        return "unchanged" if before == document else "changed"

    def _present(self, document: Document) -> Document | None:
        """Returns the plan, pool or conversion that a document changes; None when it is new."""
        if isinstance(document, Measure) and self._ledger is not None:
            state = self._ledger.measure(document.id)
            return state.plan if state else None
        if isinstance(document, Pool) and self._ledger is not None:
            pool = self._ledger.pool(document.id)
            return pool.pool if pool else None
        if isinstance(document, Conversion) and self._ledger is not None:
            return self._ledger.directory().conversions.get(document.id)
        return None

    def _as_recorded(self, document: Document) -> Document:
        """Returns what is recorded of a document: a conversion keeps what was reported about it."""
        before = self._present(document)
        if isinstance(document, Conversion) and isinstance(before, Conversion):
            return carried_over(document, before)
        return document

    def _denied(self, document: Document, by: str, directory: Directory) -> list[Misfit]:
        """Returns why somebody may not apply a document; what changes nothing, everybody may."""
        if self._ledger is None or by == OPERATOR or self._foresee(document) == "unchanged":
            return []
        try:
            refuse_unless_may_apply(document, by, directory, self._present(document))
        except RefusedError as error:
            return [Misfit(error.code, (), error.message)]
        return []

    def _known(self) -> Known:
        if self._ledger is None:
            return Known(Directory(), frozenset(), {})
        pools = self._ledger.pools()
        return Known(
            self._ledger.directory(),
            frozenset(pools),
            self._ledger.stages(),
            {name: state.pool.unit for name, state in pools.items()},
        )


def _in_order(documents: Sequence[Located]) -> list[Located]:
    """Returns documents so that what others name comes first; the tree from its root down."""
    kinds = list(KINDS)

    def place(located: Located) -> tuple[int, int]:
        document = located.document
        depth = 0
        if isinstance(document, Node):
            depth = LEVELS.index(document.level)
        return kinds.index(located.kind), depth

    return sorted(documents, key=place)


def _with(known: Known, documents: Sequence[Located]) -> Known:
    """Measures of one call may depend on each other in any order."""
    lifecycles = dict(known.lifecycles)
    lifecycles |= {d.id: d.document for d in documents if isinstance(d.document, Lifecycle)}
    planned: dict[str, tuple[str, ...]] = {}
    for located in documents:
        plan = located.document
        if isinstance(plan, Measure):
            lifecycle = lifecycles.get(plan.lifecycle)
            planned[plan.id] = tuple(lifecycle.order) if lifecycle else ()
    # A measure that is there already keeps the stages it was defined with.
    return replace(known, measures={**planned, **known.measures})


def _add(known: Known, document: Document) -> Known:
    directory = known.directory
    match document:
        case Person():
            people = {**directory.people, document.id: document}
            return replace(known, directory=directory.model_copy(update={"people": people}))
        case Node():
            nodes = {**directory.nodes, document.id: document}
            return replace(known, directory=directory.model_copy(update={"nodes": nodes}))
        case Pool():
            units = {**known.units, document.id: document.unit}
            return replace(known, pools=known.pools | {document.id}, units=units)
        case Conversion():
            conversions = {**directory.conversions, document.id: document}
            changed = directory.model_copy(update={"conversions": conversions})
            return replace(known, directory=changed)
        case Connection():
            connections = {**directory.connections, document.id: document}
            return replace(
                known, directory=directory.model_copy(update={"connections": connections})
            )
        case Mapping():
            mappings = {**directory.mappings, document.id: document}
            return replace(known, directory=directory.model_copy(update={"mappings": mappings}))
        case Lifecycle():
            lifecycles = {**directory.lifecycles, document.id: document}
            return replace(known, directory=directory.model_copy(update={"lifecycles": lifecycles}))
        case Measure() | Delegation() | RulePack() | Blackout():
            return known


def _twice(before: Located | None) -> list[Misfit]:
    if before is None:
        return []
    file, line, _ = before.where()
    return [
        Misfit("twice", ("id",), f"{before.kind} {before.id} is already there at {file}:{line}")
    ]


def _result(located: Located, outcome: Outcome) -> Applied:
    file, line, column = located.where()
    return Applied(
        kind=located.kind, id=located.id, outcome=outcome, file=file, line=line, column=column
    )


def _refused(located: Located, wrong: Sequence[Misfit]) -> Applied:
    faults: list[Fault] = []
    for misfit in wrong:
        file, line, column = located.where(*misfit.field)
        faults.append(
            Fault(
                code=misfit.code,
                file=file,
                line=line,
                column=column,
                message=f"{located.kind} {located.id}: {misfit.message}",
                help=misfit.help,
                may_be_secret=misfit.code == "settings",
            )
        )
    first = faults[0]
    return Applied(
        kind=located.kind,
        id=located.id,
        outcome="refused",
        file=first.file,
        line=first.line,
        column=first.column,
        code=first.code,
        message=wrong[0].message,
        help=first.help,
        faults=tuple(faults),
    )
