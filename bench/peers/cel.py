"""The job in CEL over lists, judged by cel-python, the pure Python implementation."""

import celpy  # type: ignore[import-not-found]  # of the peers' environment

from bench.peers.job import DAY, JOINED, PLAIN, SINGLE, Answer, Blocked, Facts, by_kind


def prepare() -> Answer:
    """Compiles the programs; each gives the names of what its rule does not like."""
    rules: dict[str, str] = {}
    for n in range(JOINED):
        rules[f"capacity-{n}"] = (
            "demand.filter(d, !offer.exists(o, o.pool == d.pool && o.period == d.period"
            f" && o.available >= d.amount + {n}.0 && o.unit == d.unit"
            f" && now - o.seen_at <= {DAY})).map(d, 'demand:' + d.pool + '/' + d.period)"
        )
    for n in range(SINGLE):
        rules[f"kpi-{n}"] = (
            f"kpi.filter(k, !(k.owner != 'nobody-{n}' && k.cadence != '' && k.has_target))"
            ".map(k, 'kpi:' + k.id)"
        )
    for n in range(PLAIN):
        rules[f"measure-{n}"] = (
            f"measure.owner != '' && measure.quorum >= {n} - 100 ? [] : ['measure:' + measure.id]"
        )
    env = celpy.Environment()
    programs = {rule: env.program(env.compile(text)) for rule, text in rules.items()}

    def answer(world: Facts) -> Blocked:
        known = celpy.json_to_cel(by_kind(world))
        return {
            (rule, str(subject))
            for rule, program in programs.items()
            for subject in program.evaluate(known)
        }

    return answer
