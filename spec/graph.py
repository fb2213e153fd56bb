"""Plan → DynamoGraphDeployment: the objects that the operator turns into pods, built from the decided numbers."""

from spec import dgd, names
from spec.engines import IMAGES, Engine, FrontendArgs, engine
from spec.machines import GPU_MACHINE, WorkerShare, machine
from spec.models import Placement
from spec.plan import SYSTEM_POOL, Graph, Worker

MODEL_CACHE = "/model-cache"
_CACHE_VOLUME = "model-cache"
_CLAIM = "rdma"

# A pod is killed after that long even if answers are still being written: 32,768 tokens at 18 ms.
GRACE_SECONDS = 600

# How often a request that lost its worker is sent to another before the client sees an error.
MIGRATION_LIMIT = 3

# A rolling update would start a new engine before it ends an old one, and there is no spare H200 node for it:
# without these two the new pod stays Pending for ever.
ROLLOUT = {
    "nvidia.com/deployment-rolling-update-max-surge": "0",
    "nvidia.com/deployment-rolling-update-max-unavailable": "1",
}


def build(graph: Graph, labels: dict[str, str]) -> dgd.DynamoGraphDeployment:
    """The graph as the operator's v1beta1 object, without anything that Pulumi alone reads."""
    runs = engine(graph.engine)
    return dgd.DynamoGraphDeployment(
        metadata=dgd.Metadata(
            name=graph.name,
            namespace=names.NAMESPACE,
            labels=labels,
            # An engine never crosses nodes here, so plain Deployments do; read by the operator at creation only.
            annotations={"nvidia.com/enable-grove": "false"},
        ),
        spec=dgd.GraphSpec(
            backend_framework=runs.framework,
            components=(_frontend(graph, runs), *(_worker(graph, worker, runs) for worker in graph.workers)),
        ),
    )


def frontend_image(graph: Graph) -> str:
    return f"{IMAGES}/dynamo-frontend:{graph.runtime}"


def _frontend(graph: Graph, runs: Engine) -> dgd.Component:
    """The OpenAI-compatible server with the KV-aware router in it. It loads the tokenizer, never the weights."""
    simulated = graph.placement is Placement.CPU
    return dgd.Component(
        name="frontend",
        type="frontend",
        replicas=graph.frontend_replicas,
        pod_template=dgd.PodTemplate(
            spec=dgd.PodSpec(
                node_selector=_on_pool(SYSTEM_POOL),
                topology_spread_constraints=_apart(graph) if graph.frontend_replicas > 1 else None,
                containers=(
                    dgd.Container(
                        image=frontend_image(graph),
                        command=("python3", "-m", "dynamo.frontend"),
                        args=FrontendArgs(
                            kv_cache_block_size=runs.block_size,
                            migration_limit=MIGRATION_LIMIT,
                            # Each router sees the load that the others have given out.
                            router_replica_sync=graph.frontend_replicas > 1,
                        ).argv(),
                        env=(_HF_HOME,),
                        env_from=_hub_token(graph),
                        resources=dgd.Resources(
                            requests={"cpu": "1", "memory": "2Gi"} if simulated else {"cpu": "4", "memory": "16Gi"}
                        ),
                        volume_mounts=_MOUNTS,
                    ),
                ),
                volumes=_VOLUMES,
            )
        ),
    )


def _worker(graph: Graph, worker: Worker, runs: Engine) -> dgd.Component:
    process = runs.process(graph, worker)
    on_gpus = worker.memory is not None
    container = dgd.Container(
        image=f"{runs.image}:{graph.runtime}",
        command=process.command,
        args=process.args,
        env=(
            _HF_HOME,
            *(dgd.EnvVar(name=name, value=value) for name, value in process.env.items()),
            *(_KV_TRANSFER_ENV if on_gpus and graph.disaggregated else ()),
            *(_RDMA_ENV if graph.rdma else ()),
        ),
        env_from=_hub_token(graph),
        resources=_gpu_resources(graph, worker) if on_gpus else dgd.Resources(requests={"cpu": "1", "memory": "2Gi"}),
        security_context=_gpu_security(graph) if on_gpus else None,
        volume_mounts=_MOUNTS,
    )
    return dgd.Component(
        name=worker.role.value,
        type=worker.role.value,
        replicas=worker.replicas,
        scaling_adapter=dgd.ScalingAdapter() if worker.autoscaled else None,
        # NCCL's and the workers' own exchange within an engine; samples take 16 to 80 Gi.
        shared_memory_size=f"{max(16, 10 * worker.tensor_parallel)}Gi" if on_gpus else None,
        pod_template=dgd.PodTemplate(
            metadata=dgd.PodMetadata(annotations=ROLLOUT) if on_gpus else None,
            spec=dgd.PodSpec(
                node_selector=_on_pool(worker.pool) | (_accelerator() if on_gpus else {}),
                tolerations=(_GPU_TAINT,) if on_gpus else None,
                affinity=_near(graph) if graph.placement is Placement.SHARED else None,
                termination_grace_period_seconds=GRACE_SECONDS,
                resource_claims=_nic_claims(worker) if graph.rdma else None,
                containers=(container,),
                volumes=_VOLUMES,
            ),
        ),
    )


_HF_HOME = dgd.EnvVar(name="HF_HOME", value=MODEL_CACHE)
_MOUNTS = (dgd.VolumeMount(name=_CACHE_VOLUME, mount_path=MODEL_CACHE),)
# On A3 Ultra an emptyDir lies on the Local SSDs.
_VOLUMES = (dgd.Volume(name=_CACHE_VOLUME, empty_dir=dgd.EmptyDir()),)
_GPU_TAINT = dgd.Toleration(key="nvidia.com/gpu", operator="Exists", effect="NoSchedule")

_KV_TRANSFER_ENV = (
    # Else guessed from the host name, which in a pod with several NICs may be an address that no one reaches.
    dgd.EnvVar(
        name="VLLM_NIXL_SIDE_CHANNEL_HOST",
        value_from=dgd.EnvVarSource(field_ref=dgd.FieldRef(field_path="status.podIP")),
    ),
    dgd.EnvVar(name="NIXL_TELEMETRY_ENABLE", value="y"),
)
_RDMA_ENV = (
    # Each NIC is in a subnet of its own; without this UCX takes the peers for unreachable and uses TCP, silently.
    dgd.EnvVar(name="UCX_IB_ROCE_REACHABILITY_MODE", value="all"),
    # Names the transport of each connection in the log: `rc_mlx5` is RDMA.
    dgd.EnvVar(name="UCX_PROTO_INFO", value="y"),
    # NCCL stays inside the node and needs no tuner of the fabric; what it says over sockets goes by the pod network.
    dgd.EnvVar(name="NCCL_TUNER_PLUGIN", value="none"),
    dgd.EnvVar(name="NCCL_SOCKET_IFNAME", value="eth0"),
    dgd.EnvVar(name="GLOO_SOCKET_IFNAME", value="eth0"),
    dgd.EnvVar(name="TP_SOCKET_IFNAME", value="eth0"),
)


def _hub_token(graph: Graph) -> tuple[dgd.EnvFromSource, ...] | None:
    """HF_TOKEN from the Secret, for a gated model only."""
    return (dgd.EnvFromSource(secret_ref=dgd.SecretRef(name=names.HF_TOKEN_SECRET)),) if graph.card.gated else None


def _on_pool(pool: str) -> dict[str, str]:
    """The node label that GKE sets on every node of a pool."""
    return {"cloud.google.com/gke-nodepool": pool}


def _accelerator() -> dict[str, str]:
    gpus = machine(GPU_MACHINE).gpus
    return {"cloud.google.com/gke-accelerator": gpus.type} if gpus else {}


def _near(graph: Graph) -> dgd.Affinity:
    """Rather the node where the graph's other pods are. Preferred only: as a rule it could deadlock the first pod."""
    same_graph = dgd.LabelSelector(match_labels={"nvidia.com/dynamo-graph-deployment-name": graph.name})
    term = dgd.PodAffinityTerm(label_selector=same_graph, topology_key="kubernetes.io/hostname")
    return dgd.Affinity(
        pod_affinity=dgd.PodAffinity(preferred=(dgd.WeightedPodAffinityTerm(weight=100, pod_affinity_term=term),))
    )


def frontend_labels(graph: str) -> dict[str, str]:
    """The labels by which the operator marks the frontend pods of a graph."""
    return {"nvidia.com/dynamo-graph-deployment-name": graph, "nvidia.com/dynamo-component-type": "frontend"}


def _apart(graph: Graph) -> tuple[dgd.TopologySpreadConstraint, ...]:
    """Frontends on nodes of their own, where there are enough."""
    return (
        dgd.TopologySpreadConstraint(
            max_skew=1,
            topology_key="kubernetes.io/hostname",
            when_unsatisfiable="ScheduleAnyway",
            label_selector=dgd.LabelSelector(match_labels=frontend_labels(graph.name)),
        ),
    )


def _gpu_resources(graph: Graph, worker: Worker) -> dgd.Resources:
    share = machine(GPU_MACHINE).worker_share or WorkerShare(cpu=1, memory_gib=1)
    return dgd.Resources(
        requests={
            "cpu": str(share.cpu * worker.tensor_parallel),
            "memory": f"{share.memory_gib * worker.tensor_parallel}Gi",
        },
        limits={"nvidia.com/gpu": str(worker.tensor_parallel)},
        claims=(dgd.ResourceClaimRef(name=_CLAIM),) if graph.rdma else None,
    )


def _nic_claims(worker: Worker) -> tuple[dgd.PodResourceClaim, ...]:
    """One RDMA NIC for each GPU."""
    template = names.claim_template(worker.tensor_parallel)
    return (dgd.PodResourceClaim(name=_CLAIM, resource_claim_template_name=template),)


def _gpu_security(graph: Graph) -> dgd.SecurityContext:
    """Root, because the caches of the image's own user are not writable; RDMA needs pinned memory besides."""
    pinning = dgd.Capabilities(add=("IPC_LOCK", "SYS_RESOURCE"))
    return dgd.SecurityContext(run_as_user=0, capabilities=pinning if graph.rdma else None)
