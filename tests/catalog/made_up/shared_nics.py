"""Networks of the stack; pods claim NICs from a driver of another class."""

from collections.abc import Mapping

from catalog.contracts import NicClaim, NicRequest
from catalog.gke_versions import Floor, GkeVersion
from catalog.rdma.mode import RdmaMode


class Shared(RdmaMode):
    name = "sharedNics"
    min_gke = Floor(GkeVersion(1, 37, 0, 2), "shared NICs")
    own_networks = True
    multi_networking = True
    node_labels = {"example.com/nics": "shared"}

    def worker(self, nics: int, interfaces: Mapping[str, str]) -> NicRequest:
        return NicRequest(claim=NicClaim(device_class="nics.example.com", count=nics), capabilities=self.capabilities)
