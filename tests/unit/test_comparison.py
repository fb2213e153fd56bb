"""Two previews compared: what happens to each resource, why, and what it costs."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ops.comparison import Change, Comparison, Kind, Registered, Snapshot, compare, cost
from ops.diff import effects
from ops.replacement import BUCKET, CLUSTER, GRAPH, NETWORK, NODE_POOL

JOB = "kubernetes:batch/v1:Job"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
KUBERNETES = "pulumi:providers:kubernetes"
COMPONENT = "dynamo-gke:infra:GpuPool"

GPUS = {
    "guestAccelerators": [{"type": "nvidia-h200-141gb", "count": 8}],
    "reservationAffinity": {"consumeReservationType": "SPECIFIC_RESERVATION", "values": ["a"]},
}


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:s::dynamo-gke::{type_}::{name}"


def one(type_: str, inputs: dict[str, Any], name: str = "x", **options: Any) -> Registered:
    return Registered(
        urn=urn(type_, name),
        type=type_,
        name=name,
        parent=None,
        provider=None,
        inputs=inputs,
        depends_on=(),
        options=options,
        secret_paths=(),
    )


def stack(*resources: Registered, usd: float | None = 0.0, **nodes: int) -> Snapshot:
    return Snapshot(resources=resources, nodes=nodes, usd_per_hour=usd)


def pool(inputs: dict[str, Any] | None = None, **options: Any) -> Registered:
    return one(NODE_POOL, {"name": "prefill", "nodeConfig": GPUS, **(inputs or {})}, "prefill-pool", **options)


def other_reservation(**options: Any) -> Registered:
    affinity = {**GPUS["reservationAffinity"], "values": ["b"]}
    return pool({"nodeConfig": {**GPUS, "reservationAffinity": affinity}}, **options)


def only(comparison: Comparison) -> Change:
    (change,) = comparison.changes
    return change


@dataclass(frozen=True)
class Case:
    name: str
    before: tuple[Registered, ...]
    after: tuple[Registered, ...]
    want: dict[str, Kind]
    """Name → what happens to it; those that stay are left out."""
    because: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


CLUSTER_A, CLUSTER_B = (one(CLUSTER, {"name": "c", "location": place}) for place in ("europe-west1", "us-east4"))
IN_CLUSTER = replace(pool({"cluster": "[unknown]"}), depends_on=(CLUSTER_A.urn,))
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


def test_an_alias_of_a_component_keeps_its_children() -> None:
    def under(component: str) -> Registered:
        child = one(NODE_POOL, {"name": "p", "nodeConfig": GPUS}, f"{component}-pool")
        return replace(
            child,
            urn=urn(f"{COMPONENT}${NODE_POOL}", f"{component}-pool"),
            parent=urn(COMPONENT, component),
        )

    renamed = one(COMPONENT, {}, "new", aliases=[urn(COMPONENT, "old")])
    assert compare(stack(one(COMPONENT, {}, "old"), under("old")), stack(renamed, under("new"))).changes == ()


BUCKET_OF_WEIGHTS = one(BUCKET, {"name": "w"})


@pytest.mark.parametrize(
    ("before", "after", "want"),
    [
        ((pool(),), (), "TAKES THE NODES AND WHAT RUNS ON THEM DOWN; GIVES 2 RESERVED H200 NODES BACK"),
        ((CLUSTER_A,), (CLUSTER_B,), "TAKES THE CLUSTER AND ALL IN IT DOWN"),
        ((BUCKET_OF_WEIGHTS,), (), "DELETES ALL WEIGHTS"),
        (
            (replace(BUCKET_OF_WEIGHTS, options={"retainOnDelete": True}),),
            (),
            "LEAVES THE BUCKET WITH ALL WEIGHTS BEHIND, NO LONGER MANAGED",
        ),
        ((one(NETWORK, {"mtu": 1460}),), (one(NETWORK, {"mtu": 8896}),), "TAKES THE NETWORK AND ALL ON IT DOWN"),
    ],
)
def test_what_is_dear_needs_a_word_and_says_what_it_costs(
    before: tuple[Registered, ...], after: tuple[Registered, ...], want: str
) -> None:
    comparison = compare(stack(*before, prefill=2), stack(*after, prefill=2))
    assert cost(only(comparison)) == want
    assert comparison.guarded == comparison.changes


def test_fewer_nodes_go_back_without_a_replacement() -> None:
    comparison = compare(stack(pool({"nodeCount": 3}), prefill=3), stack(pool({"nodeCount": 1}), prefill=1))
    assert comparison.losses == ("GIVES 2 RESERVED H200 NODES BACK",)
    assert comparison.guarded == ()


def test_a_pool_without_gpus_is_not_guarded() -> None:
    system = one(NODE_POOL, {"name": "system", "nodeConfig": {"machineType": "e2-standard-8"}})
    assert compare(stack(system), stack()).guarded == ()


def test_protection_and_order_are_told() -> None:
    change = only(compare(stack(pool(protect=True)), stack(other_reservation(deleteBeforeReplace=True))))
    assert (change.protected, change.deleted_first) == (True, True)
    assert [(i.path, i.before, i.after) for i in change.inputs if i.path.startswith("option")] == [
        ("option protect", "true", "false")
    ]


def test_a_new_fixed_name_is_made_before_the_old_one_goes() -> None:
    change = only(compare(stack(one(NETWORK, {"name": "a"})), stack(one(NETWORK, {"name": "b"}))))
    assert (change.kind, change.deleted_first) == (Kind.REPLACED, False)


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
def test_workers_roll_with_their_template_only(after: Registered, rolling: tuple[str, ...]) -> None:
    assert compare(stack(graph(1, "--a")), stack(after)).rolling == rolling


def test_losses_of_one_kind_are_told_once() -> None:
    pools = [replace(pool(), urn=f"{i}", name=f"p{i}") for i in range(5)]
    assert compare(stack(*pools, prefill=1), stack()).losses == (
        "GIVES 5 RESERVED H200 NODES BACK",
        "TAKES THE NODES AND WHAT RUNS ON THEM DOWN (p0, p1 and 3 more)",
    )


@pytest.mark.parametrize(
    ("before", "after", "want"),
    [
        ("x" * 80 + "-b", "x" * 80 + "-c", ('"…b"', '"…c"')),
        ("hf_" + "x" * 80 + "-b", "hf_" + "x" * 80 + "-c", ("[secret]", "[secret]")),
        (["a", "b"], ["a", "c"], ('["b"]', '["c"]')),
        (["a", "b"], ["b", "a"], ('["a", "b"]', '["b", "a"]')),
        (None, 1, ("null", "1")),
    ],
)
def test_values_are_short_and_differ_to_the_eye(before: Any, after: Any, want: tuple[str, str]) -> None:
    (shown,) = only(compare(stack(one(CONFIG_MAP, {"v": before})), stack(one(CONFIG_MAP, {"v": after})))).inputs
    assert (shown.before, shown.after) == want


def test_an_update_that_makes_nodes_anew_says_so() -> None:
    def pool(port: str, nodes: int = 1) -> Registered:
        return one(NODE_POOL, {"name": "decode", "nodeConfig": {"kubeletConfig": {"readOnlyPort": port}}, "n": nodes})

    remade = only(compare(stack(pool("TRUE")), stack(pool("FALSE"))))
    assert (remade.kind, remade.loss) == (
        Kind.UPDATED,
        "MAKES THE NODES ANEW, ONE AFTER THE OTHER, AND WHAT RUNS ON THEM",
    )
    other = only(compare(stack(pool("TRUE")), stack(pool("TRUE", nodes=2))))
    assert (other.kind, other.loss) == (Kind.UPDATED, "")


def test_the_cost_of_both_is_kept() -> None:
    comparison = compare(stack(usd=1.5), stack(usd=170.0))
    assert (comparison.usd_before, comparison.usd_after) == (1.5, 170.0)


def test_a_stack_without_a_known_price_is_compared_all_the_same() -> None:
    comparison = compare(stack(usd=1.5), stack(usd=None))
    assert effects(comparison) == ["cost per hour: $1.50 → not known"]
    printed = {"resources": [], "plan": {"pools": [], "costPerHour": None}}
    assert Snapshot.from_wire(printed).usd_per_hour is None
