"""What a person may ask of one object in another system, beside bringing it in step."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from measures.remote import Side
    from workflows.client import SluiceClient
    from workflows.remote_contract import RemoteAnswer


class Resume(NamedTuple):
    """An object that is to be written again."""

    remote: str
    reason: str

    async def put(self, client: "SluiceClient", by: str) -> "RemoteAnswer":
        """Asks the object, on a person's behalf."""
        from workflows.remote_contract import RemoteResume

        return await client.resume_remote(self.remote, RemoteResume(by=by, reason=self.reason))


class Forget(NamedTuple):
    """An object that is to be left as it is."""

    remote: str
    reason: str

    async def put(self, client: "SluiceClient", by: str) -> "RemoteAnswer":
        """Asks the object, on a person's behalf."""
        from workflows.remote_contract import RemoteForget

        return await client.forget_remote(self.remote, RemoteForget(by=by, reason=self.reason))


class Settle(NamedTuple):
    """An object about which a person decides."""

    remote: str
    side: "Side"
    fields: tuple[str, ...]
    reason: str

    async def put(self, client: "SluiceClient", by: str) -> "RemoteAnswer":
        """Asks the object, on a person's behalf."""
        from workflows.remote_contract import RemoteSettle

        ask = RemoteSettle(by=by, side=self.side, fields=self.fields, reason=self.reason)
        return await client.settle_remote(self.remote, ask)


Asked = Resume | Forget | Settle
"""One of these."""
