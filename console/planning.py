"""Looking ahead: live measures and past decisions, judged by the packs in force and as changed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime

from console.plan_cases import Case, PackChange, Sides, Surroundings, assessing
from console.plan_later import LaterDay, later_days
from console.plan_live import judge_live, places_asked
from console.plan_progress import progress
from console.plan_report import PastReport, Report
from console.plan_tally import Tally
from console.session import system_clock
from ledger.history import PastDecision, count_decisions, past_decisions
from ledger.live import live_measures
from ledger.store import Ledger
from measures.documents import BUILTIN_PACK, RulePack
from measures.errors import ConfigurationError
from measures.lifecycle import Lifecycle
from measures.model import restore
from measures.state import MeasureState
from rules.comparing import compare_packs
from rules.lifecycle_files import builtin_lifecycles
from rules.loader import builtin_packs, load_pack
from rules.outcome import ENGINE
from rules.plan import PackSet
from rules.preview import Gate

AT_ONCE = 100
"""Past decisions that are judged as one page."""


@dataclass(frozen=True)
class Look:
    """What is looked at.

    Attributes:
        since: only decisions at or after this moment.
        limit: how many examples of each rule are kept.
        at: the moment as of which live measures are judged, on the facts of now; None for now,
            and for the later days on which rules start to be enforced.
    """

    live: bool
    past: bool
    since: datetime | None
    limit: int
    at: datetime | None = None


def prepare(
    applied: Mapping[str, RulePack],
    files: tuple[tuple[bytes, str], ...],
    removed: frozenset[str],
    gate: str | None,
    lifecycles: Mapping[str, Lifecycle] | None = None,
) -> PackChange:
    """Returns the change that is asked about.

    Raises:
        ConfigurationError: when it makes no sense: a pack named twice, one to be removed that is
            not applied, an unknown gate.
    """
    lifecycles = builtin_lifecycles() if lifecycles is None else lifecycles
    names = [load_pack(*file, lifecycles).id for file in files]
    for name in names:
        if names.count(name) > 1 or name in removed:
            raise ConfigurationError(f"the pack {name} is named twice; name it once")
    for name in sorted(removed - applied.keys()):
        if name in {pack.id for pack in builtin_packs()}:
            why = "is built in, so it can be replaced by a pack of its name, not removed"
        else:
            why = f"is not applied; applied are: {', '.join(sorted(applied)) or 'none'}"
        raise ConfigurationError(f"the pack {name} {why}")
    known = list(dict.fromkeys(g for lifecycle in lifecycles.values() for g in lifecycle.gates))
    if gate is not None and gate not in known:
        raise ConfigurationError(f"there is no gate {gate!r}; gates: {', '.join(known)}")
    return PackChange(applied, files, removed, gate, lifecycles=lifecycles)


def preview(ledger: Ledger, change: PackChange, look: Look) -> Report:
    """Judges everything that is looked at; writes nothing.

    Raises:
        ConfigurationError: live measures are to be judged as of a day that is over.
    """
    sides = change.compiled()
    gates = sides.gates()
    change = _with_recorded(change, sides, ledger)
    now = system_clock()
    if look.at is not None and look.at.date() < now.date():
        raise ConfigurationError(
            f"--at {look.at.date()} is over, and live measures are judged on the facts of now;"
            " for what was decided then: --past --since DAY"
        )
    with ExitStack() as stack:
        living = stack.enter_context(live_measures(ledger.database))
        places = places_asked(sides, living.places) if look.live else []
        decisions = count_decisions(ledger, look.since) if look.past else 0
        cases = sum(living.places[place] for place in places) + (decisions if gates else 0)
        around = Surroundings(living.pools, ledger.directory(), now, look.at or now)
        assessor = stack.enter_context(assessing(change, around, cases))
        advance = stack.enter_context(progress(cases))
        live = past = None
        later: list[LaterDay] = []
        if look.live:
            live = judge_live(living, sides, assessor, around, look.limit, advance)
            if look.at is None:
                later = later_days(living, change, around, look.limit)
        if look.past:
            past = PastReport(Tally(look.limit))
            past.tally.subjects = decisions
            if gates:
                pages = _pages(_reproduced(ledger, gates, look.since, past, advance))
                for result in assessor.assess_all(pages):
                    past.take(result)
    return Report(
        packs=compare_packs(sides.before, sides.after),
        digests=(PackSet(sides.before).digest, PackSet(sides.after).digest),
        gates=sorted(gates),
        live=live,
        past=past,
        later=later,
        commands=(
            *(f"sluice apply -f {name}" for _, name in change.files),
            *(f"sluice rules remove {name}" for name in sorted(change.removed)),
        ),
    )


def _with_recorded(change: PackChange, sides: Sides, ledger: Ledger) -> PackChange:
    """Returns the change with the versions of packs that measures may keep."""
    recorded = {(pack.id, pack.digest): pack.document for pack in sides.before}
    for name in sorted(sides.keepers()):
        for kind in ("RulePack", BUILTIN_PACK):
            for version in ledger.versions(kind, name):
                recorded[name, version.digest] = restore(RulePack, version.body)
    return replace(change, recorded=recorded)


def _reproduced(
    ledger: Ledger,
    gates: frozenset[Gate],
    since: datetime | None,
    report: PastReport,
    advance: Callable[[int], None],
) -> Iterator[Case]:
    """Yields the decisions whose facts are found, and counts those that cannot be told."""

    def wanted(state: MeasureState, gate: str) -> bool:
        advance(1)
        return (state.lifecycle.id, gate) in gates

    for decision in past_decisions(ledger, wanted=wanted, since=since):
        report.judged += 1
        if _engine_held(decision):
            report.trouble()
        elif decision.facts is None:
            report.missing(decision.entry.position)
        else:
            entry, verdict = decision.entry, decision.verdict
            yield Case(
                decision.state,
                verdict.gate,
                decision.facts,
                entry.at,
                entry.by,
                verdict,
                entry.position,
            )


def _engine_held(decision: PastDecision) -> bool:
    """Tells whether trouble, not a rule, held the gate: packs have no part in that."""
    blockers = decision.verdict.blockers
    return any(one.rule == ENGINE and one.answer == "inconclusive" for one in blockers)


def _pages(cases: Iterable[Case]) -> Iterator[list[Case]]:
    page: list[Case] = []
    for case in cases:
        page.append(case)
        if len(page) == AT_ONCE:
            yield page
            page = []
    if page:
        yield page
