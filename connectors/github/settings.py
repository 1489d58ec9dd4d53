"""What a connection to GitHub is told, and what the connector says of itself."""

from datetime import timedelta

from pydantic import Field

from connectors.address import Address
from connectors.contract import ConnectionConfig, Manifest
from connectors.secrets import SecretRef

API = "2022-11-28"


class GithubConfig(ConnectionConfig):
    """Which repository is meant and who we are there.

    Attributes:
        repository: owner and name, e.g. example/operations.
        token: where a token lies that may read and write issues, and push.
        url: the interface; of a GitHub Enterprise Server https://HOST/api/v3.
        label: the label that all issues of ours carry.
        webhook_secret: where the secret of the webhook lies; while it is being changed, the old
            one may stand behind the new one, with a space between.
    """

    repository: str = Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")
    token: SecretRef
    url: Address = "https://api.github.com"
    label: str = Field("sluicegate", pattern=r"^[^,]+$", max_length=50)
    webhook_secret: SecretRef | None = None


MANIFEST = Manifest(
    name="github",
    title="GitHub",
    api=f"rest {API}",
    kinds=("issue",),
    can=frozenset({"describe", "find", "upsert", "transition", "comment", "changes", "webhooks"}),
    overlap=timedelta(seconds=10),
    # 5,000 requests an hour, and no more than 80 writes a minute.
    calls_a_second=1.0,
)
