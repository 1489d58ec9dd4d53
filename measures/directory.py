"""Who may do what: the people, their delegations, and the tree, at one moment."""

from datetime import date, datetime

from measures.blackouts import Blackout
from measures.conversion import Conversion
from measures.documents import Connection, RulePack
from measures.lifecycle import Lifecycle
from measures.mapping import Mapping
from measures.model import Stored
from measures.people import Delegation, Person, Role
from measures.tree import Node


class Directory(Stored):
    """The documents that decisions about people and places need."""

    people: dict[str, Person] = {}
    nodes: dict[str, Node] = {}
    delegations: tuple[Delegation, ...] = ()
    packs: dict[str, RulePack] = {}
    lifecycles: dict[str, Lifecycle] = {}
    blackouts: dict[str, Blackout] = {}
    conversions: dict[str, Conversion] = {}
    connections: dict[str, Connection] = {}
    mappings: dict[str, Mapping] = {}

    def has_role(self, person: str, role: Role) -> bool:
        """Tells whether a person bears a role by their own document."""
        known = self.people.get(person)
        return known is not None and role in known.roles

    def bearers(self, role: Role) -> frozenset[str]:
        """Returns everybody who bears a role by their own document."""
        return frozenset(name for name in self.people if self.has_role(name, role))

    def fit_for(self, person: str, role: str) -> bool:
        """Tells whether a person may hold a role in a plan; only owning takes no document."""
        known = self.people.get(person)
        return role == "owner" or (known is not None and role in known.roles)

    def acting_for(self, person: str, role: str, day: date) -> str | None:
        """Returns who acts for a person in a role on a day, or None when nobody does."""
        for delegation in self.delegations:
            if (
                delegation.from_ == person
                and delegation.role == role
                and delegation.starts <= day <= delegation.ends
            ):
                return delegation.to
        return None

    def principals(
        self, signer: str, candidates: tuple[str, ...], role: str, day: date
    ) -> list[str]:
        """Returns those among `candidates` whose right `signer` may use in `role` on `day`.

        Their own comes first: who acts for somebody else must not use that one's vote up while
        meaning their own.
        """
        rights = [
            person
            for person in candidates
            if person == signer or self.acting_for(person, role, day) == signer
        ]
        return sorted(rights, key=lambda person: person != signer)

    def who_acts(self, persons: tuple[str, ...], role: str, at: datetime) -> tuple[str, ...]:
        """Returns whom to turn to for these persons: the delegate where there is one."""
        day = at.date()
        return tuple(dict.fromkeys(self.acting_for(p, role, day) or p for p in persons if p))

    def path(self, node: str) -> list[Node]:
        """Returns the places from the root down to a node; empty when it is unknown."""
        found: list[Node] = []
        current = self.nodes.get(node)
        while current is not None and current not in found:
            found.append(current)
            current = self.nodes.get(current.parent) if current.parent else None
        return found[::-1]
