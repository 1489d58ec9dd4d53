"""What live measures need of each other, and which of them can still get to their end.

A measure can go on if every dependency can get to the stage that is wanted (all of them), and if of
what is short in a pool enough is held by measures that can go on themselves (any of them). People
are taken to do their part, and so are pools: what everybody together does not hold is a matter of
capacity, not of waiting.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from measures.lifecycle import LAUNCH
from measures.needs import in_pool_units, needs_of
from measures.pool import PoolState
from measures.state import MeasureState
from measures.surroundings import Standing, standing_of
from rules.proof.gates import enforced_at
from rules.schema import Pack, Rule


@dataclass(frozen=True, slots=True)
class OnStage:
    """A measure waits for another to reach a stage."""

    on: str
    stage: str


@dataclass(frozen=True, slots=True)
class OnCapacity:
    """A measure waits for capacity that others hold.

    Attributes:
        amount, free: what it needs, and what is free for it.
        stated: the capacity as the pool's owner stated it.
        held: what each other live measure holds.
    """

    pool: str
    owner: str
    period: str
    amount: float
    free: float
    stated: float
    held: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Need:
    """What a measure needs of others at a gate, and the rules that ask for it."""

    gate: str
    what: OnStage | OnCapacity
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Life:
    """A live measure, as far as others matter to it."""

    state: MeasureState
    needs: tuple[Need, ...]


def lives_of(
    states: Iterable[MeasureState],
    pools: Mapping[str, PoolState],
    others: Mapping[str, Standing],
    packs: Sequence[Pack],
    day: date,
) -> dict[str, Life]:
    """Returns every live measure with what it needs of others, by id."""
    alive = {state.id: state for state in states if not state.ended}
    return {
        name: Life(state, tuple(_needs(state, alive, pools, others, packs, day)))
        for name, state in alive.items()
    }


def _needs(
    state: MeasureState,
    alive: Mapping[str, MeasureState],
    pools: Mapping[str, PoolState],
    others: Mapping[str, Standing],
    packs: Sequence[Pack],
    day: date,
) -> Iterator[Need]:
    for gate in _gates_ahead(state):
        rules = enforced_at(packs, state.lifecycle, gate, day)
        waiting = tuple(rule for rule in rules if "dependency" in rule.kinds.values())
        for dependency in state.plan.dependencies if waiting else ():
            wanted = OnStage(dependency.measure, dependency.stage)
            if not _reached(wanted, alive, others):
                yield Need(gate, wanted, waiting)
        counting = tuple(rule for rule in rules if "offer" in rule.kinds.values())
        if counting or gate == state.lifecycle.hard_at:
            for shortage in _shortages(state, alive, pools):
                yield Need(gate, shortage, counting)


def _reached(
    wanted: OnStage, alive: Mapping[str, MeasureState], others: Mapping[str, Standing]
) -> bool:
    state = alive.get(wanted.on)
    standing = standing_of(state) if state is not None else others.get(wanted.on)
    return standing is not None and standing.has_reached(wanted.stage)


def _gates_ahead(state: MeasureState) -> Iterator[str]:
    order = state.lifecycle.order
    for gate in state.lifecycle.gates:
        if gate == LAUNCH:
            if state.plan.campaign is not None and state.launched_at is None:
                yield gate
        elif order[gate] > order[state.stage]:
            yield gate


def _shortages(
    state: MeasureState, alive: Mapping[str, MeasureState], pools: Mapping[str, PoolState]
) -> Iterator[OnCapacity]:
    judged = {need.name: need for need in state.needs}
    for demand in in_pool_units(needs_of(state.plan.demands, pools, {}, judged)):
        pool = pools.get(demand.pool)
        free = pool.free_for(state.id, demand.period) if pool else None
        if pool is None or free is None or free >= demand.amount:
            continue
        held = tuple(
            (name, float(holding.amounts[demand.period]))
            for name, holding in sorted(pool.holdings.items())
            if holding.hard and demand.period in holding.amounts
            if name in alive and name != state.id
        )
        if free + sum(amount for _, amount in held) >= demand.amount:
            yield OnCapacity(
                pool=demand.pool,
                owner=pool.pool.owner,
                period=demand.period,
                amount=demand.amount,
                free=free,
                stated=pool.capacity[demand.period].amount,
                held=held,
            )


def stuck_of(lives: Mapping[str, Life]) -> dict[str, tuple[Need, ...]]:
    """Returns the measures that can never get to their end, each with what it stops at."""
    stage = {name: life.state.stage for name, life in lives.items()}
    moved = True
    while moved:
        moved = False
        for name, life in lives.items():
            while (gate := _next_gate(life, stage[name])) is not None:
                if not all(_met(need, lives, stage) for need in _at(life, stage[name])):
                    break
                stage[name], moved = gate, True
    return {
        name: tuple(need for need in _at(lives[name], at) if not _met(need, lives, stage))
        for name, at in stage.items()
        if _next_gate(lives[name], at) is not None
    }


def _next_gate(life: Life, stage: str) -> str | None:
    return life.state.lifecycle.next_stage(stage)


def _at(life: Life, stage: str) -> Iterator[Need]:
    """Yields what a measure needs to get from a stage to the next; the launch comes between."""
    lifecycle = life.state.lifecycle
    for need in life.needs:
        begins = lifecycle.launch_from
        launching = need.gate == LAUNCH and begins is not None and lifecycle.reached(stage, begins)
        if launching or need.gate == lifecycle.next_stage(stage):
            yield need


def _met(need: Need, lives: Mapping[str, Life], stage: Mapping[str, str]) -> bool:
    match need.what:
        case OnStage(on, wanted):
            if on not in lives or wanted not in lives[on].state.lifecycle.order:
                return False
            return lives[on].state.lifecycle.reached(stage[on], wanted)
        case OnCapacity(amount=amount, free=free, held=held):
            back = sum(
                part
                for name, part in held
                if name in lives and stage[name] == lives[name].state.lifecycle.last
            )
            return free + back >= amount
