"""How a command ends, for scripts; the table in docs/exit-codes.md is this one."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; 2 is also what the command line parser uses for wrong usage."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    BLOCKED = 3
    WAITING = 4
    NOT_ALLOWED = 5
    LEDGER_BROKEN = 6


MEANINGS: dict[Exit, str] = {
    Exit.DONE: "done, or the gate passed",
    Exit.FAILED: "failed: an expectation did not hold, a document was refused, or a fault",
    Exit.USAGE: "wrong usage",
    Exit.BLOCKED: "a gate is blocked, or a permit was denied",
    Exit.WAITING: "inconclusive, or still waiting at time-out",
    Exit.NOT_ALLOWED: "not allowed: not entitled, duties not separate, or not in this mode",
    Exit.LEDGER_BROKEN: "the ledger does not verify",
}
"""One sentence per code."""

NOT_ALLOWED_CODES = frozenset(
    {"not-entitled", "not-finance", "duties-not-separate", "unknown-person", "embedded-only"}
)
"""Refusals that say who somebody is, not what they asked."""


def exit_for(refused: str, verdict: str = "", permit: str = "") -> Exit:
    """Returns how a command ends whose request was answered so."""
    if refused == "who-are-you":
        return Exit.USAGE
    if refused in NOT_ALLOWED_CODES:
        return Exit.NOT_ALLOWED
    if permit == "denied":
        return Exit.BLOCKED
    if refused:
        return Exit.FAILED
    return {"block": Exit.BLOCKED, "inconclusive": Exit.WAITING}.get(verdict, Exit.DONE)
