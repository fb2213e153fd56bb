"""Plans the verification of a graph."""

from planning.deployments import Deployment
from planning.graph_parts import Transport, Verification
from settings.models import VerificationMode

# The graph is already Ready. Left are discovery, the first request between two workers, and a few answers.
TIMEOUT_SECONDS = 900


def verification(deployment: Deployment) -> Verification:
    moves = deployment.disaggregated and not deployment.engine.simulated
    return Verification(
        required=deployment.settings.verification is VerificationMode.REQUIRED,
        transfer=deployment.engine.transfer_evidence if moves else None,
        transport=_transport(deployment),
        timeout_seconds=TIMEOUT_SECONDS,
    )


def _transport(deployment: Deployment) -> Transport | None:
    declared, evidence = deployment.kv_transfer, deployment.engine.transport_evidence
    if declared is None or evidence is None:
        return None
    shown_by = deployment.roles.get(evidence.role)
    return Transport(declared=declared, evidence=evidence, ranks=shown_by.tensor_parallel if shown_by else 1)
