"""What a connection to Jira Cloud is told, and what the connector says of itself."""

from datetime import timedelta

from pydantic import Field

from connectors.address import Address
from connectors.contract import ConnectionConfig, Manifest
from connectors.secrets import SecretRef

LABELS = "labels"
"""The field that holds our name unless the settings name another; it needs no administrator."""

RIGHTS = ("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "ADD_COMMENTS")
"""The rights in the project that the connector needs, as Jira names them."""


class JiraConfig(ConnectionConfig):
    """Where a site is, who we are there, and which project is meant.

    Attributes:
        url: the site, e.g. https://example.atlassian.net
        email: of the account that the token belongs to; one of the integration's own.
        token: where the API token lies.
        project: the key of the project, e.g. OPS.
        issue_type: the type of new issues.
        external_id: the field that holds our name for an issue: `labels`, or the id of a text
            field such as customfield_10050.
        resolution: what is given to transitions that ask for a resolution, e.g. Done.
        webhook_secret: where the secret of the webhook lies; while it is being changed, the old
            one may stand behind the new one, with a space between.
    """

    url: Address
    email: str
    token: SecretRef
    project: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    issue_type: str = "Task"
    external_id: str = Field(LABELS, pattern=r"^(labels|customfield_\d+)$")
    resolution: str | None = None
    webhook_secret: SecretRef | None = None


MANIFEST = Manifest(
    name="jira",
    title="Jira",
    api="rest 3",
    kinds=("issue",),
    can=frozenset({"describe", "find", "upsert", "transition", "comment", "changes", "webhooks"}),
    # Questions name minutes, and the index of issues is late by seconds, sometimes minutes.
    overlap=timedelta(minutes=3),
    calls_a_second=5.0,
)
