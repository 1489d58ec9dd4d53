"""What a connection to Zendesk is told, and what the connector says of itself."""

from datetime import timedelta

from connectors.address import Address
from connectors.contract import ConnectionConfig, Manifest, Scalar
from connectors.secrets import SecretRef


class ZendeskConfig(ConnectionConfig):
    """Where an account is and who we are there.

    Attributes:
        url: the account's address, e.g. https://example.zendesk.com
        user: the e-mail address that the API token is used with; empty for an OAuth token.
        token: where the token lies.
        public: whether whoever asked sees our comments; otherwise they are internal notes.
        follow_up: whether a closed ticket that has to change gets a follow-up ticket.
        along: fields that must be written together with a status, e.g.
            {solved: {assignee_id: 35436}}.
        webhook_secret: where the secret of the webhook lies; while it is being changed, the old
            one may stand behind the new one, with a space between.
    """

    url: Address
    user: str = ""
    token: SecretRef
    public: bool = False
    follow_up: bool = False
    along: dict[str, dict[str, Scalar]] = {}
    webhook_secret: SecretRef | None = None


MANIFEST = Manifest(
    name="zendesk",
    title="Zendesk",
    api="v2",
    kinds=("ticket",),
    can=frozenset({"describe", "find", "upsert", "transition", "comment", "changes", "webhooks"}),
    # The export has a cursor of its own; only its first question names a time.
    overlap=timedelta(minutes=1),
    calls_a_second=3.0,  # the smallest plan allows 200 a minute
    idempotency=True,
)
