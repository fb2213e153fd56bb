"""RDMA mode without RDMA NICs: KV cache moves over the pod network."""

from collections.abc import Iterator, Mapping

from catalog.contracts import NO_NICS, KvMover, NicRequest
from catalog.rdma.mode import RdmaMode
from reading.errors import Error, Fix, join


class NoRdma(RdmaMode):
    name = "none"
    carries = False
    capabilities = ()

    def worker(self, nics: int, interfaces: Mapping[str, str]) -> NicRequest:
        return NO_NICS

    def errors(self, mover: KvMover) -> Iterator[Error]:
        yield Error(
            "network.rdma",
            f"none, but {mover.path} moves its KV cache between prefill and decode pods. Without RDMA it goes over "
            f"TCP, on one node too, since NVLink does not work between pods: {mover.by_tcp}",
            (
                Fix("use dranet", {"network.rdma": "dranet"}),
                Fix(f"accept TCP with {mover.path}.kvTransfer: tcp", {join(mover.path, "kvTransfer"): "tcp"}),
            ),
        )
