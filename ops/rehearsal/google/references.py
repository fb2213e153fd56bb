"""Which resources of Google Cloud use which others: what must exist first, and what a deletion must wait for. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ops.rehearsal.google.cloud import Content, Resource
from policies import kinds

_ROUTER = "gcp:compute/router:Router"


@dataclass(frozen=True, kw_only=True)
class Reference:
    path: str
    """The input that names the other resource, by id, self link or name."""
    type: str
    must_exist: bool = True
    """False for networks and subnets: a stack may use those of another project, which the simulation does not have."""
    holds: bool = True
    """Whether the other resource cannot be deleted meanwhile. Others go with it: a cluster's pools, a router's NAT."""


_NETWORK = Reference(path="network", type=kinds.NETWORK, must_exist=False)
_SUBNETWORK = Reference(path="subnetwork", type=kinds.SUBNETWORK, must_exist=False)
_NICS = "networkConfig.additionalNodeNetworkConfigs[]"
REFERENCES: Mapping[str, tuple[Reference, ...]] = {
    kinds.SUBNETWORK: (_NETWORK,),
    kinds.FIREWALL: (_NETWORK,),
    _ROUTER: (_NETWORK,),
    kinds.ROUTER_NAT: (Reference(path="router", type=_ROUTER, holds=False),),
    kinds.CLUSTER: (_NETWORK, _SUBNETWORK),
    kinds.NODE_POOL: (
        Reference(path="cluster", type=kinds.CLUSTER, holds=False),
        Reference(path=f"{_NICS}.network", type=kinds.NETWORK),
        Reference(path=f"{_NICS}.subnetwork", type=kinds.SUBNETWORK),
    ),
    kinds.BUCKET_GRANT: (Reference(path="bucket", type=kinds.BUCKET, holds=False),),
    kinds.SECRET_VERSION: (Reference(path="secret", type=kinds.GOOGLE_SECRET, holds=False),),
    kinds.CERTIFICATE: (Reference(path="managed.dnsAuthorizations[]", type=kinds.DNS_AUTHORIZATION),),
    kinds.ALERT_POLICY: (Reference(path="notificationChannels[]", type=kinds.NOTIFICATION_CHANNEL),),
    kinds.BUDGET: (Reference(path="allUpdatesRule.monitoringNotificationChannels[]", type=kinds.NOTIFICATION_CHANNEL),),
}


def missing(content: Content, type_: str, state: Mapping[str, Any]) -> str | None:
    """A name in the inputs of something that does not exist."""
    for reference in REFERENCES.get(type_, ()):
        if reference.must_exist:
            for name in _values(state, reference.path):
                if not any(_names(name, other) for other in content.resources.values() if other.type == reference.type):
                    return name
    return None


def users(content: Content, of: Resource) -> list[Resource]:
    """The resources that hold another one."""
    return [other for other in content.resources.values() if _uses(other, of, holds=True)]


def parts(content: Content, of: Resource) -> list[Resource]:
    """The resources that Google Cloud deletes with another one."""
    return [other for other in content.resources.values() if _uses(other, of, holds=False)]


def _uses(other: Resource, of: Resource, *, holds: bool) -> bool:
    return any(
        reference.type == of.type and reference.holds is holds and any(_names(name, of) for name in found)
        for reference in REFERENCES.get(other.type, ())
        if (found := [*_values(other.state, reference.path)])
    )


def _names(name: str, resource: Resource) -> bool:
    """Whether a name, an id or a self link means the resource."""
    if "/" in name:
        return name == resource.id or name.endswith(f"/{resource.id}")
    return name == resource.id.rpartition("/")[2]


def _values(state: Any, path: str) -> Iterator[str]:
    step, _, rest = path.partition(".")
    value = state.get(step.removesuffix("[]")) if isinstance(state, Mapping) else None
    for item in value if isinstance(value, list) else [value]:
        if rest:
            yield from _values(item, rest)
        elif isinstance(item, str) and item:
            yield item
