"""The tree that every measure hangs in."""

from typing import Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from measures.model import Id, Line, Model

Level = Literal["organization", "portfolio", "program", "project", "package"]


LEVELS: tuple[Level, ...] = ("organization", "portfolio", "program", "project", "package")
"""The levels of the tree above the measure, from the root."""


class Node(Model):
    """A place in the tree that measures hang in.

    Attributes:
        kind: what this document is
        id: the name by which others refer to this place
        level: organization, portfolio, program, project or package
        name: how people know it
        parent: the place of the level above; only an organization has none
    """

    kind: Literal["Node"] = "Node"
    id: Id
    level: Level
    name: Line
    parent: Id | None = None

    @model_validator(mode="after")
    def _only_the_root_has_no_parent(self) -> "Node":
        if (self.level == "organization") != (self.parent is None):
            raise PydanticCustomError(
                "parent",
                "an organization has no parent, every other level names one"
                " (level {level}, parent {parent})",
                {"level": self.level, "parent": self.parent or "none"},
            )
        return self
