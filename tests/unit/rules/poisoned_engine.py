"""A child process that is the real engine until a world holds the poison.

Usage: poisoned_engine.py HOW [FILE]. Nothing in the product can be told to do this; the tests
start it in the engine's place.
"""

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

from rules import engine

POISON = "poison"
Gates = dict[str, engine.Gate]
real_answer = engine.answer


def misbehave(how: str, request: dict[str, Any], gates: Gates) -> dict[str, Any]:
    """Does what the test asked for."""
    if how == "segfault":
        ctypes.string_at(0)
    elif how == "abort":
        os.abort()
    elif how == "exit":
        os._exit(3)
    elif how == "raise":
        raise RuntimeError("poisoned")
    elif how == "garbage":
        os.write(int(sys.argv[2]), b"\xff\xff\xff\xff not json")
    elif how == "not-json":
        os.write(int(sys.argv[2]), b"\0\0\0\3abc")
    elif how == "hang":
        Path(sys.argv[2]).write_bytes(b"")  # a named pipe: whoever reads it knows
        while True:
            pass
    elif how == "forget":
        return {
            "id": request["id"],
            "matches": [[] for _ in real_answer(request, gates)["matches"]],
        }
    elif how == "repeat":
        return {
            "id": request["id"],
            "matches": [q * 2 for q in real_answer(request, gates)["matches"]],
        }
    elif how == "nonsense":
        return {"id": request["id"], "matches": 7}
    return real_answer(request, gates)


def answer(request: dict[str, Any], gates: Gates) -> dict[str, Any]:
    """Answers, or misbehaves when the world holds the poison."""
    if any(POISON in fact.values() for fact in request.get("world", ())):
        try:
            return misbehave(sys.argv[1], request, gates)
        except RuntimeError as error:
            return {"id": request["id"], "error": str(error)}
    return real_answer(request, gates)


if __name__ == "__main__":
    if sys.argv[1] == "stillborn":
        sys.exit(1)
    engine.answer = answer
    if sys.argv[1] in ("garbage", "not-json"):
        # The real output, before the engine takes it away.
        sys.argv[2:] = [str(os.dup(1))]
    engine.main()
