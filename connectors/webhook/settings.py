"""The settings of a connection `webhook`."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from connectors.address import Address
from connectors.contract import ConnectionConfig
from connectors.rest.manifest import WebhookRule
from connectors.rest.template import Template, names_in
from connectors.secrets import SecretRef


class ToldKind(ConnectionConfig):
    """A kind of object that the receiver keeps.

    Attributes:
        fields: those that it takes.
        statuses: those that it knows; empty where it takes any.
        closed: those of them that mean done.
    """

    fields: tuple[str, ...] = Field(default=("title", "text"), max_length=200)
    statuses: tuple[str, ...] = Field(default=(), max_length=200)
    closed: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        strange = sorted(set(self.closed) - set(self.statuses))
        if strange:
            msg = f"{', '.join(strange)} is not among statuses"
            raise ValueError(msg)
        return self


class WebhookConfig(ConnectionConfig):
    """Who is told, and how it proves what it did.

    Attributes:
        url: where every event is posted.
        secret: where what signs them lies: whsec_ and base64, as Standard Webhooks has it.
        title: the system's name, for people.
        look: where the receiver shows a campaign, `{ref}`, at the same host. Only what is shown
            there proves a hold; without it a hold is a message that people are asked to heed.
        kinds: the kinds of object that it keeps.
        incoming: what its own webhooks look like.
    """

    url: Address
    secret: SecretRef
    title: str = Field(default="the webhook receiver", min_length=1, max_length=100)
    look: Template | None = None
    kinds: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")], ToldKind] = {}
    incoming: WebhookRule | None = None

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if self.look is not None:
            here, there = urlsplit(self.url), urlsplit(self.look)
            if (here.scheme, here.netloc) != (there.scheme, there.netloc):
                msg = f"look is not at {here.scheme}://{here.netloc}, where url is"
                raise ValueError(msg)
            if names_in(self.look) != {"ref"}:
                msg = "look has a place for {ref}, the campaign, and nothing else"
                raise ValueError(msg)
        if "campaign" in self.kinds:
            msg = "campaigns are told without being named among kinds"
            raise ValueError(msg)
        return self
