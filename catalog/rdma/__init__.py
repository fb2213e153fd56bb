"""How KV cache gets from prefill to decode, and the ways in which a node's RDMA NICs reach pods."""

from enum import StrEnum


class KvTransfer(StrEnum):
    """What KV cache moves over between the pods of one deployment; verification accepts nothing else."""

    RDMA = "rdma"
    """The NICs of the nodes, one a GPU. Also between pods of one node, since NVLink does not work between pods."""
    TCP = "tcp"
    """The pod network. For trials only: NVIDIA's guide gives 98 s to the first token, where RDMA takes 0.2 to 0.5 s."""


# UCX_TLS of workers whose KV cache is to move over TCP and nothing else.
UCX_TCP = "cuda_copy,tcp"


class RdmaMode(StrEnum):
    """One setting, because the ways exclude each other: a pool has either kind of networks, a NIC one way to a pod."""

    DRANET = "dranet"
    """Networks of this stack; pods claim NICs through GKE's DRA driver."""
    DRANET_AUTO = "dranetAuto"
    """Networks that GKE makes and owns; pods claim as with dranet."""
    MULTI_NETWORK = "multiNetwork"
    """Networks of this stack; pods name them in annotations and get all NICs of their node."""
    NONE = "none"

    @property
    def own_networks(self) -> bool:
        """Whether this stack makes the networks of the NICs and gives them to its node pools."""
        return self in (RdmaMode.DRANET, RdmaMode.MULTI_NETWORK)

    @property
    def multi_networking(self) -> bool:
        """Whether the cluster must be made for nodes with more than one network. For dranet the need is unverified."""
        return self.own_networks

    @property
    def claims(self) -> bool:
        """Whether pods claim NICs by number, from GKE's driver, which serves nodes with its label only.

        Only then can the pods of a node share its NICs.
        """
        return self in (RdmaMode.DRANET, RdmaMode.DRANET_AUTO)
