"""What proofs about people and live measures look at: documents, the ledger, or both."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from console.exits import Exit
from console.reading import files_under, read_files
from console.rules_files import print_faults
from measures.blackouts import Blackout
from measures.conversion import Conversion
from measures.decisions import define
from measures.directory import Directory
from measures.documents import Connection, Pool, RulePack
from measures.folding import fold_measure
from measures.lifecycle import Lifecycle
from measures.mapping import Mapping as SyncMapping
from measures.model import restore
from measures.people import OPERATOR, Delegation, Person
from measures.plan import Measure
from measures.pool import PoolState, fold_pool, open_pool
from measures.state import MeasureState
from measures.surroundings import Standing, standing_of
from measures.tree import Node
from rules.lifecycle_files import lifecycle_named

if TYPE_CHECKING:
    from ledger.store import Ledger


@dataclass(frozen=True)
class Subjects:
    """People, measures and pools at one moment.

    Attributes:
        others: where the measures stand that others depend on.
    """

    directory: Directory = field(default_factory=Directory)
    states: Mapping[str, MeasureState] = field(default_factory=dict)
    pools: Mapping[str, PoolState] = field(default_factory=dict)
    others: Mapping[str, Standing] = field(default_factory=dict)


def live_subjects(ledger: "Ledger") -> Subjects:
    """Returns everything that lives in a ledger, as of one moment."""
    from ledger.live import live_measures

    states: dict[str, MeasureState] = {}
    others: dict[str, Standing] = {}
    with live_measures(ledger.database) as live:
        for page in live.pages(live.places):
            found = [restore(MeasureState, json.loads(state)) for state in page.states]
            states |= {state.id: state for state in found}
            others |= page.standings
        return Subjects(ledger.directory(), states, live.pools, others)


def with_documents(subjects: Subjects, paths: list[Path], now: datetime) -> Subjects:
    """Returns the subjects as they would be if documents were applied.

    Raises:
        ConfigurationError: a file cannot be read.
        RefusedError: a measure cannot be defined like that.
        typer.Exit: documents have faults, which are printed.
    """
    try:
        reading = read_files(files_under(paths))
    except FileNotFoundError as error:
        raise typer.BadParameter(f"there is no file {error}") from None
    if reading.faults:
        print_faults(list(reading.faults), reading.texts)
        raise typer.Exit(Exit.FAILED)
    directory, pools = subjects.directory, dict(subjects.pools)
    states, others = dict(subjects.states), dict(subjects.others)
    lifecycles = dict(directory.lifecycles)
    for located in reading.documents:
        if isinstance(located.document, Lifecycle):
            lifecycles[located.id] = located.document
    people, nodes, packs = dict(directory.people), dict(directory.nodes), dict(directory.packs)
    blackouts = dict(directory.blackouts)
    delegations = {one.id: one for one in directory.delegations}
    conversions = dict(directory.conversions)
    for located in reading.documents:
        match located.document:
            case Lifecycle():
                continue  # known already, because measures need theirs in any order
            case Connection() | SyncMapping():
                continue  # no proof is about where a system is, nor about what it shows
            case Person() as person:
                people[person.id] = person
            case Node() as node:
                nodes[node.id] = node
            case RulePack() as pack:
                packs[pack.id] = pack
            case Blackout() as blackout:
                blackouts[blackout.id] = blackout
            case Delegation() as delegation:
                delegations[delegation.id] = delegation
            case Pool() as pool:
                opened = open_pool(pool, OPERATOR, now, "prove")
                known = pools.get(pool.id)
                holdings = known.holdings if known else {}
                pools[pool.id] = fold_pool(None, opened).model_copy(update={"holdings": holdings})
            case Conversion() as conversion:
                conversions[conversion.id] = conversion
            case Measure() as plan:
                state = _planned(states.get(plan.id), plan, lifecycles, now)
                states[plan.id] = state
                others[plan.id] = standing_of(state)
    directory = Directory(
        people=people,
        nodes=nodes,
        delegations=tuple(delegations.values()),
        packs=packs,
        lifecycles=lifecycles,
        blackouts=blackouts,
        conversions=conversions,
    )
    return Subjects(directory, states, pools, others)


def _planned(
    state: MeasureState | None, plan: Measure, lifecycles: Mapping[str, Lifecycle], now: datetime
) -> MeasureState:
    if state is not None:
        return state.model_copy(update={"plan": plan})
    lifecycle = lifecycle_named(plan.lifecycle, lifecycles)
    return fold_measure(None, define(plan, lifecycle, by=OPERATOR, at=now, command="prove"))
