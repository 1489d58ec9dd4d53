"""`sluice rules prove`: what packs can never do, each defect with a counter-example in words."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.rules_files import (
    Files,
    Form,
    LifecycleFiles,
    Output,
    files_or_own,
    load_packs,
    print_json,
    refuse,
)

if TYPE_CHECKING:
    from console.proof_subjects import Subjects
    from measures.lifecycle import Lifecycle
    from rules.proof.claims import Claim
    from rules.schema import Pack

_EXAMPLE = "Example: sluice rules prove packs/launch.yaml -f documents/ --strict"


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=_EXAMPLE)(prove)


def prove(
    files: Files = None,
    lifecycle: LifecycleFiles = None,
    only: Annotated[
        str | None,
        typer.Option(metavar="LIFECYCLE", help="Only this lifecycle; by default all of the packs."),
    ] = None,
    documents: Annotated[
        list[Path] | None,
        typer.Option("-f", "--file", help="People and measures whose approvals are proved too."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Prove for what is in the ledger, packs included.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail on what is not proved, too.")
    ] = False,
    output: Output = Form.PRETTY,
) -> None:
    """Prove that gates can open and measures can end; name what can never be, and why.

    Pack files are proved together with the built-in packs, or with --live together with those in
    force, as they would judge.
    """
    from console.claims_showing import exit_after, print_claims
    from console.session import system_clock
    from rules.lifecycle_files import lifecycles_in_force
    from rules.loader import builtin_packs, packs_in_force
    from rules.proof.packs import prove_packs

    if lifecycle and not files:
        raise typer.BadParameter("a lifecycle is proved with its packs: name their files too")
    files = files_or_own(files) if not live and not documents else files
    now = system_clock()
    packs = {pack.id: pack for pack in builtin_packs()}
    claims: list[Claim] = []
    applied: Mapping[str, Lifecycle] = {}
    if live or documents:
        subjects = _subjects(documents or [], live=live)
        packs |= {pack.id: pack for pack in packs_in_force(subjects.directory.packs)}
        applied = subjects.directory.lifecycles
    loaded, faults, texts = load_packs(files, lifecycle, applied) if files else ([], [], {})
    if faults:
        refuse(faults, texts, output)
    lifecycles = dict(lifecycles_in_force(applied))
    lifecycles |= {p.lifecycle: p.checked_against for _, p in loaded if p.checked_against}
    packs |= {pack.id: pack for _, pack in loaded}
    in_force = list(packs.values())
    asked = [pack for _, pack in loaded] or in_force
    for name in _lifecycles(only, asked):
        claims += prove_packs(in_force, lifecycles[name], now.date())
    if live or documents:
        from rules.proof.approvals import approval_claims
        from rules.proof.deadlocks import deadlock_claims

        states = list(subjects.states.values())
        claims += approval_claims(states, subjects.directory, in_force, now.date())
        claims += deadlock_claims(states, subjects.pools, subjects.others, in_force, now.date())
    if output is Form.JSON:
        print_json({"claims": [claim.model_dump(mode="json") for claim in claims]})
    else:
        print_claims(claims)
    raise typer.Exit(exit_after(claims, strict=strict))


def _subjects(documents: list[Path], *, live: bool) -> "Subjects":
    from console.proof_subjects import Subjects, live_subjects, with_documents
    from console.session import find_place, open_ledger, system_clock

    subjects = Subjects()
    if live:
        with open_ledger(find_place()) as ledger:
            subjects = live_subjects(ledger)
    return with_documents(subjects, documents, system_clock()) if documents else subjects


def _lifecycles(wanted: str | None, packs: "list[Pack]") -> list[str]:
    """Returns the lifecycles that packs are for, or the one of them that is wanted."""
    found = list(dict.fromkeys(pack.lifecycle for pack in packs))
    if wanted is None:
        return found
    if wanted not in found:
        known = ", ".join(sorted(found))
        raise typer.BadParameter(f"no pack is for the lifecycle {wanted!r}; there is: {known}")
    return [wanted]
