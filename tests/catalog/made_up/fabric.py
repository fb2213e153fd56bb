"""Fabric: pods claim NICs from a driver that does not exist."""

from collections.abc import Mapping

from catalog.contracts import NicClaim, NicRequest
from catalog.gke_versions import Floor, GkeVersion
from catalog.rdma.mode import RdmaMode


class Fabric(RdmaMode):
    name = "fabric"
    min_gke = Floor(GkeVersion(1, 36, 2, 4711000), "fabric")
    own_networks = True
    node_labels = {"example.com/fabric": "on"}
    capabilities = ("SYS_NICE",)

    def worker(self, nics: int, interfaces: Mapping[str, str]) -> NicRequest:
        return NicRequest(claim=NicClaim(device_class="fabric.example.com", count=nics), capabilities=("SYS_NICE",))
