"""The child process: durable_rules in the measured safe subset, behind two pipes.

``python -m rules.engine`` reads length-prefixed JSON from its input and answers on its output:
first the queries of every gate, then one world after the other. It ends when its input ends. This
is the only module that imports durable; it imports nothing else of the product, so it starts fast.

What was measured about durable_rules 2.0.28 (see docs/rules.md) decides every line here. Values are
handed over as short ASCII texts that carry their type, so that neither numbers nor letters are ever
compared by the C code. A ruleset is compiled once per gate; every world gets a fresh ``sid``. Each
world ends with a sentinel fact of its own rule: ``delete_state`` frees memory that only a fired
rule initialises (``context`` of a state in state.c), so without one it crashes; and a sentinel that
does not come back shows that the engine did not finish.
"""

import contextlib
import ctypes
import json
import os
import signal
import struct
import sys
from typing import IO, Any
from urllib.parse import quote

import durable_rules_engine  # type: ignore[import-not-found]  # comes with durable
from durable.engine import MessageNotHandledException, Ruleset

MAX_MESSAGE = 64 * 1024 * 1024
SENTINEL = "sentinel"
MATCHES = 20_000
"""Twice what the parent accepts, so that its own count decides."""


def encode(value: object) -> str:
    """Writes a value so that equal texts mean equal type and value."""
    if isinstance(value, bool):
        return f"b:{int(value)}"
    if isinstance(value, int):
        return f"i:{value}"
    return "s:" + quote(str(value), safe=" /:@+,")


def definition(queries: list[list[Any]]) -> dict[str, Any]:
    """Writes queries as a durable_rules ruleset: one positive conjunction each."""
    rules: dict[str, Any] = {}
    for number, query in enumerate(queries):
        patterns = []
        for position, (kind, equals, joins) in enumerate(query):
            tests: list[dict[str, Any]] = [{"kind": encode(kind)}]
            tests.extend({f"v_{name}": encode(value)} for name, value in equals)
            tests.extend({f"v_{name}": {f"f{other}": f"v_{field}"}} for name, other, field in joins)
            patterns.append({f"f{position}": tests[0] if len(tests) == 1 else {"$and": tests}})
        rules[f"q{number}"] = {"all": patterns, "run": _never_run}
    rules[SENTINEL] = {"all": [{"f0": {"kind": SENTINEL}}], "run": _never_run}
    return rules


def _never_run(_context: object) -> None:
    """Consequents are read from the engine, not run: it would swallow their errors."""


class Gate:
    """The compiled queries of one gate."""

    def __init__(self, name: str, queries: list[list[Any]]) -> None:
        self._ruleset = Ruleset(name, None, definition(queries))
        self._count = len(queries)
        self._worlds = 0

    def match(self, world: list[dict[str, Any]]) -> list[list[list[int]]]:
        """Returns the matches of every query in a world."""
        found: list[list[list[int]]] = [[] for _ in range(self._count)]
        self._worlds += 1
        sid = f"w{self._worlds}"
        for number, fact in enumerate(world):
            message = {f"v_{name}": encode(value) for name, value in fact.items()}
            message.update(id=str(number), sid=sid, kind=message.pop("v_kind"))
            # A fact that no query wants is not kept, and that is no error.
            with contextlib.suppress(MessageNotHandledException):
                self._ruleset.assert_fact(message)
        state = self._ruleset.assert_fact({"id": SENTINEL, "sid": sid, "kind": SENTINEL})
        finished = self._collect(state, found)
        self._ruleset.delete_state(sid)
        if not finished:
            raise RuntimeError("durable_rules did not finish")
        return found

    def _collect(self, state: int, found: list[list[list[int]]]) -> bool:
        handle = self._ruleset._handle  # noqa: SLF001  its own loop hides errors of consequents
        finished = False
        total = 0
        started = durable_rules_engine.start_action_for_state(handle, state)
        message = started[1] if started else None
        while message:
            for name, bound in json.loads(message).items():
                if name == SENTINEL:
                    finished = True
                    continue
                facts = [int(bound[f"f{place}"]["id"]) for place in range(len(bound))]
                found[int(name[1:])].append(facts)
            total += 1
            if total > MATCHES:
                raise OverflowError("too many matches")
            message = durable_rules_engine.complete_and_start_action(handle, state)
        return finished


def answer(request: dict[str, Any], gates: dict[str, Gate]) -> dict[str, Any]:
    """Answers one request; an error becomes an answer too."""
    try:
        if "gates" in request:
            for name, queries in request["gates"].items():
                gates[name] = Gate(name, queries)
            return {"id": request["id"], "ready": True}
        gate = gates[request["gate"]]
        if "worlds" in request:
            return {"id": request["id"], "matches": [gate.match(one) for one in request["worlds"]]}
        return {"id": request["id"], "matches": gate.match(request["world"])}
    except Exception as error:
        return {"id": request["id"], "error": f"{type(error).__name__}: {error}"}


def read_message(stream: IO[bytes]) -> Any:
    """Reads one message, or None at the end of the stream."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack(">I", head)
    if length > MAX_MESSAGE:
        return None
    body = stream.read(length)
    return json.loads(body) if len(body) == length else None


def write_message(stream: IO[bytes], message: dict[str, Any]) -> None:
    """Writes one message."""
    body = json.dumps(message, separators=(",", ":")).encode()
    stream.write(struct.pack(">I", len(body)) + body)
    stream.flush()


def leave_with_parent() -> None:
    """Ends this process when its parent ends, however that happens; leaves Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def private_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Takes the pipes away from standard input and output, so that a stray print harms nothing."""
    reading = os.fdopen(os.dup(0), "rb")
    writing = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return reading, writing


def main() -> None:
    """Serves until the parent hangs up."""
    leave_with_parent()
    reading, writing = private_pipes()
    gates: dict[str, Gate] = {}
    while (request := read_message(reading)) is not None:
        try:
            write_message(writing, answer(request, gates))
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
