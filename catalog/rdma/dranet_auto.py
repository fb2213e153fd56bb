"""RDMA mode with networks that GKE creates and owns: pods claim NICs as with dranet."""

from collections.abc import Iterator

from catalog.rdma.dranet import Dranet


class DranetAuto(Dranet):
    name = "dranetAuto"
    own_networks = False
    multi_networking = False
    accelerator_network_profile = "auto"
    agent_roles = ("roles/compute.networkAdmin",)

    def warnings(self) -> Iterator[str]:
        yield (
            "with dranetAuto GKE creates and owns the networks of the NICs: you cannot choose their ranges, and "
            "deleting them was reported stuck (GKE 1.36, August 2026)"
        )
