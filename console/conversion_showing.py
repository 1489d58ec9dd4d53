"""Conversions as people and programs read them: what holds now, and how it came to be."""

from collections.abc import Sequence

from rich.console import Console

from console.output import print_table
from ledger.store import Ledger
from measures.conversion import Conversion, Estimate, as_typed, estimate_of, lessons
from measures.model import Moment, Stored


class LessonView(Stored):
    """A reported period and what the ratio was after it.

    Attributes:
        realised: what came out of one that went in, in that period.
        outlier: it lay so far off that it counted for less than it was.
    """

    period: str
    went_in: float | int
    came_out: float | int
    realised: float
    outlier: bool
    ratio: float
    error: float
    reported_at: Moment
    by: str


class ConversionView(Stored):
    """A conversion as it is now.

    Attributes:
        ratio, error: what holds now: the average and the relative standard error.
        p90: the ratio that nine of ten outcomes do not exceed.
        typed_ratio, typed_error: what its owner stated.
        version: the name by which decisions say which ratio judged.
        versions: how many the ledger has.
        history: what each reported period taught, in the order of the periods.
    """

    id: str
    title: str
    from_unit: str
    to_unit: str
    ratio: float
    error: float
    p90: float
    typed_ratio: float | int
    typed_error: float | int
    weight: float | int
    owner: str
    version: str
    versions: int
    history: tuple[LessonView, ...] = ()


def conversion_views(ledger: Ledger, name: str | None = None) -> list[ConversionView]:
    """Returns every conversion, or one, by id; empty when there is none of that name."""
    applied = {one.id: one.version for one in ledger.documents("Conversion")}
    known = ledger.directory().conversions
    return [
        view_of(known[one], versions)
        for one, versions in sorted(applied.items())
        if one in known and name in (None, one)
    ]


def view_of(conversion: Conversion, versions: int) -> ConversionView:
    """Returns a conversion as it is now."""
    now = estimate_of(conversion)
    return ConversionView(
        id=conversion.id,
        title=conversion.title,
        from_unit=conversion.from_,
        to_unit=conversion.to,
        **_numbers(now),
        p90=_short(now.p90),
        typed_ratio=conversion.ratio,
        typed_error=conversion.error,
        weight=conversion.weight,
        owner=conversion.owner,
        version=conversion.version,
        versions=versions,
        history=tuple(
            LessonView(
                period=lesson.period,
                went_in=lesson.actual.went_in,
                came_out=lesson.actual.came_out,
                realised=_short(lesson.actual.came_out / lesson.actual.went_in),
                outlier=lesson.outlier,
                **_numbers(lesson.estimate),
                reported_at=lesson.actual.at,
                by=lesson.actual.by,
            )
            for lesson in lessons(conversion)
        ),
    )


def print_conversions(views: Sequence[ConversionView]) -> None:
    """Prints conversions, one line each."""
    print_table(
        ("id", "from", "to", "ratio", "error", "p90", "typed", "reports", "owner", "version"),
        [
            (
                view.id,
                view.from_unit,
                view.to_unit,
                f"{view.ratio:.4g}",
                f"{view.error:.1%}",
                f"{view.p90:.4g}",
                f"{view.typed_ratio:.4g}",
                len(view.history),
                view.owner,
                view.version.partition("@")[2],
            )
            for view in views
        ],
    )


def print_conversion(view: ConversionView, conversion: Conversion, out: Console) -> None:
    """Prints one conversion and how each reported period changed it."""
    typed = as_typed(conversion)
    out.print(
        f"{view.title}: of one {view.from_unit}, {view.ratio:.4g} {view.to_unit} come on average,"
        f" plus or minus {view.error:.1%}; nine times of ten no more than {view.p90:.4g}",
        markup=False,
    )
    out.print(f"{view.version}, version {view.versions}, owner {view.owner}\n", markup=False)
    print_table(
        ("period", "in", "out", "realised", "ratio", "error", "by"),
        [
            ("as stated", "", "", "", f"{typed.mean:.4g}", f"{typed.error:.1%}", view.owner),
            *(
                (
                    lesson.period,
                    f"{lesson.went_in:,}",
                    f"{lesson.came_out:,}",
                    f"{lesson.realised:.4g}{' (outlier)' if lesson.outlier else ''}",
                    f"{lesson.ratio:.4g}",
                    f"{lesson.error:.1%}",
                    lesson.by,
                )
                for lesson in view.history
            ),
        ],
    )
    report = f"sluice actuals {view.id} --period PERIOD --in N --out N --as {view.owner}"
    out.print(f"\nto report what really came: {report}", markup=False)


def _numbers(estimate: Estimate) -> dict[str, float]:
    return {"ratio": _short(estimate.mean), "error": _short(estimate.error)}


def _short(number: float) -> float:
    return float(f"{number:.6g}")
