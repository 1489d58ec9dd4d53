"""A lifecycle as data: its stages in order, what the gate to each means, what locks where."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from measures.digest import digest
from measures.model import GrownModel, Id, Line, Model

LAUNCH = "launch"
"""The gate of its own for measures with a campaign; it moves no stage."""

RAMP = "ramp"
"""The gate to each next step of a launch's ramp; the launch itself asks for it."""

CANCELLED = "cancelled"
"""What lists show in place of a stage once a measure is cancelled."""

MOST_STAGES = 30

Office = Literal["owner", "sponsor", "committee", "controller"]
"""What a plan names persons as."""

Place = tuple[str | int, ...]


class StageSpec(Model):
    """One stage and its weight in the pipeline value (product.md formula 5).

    Attributes:
        id: the name of the stage and of the gate to it
        title: how people know it
        weight: which share of the benefit counts in the pipeline at this stage, 0 to 1
    """

    id: Id
    title: Line
    weight: Annotated[float, Field(ge=0, le=1)]


class Lifecycle(GrownModel):
    """Stages in order and the points where plan, money, capacity and launch change their nature.

    It is a document: `sluice apply` takes it. A measure keeps the one it was defined under.

    Attributes:
        kind: what this document is
        id: the name by which measures and packs refer to this lifecycle
        title: how people know it
        stages: from the first to the last; the gate to a stage bears the stage's id.
        soft_at: reaching this stage notes the demands at their pools without holding capacity;
            without it nothing is noted.
        hard_at: reaching this stage holds the capacity; no stage without its reservation.
        frozen_from: from this stage on the plan can no longer be edited (formula 6).
        forecast_from: from this stage on a forecast can be reported.
        actuals_from: from this stage on finance can report actuals.
        launch_from: from this stage on a campaign may ask for its launch permit; without it the
            lifecycle has no launch.
        confirmed_from: each gate from this one on opens only when an independent controller has
            confirmed the realised value at it; the last by default, and never less than the last.
        entered_by: who alone may ask for a gate, by gate; everybody with a part in it otherwise.
        open_gates: gates that open when no enforced rule speaks; all others stay shut then.
        on_hold: whether a measure on hold keeps the capacity that it holds, or releases it and
            takes it back, as far as it is still free, when it is resumed.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"on_hold"})

    kind: Literal["Lifecycle"] = "Lifecycle"
    id: Id
    title: Line
    stages: tuple[StageSpec, ...]
    soft_at: Id | None = None
    hard_at: Id
    frozen_from: Id
    forecast_from: Id
    actuals_from: Id
    launch_from: Id | None = None
    confirmed_from: Id | None = None
    entered_by: dict[Id, Office] = {}
    open_gates: tuple[Id, ...] = ()
    on_hold: Literal["keep", "release"] = "keep"

    @model_validator(mode="after")
    def _holds_together(self) -> "Lifecycle":
        faults = list(self._faults())
        if faults:
            raise ValidationError.from_exception_data("Lifecycle", faults)
        return self

    @cached_property
    def order(self) -> dict[str, int]:
        """The position of each stage, from 0."""
        return {stage.id: number for number, stage in enumerate(self.stages)}

    @cached_property
    def digest(self) -> str:
        """Its content address, the same as of the document that was applied."""
        return digest(self.model_dump(mode="json"))

    @property
    def first(self) -> str:
        """The stage in which a measure begins."""
        return self.stages[0].id

    @property
    def last(self) -> str:
        """The stage in which a measure ends."""
        return self.stages[-1].id

    @property
    def gates(self) -> tuple[str, ...]:
        """Every gate that rules can guard, in the order in which a measure meets them."""
        gates: list[str] = []
        for number, stage in enumerate(self.stages):
            if number:
                gates.append(stage.id)
            if stage.id == self.launch_from:
                gates.append(LAUNCH)
        return tuple(gates)

    @property
    def guarded(self) -> tuple[str, ...]:
        """Every gate that rules may name: the measure's own, and the one to a ramp's steps."""
        return (*self.gates, RAMP) if self.launch_from is not None else self.gates

    def next_stage(self, stage: str) -> str | None:
        """Returns the stage after this one, or None after the last."""
        position = self.order[stage] + 1
        return self.stages[position].id if position < len(self.stages) else None

    def previous_stage(self, stage: str) -> str | None:
        """Returns the stage before this one, or None before the first."""
        position = self.order[stage]
        return self.stages[position - 1].id if position else None

    def reached(self, stage: str, milestone: str) -> bool:
        """Tells whether a measure in `stage` has got at least as far as `milestone`."""
        return self.order[stage] >= self.order[milestone]

    def confirms_value(self, gate: str) -> bool:
        """Tells whether a gate opens only when the controller has confirmed the realised value."""
        return gate != LAUNCH and self.reached(gate, self.confirmed_from or self.last)

    def weight(self, stage: str) -> float:
        """Returns the stage's weight in the pipeline value."""
        return self.stages[self.order[stage]].weight

    def _faults(self) -> Iterator[InitErrorDetails]:
        if not 2 <= len(self.stages) <= MOST_STAGES:
            why = f"a lifecycle has 2 to {MOST_STAGES} stages, not {{name}}"
            yield _fault("stages", ("stages",), str(len(self.stages)), why)
        seen: set[str] = set()
        for number, stage in enumerate(self.stages):
            place: Place = ("stages", number, "id")
            if stage.id in (LAUNCH, RAMP, CANCELLED):
                yield _fault("reserved", place, stage.id, "no stage can be called '{name}'")
            if stage.id in seen:
                yield _fault("twice", place, stage.id, "the stage '{name}' is there twice")
            seen.add(stage.id)
        for point in _POINTS:
            stage_id = getattr(self, point)
            if stage_id is not None and stage_id not in self.order:
                yield _unknown("stage", (point,), stage_id, self.order)
        asked: list[tuple[Place, str]] = [(("entered_by", gate), gate) for gate in self.entered_by]
        asked += [(("open_gates", number), gate) for number, gate in enumerate(self.open_gates)]
        for place, gate in asked:
            if gate not in self.gates:
                yield _unknown("gate", place, gate, self.gates)
        yield from self._disorder()

    def _disorder(self) -> Iterator[InitErrorDetails]:
        """Yields points that contradict each other."""
        order = self.order
        for earlier, later, why in _IN_ORDER:
            before, after = getattr(self, earlier), getattr(self, later)
            if before in order and after in order and order[before] > order[after]:
                yield _fault("order", (later,), after, f"{why} ({earlier}: {before})")


_POINTS = (
    "soft_at",
    "hard_at",
    "frozen_from",
    "forecast_from",
    "actuals_from",
    "launch_from",
    "confirmed_from",
)
_IN_ORDER = (
    ("soft_at", "hard_at", "capacity is noted before it is held"),
    ("frozen_from", "forecast_from", "a forecast begins where the plan is frozen, not before"),
    ("forecast_from", "actuals_from", "actuals do not begin before the forecast"),
    ("hard_at", "launch_from", "a campaign launches on capacity that is held"),
)


def _fault(code: str, place: Place, value: str, message: str, **more: Any) -> InitErrorDetails:
    error = PydanticCustomError(code, message, {"name": value, **more})
    return {"type": error, "loc": place, "input": value}


def _unknown(what: str, place: Place, value: str, known: Iterable[str]) -> InitErrorDetails:
    return _fault("unknown_name", place, value, f"there is no {what} '{{name}}'", known=list(known))


DOI = Lifecycle(
    id="doi",
    title="Degree of Implementation",
    stages=(
        StageSpec(id="defined", title="Defined", weight=0.0),
        StageSpec(id="identified", title="Identified", weight=0.1),
        StageSpec(id="detailed", title="Detailed", weight=0.3),
        StageSpec(id="decided", title="Decided", weight=0.6),
        StageSpec(id="implemented", title="Implemented", weight=0.9),
        StageSpec(id="closed", title="Closed", weight=1.0),
    ),
    soft_at="detailed",
    hard_at="decided",
    frozen_from="decided",
    forecast_from="decided",
    actuals_from="decided",
    launch_from="decided",
)
"""What measures live by that were recorded before entries carried their lifecycle.

It never changes. New measures take what `rules/lifecycles/doi.yaml` or an applied document says.
"""
