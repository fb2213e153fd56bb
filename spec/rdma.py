"""The ways in which a node's RDMA NICs get their networks and reach pods, and what each of them needs."""

from enum import StrEnum


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
