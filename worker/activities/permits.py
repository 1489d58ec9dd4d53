"""Signing what those who check permits need; the keys stay in this process."""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from measures.errors import RefusedError
from worker.signing import KeyRing
from workflows.contract import SIGN_REVOCATIONS, RevocationsAsk, SignedRevocations


class PermitActivities:
    """Fills `workflows.ports.sign_revocations`."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    @activity.defn(name=SIGN_REVOCATIONS)
    async def sign_revocations(self, ask: RevocationsAsk) -> SignedRevocations:
        """Returns the signed list of the permits that no longer count.

        Raises:
            ApplicationError: there is no key to sign with; asking again does not help.
        """
        try:
            return SignedRevocations(text=await self._keys.sign_list(ask.at))
        except RefusedError as error:
            raise ApplicationError(error.message, type=error.code, non_retryable=True) from error
