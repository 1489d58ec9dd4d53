"""A campaign system that asks for a key: the one in memory, behind a lock that tests can change."""

from pathlib import Path
from typing import Any, ClassVar

from connectors.contract import ConnectionConfig, Connector, Health, Manifest
from connectors.failures import AuthFailed
from connectors.memory import MemoryConnector
from connectors.secrets import SecretRef, read_secret
from measures.launch import Sighting


class LockedConfig(ConnectionConfig):
    """Where the key lies."""

    key: SecretRef


class LockedConnector(MemoryConnector):
    """Does what it is asked when the key is the one that `lock` beside its campaigns names."""

    manifest: ClassVar[Manifest] = MemoryConnector.manifest.model_copy(update={"name": "locked"})
    Config: ClassVar[type[ConnectionConfig]] = LockedConfig

    def __init__(self, place: Path, key: str) -> None:
        super().__init__(place)
        self._key = key
        self._lock = place / "lock"
        self._calls = place / "calls"

    @classmethod
    def connect(cls, config: Any, place: Path, transport: object = None) -> Connector:
        return cls(place, read_secret(config.key))

    async def check(self) -> Health:
        self._turn_key("check")
        return await super().check()

    async def hold(self, ref: str, *, key: str) -> Sighting:
        self._turn_key("hold")
        return await super().hold(ref, key=key)

    def _turn_key(self, call: str) -> None:
        with self._calls.open("a") as calls:
            calls.write(f"{call}\n")
        if self._key != self._lock.read_text():
            msg = f"401: {self._key} is no key"
            raise AuthFailed(msg)
