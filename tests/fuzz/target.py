"""What `make fuzz` feeds: everything that reads a stranger's rules, with one contract.

Whatever the bytes, reading either works or raises `FaultsFound`, within a second of this process
and without growing beyond the limit that libFuzzer was given. The first byte chooses the reader.

Run by tools/fuzz.py, which brings atheris; it is no test that pytest collects.
"""

import sys
import time

import atheris

with atheris.instrument_imports(include=["rules", "measures", "console", "ruamel"]):
    from console.reading import read_text
    from rules.casebook import load_cases
    from rules.faults import FaultsFound, render
    from rules.loader import builtin_packs, load_pack

SECONDS = 1.0
"""Processor time that one input may take, instrumentation included."""

CONDITION = """\
pack: fuzz
title: Fuzz
rules:
  - id: rule
    gate: decided
    when: {demand: {kind: demand}}
    expect: {offer: {kind: offer, pool: $demand.pool}}
    require: |
      %s
    message: m
"""

slowest = 0.0


def read_pack(data: bytes) -> None:
    """A file of rules."""
    load_pack(data, "fuzz.yaml")


def read_documents(data: bytes) -> None:
    """Documents of any kind; their faults are returned, so that each can be shown."""
    reading = read_text(data, "fuzz.yaml")
    for fault in reading.faults:
        render(fault, reading.texts["fuzz.yaml"])


def read_cases(data: bytes) -> None:
    """The cases beside a pack."""
    load_cases(data, "fuzz_cases.yaml", builtin_packs()[-1])


def read_condition(data: bytes) -> None:
    """One condition in a pack that is good otherwise: CEL's own parser and type check."""
    lines = data.decode("utf-8", "replace").splitlines()
    load_pack(CONDITION % "\n      ".join(lines), "fuzz.yaml")


READERS = (read_pack, read_documents, read_cases, read_condition)


def read(data: bytes) -> None:
    """Reads one input; anything but a clean answer in time is a crash."""
    global slowest
    if not data:
        return
    began = time.process_time()
    try:
        READERS[data[0] % len(READERS)](data[1:])
    except FaultsFound as found:
        text = data[1:].decode("utf-8", "replace")
        for fault in found.faults:
            render(fault, text)
    took = time.process_time() - began
    if took > SECONDS:
        raise TimeoutError(f"one input took {took:.1f} s of processor time")
    if took > slowest:
        slowest = took
        print(f"slowest input so far: {took * 1000:.0f} ms", file=sys.stderr, flush=True)


if __name__ == "__main__":
    builtin_packs()
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
