"""Compares both matchers on random packs and worlds: the evidence that gates may trust them.

``python -m rules.differential --examples 200000 --seed 7`` tries many; the test run tries 2,000
with shrinking. A difference is printed with the world that shows it.
"""

import argparse
import random
import subprocess
import sys
import time
from types import TracebackType
from typing import Any, Self

from rules.child import engine_command
from rules.engine import read_message, write_message
from rules.matcher import match
from rules.patterns import Join, Match, Pattern, Query, Scalar, World

KINDS = ("a", "b", "c")
FIELDS = ("x", "y", "z")
VALUES: tuple[Scalar, ...] = (
    "p", "q", "", "1", "true", "é\"\\", "p q", "\u4e2d%", 0, 1, -1, 2**53, True, False,
)  # fmt: skip
"""Few values, so that joins meet; look-alikes of other types; what JSON and C might trip over."""
RESTART_AFTER = 2000
"""Nothing frees a compiled ruleset, so the child is renewed now and then."""


class Difference(AssertionError):  # noqa: N818  what the tests look for
    """The matchers found different matches."""


class EngineSession:
    """The real child process, asked synchronously."""

    def __init__(self) -> None:
        self._asked = 0
        self._process = self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def match(self, queries: list[Query], worlds: list[World]) -> list[list[list[Match]]]:
        """Compiles queries and returns their matches in each world, in order.

        Raises:
            Difference: when the engine fails or dies.
        """
        self._asked += 1
        if self._asked % RESTART_AFTER == 0:
            self._stop()
            self._process = self._start()
        gates = {"g": [[pattern.as_json() for pattern in query] for query in queries]}
        self._ask({"id": 0, "gates": gates})
        replies = [self._ask({"id": 1, "gate": "g", "world": world}) for world in worlds]
        return [[[tuple(one) for one in query] for query in reply["matches"]] for reply in replies]

    def _ask(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        write_message(self._process.stdin, request)
        reply = read_message(self._process.stdout)
        if reply is None or "error" in reply:
            self._stop()
            code = self._process.returncode
            self._process = self._start()
            raise Difference(f"the engine failed ({code}): {reply}")
        return reply

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            engine_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )

    def _stop(self) -> None:
        self._process.kill()
        self._process.communicate()


def compare(session: EngineSession, queries: list[Query], worlds: list[World]) -> int:
    """Compares both matchers; returns the number of matches.

    Raises:
        Difference: when they differ, or the engine reports a match twice.
    """
    total = 0
    for world, found in zip(worlds, session.match(queries, worlds), strict=True):
        expected = match(queries, world)
        total += sum(map(len, expected))
        if [set(query) for query in found] != expected or any(
            len(query) != len(set(query)) for query in found
        ):
            raise Difference(
                f"queries {queries}\nworld {world}\ndurable_rules {found}\nmatcher {expected}"
            )
    return total


def random_query(chance: random.Random) -> Query:
    """Makes one conjunction of up to three patterns with equalities and joins."""
    query: list[Pattern] = []
    for position in range(chance.randint(1, 3)):
        equals = tuple(
            (field, chance.choice(VALUES))
            for field in chance.sample(FIELDS, chance.choice((0, 0, 1, 2)))
        )
        joins = tuple(
            Join(field, chance.randrange(position), chance.choice(FIELDS))
            for field in chance.sample(FIELDS, chance.choice((0, 1, 1, 2)) if position else 0)
        )
        query.append(Pattern(chance.choice(KINDS), equals, joins))
    return tuple(query)


def random_world(chance: random.Random) -> World:
    """Makes a world in which fields are missing now and then."""
    few = chance.sample(VALUES, 4)
    return [
        {
            "kind": chance.choice(KINDS),
            **{field: chance.choice(few) for field in FIELDS if chance.random() < 0.8},
        }
        for _ in range(chance.randint(0, 25))
    ]


def main() -> int:
    """Runs the comparison from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m rules.differential")
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)  # noqa: S311  repeatable, not secret
    began = time.monotonic()
    shown = 0
    matches = differences = done = 0
    with EngineSession() as session:
        while done < asked.examples:
            queries = [random_query(chance) for _ in range(chance.randint(1, 20))]
            worlds = [random_world(chance) for _ in range(min(5, asked.examples - done))]
            done += len(worlds)
            try:
                matches += compare(session, queries, worlds)
            except Difference as difference:
                differences += 1
                sys.stderr.write(f"seed {asked.seed}, example {done}: {difference}\n")
            if done // 10_000 > shown:
                shown = done // 10_000
                sys.stderr.write(f"{done} examples, {differences} differences\n")
    sys.stdout.write(
        f"{done} examples, seed {asked.seed}: {differences} differences, {matches} matches,"
        f" {time.monotonic() - began:.0f} s\n"
    )
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
