"""The job as expressions of the zen engine (GoRules), compiled once."""

import zen  # type: ignore[import-not-found]  # of the peers' environment

from bench.peers.job import DAY, JOINED, PLAIN, SINGLE, Answer, Blocked, Facts, about, by_kind


def prepare() -> Answer:
    """Compiles the expressions; each gives the facts that its rule does not like."""
    rules: dict[str, str] = {}
    for n in range(JOINED):
        rules[f"capacity-{n}"] = (
            "filter(demand as d, not(some(offer as o, o.pool == d.pool and o.period == d.period"
            f" and o.available >= d.amount + {n} and o.unit == d.unit"
            f" and now - o.seen_at <= {DAY})))"
        )
    for n in range(SINGLE):
        rules[f"kpi-{n}"] = (
            f'filter(kpi as k, not(k.owner != "nobody-{n}" and k.cadence != "" and k.has_target))'
        )
    for n in range(PLAIN):
        rules[f"measure-{n}"] = (
            f'filter([measure] as m, not(m.owner != "" and m.quorum >= {n - 100}))'
        )
    compiled = {rule: zen.compile_expression(text) for rule, text in rules.items()}

    def answer(world: Facts) -> Blocked:
        known = by_kind(world)
        return {
            (rule, about(fact))
            for rule, expression in compiled.items()
            for fact in expression.evaluate(known)
        }

    return answer
