"""`sluice explain CODE`: what a fault code means, with the mistake and the way out."""

import re

from console.output import Form, people, print_data, print_table
from measures.errors import RefusedError
from rules.codes import CODES
from rules.faults import nearest

LOOKS_LIKE_CODE = re.compile(r"[A-Z]\d{3}")
"""The ids of measures have small letters, so a code is never taken for one."""


def print_codes(output: Form) -> None:
    """Prints every code with its title."""
    if output is Form.TABLE:
        print_table(("code", "what is wrong"), [(name, code.title) for name, code in CODES.items()])
    else:
        print_data({name: code.title for name, code in CODES.items()}, output)


def print_code(code: str, output: Form) -> None:
    """Prints an entry of the registry.

    Raises:
        RefusedError: there is no such code.
    """
    found = CODES.get(code)
    if found is None:
        near = nearest(code, CODES)
        meant = f"did you mean {near}? " if near else ""
        raise RefusedError(
            "not-found",
            f"there is no fault code {code}; {meant}all of them: sluice explain codes",
        )
    if output is not Form.TABLE:
        print_data({"code": code, **found.model_dump(by_alias=True)}, output)
        return
    out = people()
    out.print(f"[bold]{code}[/] {found.title}")
    out.print(f"\n{found.why}", markup=False)
    for name, example in (("wrong", found.wrong), ("right", found.right)):
        if example:
            out.print(f"\n[bold]{name}[/]")
            for line in example.rstrip("\n").split("\n"):
                out.print(f"    {line}", markup=False, soft_wrap=True)
