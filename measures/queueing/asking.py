"""How a simulation of queues is asked for."""

from typing import Annotated

from pydantic import Field

from measures.model import Model

Weight = Annotated[float | int, Field(ge=0, le=1000)]
Weights = tuple[Weight, Weight, Weight, Weight, Weight, Weight, Weight]
"""How busy Monday to Sunday are beside each other."""


class PlayAsk(Model):
    """How a simulation is played.

    Attributes:
        replications: how often the campaign is played through
        seed: where the chance begins; left out, it follows from what is simulated
        volume_error: standard deviation of the campaign's uplift, as a share of it
        service_error: standard deviation of what the pools can take, as a share of it
        arrival_days: how much arrives on Monday to Sunday beside each other
        service_days: how much is served on Monday to Sunday beside each other
        steady: without any chance: even arrivals, even service, nothing uncertain
    """

    replications: Annotated[int, Field(ge=1, le=1000)] = 100
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    volume_error: Annotated[float | int, Field(ge=0, le=1)] = 0.1
    service_error: Annotated[float | int, Field(ge=0, le=1)] = 0.05
    arrival_days: Weights = (1, 1, 1, 1, 1, 1, 1)
    service_days: Weights = (1, 1, 1, 1, 1, 1, 1)
    steady: bool = False


__all__ = ["PlayAsk"]
