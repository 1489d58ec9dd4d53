"""What a plan comes to at the pools, and whom it touches with more than is normal, in words."""

from collections.abc import Mapping, Sequence

from rich.console import Console

from console.output import print_table
from measures.assessment import Assessment
from measures.loads import Need, Touched
from measures.people import Person
from measures.state import MeasureState


def print_assessment(
    state: MeasureState, assessment: Assessment, people: Mapping[str, Person], out: Console
) -> None:
    """Prints demands that are converted, and the surge audit where there is one."""
    converted = [need for need in assessment.needs if need.converted]
    if converted:
        kept = ", as it was decided" if state.frozen else ""
        out.print(f"\nWhat arrives at the pools (P90, nine times of ten no more{kept}):")
    for need in converted:
        out.print(f"  {_in_words(need)}", markup=False)
    if assessment.surge:
        _print_audit(state, assessment.surge, people, out)


def _in_words(need: Need) -> str:
    stated = f"{need.pool} {need.period}: {need.stated:,} {need.stated_unit}"
    if need.amount is None:
        return f"{stated} cannot be converted: {need.why}"
    mean = f", {need.mean:,.10g} on average" if need.mean is not None else ""
    return f"{stated} arrive as {need.amount:,} {need.unit}{mean}, by {' > '.join(need.chain)}"


def _print_audit(
    state: MeasureState, surge: Sequence[Touched], people: Mapping[str, Person], out: Console
) -> None:
    out.print("\nSurge audit: more than is normal arrives, so these are to confirm it:")
    print_table(
        ("pool", "team", "period", "needed", "normal", "above", "takes", "reports", "confirms"),
        [
            (
                one.pool,
                one.team or "-",
                one.period,
                f"{one.needed:,} {one.unit}",
                f"{one.normal:,.10g}",
                f"{one.above:+.0%}" if one.normal else "all",
                "unknown" if one.takes is None else f"{one.takes:,.10g}",
                one.cadence or "-",
                _confirms(one, people),
            )
            for one in surge
        ],
    )
    waiting = [one for one in surge if not one.confirmed_by]
    asked = {(next(iter(one.confirmers), "PERSON"), one.pool): one for one in waiting}
    for (person, pool), one in asked.items():
        why = f" ({one.person} owns the measure too, so somebody else confirms)" if one.own else ""
        out.print(f"  sluice confirm {state.id} --pool {pool} --as {person}{why}", markup=False)


def _confirms(touched: Touched, people: Mapping[str, Person]) -> str:
    known = people.get(touched.person)
    name = f"{known.name} ({touched.person})" if known else touched.person
    if touched.confirmed_by:
        by = "" if touched.confirmed_by == touched.person else f" through {touched.confirmed_by}"
        return f"{name}: confirmed{by}"
    if touched.declined_by:
        return f"{name}: declined, {touched.declined}"
    if touched.saw is not None:
        return f"{name}: confirmed only {touched.saw:,}"
    return f"{name}: open"


__all__ = ["print_assessment"]
