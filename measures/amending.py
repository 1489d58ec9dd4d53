"""Changing single fields of a plan by path, and telling what two plans differ in."""

import difflib
import json
from typing import Any

from pydantic import ValidationError

from measures.errors import RefusedError
from measures.plan import Measure


def set_fields(plan: Measure, changes: dict[str, Any]) -> Measure:
    """Returns the plan with fields set by path.

    A path is made of field names and of what names list items, or their place: their id, a demand
    by its pool and period, a lead time by its item, a dependency by its measure:
    ``finance.plan.ebitda``, ``kpis.signups.target``, ``demands.kyc/2031-03.amount``,
    ``lead_times.web site.days``, ``milestones.0.due``.

    Raises:
        RefusedError: ``unknown-field`` or ``invalid-value``.
    """
    content = plan.model_dump(mode="json", by_alias=True)
    for path, value in changes.items():
        _set(content, path, value, plan.id)
    try:
        return Measure.model_validate_json(json.dumps(content, allow_nan=False))
    except ValidationError as error:
        raise _refusal(error, content, plan.id) from None
    except ValueError as error:
        raise RefusedError("invalid-value", f"measure {plan.id}: {error}") from None


def changed_fields(before: Measure, after: Measure) -> tuple[str, ...]:
    """Returns the names of the top fields in which two plans differ."""
    return tuple(
        field for field in Measure.model_fields if getattr(before, field) != getattr(after, field)
    )


def _set(content: Any, path: str, value: Any, measure: str) -> None:
    *steps, last = path.split(".")
    place = content
    for step in steps:
        place = _enter(place, step, path, measure)
    place[last if isinstance(place, dict) else _position(place, last, path, measure)] = value


def _enter(place: Any, step: str, path: str, measure: str) -> Any:
    if isinstance(place, dict):
        if step not in place:
            raise _unknown(step, place, path, measure)
        if place[step] is None:
            raise RefusedError(
                "unknown-field", f"measure {measure}: {step} in {path!r} is empty; set it whole"
            )
        return place[step]
    return place[_position(place, step, path, measure)]


def _position(place: Any, step: str, path: str, measure: str) -> int:
    if not isinstance(place, list):
        raise RefusedError("unknown-field", f"measure {measure}: {path!r} goes into a plain value")
    # ASCII: `isdigit` also knows signs such as ², which `int` does not.
    if step.isascii() and step.isdigit() and int(step) < len(place):
        return int(step)
    names = [_name_of(item) for item in place]
    if names.count(step) == 1:
        return names.index(step)
    if step in names:
        places = ", ".join(str(number) for number, name in enumerate(names) if name == step)
        raise RefusedError(
            "unknown-field",
            f"measure {measure}: {step!r} in {path!r} names several; address one by its place:"
            f" {places}",
        )
    raise _unknown(step, _addresses(names), path, measure)


def _name_of(item: Any) -> str:
    """Names an item of a list the way people do; a plain value has only its place."""
    if not isinstance(item, dict):
        return ""
    if "pool" in item and "period" in item:
        return f"{item['pool']}/{item['period']}"
    return next((str(item[name]) for name in ("id", "measure", "item") if item.get(name)), "")


def _addresses(names: list[str]) -> dict[str, None]:
    """Returns by what the items of a list can be addressed: their name, else their place.

    A name with a dot would end in the middle of a path, and one that is there twice tells nothing.
    """
    return dict.fromkeys(
        name if name and "." not in name and names.count(name) == 1 else str(number)
        for number, name in enumerate(names)
    )


def _unknown(step: str, known: dict[str, Any], path: str, measure: str) -> RefusedError:
    near = difflib.get_close_matches(step, known, n=1)
    hint = (
        f"; did you mean {near[0]!r}?" if near else f"; there is: {', '.join(known) or 'nothing'}"
    )
    return RefusedError("unknown-field", f"measure {measure}: no {step!r} in {path!r}{hint}")


def _refusal(error: ValidationError, content: Any, measure: str) -> RefusedError:
    """Says in one refusal everything that does not fit; an unknown field first."""
    faults = error.errors(include_url=False)
    for fault in faults:
        if fault["type"] == "extra_forbidden":
            *steps, last = fault["loc"]
            place = content
            for step in steps:
                place = place[step]
            known = {name: None for name in place if name != last}
            path = ".".join(map(str, fault["loc"]))
            return _unknown(str(last), known, path, measure)
    # A number may be whole or not, and lacks both where it is neither: said once.
    told = {
        ".".join(str(part) for part in fault["loc"] if part not in ("int", "float")): fault["msg"]
        for fault in faults
    }
    why = "; ".join(f"{place or 'plan'}: {message}" for place, message in told.items())
    return RefusedError("invalid-value", f"measure {measure}: {why}")
