"""Claim templates with which worker pods request the RDMA NICs of their GPUs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from catalog.contracts import NicClaim
from planning import names


@dataclass(frozen=True, kw_only=True)
class RdmaClaimsArgs:
    namespace: str
    claims: Sequence[NicClaim]
    """One template per claim."""
    labels: dict[str, str]


def claim_spec(claim: NicClaim) -> dict[str, Any]:
    """The claim of one pod: all NICs of a node that the pod has alone, else an exact number, so that two engines on one
    node do not take each other's NICs."""
    asked = {"allocationMode": "All"} if claim.whole_node else {"allocationMode": "ExactCount", "count": claim.count}
    return {
        "spec": {
            "devices": {"requests": [{"name": "rdma", "exactly": {"deviceClassName": claim.device_class, **asked}}]}
        }
    }


class RdmaClaims(pulumi.ComponentResource):
    """Claim templates for RDMA NICs, one per count. A pod whose template is missing stays Pending.

    Prevents workers that start without NICs and move the KV cache over TCP unnoticed.
    """

    def __init__(self, name: str, args: RdmaClaimsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:RdmaClaims", name, None, opts)
        for claim in args.claims:
            k8s.apiextensions.CustomResource(
                f"{name}-{claim.size}",
                api_version="resource.k8s.io/v1",
                kind="ResourceClaimTemplate",
                metadata={
                    "name": names.claim_template(claim.size),
                    "namespace": args.namespace,
                    "labels": args.labels,
                },
                spec=claim_spec(claim),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
