"""The stand-in for Dynamo's operator: what it decides, without a cluster."""

import base64
import json
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

import pytest

from manifests import labels
from manifests.graph import build
from ops.rehearsal.platform import admission, children, names, pods, rollout, status
from ops.rehearsal.platform.names import Object
from ops.rehearsal.platform.webhook import Identity, answer
from planning import names as ours
from tests import strict
from tests.stacks import planned

SCALED = {"models.chat": {"model": "llama-3.3-70b-instruct", "layout": "multi-node",
                          "autoscaling": {"decode": {"min": 1, "max": 2}}}}  # fmt: skip


@cache
def _rendered(*, scaled: bool) -> Object:
    plan = planned(SCALED if scaled else None)
    return build(plan.graphs[0], plan.labels).to_wire()


def graph(change: Callable[[Object], Any] = lambda _: None, *, scaled: bool = False) -> Object:
    """The graph of prod as the API server stores it, with a change."""
    found = deepcopy(_rendered(scaled=scaled))
    found["metadata"] |= {"uid": "u-1", "generation": 1}
    change(found)
    return found


def component(of: Object, name: str) -> Object:
    return next(each for each in of["spec"]["components"] if each["name"] == name)


def deployed(of: Object, name: str) -> Object:
    found = rollout.next_step(of, []).deployments
    return next(each for each in found if each["metadata"]["labels"][names.COMPONENT] == name)


def main(of: Object, name: str) -> Object:
    return deployed(of, name)["spec"]["template"]["spec"]["containers"][0]


def test_the_program_finds_what_the_operator_creates() -> None:
    created = {(each["kind"], each["metadata"]["name"]) for each in children.fixed(graph())}
    assert ("Service", ours.frontend_service("chat")) in created
    assert ("Role", ours.discovery_role("chat")) in created
    (adapter,) = children.adapters(graph(scaled=True))
    assert adapter["metadata"]["name"] == ours.scaling_adapter("chat", "decode")
    pod = deployed(graph(), "decode")["spec"]["template"]["metadata"]["labels"]
    assert (pod[labels.GRAPH], pod[labels.COMPONENT], pod[labels.COMPONENT_TYPE]) == ("chat", "decode", "decode")
    assert pod[labels.METRICS_ENABLED] == "true"
    assert len(pod[labels.WORKER_HASH]) == pods.HASH_LENGTH


@pytest.mark.parametrize("scaled", [False, True])
def test_kubernetes_takes_what_the_operator_creates(scaled: bool) -> None:
    created = [*children.fixed(graph(scaled=scaled)), *rollout.next_step(graph(scaled=scaled), []).deployments]
    assert strict.errors(created) == []
    assert {each["metadata"]["ownerReferences"][0]["uid"] for each in created} == {"u-1"}


def test_a_worker_gets_the_operators_defaults_and_keeps_its_own() -> None:
    def change(of: Object) -> None:
        spec = component(of, "prefill")["podTemplate"]["spec"]
        spec["containers"][0]["env"] += [{"name": "DYN_SYSTEM_PORT", "value": "9191"}]
        spec["containers"][0]["readinessProbe"] = {"exec": {"command": ["true"]}}
        spec["containers"][0]["volumeMounts"] += [{"name": "weights", "mountPath": "/dev/shm"}]
        of["spec"]["env"] = [{"name": "OURS", "value": "1"}, {"name": "NIXL_TELEMETRY_EXPORTER", "value": "none"}]

    made = main(graph(change), "prefill")
    env = {each["name"]: each.get("value") for each in made["env"]}
    assert len(env) == len(made["env"])
    assert env["DYN_NAMESPACE"] == "dynamo-chat"
    assert env["DYN_NAMESPACE_WORKER_SUFFIX"] == pods.worker_hash(graph(change))
    assert (env["DYN_SYSTEM_PORT"], env["NIXL_TELEMETRY_EXPORTER"], env["OURS"]) == ("9191", "none", "1")
    assert [port["name"] for port in made["ports"]] == ["system", "nixl"]
    assert made["readinessProbe"] == {"exec": {"command": ["true"]}}
    assert made["startupProbe"]["failureThreshold"] == 720
    assert [mount["name"] for mount in made["volumeMounts"] if mount["mountPath"] == "/dev/shm"] == ["shared-memory"]


@pytest.mark.parametrize(("size", "limit"), [(None, "8Gi"), ("80Gi", "80Gi"), ("0", None)])
def test_shared_memory_is_the_operators(size: str | None, limit: str | None) -> None:
    def change(of: Object) -> None:
        worker = component(of, "decode")
        worker.pop("sharedMemorySize")
        if size:
            worker["sharedMemorySize"] = size

    spec = deployed(graph(change), "decode")["spec"]["template"]["spec"]
    limits = [each["emptyDir"]["sizeLimit"] for each in spec["volumes"] if each["name"] == "shared-memory"]
    assert limits == ([limit] if limit else [])


def test_a_frontend_without_a_command_gets_one_and_a_pod_without_account_the_operators() -> None:
    def change(of: Object) -> None:
        spec = component(of, "frontend")["podTemplate"]["spec"]
        spec.pop("serviceAccountName")
        spec["securityContext"] = {}
        for key in ("command", "args"):
            spec["containers"][0].pop(key)

    spec = deployed(graph(change), "frontend")["spec"]["template"]["spec"]
    assert (spec["containers"][0]["command"], spec["containers"][0]["args"]) == (["python3"], ["-m", "dynamo.frontend"])
    assert spec["serviceAccountName"] == "chat-k8s-service-discovery"
    assert spec["securityContext"] == {}
    assert deployed(graph(), "frontend")["spec"]["template"]["spec"]["securityContext"] == {"fsGroup": 1000}
    assert main(graph(), "frontend")["command"] == ["python3", "-m", "dynamo.frontend"]


def set_image(role: str) -> Callable[[Object], None]:
    def change(of: Object) -> None:
        component(of, role)["podTemplate"]["spec"]["containers"][0]["image"] = "x:9.9.9"

    return change


def set_replicas(role: str, count: int) -> Callable[[Object], None]:
    return lambda of: component(of, role).update(replicas=count)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (set_replicas("decode", 3), True),
        (set_image("frontend"), True),
        (set_image("decode"), False),
        (set_image("prefill"), False),
    ],
)
def test_a_change_of_one_role_changes_the_generation_of_all_workers(
    change: Callable[[Object], None], same: bool
) -> None:
    assert (pods.worker_hash(graph(change)) == pods.worker_hash(graph())) == same


def controlled(objects: list[Object], new_ready: int) -> list[Object]:
    """Deployments as the controller manager leaves them; pods that are new become ready up to a number."""
    for each in objects:
        there = each.get("status", {}).get("readyReplicas", 0)
        wanted = each["spec"]["replicas"]
        ready = min(wanted, there + new_ready)
        each["metadata"]["generation"] = 1
        each["status"] = {"replicas": wanted, "updatedReplicas": wanted, "readyReplicas": ready,
                          "availableReplicas": ready, "observedGeneration": 1}  # fmt: skip
    return objects


def applied(live: list[Object], step: rollout.Rollout) -> list[Object]:
    after = {each["metadata"]["name"]: each for each in live if each["metadata"]["name"] not in step.obsolete}
    for each in step.deployments:
        old = after.get(each["metadata"]["name"], {})
        after[each["metadata"]["name"]] = {**deepcopy(each), "status": old.get("status", {})}
    for name, replicas in step.scaled.items():
        after[name]["spec"]["replicas"] = replicas
    return list(after.values())


@pytest.mark.parametrize(
    ("count", "surge", "unavailable", "max_replicas", "min_ready"),
    [
        (1, "0", "1", 1, 0),
        (3, "0", "1", 3, 2),
        (2, "1", "0", 3, 2),
        (4, "25%", "25%", 5, 3),
        (2, "0", "0", 3, 2),  # one of the two must be more than zero, and the operator chooses the surge
        (3, "0", "100%", 3, 0),
    ],
)
def test_a_new_generation_replaces_the_old_within_its_limits(
    count: int, surge: str, unavailable: str, max_replicas: int, min_ready: int
) -> None:
    def limited(of: Object) -> None:
        for role in ("prefill", "decode"):
            set_replicas(role, count)(of)
            notes = component(of, role)["podTemplate"]["metadata"]["annotations"]
            notes["nvidia.com/deployment-rolling-update-max-surge"] = surge
            notes["nvidia.com/deployment-rolling-update-max-unavailable"] = unavailable

    def newer(of: Object) -> None:
        limited(of)
        set_image("decode")(of)

    step = rollout.next_step(graph(limited), [])
    live = controlled(applied([], step), 99)
    for _ in range(30):
        step = rollout.next_step(graph(newer), live)
        live = controlled(applied(live, step), 1)
        workers = [each for each in live if each["metadata"]["labels"][names.COMPONENT] == "decode"]
        assert sum(each["status"]["replicas"] for each in workers) <= max_replicas
        assert sum(each["status"]["readyReplicas"] for each in workers) >= min_ready
    assert not step.in_progress
    assert {each["metadata"]["name"] for each in live} == {
        each["metadata"]["name"] for each in rollout.next_step(graph(newer), []).deployments
    }
    assert status.of_graph(graph(newer), step, live, "now")["state"] == "successful"


@pytest.mark.parametrize(("unavailable", "left"), [("1", 1), ("100%", 0)])
def test_an_old_engine_stays_until_enough_of_many_new_ones_are_available(unavailable: str, left: int) -> None:
    def many(of: Object) -> None:
        set_image("prefill")(of)
        set_replicas("prefill", 8)(of)
        notes = component(of, "prefill")["podTemplate"]["metadata"]["annotations"]
        notes["nvidia.com/deployment-rolling-update-max-unavailable"] = unavailable

    live = controlled(applied([], rollout.next_step(graph(), [])), 99)
    for _ in range(9):
        live = controlled(applied(live, rollout.next_step(graph(many), live)), 0)  # no new one has room
    old = {each["metadata"]["name"] for each in rollout.next_step(graph(), []).deployments}
    of_prefill = [each for each in live if each["metadata"]["labels"][names.COMPONENT] == "prefill"]
    assert sum(each["spec"]["replicas"] for each in of_prefill if each["metadata"]["name"] in old) == left


def test_of_several_old_generations_the_available_engines_stay() -> None:
    def of_image(tag: str) -> Callable[[Object], None]:
        def change(of: Object) -> None:
            set_replicas("prefill", 3)(of)
            component(of, "prefill")["podTemplate"]["spec"]["containers"][0]["image"] = f"x:{tag}"

        return change

    live = controlled(applied([], rollout.next_step(graph(of_image("1")), [])), 99)
    for tag in ("2", "3"):  # neither becomes available
        for _ in range(3):
            live = controlled(applied(live, rollout.next_step(graph(of_image(tag)), live)), 0)
    of_prefill = [each for each in live if each["metadata"]["labels"][names.COMPONENT] == "prefill"]
    available = sum(each["status"]["availableReplicas"] for each in of_prefill)
    assert (available, sum(each["spec"]["replicas"] for each in of_prefill)) == (2, 3)


def test_a_graph_is_ready_when_every_pod_of_its_newest_version_is() -> None:
    step = rollout.next_step(graph(), [])
    live = controlled(applied([], step), 99)

    def ready(change: Callable[[list[Object]], Any]) -> tuple[str, str, str]:
        changed = deepcopy(live)
        change(changed)
        found = status.of_graph(graph(), rollout.next_step(graph(), changed), changed, "now")
        assert found["observedGeneration"] == 1
        (condition,) = found["conditions"]
        return found["state"], condition["status"], condition["reason"]

    def one_pod_less(of: list[Object]) -> None:
        of[0]["status"]["readyReplicas"] -= 1

    def not_seen(of: list[Object]) -> None:
        of[1]["metadata"]["generation"] = 2

    def rolling(of: list[Object]) -> None:
        of.append(deepcopy(of[1]))
        of[-1]["metadata"]["name"] += "-old"

    assert ready(lambda _: None) == ("successful", "True", "all_resources_are_ready")
    assert ready(one_pod_less) == ("pending", "False", "pods_not_ready")
    assert ready(not_seen) == ("pending", "False", "pods_not_ready")
    assert ready(lambda of: of.pop()) == ("pending", "False", "pods_not_ready")
    assert ready(rolling) == ("pending", "False", "rolling_update_in_progress")


def test_a_condition_keeps_its_time_while_it_keeps_its_value() -> None:
    step = rollout.next_step(graph(), [])
    first = status.of_graph(graph(), step, [], "first")
    with_status = graph(lambda of: of.update(status=first))
    assert status.of_graph(with_status, step, [], "later") == first
    ready = status.of_graph(with_status, step, controlled(applied([], step), 99), "later")
    assert ready["conditions"][0]["lastTransitionTime"] == "later"


def test_an_adapter_owns_the_replicas_of_its_component() -> None:
    (adapter,) = children.adapters(graph(set_replicas("decode", 2), scaled=True))
    assert adapter["spec"] == {"replicas": 2, "dgdRef": {"name": "chat", "componentName": "decode"}}
    adapter["spec"]["replicas"] = 3
    changed = status.scaled_components(graph(set_replicas("decode", 2), scaled=True), [adapter])
    assert changed is not None
    assert {each["name"]: each.get("replicas") for each in changed}["decode"] == 3
    assert status.scaled_components(graph(set_replicas("decode", 3), scaled=True), [adapter]) is None
    assert status.of_adapter(graph(), adapter) == {
        "replicas": 3,
        "selector": "nvidia.com/dynamo-graph-deployment-name=chat,nvidia.com/dynamo-component=decode",
    }


OPERATOR = "system:serviceaccount:dynamo-system:operator"
REFUSED: list[tuple[str, Callable[[Object], Any], str]] = [
    ("no components", lambda of: of["spec"].update(components=[]), "must have at least one component"),
    ("names", lambda of: component(of, "prefill").update(name="Decode"), "the name decode occurs more than once"),
    ("container", lambda of: component(of, "decode")["podTemplate"]["spec"]["containers"][0].update(name="x"),
     "one container must be called main"),
    ("tag", lambda of: component(of, "decode")["podTemplate"]["spec"]["containers"][0].update(image="x:latest"),
     "runtimeVersionOverride is required"),
    ("grove", lambda of: component(of, "decode").update(minAvailable=1), "requires the Grove pathway"),
    ("multinode", lambda of: component(of, "decode").update(multinode={}), "needs Grove or LeaderWorkerSet"),
    ("priority", lambda of: of["spec"].update(priorityClassName="x"), "requires the Grove pathway"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "says"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_the_webhook_refuses_a_graph_that_the_operator_cannot_run(change: Callable[[Object], Any], says: str) -> None:
    assert any(says in error for error in admission.errors(graph(change), None, "pulumi", OPERATOR))


def test_the_webhook_takes_the_programs_graphs() -> None:
    assert admission.errors(graph(), None, "pulumi", OPERATOR) == []
    assert admission.errors(graph(scaled=True), None, "pulumi", OPERATOR) == []


CHANGES: list[tuple[str, Callable[[Object], Any], str, str]] = [
    ("image", set_image("decode"), "pulumi", ""),
    ("own replicas", set_replicas("prefill", 3), "pulumi", ""),
    ("replicas of an adapter", set_replicas("decode", 3), "pulumi", "replicas cannot be modified directly"),
    ("by the operator", set_replicas("decode", 3), OPERATOR, ""),
    ("by a planner", set_replicas("decode", 3), "system:serviceaccount:dynamo:planner-serviceaccount", ""),
    ("by another account", set_replicas("decode", 3), "system:serviceaccount:dynamo:default", "cannot be modified"),
    ("by a user called like it", set_replicas("decode", 3), "x:planner-serviceaccount", "cannot be modified"),
    ("engine", lambda of: of["spec"].update(backendFramework="sglang"), "pulumi", "backendFramework is immutable"),
    ("removed", lambda of: of["spec"]["components"].pop(), "pulumi", "components removed: ['decode']"),
    ("type", lambda of: component(of, "decode").update(type="worker"), "pulumi", "type is immutable"),
    ("in deletion", lambda of: of.update(metadata={**of["metadata"], "deletionTimestamp": "now"}, spec={}), "x", ""),
]  # fmt: skip


@pytest.mark.parametrize(("change", "user", "says"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES])
def test_the_webhook_refuses_changes_of_what_is_fixed_or_owned(
    change: Callable[[Object], Any], user: str, says: str
) -> None:
    found = admission.errors(graph(change, scaled=True), graph(scaled=True), user, OPERATOR)
    assert (not found) if not says else any(says in error for error in found)


def test_the_webhook_answers_as_kubernetes_asks() -> None:
    operator = Identity(OPERATOR, "1.6.1")
    request: dict[str, Any] = {
        "uid": "r-1", "operation": "CREATE", "userInfo": {"username": "pulumi"}, "object": graph(scaled=True),
    }  # fmt: skip
    changed = answer("/mutate", request, operator)
    patch = {each["path"]: each["value"] for each in json.loads(base64.b64decode(changed["patch"]))}
    assert (changed["uid"], changed["allowed"], changed["patchType"]) == ("r-1", True, "JSONPatch")
    assert patch["/spec/components/2/replicas"] == 1
    assert patch["/metadata/annotations"][names.ORIGIN_VERSION] == "1.6.1"
    assert patch["/metadata/annotations"]["nvidia.com/enable-grove"] == "false"
    assert answer("/validate", request, operator) == {"uid": "r-1", "allowed": True}
    refused = answer("/validate", {**request, "object": graph(lambda of: of["spec"].update(components=[]))}, operator)
    assert (refused["allowed"], refused["status"]["code"]) == (False, 403)
