"""`sluice deadlocks`: live measures that wait for each other, and the cheapest way out."""

import typer

from console.options import Output
from console.output import Form
from console.running import finish


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog="Example: sluice deadlocks -o json")(deadlocks)


def deadlocks(output: Output = Form.TABLE) -> None:
    """Find measures that wait for each other in a circle, or for what will never come.

    Ends with 1 when there are any; each comes with the cheapest change that frees them.
    """
    from console.claims_showing import exit_after, print_claims
    from console.output import print_data
    from console.proof_subjects import live_subjects
    from console.session import find_place, open_ledger, system_clock
    from rules.loader import packs_in_force
    from rules.proof.deadlocks import deadlock_claims

    with open_ledger(find_place()) as ledger:
        subjects = live_subjects(ledger)
    packs = packs_in_force(subjects.directory.packs)
    states, pools, others = subjects.states.values(), subjects.pools, subjects.others
    claims = list(deadlock_claims(states, pools, others, packs, system_clock().date()))
    if output in (Form.JSON, Form.YAML):
        found = [claim.model_dump(mode="json") for claim in claims if claim.outcome == "defect"]
        print_data({"measures": len(states), "deadlocks": found}, output)
    else:
        print_claims(claims)
    finish(exit_after(claims))
