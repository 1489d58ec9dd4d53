"""Ways out of a circle of waiting: the changes that people can make, each at its cost."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from rules.proof.lives import Life, Need, OnCapacity, OnStage

_STEP_BACK_COST = 5.0
_DROP_COST = 2.0
_CANCEL_COST = 10.0


@dataclass(frozen=True, slots=True)
class Break:
    """A way out: what to change, at what cost, and how the lives look then."""

    text: str
    command: str
    cost: float
    lives: Mapping[str, Life]


def breaks(
    lives: Mapping[str, Life], name: str, need: Need, stuck: Collection[str]
) -> Iterator[Break]:
    """Yields the changes that take away what a measure waits for.

    Args:
        stuck: who cannot go on; what all others hold comes back by itself.
    """
    life = lives[name]
    what = need.what
    if isinstance(what, OnStage):
        frozen = life.state.frozen
        yield Break(
            f"{name} no longer waits for {what.on}" + (", after a step back" if frozen else ""),
            dropping(life, what.on),
            _DROP_COST + (_STEP_BACK_COST if frozen else 0),
            _without(lives, name, lambda other: other == what),
        )
    else:
        yield from _of_capacity(lives, name, need, what, stuck)
    yield Break(
        f"cancel {name}",
        f'sluice cancel {name} --reason "waits in a circle"{_as(life)}',
        _CANCEL_COST,
        {other: _freed(one, name) for other, one in lives.items() if other != name},
    )


def _of_capacity(
    lives: Mapping[str, Life],
    name: str,
    need: Need,
    what: OnCapacity,
    stuck: Collection[str],
) -> Iterator[Break]:
    life = lives[name]
    back = [(holder, amount) for holder, amount in what.held if holder not in stuck]
    within_reach = what.free + sum(amount for _, amount in back)
    place = next(
        number
        for number, demand in enumerate(life.state.plan.demands)
        if (demand.pool, demand.period) == (what.pool, what.period)
    )
    where = f"{what.pool} {what.period}"
    if within_reach > 0 and not life.state.frozen:
        yield Break(
            f"{name} needs only {_reachable(what, where, back)}",
            f"sluice amend {name} --set demands.{place}.amount={_plain(within_reach)}{_as(life)}",
            _remedy_cost(need, upward=False, otherwise=1),
            _without(lives, name, lambda other: other == what),
        )
    short = what.amount - within_reach
    yield Break(
        f"the owner of {what.pool} raises its capacity in {what.period} by {short:,g}",
        f"sluice capacity {what.pool} --period {what.period}"
        f" --amount {_plain(what.stated + short)} --as {what.owner}",
        _remedy_cost(need, upward=True, otherwise=3),
        {other: _raised(one, what.pool, what.period, short) for other, one in lives.items()},
    )
    for holder, _ in what.held:
        if lives[holder].state.stage == lives[holder].state.lifecycle.hard_at:
            yield Break(
                f"{holder} steps back and gives back what it holds",
                f'sluice step-back {holder} --reason "waits in a circle"{_as(lives[holder])}',
                _STEP_BACK_COST,
                {other: _freed(one, holder) for other, one in lives.items()},
            )


def _reachable(what: OnCapacity, where: str, back: list[tuple[str, float]]) -> str:
    """Names what a measure can have without anybody of the circle giving something back."""
    if not back:
        return f"the {what.free:,g} of {where} that are free"
    total = what.free + sum(amount for _, amount in back)
    givers = " and ".join(f"the {amount:,g} that {holder} gives back" for holder, amount in back)
    free = f"the {what.free:,g} that are free and " if what.free > 0 else ""
    return f"{total:,g} of {where}: {free}{givers}"


def _remedy_cost(need: Need, *, upward: bool, otherwise: float) -> float:
    """Returns what the rules that ask for capacity say that a change costs."""
    costs = [r.cost for rule in need.rules for r in rule.remedies if r.upward == upward]
    return min(costs, default=otherwise)


def dropping(life: Life, on: str) -> str:
    """Returns the command by which a measure no longer depends on another."""
    left = [
        dependency.model_dump(mode="json")
        for dependency in life.state.plan.dependencies
        if dependency.measure != on
    ]
    amend = f"sluice amend {life.state.id} --set 'dependencies={json.dumps(left)}'{_as(life)}"
    if not life.state.frozen:
        return amend
    return f'sluice step-back {life.state.id} --reason "waits in vain"{_as(life)} && {amend}'


def _as(life: Life) -> str:
    owner = life.state.plan.owner
    return f" --as {owner}" if owner else ""


def _plain(number: float) -> str:
    return str(int(number) if number == int(number) else number)


def _without(
    lives: Mapping[str, Life], name: str, is_gone: Callable[[OnStage | OnCapacity], bool]
) -> dict[str, Life]:
    life = lives[name]
    needs = tuple(need for need in life.needs if not is_gone(need.what))
    return {**lives, name: replace(life, needs=needs)}


def _freed(life: Life, holder: str) -> Life:
    """Returns a life after a measure has given back everything it held."""
    needs: list[Need] = []
    for need in life.needs:
        what = need.what
        if isinstance(what, OnCapacity):
            back = sum(amount for name, amount in what.held if name == holder)
            held = tuple(part for part in what.held if part[0] != holder)
            what = replace(what, free=what.free + back, held=held)
        needs.append(replace(need, what=what))
    return replace(life, needs=tuple(needs))


def _raised(life: Life, pool: str, period: str, by: float) -> Life:
    needs: list[Need] = []
    for need in life.needs:
        what = need.what
        if isinstance(what, OnCapacity) and (what.pool, what.period) == (pool, period):
            what = replace(what, free=what.free + by)
        needs.append(replace(need, what=what))
    return replace(life, needs=tuple(needs))
