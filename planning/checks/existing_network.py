"""Checks settings that contradict an existing VPC."""

from collections.abc import Iterator

from planning import names
from planning.platform import WEBHOOK_PORT
from planning.resolve import ResolvedStack
from reading.errors import Error
from settings.endpoint import Exposure


def errors(stack: ResolvedStack) -> Iterator[Error]:
    settings = stack.settings
    vpc = settings.network.existing
    if vpc is None:
        return
    if vpc.vpc.startswith(f"{names.cluster(settings.stack)}-"):
        yield Error(
            "network.existing.vpc",
            f"{vpc.vpc} has the name of a network that the stack creates; use another VPC, or remove network.existing",
        )
    if vpc.pods_range == vpc.services_range:
        yield Error(
            "network.existing.servicesRange",
            f"{vpc.services_range} is also the range of the pods, but Services need their own; use another "
            "secondary range of the subnet, such as services",
        )


def warnings(stack: ResolvedStack) -> Iterator[str]:
    """Requirements of an existing VPC that preview cannot check."""
    settings, vpc = stack.settings, stack.settings.network.existing
    if vpc is None:
        return
    yield "network.existing: the VPC must have NAT, or nodes cannot pull images; the stack creates none"
    if settings.endpoint.exposure is Exposure.GATEWAY:
        yield "network.existing: the VPC must have a proxy-only subnet, or the gateway never becomes Programmed"
    if vpc.project and vpc.project != settings.project:
        yield (
            f"network.existing: {vpc.project} is another project, so its firewall must let the control plane reach "
            f"nodes on tcp {WEBHOOK_PORT}, and GKE's service agent needs roles there; docs/adopt.md has the commands"
        )
