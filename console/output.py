"""How commands show things: a table for people, JSON or YAML for programs, names for scripts."""

import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 1000


class Form(StrEnum):
    """What ``-o`` takes."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


def people() -> "Console":
    """Returns the console for results: colours and widths as the terminal has them."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False)
    # Nobody looks at a width that is not there: lines stay whole for grep and less -S.
    return Console(highlight=False, soft_wrap=True, width=_WIDE)


def aside() -> "Console":
    """Returns the console for what is not the result: progress, hints, errors."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def plain(thing: Any) -> Any:
    """Returns models as plain data, for JSON and YAML."""
    from pydantic import BaseModel

    if isinstance(thing, BaseModel):
        return thing.model_dump(mode="json", by_alias=True)
    if isinstance(thing, dict):
        return {key: plain(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [plain(value) for value in thing]
    return thing


def print_data(thing: Any, form: Form) -> None:
    """Prints plain data as JSON or YAML."""
    if form is Form.YAML:
        from ruamel.yaml import YAML

        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False
        yaml.dump(plain(thing), sys.stdout)
        return
    sys.stdout.write(json.dumps(plain(thing), indent=2, ensure_ascii=False) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints rows under their column names; text is shown as it is, never as markup."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.upper(), overflow="fold")
    for row in rows:
        table.add_row(*(escape(_shown(cell)) for cell in row))
    people().print(table)


def _shown(cell: object) -> str:
    if cell is None or cell == "":
        return "-"
    if isinstance(cell, list | tuple):
        return ", ".join(map(str, cell)) or "-"
    return str(cell)
