"""Has the list of revoked permits signed: one short run for each list.

Whoever asks has no key and needs none: the list is signed where the keys are, by a worker, and
only when the engine answers. Nobody can get a fresh list of an engine that does not run.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import ports
    from workflows.contract import REVOCATIONS_WORKFLOW, RevocationsAsk, SignedRevocations


@workflow.defn(name=REVOCATIONS_WORKFLOW)
class RevocationSigning:
    """Signs one list and ends."""

    @workflow.run
    async def run(self) -> SignedRevocations:
        """Returns the list as of now, by the clock by which permits are granted too."""
        return await ports.sign_revocations(RevocationsAsk(at=workflow.now()))
