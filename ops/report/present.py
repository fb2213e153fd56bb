"""A recording and its plan as a person wants to read them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from catalog import sizing
from catalog.rdma import RdmaMode
from ops.offline.recorded import Recording, Resource
from ops.offline.verdicts import Verdict
from ops.report import printing
from planning import preflight
from planning.first_token import FirstToken
from planning.types import Graph, Plan

_SECURITY_POLICY = "gcp:compute/regionSecurityPolicy:RegionSecurityPolicy"

# However many there are, each is shown with whom it lets in.
_SHOWN_EACH = (_SECURITY_POLICY, "gcp:compute/firewall:Firewall")

# For each type what tells a reader what he gets: words before and after a value of the inputs. The rest is in `--json`.
SHOWN: dict[str, tuple[tuple[str, str, str], ...]] = {
    "gcp:compute/address:Address": (("", "addressType", ""),),
    "gcp:billing/budget:Budget": (
        ("", "amount.specifiedAmount.units", " a month"),
        ("in ", "amount.specifiedAmount.currencyCode", ""),
    ),
    "gcp:certificatemanager/certificate:Certificate": (("", "managed.domains[0]", ""),),
    "gcp:certificatemanager/dnsAuthorization:DnsAuthorization": (("", "domain", ""),),
    "gcp:compute/firewall:Firewall": (
        ("", "allows[].protocol", ""),
        ("port ", "allows[].ports", ""),
        ("from ", "sourceRanges", ""),
    ),
    "gcp:compute/network:Network": (("MTU ", "mtu", ""), ("profile ", "networkProfile", "")),
    "gcp:compute/routerNat:RouterNat": (("", "minPortsPerVm", " ports a VM and more"),),
    "gcp:compute/subnetwork:Subnetwork": (("", "ipCidrRange", ""), ("", "purpose", "")),
    "gcp:container/cluster:Cluster": (("", "location", ""), ("", "releaseChannel.channel", "")),
    "gcp:container/nodePool:NodePool": (
        ("", "nodeConfig.machineType", ""),
        ("nodes ", "nodeCount", ""),
        ("nodes from ", "autoscaling.totalMinNodeCount", ""),
        ("to ", "autoscaling.totalMaxNodeCount", ""),
        ("reservation ", "nodeConfig.reservationAffinity.values[0]", ""),
        ("accelerator networks ", "networkConfig.acceleratorNetworkProfile", ""),
    ),
    "gcp:monitoring/alertPolicy:AlertPolicy": (("", "conditions[0].displayName", ""), ("", "severity", "")),
    "gcp:monitoring/notificationChannel:NotificationChannel": (("", "displayName", ""),),
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": (("", "role", ""),),
    "gcp:projects/iAMMember:IAMMember": (("", "role", ""),),
    "gcp:projects/service:Service": (("", "service", ""),),
    "gcp:secretmanager/secret:Secret": (("", "secretId", ""),),
    "gcp:secretmanager/secretIamMember:SecretIamMember": (("", "role", ""),),
    "gcp:serviceaccount/account:Account": (("", "accountId", ""),),
    "gcp:storage/bucket:Bucket": (("", "location", ""), ("public access prevention ", "publicAccessPrevention", "")),
    "gcp:storage/bucketIAMMember:BucketIAMMember": (("", "role", ""),),
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": (
        ("from ", "spec.minReplicas", ""),
        ("to ", "spec.maxReplicas", ""),
        ("on ", "spec.metrics[0].pods.metric.name", ""),
    ),
    "kubernetes:core/v1:Service": (("", "spec.type", ""), ("port ", "spec.ports[0].port", "")),
    "kubernetes:helm.sh/v3:Release": (("", "version", ""), ("in ", "namespace", "")),
    "kubernetes:monitoring.googleapis.com/v1:PodMonitoring": (
        ("port ", "spec.endpoints[0].port", ""),
        ("every ", "spec.endpoints[0].interval", ""),
    ),
    "kubernetes:networking.gke.io/v1:GKENetworkParamSet": (("", "spec.vpcSubnet", ""), ("", "spec.deviceMode", "")),
    "kubernetes:nvidia.com/v1beta1:DynamoGraphDeployment": (
        ("", "spec.components[0].name", ""),
        ("", "spec.components[1].name", ""),
        ("", "spec.components[2].name", ""),
    ),
    "kubernetes:resource.k8s.io/v1:ResourceClaimTemplate": (
        ("", "spec.spec.devices.requests[0].exactly.count", " RDMA NICs a pod"),
    ),
    "pulumi:providers:kubernetes": (("", "clusterIdentifier", ""),),
}


def show(plan: Plan, recording: Recording, verdicts: Sequence[Verdict], rolls: Sequence[str] = ()) -> None:
    """Prints the preview on stdout. `rolls` says what a change of the stack as it is would restart."""
    printing.show(lambda console: preview(console, plan, recording, verdicts, rolls))


def preview(
    console: Console, plan: Plan, recording: Recording, verdicts: Sequence[Verdict], rolls: Sequence[str]
) -> None:
    """Prints the whole preview."""
    custom = [r for r in recording.resources if not r.type.startswith("dynamo-gke:")]
    console.print(
        f"[bold]dynamo-gke[/] · stack [bold]{plan.stack}[/] · project {plan.project} · {plan.region}, "
        f"GPU zone {plan.zone}" + _capacity(plan)
    )
    console.print()
    console.print(_tree(recording, f"[bold]{len(custom)} resources to create[/]"))
    for graph in plan.graphs:
        console.print()
        console.print(_graph(graph))
    console.print()
    console.print(_cost(plan))
    if plan.first_token:
        console.print()
        console.print(_first_token(plan.first_token))
    _list(console, "Warnings", (escape(w) for w in plan.warnings), "yellow")
    _list(console, "What the overrides roll", (escape(roll) for roll in rolls), "yellow")
    _list(console, "Policy violations", _violations(verdicts), "red")
    _list(console, "Remedies", (escape(f"{policy}: {remedy}") for policy, remedy in _remedies(verdicts).items()), "red")
    _preflight(console, plan)
    console.print("\n[bold]Outputs[/]")
    console.print(_indented(_outputs(recording.outputs)))
    console.print(
        "\n[dim]Worked out from the configuration alone: no cloud was asked, nothing was created. What only the cloud "
        "knows is shown as \\[unknown]. Costs are predictions.[/]"
    )


def _capacity(plan: Plan) -> str:
    if not plan.capacity_mode:
        return ""
    return f" · {plan.capacity_mode}" + (f" {plan.reservation}" if plan.reservation else "")


def _tree(recording: Recording, title: str) -> Tree:
    tree = Tree(title, guide_style="dim")
    known = recording.by_urn()
    children: dict[str | None, list[Resource]] = {}
    for resource in recording.resources:
        children.setdefault(resource.parent if resource.parent in known else None, []).append(resource)
    stages = _stages(recording)
    for resource in sorted(children.get(None, []), key=lambda r: (stages[r.urn], r.urn)):
        _grow(tree.add(_label(resource)), children.get(resource.urn, []))
    return tree


def _stages(recording: Recording) -> dict[str, int]:
    """For each resource without a parent how many others, one after the other, are made before it."""
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
            stages[urn] = 0  # ends a ring, which Pulumi would have refused
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
    if resource.type.startswith("dynamo-gke:"):
        return Text.assemble((resource.type.rpartition(":")[2], "bold"), f" {resource.name}")
    text = Text.assemble((_short(resource.type), "cyan"), f" {_physical(resource)}")
    words = _words(resource)
    return text.append("  " + ", ".join(words), "dim") if words else text


def _words(resource: Resource) -> list[str]:
    words = [
        f"{before}{', '.join(_flat(value))}{after}"
        for before, path, after in SHOWN.get(resource.type, ())
        if (value := _at(resource.inputs, path)) not in (None, [])
    ]
    if resource.type == _SECURITY_POLICY:
        words += [_armor_rule(rule) for rule in resource.inputs["rules"]]
    options = {"protect": "protected", "retainOnDelete": "kept on destroy"}
    words += [word for option, word in options.items() if resource.options.get(option)]
    return words + [f"{path} [secret]" for path in resource.secret_paths]


def _armor_rule(rule: dict[str, Any]) -> str:
    """What a rule does, and with whom: all ranges, since the one that is left out may be the whole internet."""
    ranges = _at(rule, "match.config.srcIpRanges") or ["what an expression matches"]
    return f"{rule['action']} {', '.join(ranges)}"


def _many(same: list[Resource]) -> Text:
    """Three or more of a kind in one line, each by its first word."""
    text = Text.assemble((f"{len(same)} × {_short(same[0].type)}", "cyan"))
    return text.append("  " + ", ".join((_words(r) or [_physical(r)])[0] for r in same), "dim")


def _short(type_: str) -> str:
    """`gcp:container/nodePool:NodePool` → gcp NodePool."""
    package, _, rest = type_.partition(":")
    if package == "pulumi":
        return f"{rest.rpartition(':')[2]} provider"
    return f"{package} {rest.rpartition(':')[2]}"


def _physical(resource: Resource) -> str:
    metadata = resource.inputs.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else resource.inputs.get("name")
    return str(name or resource.name)


def _flat(value: Any) -> list[str]:
    """A value as words: of a list those of each item."""
    return [word for item in value for word in _flat(item)] if isinstance(value, list) else [str(value)]


def _at(inputs: Any, path: str) -> Any:
    """The value at a path such as `allows[0].protocol`, of all items at `allows[].ports`; None where there is none."""
    here = inputs
    before, each, after = path.partition("[].")
    if each:
        found = [_at(item, after) for item in _at(inputs, before) or []]
        return [value for value in found if value is not None]
    for part in path.replace("[", ".[").split("."):
        if part.startswith("["):
            index = int(part[1:-1])
            here = here[index] if isinstance(here, list) and len(here) > index else None
        else:
            here = here.get(part) if isinstance(here, dict) else None
    return here


def _graph(graph: Graph) -> RenderableType:
    served = f", served as {graph.served_name}" if graph.served_name != graph.card.name else ""
    head = Text.assemble(
        ("Graph ", "bold"),
        (graph.name, "bold"),
        f": {graph.card.repository}{served}, layout {graph.layout}, {graph.gpus} GPUs",
    )
    routing = "KV-aware router" + (
        f", KV cache moved by {graph.kv_transfer.upper()}" if graph.kv_transfer else ", no KV cache moves"
    )
    counts = ("engines", "GPUs each", "weights GiB/GPU", "KV tokens", f"sequences of {graph.max_model_len}")
    table = printing.table("role", *counts[:2], "pool", *counts[2:], right=counts)
    for worker in graph.workers:
        memory = worker.memory
        table.add_row(
            worker.role,
            f"{worker.replicas} to {worker.most_replicas}" if worker.autoscaled else str(worker.replicas),
            str(worker.tensor_parallel) if memory else "none, simulated",
            graph.pool_of(worker) or "any that fits",
            *(
                (f"{memory.weights / sizing.GIB:.1f}", f"{memory.kv_tokens:,}", str(memory.full_sequences))
                if memory
                else ("–", "–", "–")
            ),
        )
    why = graph.card.layouts[graph.layout].why
    return Group(head, _indented(Text(f"{routing}. {why[0].upper()}{why[1:]}.", "dim")), _indented(table))


def _cost(plan: Plan) -> RenderableType:
    nics = sum(pool.nics for pool in plan.gpu_pools) if plan.rdma is not RdmaMode.NONE else 0
    head = f"[bold]Plan[/]: {plan.gpus} GPUs, {nics} RDMA NICs, {sum(p.nodes for p in plan.pools)} nodes"
    if not plan.costs:
        return Text.from_markup(
            f"{head}, all of the cluster that is there: their cost is not this stack's and not known"
        )
    table = printing.table("what", "USD/hour", "USD/day", "price", right=("USD/hour", "USD/day"))
    for item in plan.costs:
        known, bound = item.usd_per_hour, item.usd_bound
        table.add_row(item.what, _bounded(known, bound), _bounded(known, bound, 24), item.basis)
    table.add_section()
    known, bound = plan.cost_per_hour, plan.cost_bound
    table.add_row("[bold]in all[/]", f"[bold]{_bounded(known, bound)}[/]", f"[bold]{_bounded(known, bound, 24)}[/]", "")
    if known is None:
        table.add_row("of it known", _usd(plan.cost_known), _usd(plan.cost_known, 24), "")
    if plan.cost_at_most != bound:
        at_most = (_usd(plan.cost_at_most), _usd(plan.cost_at_most, 24))
        table.add_row("all scaled up", *at_most if known is not None else (f"≤ {usd}" for usd in at_most), "")
    return Group(Text.from_markup(head), _indented(table))


def _first_token(first: FirstToken) -> RenderableType:
    table = printing.table("phase", "min", "GPUs paid", "assumed", right=("min",))
    for phase in first.phases:
        table.add_row(phase.what, f"{phase.minutes:.0f}", "yes" if phase.gpus_paid else "no", phase.assumes)
    usd = "" if first.usd is None else f", {first.usd:,.0f} USD"
    head = (
        f"[bold]First token[/]: {first.minutes:.0f} min after a first `pulumi up`, {first.paid_gpu_minutes:,.0f} paid "
        f"GPU-minutes before it{usd}; an ESTIMATE, nothing of it measured"
    )
    return Group(Text.from_markup(head), _indented(table))


def _bounded(per_hour: float | None, bound: float | None, hours: int = 1) -> str:
    """A price, or the bound that an unknown one does not exceed."""
    return f"≤ {_usd(bound, hours)}" if per_hour is None and bound is not None else _usd(per_hour, hours)


def _usd(per_hour: float | None, hours: int = 1) -> str:
    return "not known" if per_hour is None else f"{per_hour * hours:,.2f}"


def _list(console: Console, title: str, lines: Iterable[str], style: str) -> None:
    found = list(lines)
    if found:
        console.print(f"\n[bold {style}]{title}[/]")
        _bullets(console, found)


def _bullets(console: Console, lines: Iterable[str]) -> None:
    """A line that is too long goes on under its own text, not under the bullet."""
    grid = Table.grid(padding=(0, 1))
    for line in lines:
        grid.add_row("•", line)
    console.print(_indented(grid))


def _indented(what: RenderableType) -> RenderableType:
    return Padding(what, (0, 0, 0, 2), expand=False)


def _preflight(console: Console, plan: Plan) -> None:
    if not plan.preflight:
        console.print("\n[bold]Preflight[/]: off")
        return
    questions = preflight.questions(plan)
    if not questions:
        console.print("\n[bold]Preflight[/]: nothing can be asked of a cluster that is known by its context only")
        return
    console.print("\n[bold]Preflight[/]: not asked here; `pulumi preview` asks whether")
    _bullets(console, (escape(question.what) for question in questions))


# As many resources as a violation names; more are counted.
_NAMED = 3


def _violations(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """One line for each thing that is wrong, however many resources it is wrong with."""
    where: dict[tuple[str, str, str], list[str]] = {}
    for verdict in verdicts:
        resource = verdict.urn.rpartition("::")[2] or "the whole stack"
        where.setdefault((verdict.level, verdict.policy, verdict.message), []).append(resource)
    for (level, policy, message), resources in where.items():
        more = f" and {len(resources) - _NAMED} more" if len(resources) > _NAMED else ""
        yield escape(f"{level} {policy}: {message} ({', '.join(resources[:_NAMED])}{more})")


def _remedies(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """Rule → what to do about it, each once however often it is violated."""
    return {verdict.policy: verdict.remedy for verdict in verdicts if verdict.remedy}


def _outputs(outputs: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in outputs.items():
        if name == "graphs":
            value = {graph: f"{g['model']}, {g['layout']}, {g['gpus']} GPUs" for graph, g in value.items()}
        rows = value.items() if isinstance(value, dict) else [("", value)]
        for key, inner in rows:
            table.add_row(f"{name}.{key}" if key else name, escape(str(inner)))
    return table
