"""RDMA mode with networks of the stack: pods claim NICs from GKE's DRA driver."""

from collections.abc import Mapping

from catalog.contracts import NicClaim, NicRequest
from catalog.gke_versions import Floor, GkeVersion
from catalog.rdma.mode import RdmaMode

MIN_GKE = Floor(GkeVersion(1, 34, 1, 1829001), "DRANET")


class Dranet(RdmaMode):
    """RDMA mode in which pods claim a number of NICs, so the pods of a node can share its NICs."""

    name = "dranet"
    min_gke = MIN_GKE
    own_networks = True
    # We have not verified whether DRANET needs it.
    multi_networking = True
    # GKE's DRA driver serves nodes with this label only.
    node_labels = {"cloud.google.com/gke-networking-dra-driver": "true"}

    def worker(self, nics: int, interfaces: Mapping[str, str]) -> NicRequest:
        return NicRequest(claim=NicClaim(device_class="mrdma.google.com", count=nics), capabilities=self.capabilities)
