"""What a connection to Tryton is told, and how our words stand for its."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.address import Address
from connectors.contract import ConnectionConfig, RemoteField
from connectors.secrets import SecretRef


class TrytonConfig(ConnectionConfig):
    """Where a database is and who we are there.

    Attributes:
        url: the server's address with the database, e.g. https://erp.example.com/crm
        key: where the key of the user application `rest` lies.
        user: the login that the key belongs to; needed where it may see several users.
        party: the id of the party that new leads belong to until somebody knows better.
        company: the id of the company of new leads.
        currency: the id of the currency of new leads.
        employee: the id of the employee to whom they are given; opportunities need one.
    """

    url: Address
    key: SecretRef
    user: str = ""
    party: int | None = None
    company: int | None = None
    currency: int | None = None
    employee: int | None = None


@dataclass(frozen=True)
class Kind:
    """How a kind of object is named in Tryton.

    Attributes:
        model: the model that holds it.
        title: the field that our `title` stands for.
        text: the field that our `text` stands for; empty where it has none.
        named: whether it has a field for a name of ours.
        reads: further fields that are read.
        fields: what can be written, as people see it.
        statuses: its states.
        closed: those that mean done.
        won: those that mean success.
        actions: the action that leads to a state.
        moves: from each state to those that an action can reach.
        only: a condition that makes a record one of this kind.
    """

    model: str
    title: str
    text: str = ""
    named: bool = True
    reads: tuple[str, ...] = ()
    fields: tuple[RemoteField, ...] = ()
    statuses: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    won: tuple[str, ...] = ()
    actions: Mapping[str, str] = field(default_factory=dict)
    moves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only: tuple[tuple[str, str, Any], ...] = ()

    def field_of(self, ours: str) -> str:
        """Returns the field that a name of ours stands for."""
        return {"title": self.title, "text": self.text or "text"}.get(ours, ours)


_LEAD = Kind(
    model="sale.opportunity",
    title="description",
    text="comment",
    reads=("number", "reference", "amount", "conversion_probability", "party"),
    fields=(
        RemoteField(name="description", title="Description"),
        RemoteField(name="comment", title="Comment"),
        RemoteField(name="amount", title="Amount", type="number"),
        RemoteField(name="conversion_probability", title="Conversion probability", type="number"),
        RemoteField(name="party", title="Party", type="number"),
    ),
    statuses=("lead", "opportunity", "converted", "won", "lost", "cancelled"),
    closed=("won", "lost", "cancelled"),
    won=("won",),
    actions={
        "lead": "lead",
        "opportunity": "opportunity",
        "converted": "convert",
        "lost": "lost",
        "cancelled": "cancel",
    },
    moves={
        "lead": ("opportunity", "lost", "cancelled"),
        "opportunity": ("converted", "lead", "lost", "cancelled"),
        "lost": ("lead",),
        "cancelled": ("lead",),
    },
)

KINDS: dict[str, Kind] = {
    "lead": _LEAD,
    "opportunity": replace(
        _LEAD,
        statuses=_LEAD.statuses[1:],
        moves={"opportunity": ("converted", "lost", "cancelled")},
        only=(("state", "!=", "lead"),),
    ),
    "party": Kind(
        model="party.party",
        title="name",
        reads=("code", "email", "phone", "website"),
        fields=(
            RemoteField(name="name", title="Name", required=True),
            RemoteField(name="code", title="Code", writable=False),
            RemoteField(name="email", title="E-Mail"),
            RemoteField(name="phone", title="Phone"),
            RemoteField(name="website", title="Website"),
        ),
    ),
    "campaign": Kind(
        model="marketing.automation.scenario",
        title="name",
        named=False,
        fields=(RemoteField(name="name", title="Name", required=True),),
        statuses=("draft", "running", "stopped"),
        closed=("stopped",),
        actions={"draft": "draft", "running": "run", "stopped": "stop"},
        moves={"draft": ("running",), "running": ("stopped",), "stopped": ("draft",)},
    ),
}
