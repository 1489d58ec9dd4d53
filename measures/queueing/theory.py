"""Closed forms that a simulation is held against, and that answer without one.

Sources: formulas 1, 2 and 4 of the product; A. K. Erlang, "Solution of some Problems in the
Theory of Probabilities of Significance in Automatic Telephone Exchanges" (1917), for `erlang_c`.
"""

import math


def backlog_after(arrivals: float, service: float, periods: float, before: float = 0.0) -> float:
    """Returns how many wait after some periods, in units of the pool.

    Args:
        arrivals: what comes in each period.
        service: what can be done in each period.
        periods: how many periods pass.
        before: how many wait when they begin.
    """
    return max(0.0, before + (arrivals - service) * periods)


def drain_periods(backlog: float, arrivals: float, service: float) -> float | None:
    """Returns after how many periods nobody waits any more; None when that never happens."""
    if backlog <= 0:
        return 0.0
    return backlog / (service - arrivals) if service > arrivals else None


def admissible_share(demand: float, offer: float, normal: float) -> float:
    """Returns the share, 0 to 1, of a campaign's uplift that fits what is free.

    Args:
        demand: all that arrives with the whole campaign.
        offer: what can be done.
        normal: what arrives without the campaign.
    """
    uplift = demand - normal
    if uplift <= 0:
        return 1.0 if demand <= offer else 0.0
    return min(1.0, max(0.0, (offer - normal) / uplift))


def extra_capacity(demand: float, offer: float) -> float | None:
    """Returns by which share the offer must grow to carry all; None when nothing is offered."""
    if demand <= offer:
        return 0.0
    return demand / offer - 1 if offer > 0 else None


def erlang_c(arrivals: float, service: float, servers: int) -> tuple[float, float]:
    """Returns the chance to wait and the mean wait in M/M/c, in the time unit of the rates.

    Args:
        arrivals: how many come per unit of time.
        service: how many one server does per unit of time.
        servers: how many servers there are.

    Raises:
        ValueError: when the servers cannot keep up, so that no steady state exists.
    """
    load = arrivals / service
    if load >= servers:
        msg = f"{servers} servers cannot keep up with a load of {load:g}"
        raise ValueError(msg)
    # The recursion of Erlang's B keeps every term below 1, where factorials would overflow.
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    waits = servers * blocked / (servers - load * (1 - blocked))
    return waits, waits / (servers * service - arrivals)


def wait_quantile(share: float, arrivals: float, service: float, servers: int) -> float:
    """Returns the wait that a share of all arrivals stays below in M/M/c.

    Raises:
        ValueError: as `erlang_c`.
    """
    waits, _ = erlang_c(arrivals, service, servers)
    if share <= 1 - waits:
        return 0.0
    return math.log(waits / (1 - share)) / (servers * service - arrivals)


__all__ = [
    "admissible_share",
    "backlog_after",
    "drain_periods",
    "erlang_c",
    "extra_capacity",
    "wait_quantile",
]
