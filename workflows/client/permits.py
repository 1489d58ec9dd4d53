"""Verbs for who checks permits."""

from temporalio.client import WorkflowFailureError
from temporalio.service import RPCError

from measures.errors import EngineError
from workflows.client.speaking import TASK_TIMEOUT, Speaker, fresh_key, unreachable
from workflows.contract import REVOCATIONS_WORKFLOW, SignedRevocations


class PermitVerbs(Speaker):
    """Asks for what checks permits."""

    async def signed_revocations(self) -> str:
        """Returns the signed list of the permits that no longer count, as of now.

        Raises:
            EngineError: no server or no worker answers, or there is no key to sign with.
        """
        name = f"revocations:{fresh_key()}"
        try:
            signed: SignedRevocations = await self.temporal.execute_workflow(
                REVOCATIONS_WORKFLOW,
                id=name,
                task_queue=self._task_queue,
                task_timeout=TASK_TIMEOUT,
                result_type=SignedRevocations,
                # Nobody wants an old list: one that nobody made in time is never made.
                execution_timeout=self._patience,
            )
        except WorkflowFailureError as error:
            raise EngineError(
                f"the list of revoked permits was not signed ({error.cause}); does a worker run?"
            ) from error
        except RPCError as error:
            raise unreachable(name, error) from error
        return signed.text
