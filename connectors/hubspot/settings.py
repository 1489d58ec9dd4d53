"""What a connection to HubSpot is told, and how our words stand for its."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, model_validator

from connectors.address import Address
from connectors.contract import ConnectionConfig, Scalar
from connectors.secrets import SecretRef

KindName = Literal["contact", "deal", "ticket"]


@dataclass(frozen=True)
class Kind:
    """How a kind of object is named in HubSpot.

    Attributes:
        name: our name for it.
        objects: its name in paths.
        type_id: its number in webhooks.
        title: the property that our `title` stands for.
        text: the property that our `text` stands for.
        status: the property that shows where it is.
        pipeline: the property that names its pipeline; empty where it has none.
        changed: the property with the time of its last change.
        note: the type of association from a note to it.
        reads: further properties that are always read.
        scopes: what a token needs to read and write it.
    """

    name: KindName
    objects: str
    type_id: str
    title: str
    text: str
    status: str
    pipeline: str
    changed: str
    note: int
    reads: tuple[str, ...]
    scopes: tuple[str, ...]

    def field(self, ours: str) -> str:
        """Returns the property that a name of ours stands for."""
        return {"title": self.title, "text": self.text}.get(ours, ours)


KINDS: dict[str, Kind] = {
    shape.name: shape
    for shape in (
        Kind(
            name="contact",
            objects="contacts",
            type_id="0-1",
            title="lastname",
            text="message",
            status="hs_lead_status",
            pipeline="",
            changed="lastmodifieddate",
            note=202,
            reads=("firstname", "email", "lifecyclestage"),
            scopes=("crm.objects.contacts.read", "crm.objects.contacts.write"),
        ),
        Kind(
            name="deal",
            objects="deals",
            type_id="0-3",
            title="dealname",
            text="description",
            status="dealstage",
            pipeline="pipeline",
            changed="hs_lastmodifieddate",
            note=214,
            reads=("amount", "closedate"),
            scopes=("crm.objects.deals.read", "crm.objects.deals.write"),
        ),
        Kind(
            name="ticket",
            objects="tickets",
            type_id="0-5",
            title="subject",
            text="content",
            status="hs_pipeline_stage",
            pipeline="hs_pipeline",
            changed="hs_lastmodifieddate",
            note=228,
            reads=("hs_ticket_priority",),
            scopes=("tickets",),
        ),
    )
}

CAMPAIGN_SCOPES = ("marketing.campaigns.read", "marketing.campaigns.write")


class HubspotConfig(ConnectionConfig):
    """Which account it is and who we are there.

    Attributes:
        url: where its API is.
        token: where the access token of a private app lies.
        client_id: the app's client id, for OAuth; with `client_secret`, `refresh_token`, `app_id`.
        client_secret: where the app's client secret lies: it renews tokens and signs webhooks;
            while it is changed, new and old with a space between.
        refresh_token: where the refresh token lies.
        app_id: the app's id, by which our own writes are known.
        api: the version of the API: v3, or a dated one such as 2026-03.
        external_id: the property that holds our name for an object: text, unique values; the same
            name on every kind that is written.
        pipelines: the pipeline whose stages are statuses without further words, by kind.
        fields: further properties to read, by kind.
        new: what a new object gets beside what is written, by kind.
        contact_closed: the lead statuses that mean done.
        campaign_held: the campaign status that a hold sets on a running campaign.
        campaign_running: the campaign statuses in which people send; a release sets the first.
    """

    url: Address = "https://api.hubapi.com"
    token: SecretRef | None = None
    client_id: str = ""
    client_secret: SecretRef | None = None
    refresh_token: SecretRef | None = None
    app_id: int | None = None
    api: Annotated[str, Field(pattern=r"^(v3|20\d\d-(03|09))$")] = "v3"
    external_id: str = "sluice_id"
    pipelines: dict[KindName, str] = {"deal": "default", "ticket": "0"}
    fields: dict[KindName, tuple[str, ...]] = {}
    new: dict[KindName, dict[str, Scalar]] = {}
    contact_closed: tuple[str, ...] = ("Unqualified",)
    campaign_held: str = "paused"
    campaign_running: Annotated[tuple[str, ...], Field(min_length=1)] = ("active", "in_progress")

    @model_validator(mode="after")
    def _one_way_in(self) -> "HubspotConfig":
        if (self.token is None) == (self.refresh_token is None):
            msg = "give token (private app) or refresh_token (OAuth), one of both"
            raise ValueError(msg)
        if self.refresh_token is not None and not (
            self.client_id and self.client_secret and self.app_id
        ):
            msg = "refresh_token needs client_id, client_secret and app_id"
            raise ValueError(msg)
        return self

    def path(self, area: str, rest: str, *, version: str = "v3") -> str:
        """Returns a path in the version that is spoken.

        Args:
            area: e.g. crm.
            rest: e.g. objects/deals/7.
            version: what stands there unless a dated version is spoken.
        """
        if self.api == "v3":
            return f"{area}/{version}/{rest}"
        # Dated versions stand behind the first word: /crm/objects/2026-03/deals.
        first, _, others = rest.partition("/")
        return "/".join(part for part in (area, first, self.api, others) if part)
