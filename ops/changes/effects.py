"""The provider's reaction to one changed input, by `gcp_inputs.json` and `kubernetes_fields`. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import AddressValueError, NetmaskValueError, ip_network
from typing import Any

from ops.changes import kubernetes_fields as fields
from ops.changes.gcp_inputs import Input, ResourceType, table
from ops.changes.values import MISSING, Difference, at, covered, unindexed
from policies import kinds

GCP_PROVIDER = "pulumi:providers:gcp"
KUBERNETES_PROVIDER = "pulumi:providers:kubernetes"


class Effect(StrEnum):
    """Effect of a changed input, harmless ones first."""

    NONE = "none"
    """The provider sees no difference, or keeps a removed value."""
    UPDATES = "updates"
    IGNORED = "ignored"
    """An update that changes nothing and reappears in each preview."""
    RECREATES_NODES = "recreates nodes"
    RELEASES_NODES = "releases nodes"
    FAILS = "fails"
    """`pulumi up` stops here."""
    REPLACES = "replaces"


@dataclass(frozen=True, kw_only=True)
class Judgment:
    effect: Effect
    why: str = ""
    """Explanation of the effect, as part of a sentence."""


NO_DIFFERENCE = Judgment(effect=Effect.NONE)
UPDATES = Judgment(effect=Effect.UPDATES)
REPLACES = Judgment(effect=Effect.REPLACES)
KEPT = Judgment(effect=Effect.NONE, why="unchanged: the provider keeps a value that the program removes")
FIXED = Judgment(effect=Effect.IGNORED, why="no effect: the provider cannot change it after creation")

# Updates in place for which GKE recreates the nodes. Sources: the provider's node_config.go and
# resource_container_node_pool.go for its calls; GKE's page on managing cluster changes for the nodes.
_RECREATED_FOR: Mapping[str, tuple[str, ...]] = {
    kinds.NODE_POOL: (
        "networkConfig.enablePrivateNodes",
        "networkConfig.networkPerformanceConfig",
        "nodeConfig.bootDisk",
        "nodeConfig.confidentialNodes",
        "nodeConfig.containerdConfig",
        "nodeConfig.diskSizeGb",
        "nodeConfig.diskType",
        "nodeConfig.fastSocket",
        "nodeConfig.gcfsConfig",
        "nodeConfig.gvnic",
        "nodeConfig.imageType",
        "nodeConfig.kubeletConfig",
        "nodeConfig.linuxNodeConfig",
        "nodeConfig.loggingVariant",
        "nodeConfig.machineType",
        "nodeConfig.nodeImageConfigs",
        "nodeConfig.storagePools",
        "nodeConfig.windowsNodeConfig",
        "nodeConfig.workloadMetadataConfig",
        "version",
    ),
    kinds.CLUSTER: (
        "addonsConfig.dnsCacheConfig",
        "addonsConfig.networkPolicyConfig",
        "enableIntranodeVisibility",
        "enableShieldedNodes",
        "networkPolicy",
        "nodePoolAutoConfig.linuxNodeConfig",
        "nodePoolAutoConfig.nodeKubeletConfig",
        "nodeVersion",
    ),
}

# The provider sends these maps only if they have entries (its node_config.go), and GKE refuses an update that changes
# nothing.
_NEVER_EMPTIED = ("nodeConfig.labels", "nodeConfig.resourceLabels", "nodeConfig.resourceManagerTags")


def judge(
    type_: str,
    found: Difference,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    provider: Mapping[str, Any],
) -> Judgment:
    """The provider's reaction to one difference. `before` and `after` are all inputs of the resource."""
    if type_ == GCP_PROVIDER:
        return UPDATES
    if type_ == KUBERNETES_PROVIDER:
        return _of_access(found, before, after)
    if type_.startswith("kubernetes:"):
        return _of_kubernetes(fields.kind_of(type_), found, before, after, provider)
    if type_.startswith("gcp:"):
        return _of_gcp(type_, found, before, after)
    return Judgment(effect=Effect.REPLACES, why="this provider is unknown to the forecast")


def _of_access(found: Difference, before: Mapping[str, Any], after: Mapping[str, Any]) -> Judgment:
    """Judgment of the Kubernetes provider: replaced with its cluster. `clusterIdentifier` outranks the kubeconfig."""
    if found.path == "clusterIdentifier":
        # Adding or removing the identifier replaces nothing.
        return UPDATES if MISSING in (found.before, found.after) else REPLACES
    same = before.get("clusterIdentifier") is not None and before["clusterIdentifier"] == after.get("clusterIdentifier")
    names_a_cluster = found.path in ("kubeconfig", "context", "cluster", "renderYamlToDirectory")
    return REPLACES if names_a_cluster and not same else UPDATES


def _of_gcp(type_: str, found: Difference, before: Mapping[str, Any], after: Mapping[str, Any]) -> Judgment:
    facts = table().get(type_)
    if not facts:
        return Judgment(effect=Effect.REPLACES, why="this type is not in the provider's table")
    chain = _chain(facts, found)
    if chain is None:
        return Judgment(effect=Effect.REPLACES, why="this input is not in the provider's table")
    leaf = chain[-1]
    if not found.block and _same(leaf, found.before, found.after):
        return NO_DIFFERENCE
    if fails := _refused(type_, found, before, after):
        return Judgment(effect=Effect.FAILS, why=fails)
    if leaf.condition and _condition_holds(leaf.condition, found, after):
        return REPLACES
    return _by_schema(chain, found) or _in_place(type_, found, after)


def _refused(type_: str, found: Difference, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Why the update fails; empty if it does not."""
    if type_ == kinds.NODE_POOL and (emptied := _emptied(found.bare, before, after)):
        return f"`pulumi up` fails: the provider cannot empty {emptied}; keep one entry in it"
    # The provider sends the update; Google Cloud's documentation says that a range in use cannot change (not tried).
    if type_ == kinds.SUBNETWORK and found.bare.startswith("secondaryIpRanges") and found.before is not MISSING:
        return "`pulumi up` fails while the cluster uses this range"
    return ""


def _by_schema(chain: Sequence[Input], found: Difference) -> Judgment | None:
    """Judgment by the provider's schema of the input and the blocks around it; None for an update in place."""
    outer, leaf = chain[0], chain[-1]
    # The provider keeps a map that is removed as a whole, but deletes a single removed entry
    # (terraform-plugin-sdk, helper/schema/schema.go, diffMap).
    entry = leaf.kind == "map" and not found.block
    whole = not entry and not (found.block or found.path).endswith("]")
    if found.after is MISSING and whole and outer.kept:
        return KEPT
    if any(of.forces and not (found.after is MISSING and whole and of.kept) for of in chain):
        return REPLACES
    return FIXED if leaf.fixed else None


def _in_place(type_: str, found: Difference, after: Mapping[str, Any]) -> Judgment:
    """Judgment of an update in place by its effect on nodes."""
    if type_ in (kinds.NODE_POOL, kinds.CLUSTER) and found.path == "nodeLocations":
        return _zones(found, str(after.get("location", "")))
    if covered(found.bare, _RECREATED_FOR.get(type_, ())):
        return Judgment(effect=Effect.RECREATES_NODES, why="recreates the nodes")
    return UPDATES


def _chain(facts: ResourceType, found: Difference) -> list[Input] | None:
    """Facts of the input and of the blocks around it that one side lacks, outermost first; None if unknown."""
    path = re.sub(r"\[[^\]]*\]", "[]", found.path).removesuffix("[]")
    leaf = facts.find(path)
    if leaf is None:
        return None
    block = re.sub(r"\[[^\]]*\]", "[]", found.block).removesuffix("[]")
    above = [path[: dot.start()].removesuffix("[]") for dot in re.finditer(r"\.", path)] if block else []
    return [*(facts.inputs[name] for name in above if name.startswith(block) and name in facts.inputs), leaf]


def _same(of: Input, before: Any, after: Any) -> bool:
    """Whether the provider sees no difference: defaults, zero values, order in sets, names and paths."""
    if of.kind == "set":
        return sorted(map(str, _list(before))) == sorted(map(str, _list(after)))
    if of.kind in ("block", "blocks"):
        return False
    if of.kind:
        return (before or MISSING) == (after or MISSING)
    if of.kept and of.default is None:
        if MISSING in (before, after):  # Google Cloud chooses a value that is not set
            return False
    else:
        before, after = _filled(before, of.default), _filled(after, of.default)
    return before == after or _alike(of, before, after)


def _alike(of: Input, before: Any, after: Any) -> bool:
    """Whether two values that differ as text mean the same: a link and a name, upper and lower case."""
    if of.alike == "nocase":
        return str(before).casefold() == str(after).casefold()
    if of.alike not in ("names", "paths") or not isinstance(before, str) or not isinstance(after, str):
        return False
    if (path := _relative(before)) and path == _relative(after):
        return True
    by_name = of.alike == "names" and ("/" in before) != ("/" in after)
    return by_name and before.rpartition("/")[2] == after.rpartition("/")[2]


def _relative(link: str) -> str:
    """A self link from `projects/` on; empty for other text."""
    _, projects, rest = link.partition("projects/")
    return projects + rest


def _filled(value: Any, default: Any) -> Any:
    """A value as the provider compares it: the default if not set, None for a zero value without default."""
    if value is MISSING:
        return default
    return None if default is None and value in (False, 0, "") else value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _emptied(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The map of a node pool that loses all its entries; empty if none does."""
    found = next((name for name in _NEVER_EMPTIED if covered(path, [name])), "")
    return found if found and at(before, found) and at(after, found) in ({}, MISSING) else ""


def _condition_holds(condition: str, found: Difference, after: Mapping[str, Any]) -> bool:
    if condition == "shrinks":
        return not _grows(found.before, found.after)
    if condition == "turned-off":
        return found.before is True and found.after is not True
    if condition == "item-removed":
        return any(item not in _list(found.after) for item in _list(found.before))
    return bool(after.get("enableAutopilot"))


def _grows(before: Any, after: Any) -> bool:
    """Whether the new range contains the old one; False if unknown."""
    try:
        old, new = ip_network(str(before)), ip_network(str(after))
    except (AddressValueError, NetmaskValueError, ValueError):
        return False
    return old.version == new.version and old.subnet_of(new)  # type: ignore[arg-type] - of one version


def _zones(found: Difference, location: str) -> Judgment:
    """Judgment of changed zones. A cluster's zones apply to all its pools; a zonal cluster's are added to its own."""
    if found.before is MISSING:
        if re.search(r"-[a-z]$", location):
            return UPDATES
        remaining = ", ".join(sorted(map(str, _list(found.after))))
        return Judgment(effect=Effect.RELEASES_NODES, why=f"may release nodes: only those in {remaining} remain")
    left = sorted(set(map(str, _list(found.before))) - set(map(str, _list(found.after))))
    if not left:
        return UPDATES
    return Judgment(effect=Effect.RELEASES_NODES, why=f"releases the nodes in {', '.join(left)}")


def _of_kubernetes(
    kind: str, found: Difference, before: Mapping[str, Any], after: Mapping[str, Any], provider: Mapping[str, Any]
) -> Judgment:
    path = unindexed(found.path)
    if kind == fields.RELEASE:
        return REPLACES if path in fields.RELEASE_IDENTITY else UPDATES
    if path == "metadata.namespace" and {found.before, found.after} == {"default", MISSING}:
        return NO_DIFFERENCE
    fixed = [*fields.IDENTITY, *fields.REPLACED.get(kind, ())]
    if kind in fields.DATA and (
        after.get("immutable") or str(provider.get(fields.CHANGES_IN_PLACE[kind])).lower() != "true"
    ):
        fixed += fields.DATA[kind]
    if covered(path, fixed):
        return REPLACES
    # Adding or removing a list element does not change its fields.
    refused = covered(path, fields.REFUSED.get(kind, ())) and not found.block.endswith("]")
    whole = covered(path, fields.COMES_OR_GOES.get(kind, ())) and (found.block or found.path).endswith("multinode")
    if refused or whole or (before.get("immutable") and path in ("immutable", "data", "binaryData", "stringData")):
        return Judgment(effect=Effect.FAILS, why="`pulumi up` fails: Kubernetes refuses to change this field")
    return UPDATES
