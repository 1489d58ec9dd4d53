"""What a connection to Salesforce is told, and how our words stand for its."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, model_validator

from connectors.address import Address
from connectors.contract import ConnectionConfig, Scalar
from connectors.secrets import SecretRef

KindName = Literal["lead", "opportunity", "campaign"]


@dataclass(frozen=True)
class Kind:
    """How a kind of object is named in Salesforce.

    Attributes:
        name: our name for it.
        object: the object's API name.
        title: the field that our `title` stands for.
        status: the field that shows where it is.
        reads: further fields that are always read.
        task: the field by which a task points at it.
    """

    name: KindName
    object: str
    title: str
    status: str
    reads: tuple[str, ...]
    task: str = "WhatId"

    def field(self, ours: str) -> str:
        """Returns the field that a name of ours stands for."""
        return {"title": self.title, "text": "Description"}.get(ours, ours)


KINDS: dict[str, Kind] = {
    shape.name: shape
    for shape in (
        Kind(
            name="lead",
            object="Lead",
            title="LastName",
            status="Status",
            reads=("Company", "IsConverted", "Description"),
            task="WhoId",
        ),
        Kind(
            name="opportunity",
            object="Opportunity",
            title="Name",
            status="StageName",
            reads=("Amount", "CloseDate", "IsClosed", "IsWon", "Description"),
        ),
        Kind(
            name="campaign",
            object="Campaign",
            title="Name",
            status="Status",
            reads=("IsActive", "Description"),
        ),
    )
}


class SalesforceConfig(ConnectionConfig):
    """Where an organisation is and who we are there.

    Attributes:
        url: its My Domain address, e.g. https://acme.my.salesforce.com
        client_id: the consumer key of the external client app.
        client_secret: where its consumer secret lies (client credentials flow).
        private_key: where the private key lies, in PEM (JWT bearer flow); with `username`.
        username: who the JWT bearer flow works as.
        audience: whom the JWT is for; https://test.salesforce.com for sandboxes.
        api: the version of the REST API.
        external_id: the custom field that holds our name for a record: external id, unique,
            case-sensitive; the same name on every kind that is written.
        fields: further fields to read, by kind.
        new: what a new record gets beside what is written, by kind, e.g.
            {lead: {Company: unknown}}.
        campaign_held: the campaign status that a hold sets instead of `campaign_released`.
        campaign_released: the campaign status that a release sets instead of `campaign_held`.
        campaign_closed: the campaign statuses that mean done.
    """

    url: Address
    client_id: str
    client_secret: SecretRef | None = None
    private_key: SecretRef | None = None
    username: str = ""
    audience: str = "https://login.salesforce.com"
    api: Annotated[str, Field(pattern=r"^v\d{2,3}\.0$")] = "v62.0"
    external_id: str = "Sluice_Id__c"
    fields: dict[KindName, tuple[str, ...]] = {}
    new: dict[KindName, dict[str, Scalar]] = {}
    campaign_held: str = "Planned"
    campaign_released: str = "In Progress"
    campaign_closed: tuple[str, ...] = ("Completed", "Aborted")

    def basis(self, shape: Kind) -> list[str]:
        """Returns the fields that are always read, and make a record's version."""
        more = self.fields.get(shape.name, ())
        return list(
            dict.fromkeys((self.external_id, shape.title, shape.status, *shape.reads, *more))
        )

    @model_validator(mode="after")
    def _one_way_in(self) -> "SalesforceConfig":
        if (self.client_secret is None) == (self.private_key is None):
            msg = "give client_secret (client credentials) or private_key (JWT bearer), one of both"
            raise ValueError(msg)
        if self.private_key is not None and not self.username:
            msg = "private_key needs username: who the JWT bearer flow works as"
            raise ValueError(msg)
        return self
