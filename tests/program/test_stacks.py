"""The whole program over every shipped stack, in preview and in up: what must hold whatever the settings are."""

import contextvars
import inspect
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from ipaddress import ip_network
from typing import Any

import pulumi_kubernetes as k8s
import pytest

from ops.offline import stackfile
from ops.offline.canned_answers import Canned
from ops.offline.recorded import Recording, Resource
from ops.offline.recording import record, record_program, run_main
from ops.report import present
from planning.load import load
from planning.plan import plan
from tests.stacks import ROOT, SHIPPED, config, recorded
from workloads.jobs.verify.__main__ import command_line

SECRET_VALUE = "hf_OnlyThisTestKnowsIt"

both_modes = pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
every_stack = pytest.mark.parametrize("stack", SHIPPED)


def of_type(recording: Recording, suffix: str) -> list[Resource]:
    return [resource for resource in recording.resources if resource.type.endswith(suffix)]


def needs(recording: Recording, urn: str) -> set[str]:
    """All that must be there before a resource, and outlives it: dependencies, provider and parent, of each in turn."""
    known = recording.by_urn()
    found: set[str] = set()
    todo = [urn]
    while todo:
        here = known.get(todo.pop())
        if here is None:
            continue
        for link in (*here.depends_on, here.parent, here.provider):
            if link and link not in found:
                found.add(link)
                todo.append(link)
    return found


@every_stack
def test_preview_and_up_register_the_same_resources(stack: str) -> None:
    assert set(recorded(stack, preview=True).by_urn()) == set(recorded(stack, preview=False).by_urn())


@every_stack
@both_modes
def test_every_resource_has_an_explicit_provider(stack: str, preview: bool) -> None:
    recording = recorded(stack, preview=preview)
    providers = {r.urn for r in recording.resources if r.type.startswith("pulumi:providers:")}
    custom = [r for r in recording.resources if not r.type.startswith(("dynamo-gke:", "pulumi:"))]
    assert custom
    assert [r.urn for r in custom if r.provider not in providers] == []


@every_stack
def test_every_resource_but_a_provider_belongs_to_a_component(stack: str) -> None:
    recording = recorded(stack)
    components = {r.urn for r in recording.resources if r.type.startswith("dynamo-gke:")}
    lonely = [r.urn for r in recording.resources if r.urn not in components and r.parent not in components]
    assert [urn for urn in lonely if "pulumi:providers:gcp" not in urn] == []


def run_with_token(stack: str, preview: bool) -> Recording:
    """The program with a token that it can read, as `pulumi up` gives it one."""
    # A length that the smallest GPU of a shipped stack holds, too.
    gated = ["models.chat.model=llama-3.1-8b-instruct", "models.chat.engine.maxModelLen=8192"]
    config = stackfile.read(ROOT, stack, gated)
    return contextvars.copy_context().run(
        record_program,
        lambda: run_main(ROOT),
        stack=stack,
        config={**config.values, "dynamo-gke:hfToken": SECRET_VALUE},
        secret_keys=["dynamo-gke:hfToken"],
        preview=preview,
        answers=Canned(config),
    )


@every_stack
@both_modes
def test_the_token_is_marked_secret_and_shown_nowhere(stack: str, preview: bool) -> None:
    recording = run_with_token(stack, preview)
    assert {r.urn.rpartition("::")[2]: r.secret_paths for r in recording.resources if r.secret_paths} == {
        "workloads-hf-token": ("stringData",)
    }
    everything = json.dumps([r.to_wire() for r in recording.resources]) + json.dumps(recording.outputs)
    assert SECRET_VALUE not in everything


def test_a_destroy_of_dev_stops_at_nothing_and_leaves_nothing() -> None:
    for resource in recorded("dev", preview=False).resources:
        assert not {"protect", "retainOnDelete"} & set(resource.options), resource.urn
        assert resource.inputs.get("deletionProtection") in (None, False), resource.urn


@pytest.mark.parametrize(
    ("deletion_protection", "keep", "kept"),
    [(True, None, True), (False, None, False), (False, True, True), (True, False, False)],
)
def test_the_weights_are_kept_as_the_stack_says(deletion_protection: bool, keep: bool | None, kept: bool) -> None:
    changes: dict[str, Any] = {"cluster": {"deletionProtection": deletion_protection}}
    if keep is not None:
        changes["weights"] = {"keep": keep}
    (bucket,) = of_type(record(ROOT, config(changes)), "bucket:Bucket")
    assert bucket.options.get("protect", False) is kept
    assert bucket.options.get("retainOnDelete", False) is kept
    assert bucket.inputs["forceDestroy"] is not kept


def keys_of(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield path, str(key)
            yield from keys_of(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner, f"{path}[]")


# Maps whose keys are the user's or somebody else's protocol, not the provider's.
FREE_KEYS = ("labels", "annotations", "data", "stringData", "values", "matchLabels", "nodeSelector")


@every_stack
def test_no_provider_input_has_a_misspelt_snake_case_key(stack: str) -> None:
    for resource in recorded(stack).resources:
        if not resource.type.startswith("dynamo-gke:"):
            wrong = [
                f"{path}.{key}"
                for path, key in keys_of(resource.inputs)
                if "_" in key and not any(part.strip("[]") in FREE_KEYS for part in path.split("."))
            ]
            assert wrong == [], resource.urn


@every_stack
@both_modes
def test_a_graph_outlives_nothing_that_it_needs(stack: str, preview: bool) -> None:
    """Destroy follows these edges backwards: the graph goes first, while the operator still handles its finalizer."""
    recording = recorded(stack, preview=preview)
    for graph in of_type(recording, ":DynamoGraphDeployment"):
        wanted = of_type(recording, ":Release") + of_type(recording, ":Namespace") + of_type(recording, ":NodePool")
        wanted += of_type(recording, ":ResourceClaimTemplate") + of_type(recording, "core/v1:Secret")
        wanted += fetches(recording) + of_type(recording, ":PersistentVolumeClaim")
        wanted += of_type(recording, ":BucketIAMMember")
        wanted += of_type(recording, "routerNat:RouterNat") + of_type(recording, ":IAMMember")
        missing = {r.urn for r in wanted} - needs(recording, graph.urn)
        assert missing == set()


@every_stack
def test_gpu_pools_wait_for_nat_roles_and_the_cpu_pool(stack: str) -> None:
    recording = recorded(stack)
    pools = {r.name: r for r in of_type(recording, ":NodePool")}
    first = {r.urn for r in of_type(recording, "routerNat:RouterNat") + of_type(recording, ":IAMMember")}
    for name, pool in pools.items():
        before = needs(recording, pool.urn)
        assert first <= before
        assert name == "system-pool" or pools["system-pool"].urn in before


@pytest.mark.parametrize(("stack", "protected"), [("dev", False), ("try", False), ("staging", True), ("prod", True)])
def test_what_is_expensive_to_lose_is_protected(stack: str, protected: bool) -> None:
    recording = recorded(stack)
    (cluster,) = of_type(recording, "cluster:Cluster")
    (bucket,) = of_type(recording, "bucket:Bucket")
    assert cluster.options.get("protect", False) is protected
    assert cluster.inputs["deletionProtection"] is protected
    assert bucket.options.get("protect", False) is protected
    assert bucket.options.get("retainOnDelete", False) is protected
    assert bucket.inputs["forceDestroy"] is not protected
    gpu_pools = [p for p in of_type(recording, ":NodePool") if "guestAccelerators" in p.inputs["nodeConfig"]]
    assert all(p.options.get("protect", False) is protected for p in gpu_pools)


@pytest.mark.parametrize(
    ("stack", "pools"),
    [
        ("dev", {}),
        ("try", {"prefill": 1, "decode": 1}),
        ("staging", {"shared": 1}),
        ("prod", {"prefill": 1, "decode": 1}),
    ],
)
def test_gpu_pools(stack: str, pools: dict[str, int]) -> None:
    found = {
        p.inputs["name"]: p.inputs.get("nodeCount") or p.inputs["autoscaling"]["totalMaxNodeCount"]
        for p in of_type(recorded(stack), ":NodePool")
        if "guestAccelerators" in p.inputs["nodeConfig"]
    }
    assert found == pools


def test_a_gpu_node_has_nine_more_nics_with_addresses_of_their_own() -> None:
    for stack in ("staging", "prod"):
        recording = recorded(stack)
        subnets = {s.inputs["name"]: s.inputs["ipCidrRange"] for s in of_type(recording, ":Subnetwork")}
        for pool in of_type(recording, ":NodePool"):
            nics = pool.inputs["networkConfig"].get("additionalNodeNetworkConfigs", [])
            if "guestAccelerators" in pool.inputs["nodeConfig"]:
                assert [nic["subnetwork"] for nic in nics] == [
                    f"dynamo-{stack}-gvnic",
                    *(f"dynamo-{stack}-rdma-{rail}" for rail in range(8)),
                ]
                assert {nic["subnetwork"] for nic in nics} <= set(subnets)
                label = {"cloud.google.com/gke-networking-dra-driver": "true", "dynamo-gke/role": pool.inputs["name"]}
                assert pool.inputs["nodeConfig"]["labels"] == label
            else:
                assert nics == []


def test_no_two_ranges_of_a_stack_overlap() -> None:
    ranges = []
    for subnet in of_type(recorded("prod"), ":Subnetwork"):
        ranges.append(ip_network(subnet.inputs["ipCidrRange"]))
        ranges += [ip_network(s["ipCidrRange"]) for s in subnet.inputs.get("secondaryIpRanges", [])]
    assert len(ranges) == 13
    assert [(a, b) for i, a in enumerate(ranges) for b in ranges[i + 1 :] if a.overlaps(b)] == []


def test_the_cluster_is_identified_without_its_endpoint() -> None:
    (provider,) = of_type(recorded("prod"), "pulumi:providers:kubernetes")
    assert provider.inputs["clusterIdentifier"] == "projects/my-project/locations/europe-west1/clusters/dynamo-prod"
    assert provider.inputs["kubeconfig"] == "[unknown]"
    (up,) = of_type(recorded("prod", preview=False), "pulumi:providers:kubernetes")
    kubeconfig = json.loads(up.inputs["kubeconfig"])
    assert "certificate-authority-data" not in kubeconfig["clusters"][0]["cluster"]
    assert kubeconfig["users"][0]["user"]["exec"]["command"] == "gke-gcloud-auth-plugin"


def test_the_endpoint_is_not_known_before_the_graph_is_ready() -> None:
    assert recorded("prod").outputs["endpoints"] == {"chat": "[unknown]"}
    assert recorded("prod", preview=False).outputs["endpoints"] == {"chat": "http://10.0.0.100"}
    (graph,) = of_type(recorded("prod"), ":DynamoGraphDeployment")
    assert graph.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Ready"
    assert graph.options["customTimeouts"]["create"] == "70m"


def test_the_budget_counts_this_stack_and_notifies_its_addresses() -> None:
    (budget,) = of_type(recorded("prod", preview=False), "gcp:billing/budget:Budget")
    assert budget.inputs["amount"]["specifiedAmount"] == {"currencyCode": "USD", "units": "140000"}
    assert budget.inputs["budgetFilter"] == {"labels": {"stack": "prod"}, "projects": ["projects/123456789012"]}
    assert [(r["spendBasis"], r["thresholdPercent"]) for r in budget.inputs["thresholdRules"]] == [
        ("CURRENT_SPEND", 0.5),
        ("CURRENT_SPEND", 0.9),
        ("CURRENT_SPEND", 1),
        ("FORECASTED_SPEND", 1),
    ]
    assert len(budget.inputs["allUpdatesRule"]["monitoringNotificationChannels"]) == 1
    assert of_type(recorded("dev"), "billing/budget:Budget") == []


@every_stack
def test_labels_are_on_every_cluster_object(stack: str) -> None:
    for resource in recorded(stack).resources:
        if resource.type.startswith("kubernetes:") and "metadata" in resource.inputs:
            assert resource.inputs["metadata"]["labels"]["cost-center"] == "1234", resource.urn


def test_a_model_swap_leaves_the_infrastructure_alone() -> None:
    """One value changes the graph and its model's resources: nothing of Google Cloud, nothing of the platform."""
    before = recorded("prod").by_urn()
    after = run("models.chat.model=llama-3.1-8b-instruct").by_urn()
    changed = {urn.rpartition("::")[2] for urn in before if urn in after and before[urn].inputs != after[urn].inputs}
    assert changed == {"chat-graph", "chat-proof-job"}
    assert {u.rpartition("::")[2] for u in before.keys() ^ after.keys()} == {
        "claims-8",
        "claims-1",
        "model-weights-llama-3.3-70b-instruct",
        "model-weights-llama-3.1-8b-instruct",
    }


def fetches(recording: Recording) -> list[Resource]:
    return [job for job in of_type(recording, "batch/v1:Job") if job.name.startswith("model-weights-")]


def verification_job(recording: Recording) -> Resource:
    (job,) = [job for job in of_type(recording, "batch/v1:Job") if job.name.endswith("-proof-job")]
    return job


def test_two_graphs_of_one_model_fetch_it_once() -> None:
    both = {"model": "llama-3.3-70b-instruct", "layout": "multi-node"}
    recording = record(ROOT, config({"models": {"chat": both, "batch": both}}), preview=False)
    (job,) = fetches(recording)
    members = sorted(m.inputs["member"].rpartition("/")[2] for m in of_type(recording, ":BucketIAMMember"))
    assert members == ["batch-runtime", "chat-runtime", "weights-writer"]
    for graph in of_type(recording, ":DynamoGraphDeployment"):
        assert job.urn in needs(recording, graph.urn)


def test_the_writer_may_write_before_the_job_starts() -> None:
    recording = recorded("prod", preview=False)
    (job,) = fetches(recording)
    before = {u.rpartition("::")[2] for u in needs(recording, job.urn)}
    assert {"model-weights-may-write", "model-weights-writer", "model-weights-script", "weights-bucket"} <= before
    assert {"workloads-namespace", "workloads-hf-token", "system-pool"} <= before
    assert not before & {"prefill-pool", "decode-pool"}  # fetched while the expensive nodes are still being created
    (member,) = [m for m in of_type(recording, ":BucketIAMMember") if m.name == "model-weights-may-write"]
    assert member.inputs == {
        "bucket": "my-project-dynamo-prod-weights",
        "member": "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/"
        "my-project.svc.id.goog/subject/ns/dynamo/sa/weights-writer",
        "role": "roles/storage.objectUser",
    }


def test_a_simulated_stack_fetches_no_weights() -> None:
    assert not fetches(recorded("dev")) + of_type(recorded("dev"), ":PersistentVolume")


def run(*overrides: str) -> Recording:
    return record(ROOT, stackfile.read(ROOT, "prod", overrides))


SCALED = ("models.chat.autoscaling.decode.min=1", "models.chat.autoscaling.decode.max=3")


def test_the_program_does_not_fight_the_autoscaler() -> None:
    recording = run(*SCALED)
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    written = {c["name"]: c.get("replicas") for c in graph.inputs["spec"]["components"]}
    assert written == {"frontend": 2, "prefill": 1, "decode": None}
    (scaler,) = of_type(recording, ":HorizontalPodAutoscaler")
    assert scaler.inputs["spec"]["scaleTargetRef"] == {
        "apiVersion": "nvidia.com/v1beta1",
        "kind": "DynamoGraphDeploymentScalingAdapter",
        "name": "chat-decode",
    }
    (metric,) = of_type(recording, ":AutoscalingMetric")
    gauge = metric.inputs["spec"]["metrics"][0]["pod"]["containers"][0]["metrics"][0]["gauge"]["name"]
    wanted = scaler.inputs["spec"]["metrics"][0]["pods"]["metric"]["name"]
    assert wanted == f"autoscaling.gke.io|{metric.inputs['metadata']['name']}|{gauge}"


def test_node_pools_follow_the_autoscaler() -> None:
    pools = {p.inputs["name"]: p for p in of_type(run(*SCALED), ":NodePool")}
    assert pools["decode"].inputs["autoscaling"]["totalMaxNodeCount"] == 3
    assert "nodeCount" not in pools["decode"].inputs
    assert "nodeCount" in pools["decode"].options["ignoreChanges"]
    assert pools["prefill"].inputs["nodeCount"] == 1
    assert "nodeCount" not in pools["prefill"].options["ignoreChanges"]


def test_a_public_endpoint_has_tls_and_lets_named_clients_in_only() -> None:
    clients = [f"endpoint.allowedCidrs[{i}]=203.0.113.{i}/32" for i in range(12)]
    recording = run("endpoint.exposure=gateway", "endpoint.domain=llm.example.com", *clients)
    (gateway,) = of_type(recording, ":Gateway")
    assert [listener["protocol"] for listener in gateway.inputs["spec"]["listeners"]] == ["HTTPS"]
    (armor,) = of_type(recording, ":RegionSecurityPolicy")
    rules = sorted(armor.inputs["rules"], key=lambda rule: rule["priority"])
    assert [rule["action"] for rule in rules] == ["allow", "allow", "deny(403)"]
    assert [len(rule["match"]["config"]["srcIpRanges"]) for rule in rules] == [10, 2, 1]
    assert rules[-1]["match"]["config"]["srcIpRanges"] == ["*"]
    (backend,) = of_type(recording, ":GCPBackendPolicy")
    assert backend.inputs["spec"]["default"]["securityPolicy"] == armor.inputs["name"]
    assert backend.inputs["spec"]["default"]["timeoutSec"] == 3600
    (health,) = of_type(recording, ":HealthCheckPolicy")
    assert health.inputs["spec"]["default"]["config"]["httpHealthCheck"]["requestPath"] == "/health"
    assert recording.outputs["endpoints"] == {"chat": "https://chat.llm.example.com"}


PUBLIC = ("endpoint.exposure=gateway", "endpoint.domain=llm.example.com", "endpoint.allowedCidrs[0]=8.8.8.0/24")


def test_the_internet_reaches_the_api_of_clients_only() -> None:
    (route,) = of_type(run(*PUBLIC), ":HTTPRoute")
    (rule,) = route.inputs["spec"]["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/v1/"}}]


def test_the_public_route_opens_after_its_guards_and_closes_before_them() -> None:
    recording = run(*PUBLIC)
    (route,) = of_type(recording, ":HTTPRoute")
    guards = {
        of_type(recording, kind)[0].urn for kind in (":GCPBackendPolicy", ":HealthCheckPolicy", ":RegionSecurityPolicy")
    }
    assert guards <= needs(recording, route.urn)
    assert not any(route.urn in needs(recording, guard) for guard in guards)
    (backend,) = of_type(recording, ":GCPBackendPolicy")
    assert backend.urn in route.depends_on


def test_the_preview_shows_everyone_whom_a_gateway_lets_in() -> None:
    clients = [f"endpoint.allowedCidrs[{i}]=198.51.100.{i}/32" for i in range(12)]
    public = stackfile.read(ROOT, "prod", [*PUBLIC[:2], *clients])
    with redirect_stdout(io.StringIO()) as printed:
        present.show(plan(load(public)), record(ROOT, public), [])
    shown = printed.getvalue()
    assert all(f"198.51.100.{i}/32" in shown for i in range(12))
    assert "deny(403) *" in shown


@every_stack
def test_no_frontend_has_an_admin_api(stack: str) -> None:
    for graph in of_type(recorded(stack), ":DynamoGraphDeployment"):
        (frontend,) = [c for c in graph.inputs["spec"]["components"] if c["type"] == "frontend"]
        (container,) = frontend["podTemplate"]["spec"]["containers"]
        assert {"name": "DYN_DISABLE_FRONTEND_ADMIN_API", "value": "1"} in container["env"]


def test_frontends_are_not_evicted_all_at_once() -> None:
    (budget,) = of_type(recorded("prod"), ":PodDisruptionBudget")
    assert budget.inputs["spec"]["minAvailable"] == 1
    (service,) = of_type(recorded("prod"), "core/v1:Service")
    assert budget.inputs["spec"]["selector"]["matchLabels"] == service.inputs["spec"]["selector"]
    assert of_type(recorded("dev"), ":PodDisruptionBudget") == []


def test_one_graphs_swap_leaves_the_others_untouched() -> None:
    two = [
        "models.code.model=qwen3-32b",
        "models.code.layout=multi-node",
        "models.code.prefill.tensorParallel=8",
        "models.code.prefill.replicas=1",
    ]
    before = run(*two).by_urn()
    after = run(*two, "models.code.engine.maxModelLen=16384").by_urn()
    assert before.keys() == after.keys()
    assert {urn.rpartition("::")[2] for urn in before if before[urn].inputs != after[urn].inputs} == {
        "code-graph",
        "code-proof-job",
    }


@every_stack
def test_the_endpoint_waits_for_the_verification_and_that_for_the_graph(stack: str) -> None:
    recording = recorded(stack)
    job = verification_job(recording)
    (graph,) = of_type(recording, ":DynamoGraphDeployment")
    (endpoint,) = of_type(recording, ":Endpoint")
    assert graph.urn in needs(recording, job.urn)
    assert job.urn in needs(recording, endpoint.urn)


def verification_arguments(recording: Recording) -> list[str]:
    job = verification_job(recording)
    return job.inputs["spec"]["template"]["spec"]["containers"][0]["args"]


def test_the_verification_asks_for_what_the_layout_promises() -> None:
    given = command_line(verification_arguments(recorded("prod")))
    assert (given.moved, given.unit) == ("vllm:nixl_bytes_transferred_sum", "By")
    assert (given.transfer_role, given.transport_role, given.operation) == ("decode", "decode", "read")
    assert (given.transport, given.ranks, given.metrics_port) == ("rdma", 8, 9090)
    assert command_line(verification_arguments(recorded("staging"))).ranks == 4
    over_tcp = command_line(verification_arguments(run("network.rdma=none", "models.chat.kvTransfer=tcp")))
    assert (over_tcp.transport, over_tcp.ranks) == ("tcp", 8)
    assert {"--moved", "--transport"}.isdisjoint(verification_arguments(recorded("dev")))
    named = command_line(verification_arguments(run("models.chat.servedName=gpt")))
    assert named.model == "gpt"
    aggregated = verification_arguments(run("models.chat.layout=aggregated"))
    assert aggregated[aggregated.index("--roles") + 1] == "worker"
    assert {"--moved", "--transport"}.isdisjoint(aggregated)
    assert "--report-only" not in verification_arguments(recorded("prod"))
    assert "--report-only" in verification_arguments(run("models.chat.verification=reported"))


def test_the_programs_own_parser_takes_the_jobs_command_line() -> None:
    for stack in SHIPPED:
        given = command_line(verification_arguments(recorded(stack)))
        assert given.pods == ("dynamo", "chat")


def test_a_changed_graph_is_verified_again_and_an_unchanged_one_is_not() -> None:
    def job(recording: Recording) -> str:
        return verification_job(recording).inputs["metadata"]["name"]

    assert job(run()) == job(recorded("prod"))
    assert job(run("models.chat.engine.maxModelLen=16384")) != job(recorded("prod"))


@every_stack
def test_the_next_up_starts_every_job_again_that_is_not_complete(stack: str) -> None:
    """Without the annotation each later `pulumi up` waits for the same failed Job."""
    jobs = of_type(recorded(stack), ":Job")
    assert jobs
    for job in jobs:
        assert job.inputs["metadata"]["annotations"]["pulumi.com/replaceUnready"] == "true", job.name
        # Deleted before it is created again only if its name is fixed; the retries' pods keep the reason.
        assert job.inputs["metadata"]["name"]
        assert job.inputs["spec"]["template"]["spec"]["restartPolicy"] == "Never"
        assert "ignoreChanges" not in job.options


def test_the_pinned_provider_knows_the_annotation() -> None:
    assert '"pulumi.com/replaceUnready": "true"' in inspect.getsource(k8s.batch.v1.Job)
