"""Adds a node to a simulated pool while a pod has no room, up to the pool's maximum, and does nothing else.

Stands in for GKE's cluster autoscaler. Not shown: removal of nodes, stock-outs, the choice among pools by price, the
autoscaler's events.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ops.rehearsal import fitting, nodes, pool_nodes
from ops.rehearsal.kube import Object
from ops.rehearsal.stand_in import StandIn

SECONDS_BETWEEN_LOOKS = 0.5
"""At least; pods change in bursts."""
TICK_SECONDS = 5.0
"""The longest time without a look: a pod may still have no room SECONDS_TO_SCHEDULE after a node was added."""
SECONDS_TO_SCHEDULE = 10.0
"""Time for the scheduler to place a pod on the node that was added for it. No second node is added within it."""


@dataclass(frozen=True, kw_only=True)
class PoolState:
    """A pool of the simulated cloud. One of several zones is given where the pool has more."""

    inputs: nodes.Inputs
    """Of the gcp NodePool, in the provider's names."""
    zone: str

    @property
    def name(self) -> str:
        return self.inputs["name"]

    @property
    def max_nodes(self) -> int:
        """Zero for a pool of fixed size, to which nothing is added."""
        limits = self.inputs.get("autoscaling") or {}
        return int(limits.get("totalMaxNodeCount") or limits.get("maxNodeCount") or 0)


Pools = Callable[[], Sequence[PoolState]]


@dataclass(frozen=True)
class Addition:
    """A node to add, and the pods that it is for."""

    pool: PoolState
    number: int
    pods: tuple[Object, ...]


def run(stand_in: StandIn, pools: Pools) -> None:
    """Adds nodes until the stand-in is stopped."""
    kube = stand_in.kube
    served: dict[str, float] = {}

    def look() -> float:
        stand_in.stop.wait(SECONDS_BETWEEN_LOOKS)
        recent = time.monotonic() - SECONDS_TO_SCHEDULE
        waiting = [pod for pod in kube.list("v1", "Pod") if is_unschedulable(pod) and served.get(_uid(pod), 0) < recent]
        states = pools() if waiting else []
        existing = {state.name: {_name(each) for each in pool_nodes.of_pool(kube, state.name)} for state in states}
        for addition in additions(waiting, states, existing):
            pool_nodes.create_node(kube, addition.pool.inputs, addition.pool.zone, addition.number)
            served.update(dict.fromkeys(map(_uid, addition.pods), time.monotonic()))
        return TICK_SECONDS

    stand_in.run([("v1", "Pod", "")], look)


def additions(
    waiting: Sequence[Object], pools: Sequence[PoolState], existing: Mapping[str, Collection[str]]
) -> Iterator[Addition]:
    """The nodes to add for unschedulable pods: each of the first pool that matches and is below its maximum.

    `existing`: pool → names of its nodes. Pods that fit together on a new node share it.
    """
    names = {pool: set(of_pool) for pool, of_pool in existing.items()}
    left = list(waiting)
    while left:
        for pool in pools:
            known = names.setdefault(pool.name, set())
            number, node = _next_node(pool, known)
            together = _packed(left, node)
            if len(known) < pool.max_nodes and left[0] in together:
                known.add(_name(node))
                left = [pod for pod in left if pod not in together]
                yield Addition(pool, number, together)
                break
        else:
            left.pop(0)


def is_unschedulable(pod: Object) -> bool:
    """Whether the scheduler found no node for the pod."""
    conditions = pod.get("status", {}).get("conditions", [])
    return "deletionTimestamp" not in pod["metadata"] and any(
        each["type"] == "PodScheduled" and each["status"] == "False" and each.get("reason") == "Unschedulable"
        for each in conditions
    )


def _next_node(pool: PoolState, known: Collection[str]) -> tuple[int, Object]:
    """The first node of the pool that does not exist, with its number."""
    for number in range(len(known) + 1):
        node = nodes.node(pool.inputs, pool.zone, number)
        if _name(node) not in known:
            return number, node
    raise AssertionError("a pool cannot have more nodes than it has")


def _packed(pods: Sequence[Object], node: Object) -> tuple[Object, ...]:
    """The pods that fit together on the empty node, the first ones first."""
    packed: list[Object] = []
    free = fitting.allocatable(node)
    for pod in pods:
        if fitting.fits(pod, node, free):
            packed.append(pod)
            free = fitting.remaining(free, pod)
    return tuple(packed)


def _name(node: Object) -> str:
    return node["metadata"]["name"]


def _uid(pod: Object) -> str:
    return pod["metadata"]["uid"]
