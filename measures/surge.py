"""The surge audit: who is touched when a plan needs more than is normal, and who must confirm it.

A measure surges at a pool in a period when it needs more there than the pool's normal load by more
than the pool's threshold. Touched is every pool that the demand reaches: the one that is asked, and
each whose unit the demand's unit turns into. For every one of them the owner and each team's lead
must confirm, having seen the amount; a confirmation of less does not cover more. Who declines takes
back what was confirmed before; a later confirmation counts again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from measures.chains import NoChainError, arriving, chain, reachable
from measures.conversion import Conversion
from measures.loads import Confirmation, Need, Touched
from measures.pool import PoolState
from measures.teams import Team, per_period


def surge_of(
    measure: str,
    needs: Sequence[Need],
    pools: Mapping[str, PoolState],
    conversions: Mapping[str, Conversion],
    confirmations: Sequence[Confirmation],
) -> tuple[Touched, ...]:
    """Returns everybody whom the surges of a measure touch; empty when it brings none.

    Args:
        measure: its id.
        needs: what it needs.
        pools: every pool that it may reach; one that states no normal load opens no audit.
        conversions: through which it reaches pools that it does not ask itself.
        confirmations: what was confirmed so far.
    """
    touched = [
        one
        for (name, _), need in sorted(_reached(needs, pools, conversions).items())
        for one in _touched(measure, need, pools[name])
    ]
    return tuple(_with_confirmation(one, confirmations) for one in touched)


def _reached(
    needs: Sequence[Need], pools: Mapping[str, PoolState], conversions: Mapping[str, Conversion]
) -> dict[tuple[str, str], Need]:
    """Returns per pool and period what arrives there.

    What the plan states for a pool itself counts there; of several amounts that arrive by
    conversion the largest does, because demands of one period mostly tell the same story twice.
    """
    reached: dict[tuple[str, str], Need] = {}
    for need in needs:
        for name, pool in pools.items():
            if not pool.pool.normal:
                continue
            arrived = _arrived(need, pool, conversions)
            known = reached.get((name, need.period))
            if arrived is None or arrived.amount is None:
                continue
            if known is None or (known.amount or 0) < arrived.amount:
                reached[name, need.period] = arrived
    stated = {(need.pool, need.period): need for need in needs if need.amount is not None}
    return {**reached, **{key: need for key, need in stated.items() if key in reached}}


def _arrived(need: Need, pool: PoolState, conversions: Mapping[str, Conversion]) -> Need | None:
    """Returns what a need brings to a pool; None when it does not reach it."""
    unit = pool.pool.unit
    if need.pool == pool.pool.id:
        return need
    if unit == need.unit or unit not in reachable(conversions, need.stated_unit):
        return None
    try:
        arrival = arriving(need.stated, chain(conversions, need.stated_unit, unit))
    except NoChainError:
        return None  # applying refuses a second way; nobody can say how much comes by both
    return need.model_copy(
        update={
            "pool": pool.pool.id,
            "unit": unit,
            "amount": arrival.p90,
            "mean": arrival.mean,
            "chain": arrival.chain,
        }
    )


def _touched(measure: str, need: Need, state: PoolState) -> Iterator[Touched]:
    pool, needed = state.pool, need.amount
    normal = per_period(pool.normal, need.period)
    if needed is None or normal is None:
        return
    limit = round(normal * (1 + pool.surge_threshold), 6)
    if needed <= limit:
        return
    own = Touched(
        pool=pool.id,
        period=need.period,
        title=pool.title,
        person=pool.owner,
        unit=pool.unit,
        needed=needed,
        normal=normal,
        limit=limit,
        takes=state.free_for(measure, need.period),
        cadence=pool.cadence or "",
        chain=need.chain,
    )
    yield own
    yield from (_of_team(own, team) for team in pool.teams)


def _of_team(own: Touched, team: Team) -> Touched:
    return own.model_copy(
        update={
            "team": team.id,
            "title": team.title,
            "person": team.lead,
            "takes": per_period(team.takes, own.period),
            "cadence": team.cadence or "",
        }
    )


def _with_confirmation(touched: Touched, confirmations: Iterable[Confirmation]) -> Touched:
    """Returns who is touched with the confirmation that counts: by the right person, of enough."""
    fitting = [
        one
        for one in confirmations
        if (one.pool, one.period, one.team, one.on_behalf_of)
        == (touched.pool, touched.period, touched.team, touched.person)
    ]
    declines = [place for place, one in enumerate(fitting) if one.declined]
    valid = fitting[declines[-1] + 1 :] if declines else fitting
    best = max(valid, key=lambda one: (one.needed, one.at), default=None)
    if best is None and declines:
        last = fitting[declines[-1]]
        return touched.model_copy(update={"declined_by": last.by, "declined": last.declined})
    if best is None:
        return touched
    enough = best.needed >= touched.needed
    return touched.model_copy(
        update={"confirmed_by": best.by if enough else "", "saw": best.needed}
    )
