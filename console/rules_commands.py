"""`sluice rules`: rules as code, on files alone unless a command says otherwise."""

import typer

from console import (
    rules_case,
    rules_cases,
    rules_check,
    rules_diff,
    rules_fmt,
    rules_migrate,
    rules_plan,
    rules_prove,
    rules_record,
    rules_remove,
    rules_stats,
)

app = typer.Typer(
    help="Check and lay out packs of rules, run their cases, prove and roll them out.",
    no_args_is_help=True,
)
for group in (
    rules_check,
    rules_fmt,
    rules_cases,
    rules_case,
    rules_record,
    rules_plan,
    rules_prove,
    rules_diff,
    rules_stats,
    rules_migrate,
    rules_remove,
):
    group.add_to(app)
