"""The settings of a connection to Redmine."""

from connectors.address import Address
from connectors.contract import ConnectionConfig
from connectors.secrets import SecretRef


class RedmineConfig(ConnectionConfig):
    """Where a Redmine is and who we are there.

    Attributes:
        url: its address, e.g. https://redmine.example.com
        key: where the API key of the integration's own user lies.
        project: the identifier of the project in which new issues are made.
        external_id: the number of the custom field that holds our name for an issue; it must be
            used as a filter, and be there for this project and tracker.
        tracker: the number of the tracker of new issues.
        webhook_secret: where the secret lies with which Redmine signs its webhooks.
    """

    url: Address
    key: SecretRef
    project: str
    external_id: int
    tracker: int
    webhook_secret: SecretRef | None = None
