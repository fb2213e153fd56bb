"""The resources of a recording as a tree, each with its most telling inputs."""

from itertools import groupby
from typing import Any

from rich.text import Text
from rich.tree import Tree

from ops.offline.recorded import Recording, Resource
from policies import kinds

# Never summarized: each line shows the ranges that a rule admits.
_SHOWN_EACH = (kinds.SECURITY_POLICY, kinds.FIREWALL)

# Type → the inputs to show, as (words before, path, words after). `--json` has the rest.
SHOWN: dict[str, tuple[tuple[str, str, str], ...]] = {
    kinds.ADDRESS: (("", "addressType", ""),),
    kinds.BUDGET: (
        ("", "amount.specifiedAmount.units", " a month"),
        ("in ", "amount.specifiedAmount.currencyCode", ""),
    ),
    kinds.CERTIFICATE: (("", "managed.domains[0]", ""),),
    kinds.DNS_AUTHORIZATION: (("", "domain", ""),),
    kinds.FIREWALL: (
        ("", "allows[].protocol", ""),
        ("port ", "allows[].ports", ""),
        ("from ", "sourceRanges", ""),
    ),
    kinds.NETWORK: (("MTU ", "mtu", ""), ("profile ", "networkProfile", "")),
    kinds.ROUTER_NAT: (("at least ", "minPortsPerVm", " ports per VM"),),
    kinds.SUBNETWORK: (("", "ipCidrRange", ""), ("", "purpose", "")),
    kinds.CLUSTER: (("", "location", ""), ("", "releaseChannel.channel", "")),
    kinds.NODE_POOL: (
        ("", "nodeConfig.machineType", ""),
        ("nodes ", "nodeCount", ""),
        ("nodes from ", "autoscaling.totalMinNodeCount", ""),
        ("to ", "autoscaling.totalMaxNodeCount", ""),
        ("reservation ", "nodeConfig.reservationAffinity.values[0]", ""),
        ("accelerator networks ", "networkConfig.acceleratorNetworkProfile", ""),
    ),
    kinds.ALERT_POLICY: (("", "conditions[0].displayName", ""), ("", "severity", "")),
    kinds.NOTIFICATION_CHANNEL: (("", "displayName", ""),),
    kinds.KEY_GRANT: (("", "role", ""),),
    kinds.PROJECT_GRANT: (("", "role", ""),),
    kinds.GOOGLE_API: (("", "service", ""),),
    kinds.GOOGLE_SECRET: (("", "secretId", ""),),
    kinds.SECRET_GRANT: (("", "role", ""),),
    kinds.GOOGLE_ACCOUNT: (("", "accountId", ""),),
    kinds.BUCKET: (("", "location", ""), ("public access prevention ", "publicAccessPrevention", "")),
    kinds.BUCKET_GRANT: (("", "role", ""),),
    kinds.HORIZONTAL_POD_AUTOSCALER: (
        ("from ", "spec.minReplicas", ""),
        ("to ", "spec.maxReplicas", ""),
        ("on ", "spec.metrics[0].pods.metric.name", ""),
    ),
    kinds.SERVICE: (("", "spec.type", ""), ("port ", "spec.ports[0].port", "")),
    kinds.RELEASE: (("", "version", ""), ("in ", "namespace", "")),
    kinds.POD_MONITORING: (
        ("port ", "spec.endpoints[0].port", ""),
        ("every ", "spec.endpoints[0].interval", ""),
    ),
    kinds.NETWORK_PARAMETERS: (("", "spec.vpcSubnet", ""), ("", "spec.deviceMode", "")),
    kinds.GRAPH: (
        ("", "spec.components[0].name", ""),
        ("", "spec.components[1].name", ""),
        ("", "spec.components[2].name", ""),
    ),
    kinds.CLAIM_TEMPLATE: (("", "spec.spec.devices.requests[0].exactly.count", " RDMA NICs per pod"),),
    "pulumi:providers:kubernetes": (("", "clusterIdentifier", ""),),
}


def tree(recording: Recording, title: str) -> Tree:
    root = Tree(title, guide_style="dim")
    known = recording.by_urn()
    children: dict[str | None, list[Resource]] = {}
    for resource in recording.resources:
        children.setdefault(resource.parent if resource.parent in known else None, []).append(resource)
    stages = _stages(recording)
    for resource in sorted(children.get(None, []), key=lambda r: (stages[r.urn], r.urn)):
        _grow(root.add(_label(resource)), children.get(resource.urn, []))
    return root


def _stages(recording: Recording) -> dict[str, int]:
    """Resource without a parent → length of its longest chain of dependencies."""
    known = recording.by_urn()

    def root(urn: str) -> str:
        while (parent := known[urn].parent) in known:
            urn = str(parent)
        return urn

    needs: dict[str, set[str]] = {}
    for resource in recording.resources:
        links = [*resource.depends_on, *([resource.provider] if resource.provider else [])]
        needs.setdefault(root(resource.urn), set()).update(root(link) for link in links)
    stages: dict[str, int] = {}

    def stage(urn: str) -> int:
        if urn not in stages:
            stages[urn] = 0  # ends a cycle, which Pulumi would have refused
            stages[urn] = max((stage(need) + 1 for need in needs[urn] if need != urn), default=0)
        return stages[urn]

    for urn in needs:
        stage(urn)
    return stages


def _grow(branch: Tree, resources: list[Resource]) -> None:
    for _, group in groupby(resources, key=lambda r: r.type):
        same = list(group)
        if len(same) > 2 and len(same[0].inputs) and same[0].type not in _SHOWN_EACH:
            branch.add(_many(same))
        else:
            for resource in same:
                branch.add(_label(resource))


def _label(resource: Resource) -> Text:
    if resource.is_component:
        return Text.assemble((resource.type.rpartition(":")[2], "bold"), f" {resource.name}")
    text = Text.assemble((short_type(resource.type), "cyan"), f" {physical_name(resource)}")
    words = telling(resource)
    return text.append("  " + ", ".join(words), "dim") if words else text


def telling(resource: Resource) -> list[str]:
    """The inputs and options of a resource that tell most about it."""
    words = [
        f"{before}{', '.join(_flat(value))}{after}"
        for before, path, after in SHOWN.get(resource.type, ())
        if (value := _at(resource.inputs, path)) not in (None, [])
    ]
    if resource.type == kinds.SECURITY_POLICY:
        words += [_armor_rule(rule) for rule in resource.inputs["rules"]]
    if _at(resource.inputs, "spec.spec.devices.requests[0].exactly.allocationMode") == "All":
        words.append("all RDMA NICs of its node a pod")
    options = {"protect": "protected", "retainOnDelete": "kept on destroy"}
    words += [word for option, word in options.items() if resource.options.get(option)]
    return words + [f"{path} [secret]" for path in resource.secret_paths]


def _armor_rule(rule: dict[str, Any]) -> str:
    """A rule's action and all its ranges: an omitted one could be the whole internet."""
    ranges = _at(rule, "match.config.srcIpRanges") or ["requests that match an expression"]
    return f"{rule['action']} {', '.join(ranges)}"


def _many(same: list[Resource]) -> Text:
    """Three or more resources of one type in one line, each by its first word."""
    text = Text.assemble((f"{len(same)} × {short_type(same[0].type)}", "cyan"))
    return text.append("  " + ", ".join((telling(r) or [physical_name(r)])[0] for r in same), "dim")


def short_type(type_: str) -> str:
    """`gcp:container/nodePool:NodePool` → gcp NodePool."""
    package, _, rest = type_.partition(":")
    if package == "pulumi":
        return f"{rest.rpartition(':')[2]} provider"
    return f"{package} {rest.rpartition(':')[2]}"


def physical_name(resource: Resource) -> str:
    metadata = resource.inputs.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else resource.inputs.get("name")
    return str(name or resource.name)


def _flat(value: Any) -> list[str]:
    """A value as words; a list gives the words of each item."""
    return [word for item in value for word in _flat(item)] if isinstance(value, list) else [str(value)]


def _at(inputs: Any, path: str) -> Any:
    """The value at a path such as `allows[0].protocol`, or of all items at `allows[].ports`; None if missing."""
    before, each, after = path.partition("[].")
    if each:
        found = (_at(item, after) for item in _at(inputs, before) or [])
        return [value for value in found if value is not None]
    here = inputs
    for step in path.replace("[", ".[").split("."):
        here = _entry(here, step)
    return here


def _entry(of: Any, step: str) -> Any:
    """The entry of an object at a key, or of a list at an index such as `[0]`; None if missing."""
    if step.startswith("["):
        index = int(step[1:-1])
        return of[index] if isinstance(of, list) and index < len(of) else None
    return of.get(step) if isinstance(of, dict) else None
