"""`python -m bench.peers NAME`: one engine in a process of its own, asked over two pipes.

Each line of input is a request: ``check`` judges the known worlds, ``SECONDS`` judges the open one
again and again for so long. Each answer is one line of JSON.
"""

import importlib
import json
import sys
import time
from typing import Any

from bench.peers.job import SHORT, TRAPS, Answer, facts, short

PEERS = {
    "handwritten": ("bench.peers.handwritten", "prepare"),
    "rego": ("bench.peers.rego", "prepare"),
    "zen": ("bench.peers.zen_rules", "prepare"),
    "cel-python": ("bench.peers.cel", "prepare"),
    "durable": ("bench.peers.durable", "prepare"),
    "durable-joins": ("bench.peers.durable", "prepare_joins_only"),
}


def main() -> None:
    """Answers until the input ends."""
    module, function = PEERS[sys.argv[1]]
    answer: Answer = getattr(importlib.import_module(module), function)()
    print("ready", flush=True)
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        done = _trap(answer, rest) if word == "trap" else _check(answer)
        if word == "time":
            done = _times(answer, float(rest))
        print(json.dumps(done), flush=True)


def _check(answer: Answer) -> dict[str, Any]:
    return {"right": answer(facts()) == set() and answer(short()) == SHORT}


def _trap(answer: Answer, name: str) -> dict[str, Any]:
    try:
        return {"opens": not answer(TRAPS[name]())}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:200]}


def _times(answer: Answer, seconds: float) -> dict[str, Any]:
    world = facts()
    count = 0
    cpu, began = time.process_time(), time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        answer(world)
        count += 1
    return {"count": count, "seconds": passed, "cpu": time.process_time() - cpu}


if __name__ == "__main__":
    main()
