"""Plans the verification of a graph."""

from collections.abc import Mapping

from catalog.engines import Engine
from catalog.rdma import KvTransfer
from planning.deployments import Deployment
from planning.graph_parts import Transport, Verification
from settings.models import VerificationMode

# The graph is already Ready. Left are discovery, the first request between two workers, and a few answers.
TIMEOUT_SECONDS = 900


def verification(deployment: Deployment) -> Verification:
    return verification_of(
        deployment.engine,
        deployment.kv_transfer,
        {name: role.tensor_parallel for name, role in deployment.roles.items()},
        required=deployment.settings.verification is VerificationMode.REQUIRED,
        timeout_seconds=TIMEOUT_SECONDS,
    )


def verification_of(
    engine: Engine, kv_transfer: KvTransfer | None, ranks: Mapping[str, int], *, required: bool, timeout_seconds: int
) -> Verification:
    """The verification of a graph by how its KV cache moves (None if none moves) and the GPUs of an engine by role."""
    evidence = engine.transport_evidence
    return Verification(
        required=required,
        transfer=engine.transfer_evidence if kv_transfer else None,
        transport=Transport(declared=kv_transfer, evidence=evidence, ranks=ranks.get(evidence.role, 1))
        if kv_transfer and evidence
        else None,
        timeout_seconds=timeout_seconds,
    )
