"""The table of docs/access.md that says who reaches a graph's pods, as a test reads it."""

import re

from settings.endpoint import Exposure
from tests.stacks import ROOT

GRAPH_PODS = ("frontend", "prefill", "decode")
PORTS = (8000, 9090, 19090, 5600, 20080, 41234, 9443, 8080)
"""Ports to try: those of the table, and others of the pods."""

# The beginning of a first cell → names of the peers that it means.
_PEERS = {
    "pods of a graph": GRAPH_PODS,
    "the graph's verification": ("verification",),
    "all pods of `gmp-system` and `gke-gmp-system`": ("pod of gmp-system", "pod of gke-gmp-system"),
    'pods of a namespace labeled `dynamo-gke/client: "true"`': ("client",),
    "pods of `kube-system` labeled `k8s-app: konnectivity-agent`": ("konnectivity-agent",),
    "exposure `internal`: private addresses": ("machine of the VPC", "machine on premises", "proxy"),
    "exposure `gateway`: the load balancer's proxies (10.9.0.0/23), Google's health checks": ("proxy", "health check"),
    "exposure `none`: no other client": (),
}
_TARGETS = {
    "one another; not another graph's": GRAPH_PODS,
    "its frontend, its workers": GRAPH_PODS,
    "frontends, workers": GRAPH_PODS,
    "frontends": ("frontend",),
    "": (),
}

Connection = tuple[str, str, int]
"""Peer, pod, port."""


def connections(exposure: Exposure) -> set[Connection]:
    """Every connection that the table allows with an exposure. Fails for a row that this reader does not know."""
    page = (ROOT / "docs/access.md").read_text(encoding="utf-8")
    table = page.partition("| from | to | port |\n|---|---|---|\n")[2].partition("\n\n")[0]
    found: set[Connection] = set()
    for row in re.sub(r"\[\^[\w-]+\]", "", table).splitlines():
        who, whom, ports = (cell.strip() for cell in row.strip("|").split("|"))
        peers = next((peers for words, peers in _PEERS.items() if who.startswith(words)), None)
        assert peers is not None, f"no peer is known by the words: {who}"
        only = re.match(r"exposure `(\w+)`", who)
        if only is None or only[1] == exposure:
            found |= {(peer, target, port) for peer in peers for target in _TARGETS[whom] for port in _numbers(ports)}
    return found


def _numbers(cell: str) -> tuple[int, ...]:
    return PORTS if cell.startswith("all TCP ports") else tuple(map(int, re.findall(r"\d+", cell)))
