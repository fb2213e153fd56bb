"""What must be deleted before what. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from ops.rehearsal.engine.events import Step, name_of

_TYPES: Mapping[str, str] = {
    "graph": "$kubernetes:nvidia.com/v1beta1:DynamoGraphDeployment::",
    "platform": "$kubernetes:helm.sh/v3:Release::",
    "GPU pool": ":GpuPool$gcp:container/nodePool:NodePool::",
    "CPU pool": ":SystemPool$gcp:container/nodePool:NodePool::",
    "cluster": "$gcp:container/cluster:Cluster::",
    "network": ":Network$gcp:compute/network:Network::",
}
ORDER = (
    ("graph", "platform"),  # the operator removes the graphs' finalizers
    ("graph", "GPU pool"),  # the workers finish their answers
    ("platform", "CPU pool"),  # the operator runs there
    ("GPU pool", "cluster"),
    ("CPU pool", "cluster"),
    ("cluster", "network"),
)


def violations(steps: Sequence[Step]) -> Iterator[str]:
    """A sentence for each deletion that began before what must be gone by then."""
    deleted = {what: [s for s in steps if s.op == "delete" and part in s.urn] for what, part in _TYPES.items()}
    for first, then in ORDER:
        for earlier in deleted[first]:
            for later in deleted[then]:
                if later.began < earlier.ended:
                    yield f"{_named(then, later)} was being deleted before {_named(first, earlier)} was gone"


def _named(what: str, step: Step) -> str:
    return f"{what} {name_of(step.urn)}"
