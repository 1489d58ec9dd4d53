"""The people of the organisation, and who acts for whom."""

from datetime import date
from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from measures.model import Id, Line, Model

Role = Literal[
    "owner", "sponsor", "controller", "committee", "operations", "administrator", "auditor"
]
"""What a person may be entitled to."""


ENGINE = "engine"
"""Who acts in the ledger when something happens by itself."""


OPERATOR = "operator"
"""Whoever runs `sluice apply` and names nobody: may write documents, nothing else."""


class Person(Model):
    """Somebody who owns, decides, reports or looks.

    Attributes:
        kind: what this document is
        id: the name by which others refer to this person
        name: how people know them
        roles: what they may be asked to decide; a sign-off counts only while they bear its role
        email: where reminders go
    """

    kind: Literal["Person"] = "Person"
    id: Id
    name: Line
    roles: tuple[Role, ...] = ()
    email: Line | None = None

    @model_validator(mode="after")
    def _is_a_person(self) -> "Person":
        if self.id in (ENGINE, OPERATOR):
            raise PydanticCustomError(
                "reserved", "{id} stands for no person; choose another id", {"id": self.id}
            )
        return self


class Delegation(Model):
    """One person acts for another in one role from the first day to the last, both included.

    Attributes:
        kind: what this document is
        from_: the person whose right it is
        to: the person who acts for them
        role: the role in which they do
        starts: the first day
        ends: the last day
    """

    kind: Literal["Delegation"] = "Delegation"
    from_: Id = Field(alias="from")
    to: Id
    role: Role
    starts: date
    ends: date

    @property
    def id(self) -> str:
        """A delegation has no name of its own: who, to whom, as what, since when."""
        return f"{self.from_}.{self.to}.{self.role}.{self.starts.isoformat()}"

    @model_validator(mode="after")
    def _makes_sense(self) -> "Delegation":
        if self.ends < self.starts:
            raise PydanticCustomError("window", "ends lies before starts")
        if self.from_ == self.to:
            raise PydanticCustomError("delegation", "nobody delegates to themselves")
        return self
