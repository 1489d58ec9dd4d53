"""What `sluice simulate capacity` plays: a measure and its pools, and what is supposed of them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from pydantic import TypeAdapter, ValidationError

from console.reading import files_under, read_files
from console.rules_files import refuse
from console.session import find_place, open_ledger
from measures.assessment import assess
from measures.conversion import Conversion
from measures.documents import Pool
from measures.errors import RefusedError
from measures.loads import Need
from measures.model import Amount, Period
from measures.needs import needs_of
from measures.people import OPERATOR
from measures.plan import Measure
from measures.pool import Capacity, PoolState, fold_pool, open_pool
from measures.queueing.asking import PlayAsk
from measures.queueing.inputs import (
    QueueInputs,
    Stretch,
    inputs_of,
    with_normal,
    with_volume,
)


@dataclass(frozen=True)
class Subject:
    """A measure's plan, the pools that are known, and its demands in their units."""

    plan: Measure
    pools: Mapping[str, PoolState]
    needs: Sequence[Need]


def subject_from_ledger(measure: str) -> Subject:
    """Returns a live measure; needs the ledger, not the engine.

    Raises:
        ConfigurationError: there is no ledger.
        RefusedError: ``unknown-measure``.
    """
    with open_ledger(find_place()) as ledger:
        state = ledger.measure(measure)
        if state is None:
            raise RefusedError(
                "unknown-measure", f"there is no measure {measure}: sluice get measures"
            )
        pools = ledger.surroundings(state).pools
        return Subject(state.plan, pools, assess(state, pools, ledger.directory()).needs)


def subject_from_files(measure: str, files: Sequence[Path]) -> Subject:
    """Returns a measure as files have it, beside the pools in them.

    Raises:
        typer.BadParameter: a file is not there.
        typer.Exit: documents have faults, which were printed.
        RefusedError: ``unknown-measure``.
    """
    try:
        reading = read_files(files_under(files))
    except FileNotFoundError as error:
        raise typer.BadParameter(f"there is no file {error}", param_hint="-f") from None
    if reading.faults:
        refuse(reading.faults, reading.texts)
    documents = [located.document for located in reading.documents]
    plans = [one for one in documents if isinstance(one, Measure)]
    plan = next((one for one in plans if one.id == measure), None)
    if plan is None:
        known = ", ".join(one.id for one in plans) or "no measure at all"
        raise RefusedError("unknown-measure", f"the files have {known}, not measure {measure}")
    now = datetime.now(UTC)
    pools = {
        one.id: fold_pool(None, open_pool(one, OPERATOR, now, "file"))
        for one in documents
        if isinstance(one, Pool)
    }
    conversions = {one.id: one for one in documents if isinstance(one, Conversion)}
    return Subject(plan, pools, needs_of(plan.demands, pools, conversions, {}))


@dataclass(frozen=True)
class WhatIf:
    """What is supposed instead of what plan and pools say.

    Attributes:
        words: the same in words, for whoever reads the figures.
    """

    capacity: tuple[tuple[str, str, float], ...] = ()
    normal: tuple[tuple[str, float], ...] = ()
    volume: float | None = None
    ramp: tuple[Stretch, ...] = ()
    move: int = 0
    words: tuple[str, ...] = ()

    @classmethod
    def read(
        cls,
        capacity: Iterable[str],
        normal: Iterable[str],
        volume: float | None,
        ramp: str | None,
        move: int,
    ) -> "WhatIf":
        """Reads the options of the command.

        Raises:
            typer.BadParameter: one cannot be read.
        """
        if abs(move) > 3650:
            raise typer.BadParameter("at most 3650 days, ten years", param_hint="--move")
        capacities = tuple(_capacity(text) for text in capacity)
        normals = tuple(_normal(text) for text in normal)
        if volume is not None:
            _checked(Amount, volume, "--volume")
        words = [
            f"{pool} takes {_short(amount)} in {period}" for pool, period, amount in capacities
        ]
        words += [f"{_short(amount)} arrive at {pool} without it" for pool, amount in normals]
        words += [f"it reaches {_short(volume)} people"] if volume is not None else []
        words += [f"it grows by {ramp}"] if ramp else []
        words += [f"it comes {abs(move)} days {'later' if move > 0 else 'earlier'}"] if move else []
        return cls(capacities, normals, volume, _ramp(ramp) if ramp else (), move, tuple(words))

    def applied(self, subject: Subject) -> QueueInputs:
        """Returns what is to be played.

        Raises:
            RefusedError: as `measures.queueing.inputs.inputs_of`, or ``no-campaign`` when a
                campaign is supposed to move that is not there.
        """
        pools, now = dict(subject.pools), datetime.now(UTC)
        asked = {demand.pool for demand in subject.plan.demands}
        for name, period, amount in self.capacity:
            if name not in asked or name not in pools:
                raise RefusedError(
                    "unknown-pool",
                    f"measure {subject.plan.id} asks nothing of a pool {name},"
                    f" only of {', '.join(sorted(asked)) or 'none'}",
                )
            stated = Capacity(amount=amount, at=now, by=OPERATOR)
            pools[name] = pools[name].model_copy(
                update={"capacity": {**pools[name].capacity, period: stated}}
            )
        inputs = inputs_of(subject.plan, pools, subject.needs)
        if (self.ramp or self.move or self.volume is not None) and inputs.launch_on is None:
            raise RefusedError(
                "no-campaign",
                f"measure {subject.plan.id} has no campaign that could grow, move or reach people;"
                " add campaign to its plan, or leave --ramp, --move and --volume out",
            )
        for name, amount in self.normal:
            inputs = with_normal(inputs, name, amount)
        if self.volume is not None:
            inputs = with_volume(inputs, self.volume)
        ramp = self.ramp or inputs.ramp
        return inputs.model_copy(update={"ramp": ramp, "move": self.move})


def play_ask(*, arrival_days: str | None, service_days: str | None, **given: Any) -> PlayAsk:
    """Returns how it is to be played.

    Raises:
        typer.BadParameter: an option is out of its bounds.
    """
    for name, text in (("arrival_days", arrival_days), ("service_days", service_days)):
        if text is not None:
            given[name] = _weekdays(text, f"--{name.replace('_', '-')}")
    try:
        return PlayAsk.model_validate(given)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        option = f"--{str(fault['loc'][0]).replace('_', '-')}"
        raise typer.BadParameter(str(fault["msg"]), param_hint=option) from None


def _capacity(text: str) -> tuple[str, str, float]:
    place, equals, amount = text.partition("=")
    pool, colon, period = place.partition(":")
    if not (equals and colon and pool):
        raise typer.BadParameter(
            f"write POOL:PERIOD=AMOUNT, such as kyc:2031-03=13000, not {text!r}",
            param_hint="--capacity",
        )
    return pool, _checked(Period, period, "--capacity"), _amount(amount, "--capacity")


def _normal(text: str) -> tuple[str, float]:
    pool, equals, amount = text.partition("=")
    if not equals or not pool:
        raise typer.BadParameter(
            f"write POOL=AMOUNT, such as kyc=10000, not {text!r}", param_hint="--normal"
        )
    return pool, _amount(amount, "--normal")


def _ramp(text: str) -> tuple[Stretch, ...]:
    stretches = []
    parts = text.split(",")
    for number, part in enumerate(parts, start=1):
        percent, colon, days = part.partition(":")
        share = _number(percent, "--ramp") / 100
        if not 0 < share <= 1:
            raise typer.BadParameter(
                f"{percent} %: a step is above 0 and at most 100 %", param_hint="--ramp"
            )
        if not colon and number < len(parts):
            raise typer.BadParameter(
                f"say how many days {percent} % lasts, such as {percent}:7", param_hint="--ramp"
            )
        length = _number(days, "--ramp") if colon else None
        if length is not None and not 0 < length <= 3650:
            raise typer.BadParameter("a step lasts 1 to 3650 days", param_hint="--ramp")
        stretches.append(Stretch(share=share, days=length))
    return tuple(stretches)


def _weekdays(text: str, option: str) -> tuple[float, ...]:
    weights = tuple(_number(part, option) for part in text.split(","))
    if len(weights) != 7:
        raise typer.BadParameter(
            f"write seven numbers, Monday to Sunday, such as 1,1,1,1,1,0,0, not {text!r}",
            param_hint=option,
        )
    return weights


def _amount(text: str, option: str) -> float:
    amount: float = _checked(Amount, _number(text, option), option)
    return amount


def _number(text: str, option: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise typer.BadParameter(f"{text!r} is no number", param_hint=option)
    return int(number) if number.is_integer() else number


def _checked(kind: Any, value: Any, option: str) -> Any:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise typer.BadParameter(f"{value}: {fault['msg']}", param_hint=option) from None


def _short(amount: float) -> str:
    return f"{amount:,.10g}"


__all__ = ["Subject", "WhatIf", "play_ask", "subject_from_files", "subject_from_ledger"]
