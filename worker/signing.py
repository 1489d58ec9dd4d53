"""The keys that permits are signed with; private halves never leave this process.

They come from where `SLUICE_PERMIT_KEYS` points, else from the state folder, where the first one
is made. The public halves are recorded in the ledger, from which whoever checks a permit has
them. The first key that is not retired there signs.
"""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

from joserfc.jwk import OKPKey

from ledger.permits import revoked_permits
from ledger.writer import AsyncLedger
from measures.errors import ConfigurationError, RefusedError
from measures.model import restore
from measures.people import ENGINE
from measures.permits import (
    PERMIT_KEY,
    PERMIT_TYPE,
    REVOCATIONS_TYPE,
    PermitClaims,
    PermitKey,
    RevocationList,
    seconds,
)
from measures.permitting import Issuer
from measures.sealing import key_id, private_key, seal
from worker.settings import WorkerSettings
from workflows.keyfolder import add_key, key_files, read_key


class KeyRing:
    """Signs for one worker.

    Args:
        ledger: where public keys are recorded, and which of them are retired.
        settings: where the private ones are.
    """

    def __init__(self, ledger: AsyncLedger, settings: WorkerSettings) -> None:
        self._ledger = ledger
        self._settings = settings
        self._named = _named_keys(settings.permit_keys)
        self._read: dict[Path, OKPKey] = {}

    async def issuer(self) -> Issuer:
        """Returns what signs the next permit.

        Raises:
            RefusedError: ``no-permit-key`` when every key is retired.
        """
        key = await self._signing_key()

        def sign(claims: PermitClaims) -> str:
            return seal(claims.model_dump(mode="json"), PERMIT_TYPE, key)

        return Issuer(
            name=self._settings.permit_issuer,
            lifetime=self._settings.permit_lifetime,
            kid=key_id(key),
            sign=sign,
        )

    async def sign_list(self, now: datetime) -> str:
        """Returns the signed list of the permits that no longer count.

        Args:
            now: by the clock of the workflows, which is the clock of the permits.
        """
        key = await self._signing_key()
        revoked = await asyncio.to_thread(revoked_permits, self._ledger.ledger, now)
        listed = RevocationList(
            iss=self._settings.permit_issuer,
            iat=seconds(now),
            exp=seconds(now + self._settings.permit_list_lifetime),
            revoked=revoked,
        )
        return seal(listed.model_dump(mode="json"), REVOCATIONS_TYPE, key)

    async def publish(self) -> None:
        """Records every public key that the ledger does not know; makes the first key."""
        if not self._keys():
            await asyncio.to_thread(add_key, self._settings.state_dir, datetime.now(UTC))
        for key in self._keys():
            await self._published(key)

    async def _signing_key(self) -> OKPKey:
        for key in self._keys():
            if (await self._published(key)).retired_at is None:
                return key
        raise RefusedError(
            "no-permit-key",
            "every key that this worker has for permits is retired; make one:"
            " sluice permit keys rotate, or name one in SLUICE_PERMIT_KEYS",
        )

    def _keys(self) -> list[OKPKey]:
        """Returns the keys, the one to sign with first; new files are found as they come."""
        if self._named:
            return self._named
        files = key_files(self._settings.state_dir)
        self._read = {file: self._read.get(file) or read_key(file) for file in files}
        return list(self._read.values())

    async def _published(self, key: OKPKey) -> PermitKey:
        """Returns what the ledger says of a key, after telling it of one it does not know."""
        kid = key_id(key)
        ledger = self._ledger.ledger
        document = await asyncio.to_thread(ledger.document, PERMIT_KEY, kid)
        if document is not None:
            return restore(PermitKey, document.body)
        fresh = PermitKey(kid=kid, x=str(key.as_dict(private=False)["x"]))
        await self._ledger.append_document(
            PERMIT_KEY,
            kid,
            fresh.model_dump(mode="json"),
            ENGINE,
            datetime.now(UTC),
            f"permit-key:{kid}",
        )
        return fresh


def _named_keys(references: str) -> list[OKPKey]:
    """Reads the keys that a setting names.

    Raises:
        ConfigurationError: one cannot be read, or is no reference.
    """
    return [_named_key(one.strip()) for one in references.split(",") if one.strip()]


def _named_key(reference: str) -> OKPKey:
    scheme, _, place = reference.partition(":")
    if scheme == "file":
        return read_key(Path(place))
    if scheme == "env":
        if not os.environ.get(place):
            raise ConfigurationError(
                f"SLUICE_PERMIT_KEYS names env:{place}, but that is not set in the environment"
            )
        return private_key(os.environ[place], f"the variable {place}")
    # What was written here instead may be the key itself, so it is not shown.
    raise ConfigurationError(
        "SLUICE_PERMIT_KEYS: write env:NAME or file:PATH, several with commas between"
    )
