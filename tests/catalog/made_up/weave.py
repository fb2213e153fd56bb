"""Weave: a device plugin that does not exist hands out NICs by a resource limit, and a webhook reads an annotation."""

from collections.abc import Mapping

from catalog.contracts import NicRequest
from catalog.rdma.mode import RdmaMode


class Weave(RdmaMode):
    name = "weave"
    own_networks = True
    agent_roles = ("roles/weave.agent",)

    def worker(self, nics: int, interfaces: Mapping[str, str]) -> NicRequest:
        return NicRequest(
            limits={f"weave.example/nic-{nic}": "1" for nic in range(nics)},
            annotations={"weave.example/use": "yes"},
            capabilities=self.capabilities,
        )
