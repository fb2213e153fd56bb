"""The admission policy that limits the node access of pods in the graphs' namespace, and its binding."""

from dataclasses import dataclass

import pulumi

from manifests import pod_security
from planning.surroundings import UnrestrictedWorkers
from workloads.custom_object import custom_object


@dataclass(frozen=True, kw_only=True)
class PodRulesArgs:
    namespace: str
    workers: UnrestrictedWorkers
    labels: dict[str, str]


class PodRules(pulumi.ComponentResource):
    """Admission policy and binding. Both are cluster-scoped, so they can exist before the namespace.

    The namespace depends on them, so they exist as long as any of its pods.
    """

    def __init__(self, name: str, args: PodRulesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:workloads:PodRules", name, None, opts)
        policy = custom_object(
            f"{name}-policy",
            pod_security.policy(args.namespace, args.workers, args.labels),
            pulumi.ResourceOptions(parent=self),
        )
        custom_object(
            f"{name}-binding",
            pod_security.binding(args.namespace, args.labels),
            pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.register_outputs({})
