"""Two previews compared: what happens to each resource, why, and what it costs."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ops.changes.change import Kind, cost
from ops.changes.comparison import compare
from ops.changes.previewed import Cost, Registered, Snapshot
from ops.report.diff_report import effects
from planning.summary import summary
from policies.kinds import BUCKET, CLUSTER, GRAPH, NETWORK, NODE_POOL
from tests.snapshots import GPUS, one, only, pool, stack, urn
from tests.stacks import planned

JOB = "kubernetes:batch/v1:Job"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
KUBERNETES = "pulumi:providers:kubernetes"
COMPONENT = "dynamo-gke:infra:GpuPool"


def other_reservation(**options: Any) -> Registered:
    affinity = {**GPUS["reservationAffinity"], "values": ["b"]}
    return pool({"nodeConfig": {**GPUS, "reservationAffinity": affinity}}, **options)


@dataclass(frozen=True)
class Case:
    name: str
    before: tuple[Registered, ...]
    after: tuple[Registered, ...]
    want: dict[str, Kind]
    """Name → what happens to it; those that stay are left out."""
    because: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


CLUSTER_A, CLUSTER_B = (one(CLUSTER, {"name": "c", "location": place}) for place in ("europe-west1", "us-east4"))
IN_CLUSTER = replace(pool({"cluster": "[unknown]"}), property_dependencies={"cluster": (CLUSTER_A.urn,)})
PROVIDER_A, PROVIDER_B = (one(KUBERNETES, {"clusterIdentifier": identifier}, "k") for identifier in ("a", "b"))
HELD = replace(one(CONFIG_MAP, {"metadata": {"name": "m"}}), provider=PROVIDER_A.urn)
NAMED = {"metadata": {"name": "j", "namespace": "n"}}

CASES = [
    Case("the same", (pool(),), (pool(),), {}),
    Case("new", (), (pool(),), {"prefill-pool": Kind.CREATED}),
    Case("gone", (pool(),), (), {"prefill-pool": Kind.DELETED}),
    Case("more nodes", (pool({"nodeCount": 1}),), (pool({"nodeCount": 2}),), {"prefill-pool": Kind.UPDATED}),
    Case(
        "another reservation",
        (pool(),),
        (other_reservation(),),
        {"prefill-pool": Kind.REPLACED},
        {"prefill-pool": ("nodeConfig.reservationAffinity.values",)},
    ),
    Case(
        "a block that comes forces too",
        (pool(),),
        (pool({"placementPolicy": {"type": "COMPACT"}}),),
        {"prefill-pool": Kind.REPLACED},
        {"prefill-pool": ("placementPolicy.type",)},
    ),
    Case("what is ignored", (pool(),), (other_reservation(ignoreChanges=["nodeConfig.reservationAffinity"]),), {}),
    Case(
        "a block that is ignored may go",
        (pool({"nodeConfig": {**GPUS, "ephemeralStorageLocalSsdConfig": {"localSsdCount": 16}}}),),
        (pool(ignoreChanges=["nodeConfig.ephemeralStorageLocalSsdConfig"]),),
        {},
    ),
    Case(
        "a cluster takes its pools along",
        (CLUSTER_A, IN_CLUSTER),
        (CLUSTER_B, IN_CLUSTER),
        {"x": Kind.REPLACED, "prefill-pool": Kind.REPLACED},
        {"x": ("location",), "prefill-pool": ("cluster: x is replaced",)},
    ),
    Case(
        "another cluster behind the provider replaces all that it holds",
        (PROVIDER_A, HELD),
        (PROVIDER_B, HELD),
        {"k": Kind.REPLACED, "x": Kind.REPLACED},
        {"k": ("clusterIdentifier",), "x": ("provider: k is replaced",)},
    ),
    Case(
        "the template of a Job is immutable",
        (one(JOB, {**NAMED, "spec": {"template": {"spec": {"nodeName": "a"}}}}),),
        (one(JOB, {**NAMED, "spec": {"template": {"spec": {"nodeName": "b"}}}}),),
        {"x": Kind.REPLACED},
        {"x": ("spec.template.spec.nodeName",)},
    ),
    Case(
        "a patience is not",
        (one(JOB, {**NAMED, "spec": {"activeDeadlineSeconds": 1}}),),
        (one(JOB, {**NAMED, "spec": {"activeDeadlineSeconds": 2}}),),
        {"x": Kind.UPDATED},
    ),
    Case(
        "a Kubernetes type without a rule keeps its namespace",
        (one("kubernetes:policy/v1:PodDisruptionBudget", {"metadata": {"namespace": "a"}}),),
        (one("kubernetes:policy/v1:PodDisruptionBudget", {"metadata": {"namespace": "b"}}),),
        {"x": Kind.REPLACED},
        {"x": ("metadata.namespace",)},
    ),
    Case(
        "renamed without an alias",
        (one(NETWORK, {"name": "n"}, "old"),),
        (one(NETWORK, {"name": "n"}, "new"),),
        {"old": Kind.DELETED, "new": Kind.CREATED},
    ),
    Case(
        "renamed with an alias",
        (one(NETWORK, {"name": "n"}, "old"),),
        (one(NETWORK, {"name": "n"}, "new", aliases=[urn(NETWORK, "old")]),),
        {},
    ),
    Case("components are no cloud objects", (one(COMPONENT, {}),), (), {}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_happens(case: Case) -> None:
    found = compare(stack(*case.before), stack(*case.after)).changes
    assert {change.name: change.kind for change in found} == case.want
    assert {change.name: change.because for change in found if change.because} == case.because


@pytest.mark.parametrize(
    ("was", "child", "aliases", "kept"),
    [
        ("old-pool", "new-pool", (), True),
        ("old-pool", "old-pool", (), True),
        ("new-pool", "new-pool", (), False),  # Pulumi takes the name for one that was renamed with the component
        ("old-pool", "another", ("old-pool",), True),
        ("old-pool", "another", ("new-pool",), True),
        ("old-pool", "another", (), False),
    ],
)
def test_an_alias_of_a_component_keeps_its_children(was: str, child: str, aliases: tuple[str, ...], kept: bool) -> None:
    def under(component: Registered, name: str, *aliases: str) -> Registered:
        def of_child(name: str) -> str:
            return urn(f"{component.type}${NODE_POOL}", name)

        found = one(NODE_POOL, {"name": "p", "nodeConfig": GPUS}, name, aliases=[of_child(alias) for alias in aliases])
        return replace(found, urn=of_child(name), parent=component.urn)

    old = one("dynamo-gke:infra:Former", {}, "old")
    new = one(COMPONENT, {}, "new", aliases=[old.urn])
    changes = compare(stack(old, under(old, was)), stack(new, under(new, child, *aliases))).changes
    assert (changes == ()) is kept


BUCKET_OF_WEIGHTS = one(BUCKET, {"name": "w"})


@pytest.mark.parametrize(
    ("before", "after", "want"),
    [
        ((pool(),), (), "destroys the pool's nodes and stops their pods; releases 2 reserved H200 nodes"),
        ((CLUSTER_A,), (CLUSTER_B,), "destroys the cluster and everything in it"),
        ((BUCKET_OF_WEIGHTS,), (), "deletes all weights"),
        (
            (replace(BUCKET_OF_WEIGHTS, options={"retainOnDelete": True}),),
            (),
            "keeps the bucket with all weights, unmanaged",
        ),
        (
            (one(NETWORK, {"networkProfile": "a"}),),
            (one(NETWORK, {"networkProfile": "b"}),),
            "destroys the network and everything on it",
        ),
    ],
)
def test_an_expensive_change_needs_approval_and_says_what_it_costs(
    before: tuple[Registered, ...], after: tuple[Registered, ...], want: str
) -> None:
    comparison = compare(stack(*before, prefill=2), stack(*after, prefill=2))
    assert cost(only(comparison)) == want
    assert comparison.guarded == comparison.changes


def test_a_replaced_provider_is_not_asked_which_of_the_two_goes_first() -> None:
    before, after = (
        replace(one(JOB, {**NAMED, "spec": {"template": {"spec": {"nodeName": node}}}}), provider=provider.urn)
        for node, provider in (("a", PROVIDER_A), ("b", PROVIDER_B))
    )
    orders = [
        {change.name: change.deleted_first for change in compare(stack(old, before), stack(new, after)).changes}["x"]
        for old, new in ((PROVIDER_A, PROVIDER_A), (PROVIDER_A, PROVIDER_B))
    ]
    assert orders == [True, False]


@pytest.mark.parametrize("option", ["protect", "retainOnDelete"])
def test_an_option_of_the_engine_alone_is_no_update(option: str) -> None:
    options: dict[str, Any] = {option: True}
    change = only(compare(stack(pool(**options)), stack(pool())))
    assert change.kind is Kind.UNCHANGED
    assert [(i.path, i.before, i.after) for i in change.inputs] == [(f"option {option}", "true", "false")]


def test_a_lookup_after_a_replaced_api_is_unknown_and_may_force_a_replacement() -> None:
    api, budget = "gcp:projects/service:Service", "gcp:billing/budget:Budget"

    def of(project: str, account: str) -> Snapshot:
        return stack(
            one(api, {"service": "cloudbilling.googleapis.com", "project": project}, "cloudbilling"),
            one(budget, {"billingAccount": account, "displayName": "x"}, "budget"),
        )

    looked_up = {change.name: change for change in compare(of("a", "[unknown]"), of("b", "[unknown]")).changes}
    assert looked_up["budget"].kind is Kind.REPLACED
    assert looked_up["budget"].because == ("billingAccount: looked up after cloudbilling",)
    assert [change.name for change in compare(of("a", "1"), of("b", "1")).changes] == ["cloudbilling"]


def test_fewer_nodes_go_back_without_a_replacement() -> None:
    comparison = compare(stack(pool({"nodeCount": 3}), prefill=3), stack(pool({"nodeCount": 1}), prefill=1))
    assert comparison.losses == ("releases 2 reserved H200 nodes",)
    assert comparison.guarded == comparison.changes


def test_protection_and_order_are_reported() -> None:
    change = only(compare(stack(pool(protect=True)), stack(other_reservation(deleteBeforeReplace=True))))
    assert (change.protected, change.deleted_first) == (True, True)
    assert [(i.path, i.before, i.after) for i in change.inputs if i.path.startswith("option")] == [
        ("option protect", "true", "false")
    ]


@pytest.mark.parametrize(
    ("type_", "options", "deleted_first"),
    [
        # Google's bridge deletes first whenever the program gives the name, another one included.
        (NETWORK, {}, True),
        (NETWORK, {"deleteBeforeReplace": False}, False),
        ("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember", {}, False),
        ("gcp:projects/iAMMember:IAMMember", {}, True),
        ("kubernetes:core/v1:Service", {}, False),
        ("kubernetes:core/v1:Service", {"deleteBeforeReplace": True}, True),
    ],
)
def test_which_of_the_two_goes_first(type_: str, options: dict[str, Any], deleted_first: bool) -> None:
    before, after = ({"name": name, "role": name, "metadata": {"name": name}} for name in "ab")
    change = only(compare(stack(one(type_, before)), stack(one(type_, after, **options))))
    assert (change.kind, change.deleted_first) == (Kind.REPLACED, deleted_first)


def test_a_value_that_is_secret_on_either_side_is_not_shown() -> None:
    before = one(CONFIG_MAP, {"data": {"key": "plain-before"}})
    after = replace(one(CONFIG_MAP, {"data": {"key": "[secret]"}}), secret_paths=("data.key",))
    (shown,) = only(compare(stack(before), stack(after))).inputs
    assert (shown.path, shown.before, shown.after) == ("data.key", "[secret]", "[secret]")


def graph(replicas: int, flag: str) -> Registered:
    components = [
        {"name": "frontend", "type": "frontend", "replicas": 2},
        {"name": "decode", "type": "decode", "replicas": replicas, "podTemplate": {"spec": {"args": [flag]}}},
    ]
    return one(GRAPH, {"metadata": {"name": "chat"}, "spec": {"components": components}}, "chat-graph")


@pytest.mark.parametrize(
    ("after", "rolling"), [(graph(9, "--a"), ()), (graph(1, "--b"), ("chat",)), (graph(1, "--a"), ())]
)
def test_workers_restart_only_when_their_template_changes(after: Registered, rolling: tuple[str, ...]) -> None:
    assert compare(stack(graph(1, "--a")), stack(after)).rolling == rolling


def fixed(framework: str, *components: str, **options: Any) -> Registered:
    spec = {"backendFramework": framework, "components": [{"name": name} for name in components]}
    return one(GRAPH, {"metadata": {"name": "chat"}, "spec": spec}, "chat-graph", **options)


TRIGGERED = {"replacementTrigger": "vllm: decode", "deleteBeforeReplace": True}
OTHER = {"replacementTrigger": "sglang: decode", "deleteBeforeReplace": True}


def test_a_graph_of_another_engine_is_replaced_or_refused() -> None:
    """The operator refuses the update; only a graph that was deployed with a trigger is replaced instead."""
    (replaced,) = compare(
        stack(fixed("vllm", "decode", **TRIGGERED)), stack(fixed("sglang", "decode", **OTHER))
    ).changes
    assert (replaced.kind, replaced.deleted_first, replaced.fails) == (Kind.REPLACED, True, ())
    assert replaced.because == ("replacementTrigger: from vllm: decode to sglang: decode",)
    for other in (fixed("sglang", "decode", **OTHER), fixed("vllm", "decode", "prefill", **OTHER)):
        (refused,) = compare(stack(fixed("vllm", "decode")), stack(other)).changes
        assert (refused.kind, refused.guarded) == (Kind.UPDATED, True)
        assert "the operator changes neither the engine nor the components" in refused.fails[0]


@pytest.mark.parametrize(("replicas", "fails"), [(1, False), (2, True), (None, False)])
def test_the_operator_starts_autoscaling_only_from_one_replica(replicas: int | None, fails: bool) -> None:
    before, after = fixed("vllm", "decode"), fixed("vllm", "decode")
    if replicas is not None:
        before.inputs["spec"]["components"][0]["replicas"] = replicas
    after.inputs["spec"]["components"][0]["scalingAdapter"] = {}
    change = only(compare(stack(before), stack(after)))
    assert bool(change.fails) == fails
    if fails:
        assert "first set models.chat.decode.replicas to 1 and update" in change.fails[0]


def test_a_graph_that_gets_its_first_trigger_does_not_change() -> None:
    assert compare(stack(fixed("vllm", "decode")), stack(fixed("vllm", "decode", **TRIGGERED))).changes == ()


def test_losses_of_one_kind_are_reported_once() -> None:
    pools = [replace(pool(), urn=f"{i}", name=f"p{i}") for i in range(5)]
    assert compare(stack(*pools, prefill=1), stack()).losses == (
        "releases 5 reserved H200 nodes",
        "destroys the pool's nodes and stops their pods (p0, p1 and 3 more)",
    )


@pytest.mark.parametrize(
    ("before", "after", "want"),
    [
        ("x" * 80 + "-b", "x" * 80 + "-c", ('"…b"', '"…c"')),
        ("hf_" + "x" * 80 + "-b", "hf_" + "x" * 80 + "-c", ('"[secret]"', '"[secret]"')),
        (["a", "b"], ["a", "c"], ('["b"]', '["c"]')),
        (["a", "b"], ["b", "a"], ('["a", "b"]', '["b", "a"]')),
        (None, 1, ("none", "1")),
    ],
)
def test_values_are_short_and_differ_to_the_eye(before: Any, after: Any, want: tuple[str, str]) -> None:
    (shown,) = only(compare(stack(one(CONFIG_MAP, {"v": before})), stack(one(CONFIG_MAP, {"v": after})))).inputs
    assert (shown.before, shown.after) == want


@pytest.mark.parametrize(
    ("bounds", "guarded", "said", "notes"),
    [
        ((1, 3), False, "", ("the autoscaler may release 1 more node while idle",)),
        ((2, 2), True, "may release up to 1 reserved H200 node", ()),
        (None, True, "releases 1 to 2 reserved H200 nodes", ()),
    ],
)
def test_an_update_of_a_scaled_pool(
    bounds: tuple[int, int] | None, guarded: bool, said: str, notes: tuple[str, ...]
) -> None:
    def scaled(least: int, most: int) -> Registered:
        counts = {"totalMinNodeCount": least, "totalMaxNodeCount": most}
        return pool({"autoscaling": counts}, ignoreChanges=["nodeCount"])

    change = only(compare(stack(scaled(2, 3)), stack(scaled(*bounds) if bounds else pool({"nodeCount": 1}))))
    assert (change.kind, change.guarded, cost(change), change.notes) == (Kind.UPDATED, guarded, said, notes)


def test_a_cluster_that_leaves_a_zone_releases_its_pools_nodes() -> None:
    wide, narrow = (one(CLUSTER, {"name": "c", "nodeLocations": zones}) for zones in (["a", "b"], ["a"]))
    change = only(compare(stack(wide), stack(narrow)))
    assert (change.kind, change.guarded) == (Kind.UPDATED, True)
    assert change.loss == "releases the nodes of every pool in the removed zones"


def test_an_update_that_recreates_nodes_says_so() -> None:
    def pool(port: str, nodes: int = 1) -> Registered:
        kubelet = {"insecureKubeletReadonlyPortEnabled": port}
        return one(NODE_POOL, {"name": "decode", "nodeConfig": {"kubeletConfig": kubelet}, "nodeCount": nodes})

    remade = only(compare(stack(pool("TRUE")), stack(pool("FALSE"))))
    assert (remade.kind, remade.loss) == (
        Kind.UPDATED,
        "recreates the pool's nodes one by one; their pods restart",
    )
    assert remade.guarded
    other = only(compare(stack(pool("TRUE")), stack(pool("TRUE", nodes=2))))
    assert (other.kind, other.loss) == (Kind.UPDATED, "")


def test_the_cost_of_both_is_kept() -> None:
    comparison = compare(stack(usd=1.5), stack(usd=170.0))
    assert (comparison.cost_before, comparison.cost_after) == (Cost(usd=1.5), Cost(usd=170.0))


def test_a_stack_without_a_known_price_is_compared_all_the_same() -> None:
    comparison = compare(stack(usd=1.5), stack(usd=None))
    assert effects(comparison) == ["cost per hour: $1.50 → not known"]
    printed = {"resources": [], "plan": {"pools": [], "costPerHour": None}}
    assert Snapshot.from_wire(printed).cost == Cost(usd=None)


@pytest.mark.parametrize(
    ("cost", "says"),
    [
        (Cost(usd=None, known=1.75, bound=170.0), "at most $170.00, of which $1.75 is known"),
        (Cost(usd=None, known=1.75), "not known, of which $1.75 is known"),
        (Cost(usd=None, known=0.0), "not known"),
        (Cost(usd=2.0, known=2.0, bound=2.0), "$2.00"),
    ],
)
def test_a_cost_without_a_fixed_price_gives_its_bound_and_its_known_part(cost: Cost, says: str) -> None:
    assert str(cost) == says


def test_the_cost_of_a_spot_stack_is_compared_as_the_plan_has_it() -> None:
    plan = planned({"capacity": {"mode": "spot"}})
    spot = Snapshot.from_wire({"resources": [], "plan": summary(plan)})
    comparison = compare(stack(usd=1.5), spot)
    assert plan.cost_bound is not None
    assert effects(comparison) == [
        f"cost per hour: $1.50 → at most ${plan.cost_bound:,.2f}, of which ${plan.cost_known:,.2f} is known"
    ]
    assert effects(compare(spot, spot)) == []
