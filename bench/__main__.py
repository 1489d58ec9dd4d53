"""Measures and writes RESULTS.md: `python -m bench [NAME...] [--quick]`."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from bench.commands import bench_help, bench_ledger, bench_stories, bench_verdict
from bench.inbox import bench_inbox
from bench.lifecycles import bench_lifecycles
from bench.open_measures import bench_open_measures
from bench.permits import bench_permits
from bench.plan import bench_plan
from bench.reservations import bench_reservations
from bench.results import Section, load, put, written
from bench.side_by_side import bench_side_by_side
from bench.throttle import bench_throttle

Bench = Callable[[], Coroutine[Any, Any, Section]]


def main() -> int:
    """Runs the benchmarks that are named, or all; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="fewer repeats, smaller crowds")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are: {', '.join(NAMES)}")
    # A run that is ended early, by `timeout` say, still ends its processes and its folder.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    missed = False
    for name in options.names or NAMES:
        before = load()
        section = asyncio.run(_benches(quick=options.quick)[name]())
        text = written(section, name=name, quick=options.quick, load_before=before)
        sys.stdout.write(f"## {name}\n\n{text}\n\n")
        # A quick run shows whether it works; its figures are too few to be kept.
        if not options.quick:
            put(name, text, NAMES)
        missed = missed or bool(section.misses)
    return int(missed)


def _benches(*, quick: bool) -> dict[str, Bench]:
    return {
        "lifecycles": partial(bench_lifecycles, quick=quick),
        "open-measures": partial(bench_open_measures, quick=quick),
        "reservations": partial(bench_reservations, quick=quick),
        "verdict": bench_verdict,
        "side-by-side": partial(bench_side_by_side, quick=quick),
        "ledger": bench_ledger,
        "plan": partial(bench_plan, quick=quick),
        "throttle": partial(bench_throttle, quick=quick),
        "inbox": partial(bench_inbox, quick=quick),
        "permits": bench_permits,
        "stories": bench_stories,
        "help": bench_help,
    }


NAMES = tuple(_benches(quick=False))

if __name__ == "__main__":
    raise SystemExit(main())
