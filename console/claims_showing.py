"""Claims of proofs, for people: what matters first, then how many ended in each way."""

import typer

from console.exits import Exit
from rules.proof.claims import OUTCOMES, Claim, Outcome

_WORDS: dict[Outcome, tuple[str, str, str]] = {
    "defect": ("DEFECT", "defect", "defects"),
    "not-proved": ("not proved", "not proved", "not proved"),
    "warning": ("warning", "warning", "warnings"),
    "note": ("note", "note", "notes"),
    "proved": ("proved", "proved", "proved"),
}


def print_claims(claims: list[Claim]) -> None:
    """Prints every claim with the rules that it rests on, and the command that would mend it."""
    for outcome in OUTCOMES:
        for claim in claims:
            if claim.outcome == outcome:
                _print(claim)
    counts = []
    for outcome in OUTCOMES:
        number = sum(claim.outcome == outcome for claim in claims)
        counts.append(f"{number} {_WORDS[outcome][1 if number == 1 else 2]}")
    typer.echo(", ".join(counts))


def exit_after(claims: list[Claim], *, strict: bool = False) -> Exit:
    """Returns how a command ends that has proved these claims."""
    bad = {"defect", "not-proved"} if strict else {"defect"}
    return Exit.FAILED if any(claim.outcome in bad for claim in claims) else Exit.DONE


def _print(claim: Claim) -> None:
    typer.echo(f"{_WORDS[claim.outcome][0]} {claim.name} {claim.subject}: {claim.text}")
    if claim.outcome != "proved":
        for rule, place in zip(claim.rules, claim.places, strict=True):
            typer.echo(f"    --> {place} {rule}")
        if claim.command:
            typer.echo(f"    help: {claim.command}")
