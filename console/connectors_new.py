"""`sluice connectors new`: a package with a connector that reads, and passes the kit as it is."""

import keyword
import re
from pathlib import Path
from typing import Annotated

import typer

from console.exits import Exit
from console.running import finish

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
_FILES = {
    "pyproject.toml": "pyproject.toml",
    "starter_desk.py": "starter_desk.py",
    # It imports what is there only once it is written.
    "test_starter_desk.py": "test_starter_desk.py.txt",
}


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("new", epilog="Example: sluice connectors new acme-desk")(new_connector)


def new_connector(
    name: Annotated[str, typer.Argument(metavar="NAME", help="How connections will name it.")],
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Where; a new folder NAME by default.")
    ] = None,
) -> None:
    """Begin a connector: a package with one module that reads, and a test that runs the kit."""
    from console.new_files import write_new
    from console.output import people

    refuse_name(name)
    place = folder or Path(name)
    files = starter_files(name)
    write_new({place / file: text for file, text in files.items()})
    module = name.replace("-", "_")
    people().print(
        f"{place}/ holds a connector {name!r} that reads and passes the first tier, bronze:\n"
        f"  pytest {place}                       what it shows already, and what it cannot do yet\n"
        f"  pip install -e {place}               from then on `sluice connectors list` shows it\n"
        f"Next: let check and get of {module}.py ask the real system, then add to the manifest's\n"
        "`can` what you fill of connectors.contract.Connector; the kit examines it by itself.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    finish(Exit.DONE)


def starter_files(name: str) -> dict[str, str]:
    """Returns the text of each file of a new connector's package, by its name."""
    from importlib import resources

    words = name.split("-")
    exchanged = {
        "starter-desk": name,
        "starter_desk": "_".join(words),
        "StarterDesk": "".join(word.capitalize() for word in words),
        "Starter desk": " ".join(words).capitalize(),
    }

    def renamed(text: str) -> str:
        for old, new in exchanged.items():
            text = text.replace(old, new)
        return text

    folder = resources.files("connectors.starter")
    return {
        renamed(file): renamed(folder.joinpath(source).read_text("utf-8"))
        for file, source in _FILES.items()
    }


def refuse_name(name: str) -> None:
    """Refuses a name that cannot be a connector's, or is taken.

    Raises:
        typer.BadParameter: with why.
    """
    from importlib.util import find_spec

    from connectors.registry import connector_names

    module = name.replace("-", "_")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        why = f"{name!r} is no name: small letters, digits and single dashes, like acme-desk"
    elif name in connector_names():
        why = f"there is a connector {name!r} already; `sluice connectors list` shows it"
    elif keyword.iskeyword(module) or find_spec(module) is not None:
        why = f"a module {module!r} would stand in the way of Python's or another package's"
    else:
        return
    raise typer.BadParameter(why, param_hint="NAME")
