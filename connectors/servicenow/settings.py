"""What a connection to a ServiceNow instance is told."""

from typing import Literal

from pydantic import Field, model_validator

from connectors.address import Address
from connectors.contract import ConnectionConfig
from connectors.secrets import SecretRef


class ServiceNowConfig(ConnectionConfig):
    """Where an instance is, who we are there and which tables are ours to use.

    Attributes:
        url: the instance's address, e.g. https://example.service-now.com
        user: the integration's own user, with `password`.
        password: where its password lies.
        client_id: instead of `user`: the OAuth client, with `client_secret`.
        client_secret: where its secret lies.
        tables: the tables whose rows are objects, e.g. incident, change_request.
        display: written beside our name for a row, so that people see whose name it is.
        closed: the labels of the states that mean done.
        states: a state's value by its label, where `sys_choice` may not be read.
        language: of the labels.
        notes: where comments go: to those who work on it, or to who asked for it.
        along: fields that must be written together with a state, by its label, e.g.
            {Resolved: {close_code: Solution provided, close_notes: Cleared}}.
        webhook_secret: where the secret lies with which a business rule signs; while it is being
            changed, the old one may stand behind the new one, with a space between.
    """

    url: Address
    user: str = ""
    password: SecretRef | None = None
    client_id: str = ""
    client_secret: SecretRef | None = None
    tables: tuple[str, ...] = Field(default=("incident",), min_length=1, max_length=20)
    display: str = Field(default="Sluicegate", min_length=1, max_length=100)
    closed: tuple[str, ...] = ("Resolved", "Closed", "Canceled")
    states: dict[str, str] = {}
    language: str = Field(default="en", pattern="^[a-z]{2,3}$")
    notes: Literal["work_notes", "comments"] = "work_notes"
    along: dict[str, dict[str, str]] = {}
    webhook_secret: SecretRef | None = None

    @model_validator(mode="after")
    def _says_who_we_are(self) -> "ServiceNowConfig":
        basic, oauth = (
            bool(self.user and self.password),
            bool(self.client_id and self.client_secret),
        )
        some = (self.user, self.password, self.client_id, self.client_secret)
        if basic == oauth or sum(map(bool, some)) != 2:
            msg = "write user and password, or client_id and client_secret"
            raise ValueError(msg)
        return self
