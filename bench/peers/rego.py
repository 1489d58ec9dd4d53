"""The job in Rego, judged by regopy (rego-cpp): the language of OPA, conftest and Gatekeeper."""

import json

from regopy import Interpreter  # type: ignore[import-not-found]  # of the peers' environment

from bench.peers.job import DAY, JOINED, PLAIN, SINGLE, Answer, Blocked, Facts, by_kind

_JOINED = """
blocked contains ["capacity-{n}", sprintf("demand:%s/%s", [d.pool, d.period])] if {{
  some d in input.demand
  not covered_{n}(d)
}}
covered_{n}(d) if {{
  some o in input.offer
  o.pool == d.pool
  o.period == d.period
  o.available >= d.amount + {n}
  o.unit == d.unit
  input.now - o.seen_at <= {day}
}}
"""
_SINGLE = """
blocked contains ["kpi-{n}", sprintf("kpi:%s", [k.id])] if {{
  some k in input.kpi
  not fine_{n}(k)
}}
fine_{n}(k) if {{
  k.owner != "nobody-{n}"
  k.cadence != ""
  k.has_target
}}
"""
_PLAIN = """
blocked contains ["measure-{n}", sprintf("measure:%s", [input.measure.id])] if not right_{n}
right_{n} if {{
  input.measure.owner != ""
  input.measure.quorum >= {n} - 100
}}
"""


def prepare() -> Answer:
    """Compiles the policy."""
    rules = [_JOINED.format(n=n, day=DAY) for n in range(JOINED)]
    rules += [_SINGLE.format(n=n) for n in range(SINGLE)]
    rules += [_PLAIN.format(n=n) for n in range(PLAIN)]
    rego = Interpreter()
    rego.add_module("gate", "package gate\nimport rego.v1\n" + "".join(rules))

    def answer(world: Facts) -> Blocked:
        rego.set_input(by_kind(world))
        found = rego.query("data.gate.blocked")
        if not found.ok():
            raise RuntimeError(str(found))
        # Through text: what `expressions()` returns outlives its memory (regopy 1.5.2 crashes).
        [blocked] = json.loads(str(found))["expressions"]
        return {(rule, subject) for rule, subject in blocked}

    return answer
