"""The rules. Each looks at inputs as Pulumi sends them: wire names, numbers as floats, mappings that are not dicts."""

from collections.abc import Mapping
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)

CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"


def _at(props: Mapping[str, Any], *path: str) -> Any:
    """The value below a path, None where a part of it is not there."""
    here: Any = props
    for key in path:
        here = here.get(key) if isinstance(here, Mapping) else None
    return here


def _private_cluster(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != CLUSTER:
        return
    if not _at(args.props, "privateClusterConfig", "enablePrivateNodes"):
        report("nodes have public addresses; set privateClusterConfig.enablePrivateNodes", None)
    if _at(args.props, "controlPlaneEndpointsConfig", "ipEndpointsConfig", "enabled") is not False:
        report(
            "the control plane listens on an IP address; set controlPlaneEndpointsConfig.ipEndpointsConfig.enabled to "
            "false and reach it by its DNS endpoint, which asks IAM",
            None,
        )


def _no_gpu_surge(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type != NODE_POOL or not _at(args.props, "nodeConfig", "guestAccelerators"):
        return
    surge = _at(args.props, "upgradeSettings", "maxSurge")
    # Flex-start pools take no upgrade settings at all: their nodes are replaced by running out.
    if not _at(args.props, "nodeConfig", "flexStart") and surge != 0:
        given = "unset, which means 1" if surge is None else f"{surge:g}"
        report(
            f"upgradeSettings.maxSurge is {given}: an upgrade would wait for a spare GPU node that nobody has; set it "
            "to 0 and maxUnavailable to 1",
            None,
        )


RULES: list[Policy] = [
    ResourceValidationPolicy(
        name="private-cluster",
        description="Nodes have no public addresses and the control plane is reached by its DNS endpoint only.",
        validate=_private_cluster,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.CRITICAL,
        remediation_steps="Leave the cluster component's network arguments as they are.",
    ),
    ResourceValidationPolicy(
        name="no-gpu-surge",
        description="Upgrades of GPU pools never ask for a spare node.",
        validate=_no_gpu_surge,
        enforcement_level=EnforcementLevel.MANDATORY,
        severity=Severity.HIGH,
        remediation_steps="Set upgradeSettings to {maxSurge: 0, maxUnavailable: 1} on pools with guestAccelerators.",
    ),
]
