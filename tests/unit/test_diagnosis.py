"""Each cause is told from what Kubernetes, GKE and the operator write down for it, and nothing is guessed."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from ops.diagnosis import Cause, Snapshot, diagnose
from spec import names
from tests import clusters as c
from tests.stacks import planned

PLAN = planned()
WELL = c.running(PLAN)
# The same with networks that pods name, instead of claims.
NAMED = c.running(planned({"network": {"rdma": "multiNetwork"}}))
PREFILL, DECODE, FRONTEND = c.pod_name("prefill"), c.pod_name("decode"), c.pod_name("frontend")
WEIGHTS_JOB = names.weights_job(PLAN.graphs[0].card.repository, PLAN.graphs[0].card.revision or "")
DECODE_NODE = c.node_name("decode")

ELSEWHERE = "3 node(s) didn't match Pod's node affinity/selector"
NO_PREEMPTION = "preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling."


def scheduler(*reasons: str) -> str:
    return f"0/4 nodes are available: {', '.join(reasons)}. {NO_PREEMPTION}"


def scale_up_failed(why: str) -> dict[str, Any]:
    return c.event(
        "Pod",
        DECODE,
        "FailedScaleUp",
        f"Node scale up in zones europe-west1-b associated with this pod failed: {why}. "
        "Pod is at risk of not being scheduled.",
    )


NO_DECODE_NODE = c.without(c.unplaced(WELL, "decode", scheduler(ELSEWHERE)), "nodes", DECODE_NODE)


def waiting(reason: str, message: str | None = None) -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason} | ({"message": message} if message else {})}}


IMAGE = "nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1"
NOT_FOUND = (
    f'Failed to pull image "{IMAGE}": rpc error: code = NotFound desc = failed to pull and unpack image "{IMAGE}": '
    f'failed to resolve reference "{IMAGE}": {IMAGE}: not found'
)
BACK_OFF = f'Back-off pulling image "{IMAGE}"'
FUSE_DENIED = (
    'MountVolume.SetUp failed for volume "weights" : rpc error: code = PermissionDenied desc = failed to get GCS '
    "bucket \"my-project-dynamo-prod-weights\": googleapi: Error 403: Permission 'storage.objects.list' denied on "
    "resource (or it may not exist)., forbidden"
)
LOADING: dict[str, Any] = {"started": False, "state": {"running": {"startedAt": c.ago(6)}}}
OOM = {"exitCode": 137, "reason": "OOMKilled"}


def weights_job(*conditions: dict[str, Any], failed: int = 0) -> Snapshot:
    job = {
        "metadata": {"name": WEIGHTS_JOB, "creationTimestamp": c.ago(12)},
        "status": {"startTime": c.ago(12), "conditions": list(conditions)} | ({"failed": failed} if failed else {}),
    }
    return replace(c.not_ready(WELL), jobs=(job,))


def second_decode_worker() -> dict[str, Any]:
    (component,) = [x for x in WELL.graphs[0]["spec"]["components"] if x["name"] == "decode"]
    return c.pod(component, "9a8b7c6d")


def with_pod(snapshot: Snapshot, pod: dict[str, Any]) -> Snapshot:
    return replace(
        snapshot,
        pods=(*snapshot.pods, pod),
        endpoint_slices=(*snapshot.endpoint_slices, c.endpoint_slice(pod)),
        worker_metadata=(*snapshot.worker_metadata, {"metadata": {"name": pod["metadata"]["name"]}}),
    )


@dataclass(frozen=True)
class Case:
    name: str
    snapshot: Snapshot
    want: tuple[tuple[Cause, tuple[str, ...]], ...]
    """Every finding: its cause and objects, in order."""
    says: str
    """In the message of the first."""


DECODE_POD = (f"pod/{DECODE}",)
GRAPH = ("dynamographdeployment/chat",)

CASES = [
    Case(
        "all well",
        WELL,
        ((Cause.READY, GRAPH),),
        "all is well: every pod is Ready and routable, and the frontend lists",
    ),
    Case(
        "all well, model list unread",
        replace(WELL, models={"chat": "the API server answered 403 for it"}),
        ((Cause.READY, GRAPH),),
        "could not be read (the API server answered 403 for it)",
    ),
    # operator
    Case("no operator", c.without(WELL, "operators"), ((Cause.OPERATOR, ()),), "is not in namespace dynamo-system"),
    Case(
        "operator down",
        replace(WELL, operators=(c.operator(available=False),)),
        ((Cause.OPERATOR, ("deployment/dynamo-platform-dynamo-operator-controller-manager",)),),
        "not available (Deployment does not have minimum availability.)",
    ),
    Case(
        "graph never looked at",
        c.changed(WELL, "chat", {"status": None}),
        ((Cause.OPERATOR, GRAPH),),
        "has said nothing about it in the 2 h since it was made",
    ),
    Case(
        "last change not looked at",
        c.changed(WELL, "chat", {"metadata": {"generation": 4}}),
        ((Cause.OPERATOR, GRAPH),),
        "has not looked at its last change yet (3 of 4)",
    ),
    Case("no graph", c.without(WELL, "graphs"), ((Cause.NOT_DEPLOYED, GRAPH),), "port 9443"),
    Case(
        "being deleted",
        c.changed(WELL, "chat", {"metadata": {"deletionTimestamp": c.ago(7)}}),
        ((Cause.DELETING, GRAPH),),
        "since 7 min; the operator takes its finalizer off",
    ),
    Case(
        "operator refuses",
        c.changed(
            WELL,
            "chat",
            {
                "status": {
                    "state": "failed",
                    "conditions": [
                        c.cond("Ready", False, "failed_to_reconcile_the_resources", "component decode: no such secret")
                    ],
                }
            },
        ),
        ((Cause.REFUSED, GRAPH),),
        "failed_to_reconcile_the_resources: component decode: no such secret",
    ),
    Case(
        "pods refused",
        c.told(
            c.not_ready(c.without(WELL, "pods", DECODE)),
            c.event(
                "ReplicaSet",
                "chat-decode-1f2e3d4c-7d9f8",
                "FailedCreate",
                'Error creating: pods "x" is forbidden: violates PodSecurity "restricted:latest"',
            ),
        ),
        ((Cause.REFUSED, ("replicaset/chat-decode-1f2e3d4c-7d9f8",)),),
        "decode has 0 of 1 pods, the others are refused",
    ),
    Case(
        "quota of the namespace",
        c.told(
            c.not_ready(c.without(WELL, "pods", DECODE)),
            c.event(
                "ReplicaSet",
                "chat-decode-1f2e3d4c-7d9f8",
                "FailedCreate",
                'Error creating: pods "x" is forbidden: exceeded quota: gpus, requested: nvidia.com/gpu=8',
            ),
        ),
        ((Cause.QUOTA, ("replicaset/chat-decode-1f2e3d4c-7d9f8",)),),
        "exceeded quota: gpus",
    ),
    Case(
        "pods missing and no word of it",
        c.not_ready(c.without(WELL, "pods", DECODE)),
        ((Cause.UNEXPLAINED, GRAPH),),
        "no event says why; the operator says some_resources_are_not_ready: Resources",
    ),
    Case(
        "Ready pods and an operator that waits",
        c.not_ready(WELL),
        ((Cause.UNEXPLAINED, GRAPH),),
        "every pod is Ready, and yet the operator says some_resources_are_not_ready",
    ),
    # weights
    Case(
        "weights being fetched",
        weights_job(failed=2),
        ((Cause.WEIGHTS, (f"job/{WEIGHTS_JOB}",)),),
        "since 12 min, after 2 failed tries; wait",
    ),
    Case(
        "weights not fetched",
        weights_job(c.cond("Failed", True, "BackoffLimitExceeded", "Job has reached the specified backoff limit")),
        ((Cause.WEIGHTS, (f"job/{WEIGHTS_JOB}",)),),
        "were not fetched (BackoffLimitExceeded: Job has reached the specified backoff limit)",
    ),
    Case(
        "weights not mounted",
        c.told(
            c.contained(WELL, "decode", **waiting("ContainerCreating")),
            c.event("Pod", DECODE, "FailedMount", FUSE_DENIED),
        ),
        ((Cause.WEIGHTS, DECODE_POD),),
        "forbidden; grant the pod's service account storage.objectViewer",
    ),
    Case(
        "weights without a volume",
        c.unplaced(
            WELL, "decode", 'persistentvolumeclaim "weights" not found. still not schedulable, preemption: not eligible'
        ),
        ((Cause.WEIGHTS, DECODE_POD),),
        'as the scheduler says: persistentvolumeclaim "weights" not found; look',
    ),
    # scheduling
    Case(
        "gated by Grove",
        c.changed(
            c.unplaced(WELL, "decode", "Scheduling is blocked due to non-empty scheduling gates", "SchedulingGated"),
            DECODE,
            {"spec": {"schedulingGates": [{"name": "grove.io/podgang-pending-creation"}]}},
        ),
        ((Cause.GATE, DECODE_POD),),
        "scheduling gate grove.io/podgang-pending-creation: Grove takes it off",
    ),
    Case(
        "gated by another",
        c.changed(
            c.unplaced(WELL, "decode", "Scheduling is blocked due to non-empty scheduling gates", "SchedulingGated"),
            DECODE,
            {"spec": {"schedulingGates": [{"name": "kueue.x-k8s.io/admission"}]}},
        ),
        ((Cause.GATE, DECODE_POD),),
        "kueue.x-k8s.io/admission: whoever set it",
    ),
    Case(
        "no node of the pool",
        NO_DECODE_NODE,
        ((Cause.CAPACITY, DECODE_POD),),
        "a node of pool decode, which has none: it is still being made, or its creation failed; see the status of "
        "`gcloud container node-pools describe decode --cluster dynamo-prod --location europe-west1`",
    ),
    Case(
        "stock-out",
        c.told(NO_DECODE_NODE, scale_up_failed("GCE out of resources")),
        ((Cause.CAPACITY, DECODE_POD),),
        "zone europe-west1-b has no such machine free (GCE out of resources)",
    ),
    Case(
        "quota",
        c.told(NO_DECODE_NODE, scale_up_failed("GCE quota exceeded")),
        ((Cause.QUOTA, DECODE_POD),),
        "refused by quota (GCE quota exceeded): raise it",
    ),
    Case(
        "quota and stock-out",
        c.told(NO_DECODE_NODE, scale_up_failed("GCE quota exceeded, GCE out of resources")),
        ((Cause.QUOTA, DECODE_POD), (Cause.CAPACITY, DECODE_POD)),
        "refused by quota",
    ),
    Case(
        "reservation exhausted",
        c.told(
            NO_DECODE_NODE,
            scale_up_failed("Reservation my-h200 does not have sufficient capacity for the requested resources"),
        ),
        ((Cause.CAPACITY, DECODE_POD),),
        "gcloud compute reservations describe my-h200 --zone europe-west1-b",
    ),
    Case(
        "scale-up failed otherwise",
        c.told(NO_DECODE_NODE, scale_up_failed("IP space exhausted")),
        ((Cause.CAPACITY, DECODE_POD),),
        "which GKE could not add: IP space exhausted",
    ),
    Case(
        "scale-up under way after a failure",
        c.told(
            NO_DECODE_NODE,
            c.event("Pod", DECODE, "FailedScaleUp", "Node scale up failed: GCE out of resources.", 20),
            c.event(
                "Pod",
                DECODE,
                "TriggeredScaleUp",
                "pod triggered scale-up: [{https://www.googleapis.com/compute/v1/projects/my-project/zones/"
                "europe-west1-b/instanceGroups/gke-dynamo-prod-decode-0a1b2c3d-grp 0->1 (max: 1)}]",
                3,
            ),
        ),
        ((Cause.CAPACITY, DECODE_POD),),
        "which GKE is adding, asked 3 min ago",
    ),
    Case(
        "node not Ready",
        c.changed(
            c.unplaced(
                WELL, "decode", scheduler("1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }", ELSEWHERE)
            ),
            DECODE_NODE,
            {"status": {"conditions": [c.cond("Ready", False, "KubeletNotReady", "cni plugin not initialized")]}},
        ),
        ((Cause.CAPACITY, (*DECODE_POD, f"node/{DECODE_NODE}")),),
        "not Ready (KubeletNotReady: cni plugin",
    ),
    Case(
        "node cordoned",
        c.changed(
            c.unplaced(WELL, "decode", scheduler("1 node(s) were unschedulable", ELSEWHERE)),
            DECODE_NODE,
            {"spec": {"unschedulable": True}},
        ),
        ((Cause.CAPACITY, (*DECODE_POD, f"node/{DECODE_NODE}")),),
        f"`kubectl uncordon {DECODE_NODE}`",
    ),
    Case(
        "taint",
        c.changed(
            c.unplaced(WELL, "decode", scheduler("1 node(s) had untolerated taint {team: research}", ELSEWHERE)),
            DECODE_NODE,
            {
                "spec": {
                    "taints": [
                        {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"},
                        {"key": "team", "value": "research", "effect": "NoSchedule"},
                    ]
                }
            },
        ),
        ((Cause.TAINT, (*DECODE_POD, f"node/{DECODE_NODE}")),),
        "is tainted with, team=research:NoSchedule:",
    ),
    Case(
        "claim template missing",
        c.without(
            c.unplaced(
                WELL, "decode", f'waiting for dynamic resource controller to create the resourceclaim "{DECODE}-rdma"'
            ),
            "claim_templates",
        ),
        ((Cause.CLAIM, DECODE_POD),),
        "whose ResourceClaimTemplate rdma-8 is not in namespace dynamo",
    ),
    Case(
        "claim could not be made",
        c.told(
            c.changed(
                c.unplaced(WELL, "decode", "waiting for dynamic resource controller"),
                DECODE,
                {"status": {"resourceClaimStatuses": []}},
            ),
            c.event("Pod", DECODE, "FailedResourceClaimCreation", "PodResourceClaim rdma: exceeded quota: claims"),
        ),
        ((Cause.CLAIM, DECODE_POD),),
        "could not be made: PodResourceClaim rdma: exceeded quota: claims",
    ),
    Case(
        "NICs held by another pod",
        replace(
            c.unplaced(WELL, "decode", scheduler("1 cannot allocate all claims", ELSEWHERE)),
            pods=(
                *c.unplaced(WELL, "decode", scheduler("1 cannot allocate all claims", ELSEWHERE)).pods,
                {"metadata": {"name": "nccl-test"}, "spec": {"nodeName": DECODE_NODE}, "status": {"phase": "Running"}},
            ),
            claims=({"metadata": {"name": "nccl-test-rdma"}, "status": {"reservedFor": [{"name": "nccl-test"}]}},),
        ),
        ((Cause.CLAIM, (*DECODE_POD, f"resourceclaim/{DECODE}-rdma")),),
        "they are held by nccl-test",
    ),
    Case(
        "node without the NIC driver's label",
        c.changed(
            c.unplaced(WELL, "decode", scheduler("1 cannot allocate all claims", ELSEWHERE)),
            DECODE_NODE,
            {"metadata": {"labels": {"cloud.google.com/gke-networking-dra-driver": None}}},
        ),
        ((Cause.CLAIM, (*DECODE_POD, f"resourceclaim/{DECODE}-rdma")),),
        "gke-networking-dra-driver=true, without which",
    ),
    Case(
        "a cluster older than the NIC driver",
        c.unplaced(WELL, "decode", scheduler("request rdma: device class mrdma.google.com does not exist")),
        ((Cause.CLAIM, (*DECODE_POD, f"resourceclaim/{DECODE}-rdma")),),
        "has no DeviceClass mrdma.google.com to claim them by: GKE brings it from 1.34.1-gke.1829001 on",
    ),
    Case(
        "no NIC free, with networks named by annotation",
        c.unplaced(NAMED, "decode", scheduler("1 Insufficient networking.gke.io.networks/rdma-0.IP", ELSEWHERE)),
        ((Cause.RESOURCES, DECODE_POD),),
        "room on pool decode: networking.gke.io.networks/rdma-0.IP (too little)",
    ),
    Case(
        "no GPU free",
        c.unplaced(WELL, "decode", scheduler("1 Insufficient nvidia.com/gpu", ELSEWHERE)),
        ((Cause.RESOURCES, DECODE_POD),),
        "pool decode: nvidia.com/gpu (asks for 8, a node has 8)",
    ),
    Case(
        "no CPU and memory free, the pool at its largest",
        c.told(
            c.unplaced(WELL, "frontend", scheduler("2 Insufficient cpu", "1 Insufficient memory")),
            c.event(
                "Pod",
                FRONTEND,
                "NotTriggerScaleUp",
                "pod didn't trigger scale-up: 1 max node group size reached, 2 node(s) didn't match",
            ),
        ),
        ((Cause.RESOURCES, (f"pod/{FRONTEND}",)),),
        "cpu (asks for 4, a node has 222), memory (asks for 16Gi",
    ),
    Case(
        "unschedulable in words unknown here",
        c.unplaced(WELL, "decode", scheduler("1 node(s) had a bad day", ELSEWHERE)),
        ((Cause.UNEXPLAINED, DECODE_POD),),
        "decode has no node; the scheduler says: 0/4 nodes are available: 1 node(s) had",
    ),
    Case(
        "the scheduler has said nothing",
        c.unplaced(WELL, "decode", ""),
        ((Cause.UNEXPLAINED, DECODE_POD),),
        "the scheduler has said nothing about it yet",
    ),
    # nodes and containers
    Case(
        "node taken back",
        c.without(c.contained(WELL, "decode", state={"running": {"startedAt": c.ago(80)}}), "nodes", DECODE_NODE),
        ((Cause.CAPACITY, DECODE_POD),),
        f"is on node {DECODE_NODE}, which is gone",
    ),
    Case(
        "image not found",
        c.told(
            c.contained(WELL, "decode", **waiting("ImagePullBackOff", BACK_OFF)),
            c.event("Pod", DECODE, "Failed", NOT_FOUND),
            c.event("Pod", DECODE, "Failed", "Error: ErrImagePull"),
        ),
        ((Cause.IMAGE, DECODE_POD),),
        f"cannot pull {IMAGE}: failed to pull and unpack image",
    ),
    Case(
        "image refused",
        c.contained(
            WELL,
            "decode",
            **waiting(
                "ErrImagePull",
                "rpc error: code = Unknown desc = failed to fetch anonymous token: 401 Unauthorized",
            ),
        ),
        ((Cause.IMAGE, DECODE_POD),),
        "401 Unauthorized; give the namespace a pull secret",
    ),
    Case(
        "image being pulled, a mount tried again",
        c.told(
            c.contained(WELL, "decode", **waiting("ContainerCreating")),
            c.event("Pod", DECODE, "FailedMount", FUSE_DENIED, 6),
            c.event("Pod", DECODE, "Pulling", f'Pulling image "{IMAGE}"', 4),
        ),
        ((Cause.IMAGE, DECODE_POD),),
        "pulls its image since 4 min",
    ),
    Case(
        "secret missing",
        c.contained(WELL, "decode", **waiting("CreateContainerConfigError", 'secret "hf-token" not found')),
        ((Cause.START, DECODE_POD),),
        'CreateContainerConfigError: secret "hf-token" not found',
    ),
    Case(
        "waits, and no event says for what",
        c.contained(WELL, "decode", **waiting("ContainerCreating")),
        ((Cause.UNEXPLAINED, DECODE_POD),),
        "waits (ContainerCreating) since 90 min, and no event says for what",
    ),
    Case(
        "crash loop",
        c.contained(
            WELL,
            "decode",
            restartCount=5,
            **waiting("CrashLoopBackOff", "back-off 5m0s restarting"),
            lastState={
                "terminated": {"exitCode": 1, "reason": "Error", "message": "Traceback\nValueError: no KV connector\n"}
            },
        ),
        ((Cause.CRASH, DECODE_POD),),
        "(Error, exit code 1: ValueError: no KV connector), restarted 5 times; see `kubectl",
    ),
    Case(
        "out of memory, loading again",
        c.contained(WELL, "decode", restartCount=2, lastState={"terminated": OOM}, **LOADING),
        ((Cause.CRASH, DECODE_POD), (Cause.LOADING, DECODE_POD)),
        "(OOMKilled, exit code 137), restarted 2 times; it took",
    ),
    Case(
        "loading the model",
        c.contained(WELL, "decode", **LOADING),
        ((Cause.LOADING, DECODE_POD),),
        "decode loads the model since 6 min, of 120 min after which it is restarted; wait",
    ),
    Case(
        "readiness probe",
        c.told(
            c.contained(WELL, "decode", state={"running": {"startedAt": c.ago(80)}}),
            c.event("Pod", DECODE, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
        ),
        ((Cause.READINESS, DECODE_POD),),
        "readiness probe: Readiness probe failed: HTTP probe failed with statuscode: 503",
    ),
    # after Ready
    Case(
        "sandbox",
        c.told(
            c.contained(WELL, "decode", **waiting("ContainerCreating")),
            c.event(
                "Pod",
                DECODE,
                "FailedCreatePodSandBox",
                "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to set up\nCNI",
            ),
        ),
        ((Cause.START, DECODE_POD),),
        "decode has no sandbox yet: failed to set up CNI",
    ),
    Case(
        "NICs allocated and not prepared",
        c.told(
            c.contained(WELL, "decode", **waiting("ContainerCreating")),
            c.event(
                "Pod",
                DECODE,
                "FailedPrepareDynamicResources",
                "Failed to prepare dynamic resources: rpc error: code = Unknown desc = no network interface mlx5_0",
            ),
        ),
        ((Cause.CLAIM, DECODE_POD),),
        "cannot be given them: no network interface mlx5_0",
    ),
    Case(
        "in no endpoint slice",
        c.without(WELL, "endpoint_slices", f"{DECODE}-slice"),
        ((Cause.ROUTING, DECODE_POD),),
        "decode is Ready and in no EndpointSlice as ready",
    ),
    Case(
        "endpoint not ready",
        replace(
            c.without(WELL, "endpoint_slices", f"{DECODE}-slice"),
            endpoint_slices=(
                *c.without(WELL, "endpoint_slices", f"{DECODE}-slice").endpoint_slices,
                c.endpoint_slice({"metadata": {"name": DECODE}}, ready=False),
            ),
        ),
        ((Cause.ROUTING, DECODE_POD),),
        "decode is Ready and in no EndpointSlice as ready",
    ),
    Case(
        "nothing registered",
        c.without(WELL, "worker_metadata", PREFILL),
        ((Cause.ROUTING, (f"pod/{PREFILL}",)),),
        "prefill is Ready and has no DynamoWorkerMetadata",
    ),
    Case(
        "no model listed",
        replace(WELL, models={"chat": ()}),
        ((Cause.ROUTING, ("service/chat-frontend",)),),
        "lists no model and not llama-3.3-70b-instruct",
    ),
    Case(
        "another model listed",
        replace(WELL, models={"chat": ("qwen3-32b",)}),
        ((Cause.ROUTING, ("service/chat-frontend",)),),
        "lists qwen3-32b and not llama-3.3-70b-instruct",
    ),
    Case(
        "rolling update",
        c.changed(
            with_pod(WELL, second_decode_worker()),
            "chat",
            {
                "status": {
                    "rollingUpdate": {"phase": "InProgress", "startTime": c.ago(9), "updatedComponents": ["prefill"]}
                }
            },
        ),
        ((Cause.ROLLING, GRAPH),),
        "under way since 9 min, done with prefill",
    ),
    Case(
        "rolling update given up",
        c.changed(WELL, "chat", {"status": {"rollingUpdate": {"phase": "Failed"}}}),
        ((Cause.REFUSED, GRAPH),),
        "gave up its rolling update",
    ),
    Case(
        "old generation left over",
        with_pod(WELL, second_decode_worker()),
        (
            (
                Cause.OLD_GENERATION,
                (f"pod/{c.pod_name('prefill')}", f"pod/{DECODE}", f"pod/{c.pod_name('decode', '9a8b7c6d')}"),
            ),
        ),
        "2 of 1f2e3d4c, 1 of 9a8b7c6d",
    ),
    Case(
        "old worker ends",
        c.changed(with_pod(WELL, second_decode_worker()), DECODE, {"metadata": {"deletionTimestamp": c.ago(1)}}),
        (
            (Cause.OLD_GENERATION, (f"pod/{PREFILL}", f"pod/{c.pod_name('decode', '9a8b7c6d')}")),
            (Cause.OLD_GENERATION, DECODE_POD),
        ),
        "1 of 1f2e3d4c, 1 of 9a8b7c6d",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_cause_is_told_with_its_objects_and_what_to_do(case: Case) -> None:
    found = diagnose(PLAN, PLAN.graphs, case.snapshot)
    assert [(f.cause, f.objects) for f in found] == list(case.want), found
    assert case.says in found[0].message
    assert all("\n" not in f.message and "None" not in f.message for f in found), found


def test_every_cause_has_a_case() -> None:
    assert {cause for case in CASES for cause, _ in case.want} == set(Cause)


def test_what_to_fix_first_comes_first_and_is_said_once_for_all_its_pods() -> None:
    snapshot = c.contained(WELL, "decode", **LOADING)
    snapshot = c.without(c.unplaced(snapshot, "prefill", scheduler(ELSEWHERE)), "claim_templates")
    snapshot = replace(snapshot, operators=(c.operator(available=False),))
    (pending,) = [pod for pod in snapshot.pods if pod["metadata"]["name"] == PREFILL]
    twin = {**pending, "metadata": {**pending["metadata"], "name": "chat-prefill-twin"}}
    found = diagnose(PLAN, PLAN.graphs, replace(snapshot, pods=(*snapshot.pods, twin)))
    assert [f.cause for f in found] == [Cause.OPERATOR, Cause.CLAIM, Cause.LOADING]
    assert found[1].objects == (f"pod/{PREFILL}", "pod/chat-prefill-twin")


def test_one_graphs_trouble_is_not_told_of_another() -> None:
    plan = planned({"models.summarize": {"model": "qwen3-32b", "layout": "multi-node"}})
    snapshot = replace(c.unplaced(WELL, "decode", scheduler(ELSEWHERE)), models={"chat": (), "summarize": ()})
    found = diagnose(plan, plan.graphs, snapshot)
    assert [(f.graph, f.cause) for f in found if f.graph == "summarize"] == [("summarize", Cause.NOT_DEPLOYED)]


def test_flex_start_nodes_come_on_demand() -> None:
    plan = planned({"capacity": {"mode": "flexStart"}})
    (found,) = diagnose(plan, plan.graphs, NO_DECODE_NODE)
    assert "flexStart adds one when there is capacity" in found.message
