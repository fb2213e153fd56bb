"""How many RDMA NICs each worker of a stack's graphs gets, and how many go with its GPUs."""

import json
from collections.abc import Mapping, Sequence, Set
from typing import Any, NamedTuple

from pulumi_policy import PolicyResource

from catalog import rdma
from catalog.machines import ACCELERATOR_LABEL, with_accelerator
from policies import kinds
from policies.inputs import at, block, items, name_of, of_type


class Nics(NamedTuple):
    """RDMA NICs of one pod."""

    gets: int
    needed: int


class Offered:
    """What the stack's objects hand to pods: claim templates by name, and networks whose NICs are RDMA devices."""

    def __init__(self, resources: Sequence[PolicyResource]) -> None:
        self._templates = {name_of(each): _requests(each) for each in of_type(resources, kinds.CLAIM_TEMPLATE)}
        self._networks = _rdma_networks(resources)

    def nics(self, component: Mapping[str, Any], gpus: int) -> tuple[Nics, ...]:
        """By machine that the pods of a component, with so many GPUs each, may run on; one NIC a GPU where none is
        known."""
        pod = block(component, "podTemplate", "spec")
        accelerator = at(pod, "nodeSelector", ACCELERATOR_LABEL) or ""
        named = self._named(component)
        asked = [
            request
            for claim in items(pod, "resourceClaims")
            for request in self._templates.get(at(claim, "resourceClaimTemplateName") or "", ())
        ]
        of_nodes = {
            (machine.rdma_nics, machine.nics_for(gpus) or gpus)
            for machine in with_accelerator(accelerator)
            if machine.rdma
        } or {(gpus, gpus)}
        claimed = [(named + sum(whole if each is None else each for each in asked), share) for whole, share in of_nodes]
        return tuple(
            Nics(gets=share if not gets and _asks_as_a_mode(component, share) else gets, needed=share)
            for gets, share in sorted(claimed)
        )

    def _named(self, component: Mapping[str, Any]) -> int:
        """The RDMA networks that a pod joins by its annotation; none where the annotation cannot be read."""
        annotation = at(component, "podTemplate", "metadata", "annotations", "networking.gke.io/interfaces")
        try:
            interfaces = json.loads(annotation or "[]")
        except ValueError:
            return 0
        return len({at(interface, "network") for interface in interfaces} & self._networks)


def _asks_as_a_mode(component: Mapping[str, Any], nics: int) -> bool:
    """Whether a pod asks for so many NICs in the words of an RDMA mode that needs neither claims nor networks."""
    pod = block(component, "podTemplate")
    annotations = _set_values(block(pod, "metadata", "annotations"))
    limits = [_set_values(block(each, "resources", "limits")) for each in items(pod, "spec", "containers")]
    for mode in rdma.MODES:
        asked = mode.worker(nics, {})
        own_words = (
            mode.carries and not mode.network_objects and not asked.claim and (asked.annotations or asked.limits)
        )
        if own_words and asked.annotations.items() <= annotations and any(asked.limits.items() <= of for of in limits):
            return True
    return False


def _set_values(values: Mapping[str, Any]) -> Set[tuple[str, str]]:
    return {(key, str(values[key])) for key in values}


def _requests(template: PolicyResource) -> tuple[int | None, ...]:
    """NICs that each request of a template asks for; None for all of the node, whatever their number."""
    exactly = [block(request, "exactly") for request in items(template.props, "spec", "spec", "devices", "requests")]
    return tuple(None if at(each, "allocationMode") == "All" else int(at(each, "count") or 0) for each in exactly)


def _rdma_networks(resources: Sequence[PolicyResource]) -> Set[str]:
    """The cluster's networks whose NICs are handed to pods as RDMA devices."""
    parameters = of_type(resources, kinds.NETWORK_PARAMETERS)
    rdma = {name_of(found) for found in parameters if at(found.props, "spec", "deviceMode") == "RDMA"}
    networks = of_type(resources, kinds.DEVICE_NETWORK)
    return {name_of(network) for network in networks if at(network.props, "spec", "parametersRef", "name") in rdma}
