"""The path of a request through an environment: clients, entrance, steps, and how KV cache moves. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from catalog.rdma import KvTransfer
from manifests import labels
from planning.surroundings import Gateway, InCluster, Internal
from planning.types import Graph, Plan


class Reach(StrEnum):
    """Where the clients of an environment are, as the box of the picture that has them."""

    INTERNET = "internet"
    VPC = "vpc"
    CLUSTER = "cluster"


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """Where clients are, and what they send requests to."""

    reach: Reach
    clients: str
    name: str
    about: str


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """One way of KV cache from prefill to decode."""

    way: KvTransfer | None
    """None where prefill and decode are simulated, and no KV cache moves."""
    what: str
    deployments: tuple[str, ...]
    alone: bool
    """Whether no disaggregated deployment has another way."""

    @property
    def named(self) -> str:
        """The deployments as words after others; empty where no deployment has another way."""
        return "" if self.alone else f" for {', '.join(self.deployments)}"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a request."""

    number: int
    where: str
    what: str


def entrance(plan: Plan) -> Entrance:
    match plan.endpoint:
        case InCluster():
            return Entrance(
                reach=Reach.CLUSTER,
                clients=f"pods of namespaces labeled {labels.CLIENT}=true, and kubectl port-forward",
                name="Service of each deployment",
                about="no load balancer, no address outside the cluster",
            )
        case Internal(global_access=everywhere):
            where = "every region of the VPC" if everywhere else "the region"
            return Entrance(
                reach=Reach.VPC,
                clients="OpenAI API over HTTP, from the VPC or a network that is connected to it",
                name="Internal load balancer",
                about=f"one address per deployment, for clients in {where}",
            )
        case Gateway(domain=domain, allowed_cidrs=ranges):
            return Entrance(
                reach=Reach.INTERNET,
                clients="OpenAI API over HTTPS: curl, SDKs, agents",
                name="Gateway",
                about=f"public, TLS, https://<deployment>.{domain}, from {', '.join(ranges)} only",
            )


_WAYS = {
    KvTransfer.RDMA: "RDMA over the NIC rails",
    KvTransfer.TCP: "TCP over the pod network (slow)",
    None: "simulated, none moves between GPUs",
}


def transfers(graphs: Sequence[Graph]) -> tuple[Transfer, ...]:
    """The ways in which KV cache moves from prefill to decode; none without disaggregated deployments."""
    split = [graph for graph in graphs if graph.disaggregated]
    used = [way for way in _WAYS if any(graph.kv_transfer is way for graph in split)]
    return tuple(
        Transfer(
            way=way,
            what=_WAYS[way],
            deployments=tuple(graph.name for graph in split if graph.kv_transfer is way),
            alone=len(used) == 1,
        )
        for way in used
    )


def steps(plan: Plan) -> tuple[Step, ...]:
    return tuple(Step(number=number, where=where, what=what) for number, (where, what) in enumerate(_path(plan), 1))


def _path(plan: Plan) -> Iterator[tuple[str, str]]:
    """Where each step of a request happens, and what it does."""
    if isinstance(plan.endpoint, InCluster):
        yield ("Client", "sends a request to the Service of a deployment, from inside the cluster")
    else:
        name = entrance(plan).name
        yield ("Client", f"sends an OpenAI request to the {name[0].lower()}{name[1:]}")
    yield ("Frontend", "turns the prompt into tokens; its KV-aware router chooses the engines")
    split = [graph for graph in plan.graphs if graph.disaggregated]
    whole = [graph for graph in plan.graphs if not graph.disaggregated]
    if split:
        yield ("Prefill", f"computes the KV cache of the prompt{_only(split, whole)}")
        yield ("KV cache", _moves(transfers(split)))
        yield ("Decode", "generates the answer token by token, from the prompt's KV cache")
    if whole:
        yield ("Worker", f"computes the KV cache and generates the answer{_only(whole, split)}; no cache moves")
    yield ("Answer", "streams back through the frontend to the client")


def _only(these: list[Graph], others: list[Graph]) -> str:
    """The deployments by name, where others take another path."""
    return f" ({', '.join(graph.name for graph in these)})" if others else ""


def _moves(ways: Sequence[Transfer]) -> str:
    moving = " and ".join(f"{each.what}{each.named}" for each in ways if each.way)
    told = [f"moves from prefill to decode GPUs with NIXL: {moving}"] if moving else []
    simulated = next((f" for {', '.join(each.deployments)}" for each in ways if each.way is None), "")
    if simulated:
        told.append(f"is simulated{simulated}: the hand-over is real, no KV cache moves between GPUs")
    return "; ".join(told)
