"""Turns the Plan into DynamoGraphDeployments, from which the operator creates pods."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from catalog import flags, lifecycle, releases, weights
from catalog.command_line import IMAGES, FrontendArgs
from catalog.contracts import EngineInput, EnvVar, NicClaim
from catalog.engines import Engine
from catalog.flags.frontend import frontend_flags
from catalog.flags.of_release import of_release
from catalog.machines import GPU_RESOURCE
from catalog.models import Placement
from catalog.rdma import KvTransfer
from manifests import dgd, labels, placement, pod_security
from planning import names
from planning.graph_parts import PodSize
from planning.pools import SYSTEM_POOL
from planning.types import Graph, Worker

MODEL_CACHE = "/model-cache"
_CLAIM = "rdma"

# Keeps the autoscaler from evicting engines to remove a node: an engine takes minutes to load.
KEEP_ON_NODE = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}

MAX_SURGE = "nvidia.com/deployment-rolling-update-max-surge"
MAX_UNAVAILABLE = "nvidia.com/deployment-rolling-update-max-unavailable"

# A rolling update would start a new engine before it stops an old one. Without a spare GPU node the new pod would stay
# Pending forever, unless these two annotations are set.
ROLLOUT = {MAX_SURGE: "0", MAX_UNAVAILABLE: "1"}

# Operators since 1.5 resolve the percentage against the new number of engines, so none of the old ones has to stay
# (`nvidia.com/deployment-strategy: Recreate` has no effect across generations in 1.5). No choice of the program's own:
# annotations are part of a pod, so a choice by the number of engines would restart all of them when they are scaled.
RECREATE = {MAX_SURGE: "0", MAX_UNAVAILABLE: "100%"}


def build(graph: Graph, labels: dict[str, str]) -> dgd.DynamoGraphDeployment:
    """The graph as the operator's v1beta1 object, without annotations that only Pulumi reads.

    Raises flags.CommandLineRefused for arguments that are invalid for the runtime. This is an internal error, because
    `planning.load` has already checked the stack's arguments.
    """
    runs = graph.runs
    return dgd.DynamoGraphDeployment(
        metadata=dgd.Metadata(
            name=graph.name,
            namespace=graph.namespace,
            labels=labels,
            # Plain Deployments suffice, because no engine spans nodes. The operator reads this only at creation.
            annotations={"nvidia.com/enable-grove": "false"},
        ),
        spec=dgd.GraphSpec(
            backend_framework=runs.framework,
            components=(_frontend(graph, runs), *(_worker(graph, worker, runs) for worker in graph.workers)),
        ),
    )


def frontend_command() -> tuple[str, ...]:
    return ("python3", "-m", frontend_flags().module)


def frontend_image(runtime: str) -> str:
    return f"{IMAGES}/dynamo-frontend:{runtime}"


def _frontend(graph: Graph, runs: Engine) -> dgd.Component:
    """The OpenAI-compatible server with the KV-aware router. Loads the tokenizer, never the weights."""
    args = FrontendArgs(
        kv_cache_block_size=runs.block_size,
        migration_limit=graph.frontend.migration_limit,
        # Each router sees the load that the others have assigned.
        router_replica_sync=graph.frontend.replicas > 1,
    )
    source = _model_source(graph)
    return dgd.Component(
        name="frontend",
        type="frontend",
        replicas=graph.frontend.replicas,
        pod_template=dgd.PodTemplate(
            metadata=_annotated(source.annotations),
            spec=dgd.PodSpec(
                service_account_name=names.runtime_account(graph.name),
                node_selector=placement.on_pool(SYSTEM_POOL) if graph.on_system_pool else None,
                topology_spread_constraints=placement.spread(graph) if graph.frontend.replicas > 1 else None,
                termination_grace_period_seconds=lifecycle.GRACE_SECONDS,
                containers=(
                    dgd.Container(
                        image=frontend_image(graph.runtime),
                        command=frontend_command(),
                        args=flags.checked(of_release(frontend_flags(), graph.runtime), args.argv()),
                        env=(
                            *source.env,
                            *_variables(NO_ADMIN_API),
                            *_variables(lifecycle.FRONTEND_ENV),
                            *_no_usage_reports(runs),
                        ),
                        env_from=source.env_from,
                        resources=dgd.Resources(requests=_requests(graph.frontend.size)),
                        security_context=pod_security.unprivileged(),
                        lifecycle=dgd.Lifecycle(
                            pre_stop=dgd.LifecycleHandler(sleep=dgd.Sleep(seconds=lifecycle.PRE_STOP_SECONDS))
                        ),
                        volume_mounts=source.mounts,
                    ),
                ),
                volumes=source.volumes,
            ),
        ),
    )


def engine_input(graph: Graph, worker: Worker) -> EngineInput:
    """The input of the graph's engine for one role."""
    return EngineInput(
        role=worker.role,
        tensor_parallel=worker.tensor_parallel,
        repository=graph.card.repository,
        model=graph.model,
        served_name=graph.served_name,
        streams_weights=graph.card.loader == "runaiStreamer",
        max_model_len=graph.max_model_len,
        kv_cache_dtype=graph.kv_cache_dtype,
        gpu_memory_utilization=graph.gpu_memory_utilization,
        kv_lease_seconds=graph.kv_lease_seconds,
        linear_state=graph.card.attention.kind == "linear",
        extra_args=worker.extra_args,
    )


def _worker(graph: Graph, worker: Worker, runs: Engine) -> dgd.Component:
    inputs = engine_input(graph, worker)
    node = worker.machine
    source = _model_source(graph)
    container = dgd.Container(
        image=f"{runs.image}:{graph.runtime}",
        command=runs.command,
        args=_checked(graph, runs.arguments(inputs)),
        env=(
            *source.env,
            *map(_variable, runs.environment(inputs)),
            *_variables(lifecycle.worker_env(worker.drain_seconds)),
            *_variables(releases.worker_environment(graph.runtime)),
            *_no_usage_reports(runs),
            *(map(_variable, runs.transfer_environment(inputs)) if graph.kv_transfer else ()),
            *(map(_variable, runs.transport_environment(graph.kv_transfer)) if graph.kv_transfer else ()),
        ),
        env_from=source.env_from,
        resources=_gpu_resources(worker) if node else dgd.Resources(requests=_requests(worker.size)),
        security_context=_gpu_security(worker) if node else pod_security.unprivileged(),
        volume_mounts=source.mounts,
    )
    return dgd.Component(
        name=worker.role.value,
        type=worker.role.value,
        replicas=None if worker.autoscaled else worker.replicas,
        scaling_adapter=dgd.ScalingAdapter() if worker.autoscaled else None,
        shared_memory_size=worker.size.shared_memory,
        pod_template=dgd.PodTemplate(
            metadata=_annotated(
                source.annotations
                | _rollout(graph, worker)
                | (KEEP_ON_NODE if node else {})
                | dict(worker.nics.annotations)
            ),
            spec=dgd.PodSpec(
                service_account_name=names.runtime_account(graph.name),
                node_selector=placement.worker_nodes(graph, worker) or None,
                tolerations=placement.tolerations(node) if node else None,
                affinity=placement.colocated(graph) if graph.placement is Placement.SHARED else None,
                termination_grace_period_seconds=lifecycle.worker_grace(worker.drain_seconds),
                resource_claims=_nic_claims(worker.nics.claim) if worker.nics.claim else None,
                # The only container: in some RDMA modes, only the first container gets the node's devices.
                containers=(container,),
                volumes=source.volumes,
            ),
        ),
    )


def _rollout(graph: Graph, worker: Worker) -> dict[str, str]:
    """How an update replaces the engines; simulated ones need no GPU, so the operator's default suffices."""
    if graph.recreates:
        return RECREATE
    return ROLLOUT if worker.machine else {}


def _checked(graph: Graph, argv: tuple[str, ...]) -> tuple[str, ...]:
    """The arguments of a worker, checked against the engine's flag table for the runtime if there is one."""
    table = graph.runs.flags
    return flags.checked(of_release(table, graph.runtime), argv) if table else argv


def _no_usage_reports(runs: Engine) -> tuple[dgd.EnvVar, ...]:
    """Variables of every pod of a graph that switch off usage reports, of the engine and of libraries such as Hugging
    Face's."""
    return _variables({**runs.no_usage_reports, "DO_NOT_TRACK": "1"})


# The frontend has no authentication, and one `POST /busy_threshold` would make it reject nearly all other requests.
NO_ADMIN_API = {"DYN_DISABLE_FRONTEND_ADMIN_API": "1"}


@dataclass(frozen=True, kw_only=True)
class _ModelSource:
    """Settings through which a pod gets the model: frontends the tokenizer, workers also the weights."""

    annotations: dict[str, str]
    env: tuple[dgd.EnvVar, ...]
    env_from: tuple[dgd.EnvFromSource, ...] | None
    mounts: tuple[dgd.VolumeMount, ...]
    volumes: tuple[dgd.Volume, ...]


def _model_source(graph: Graph) -> _ModelSource:
    return _bucket() if graph.reads_bucket else _hub(graph)


@cache
def _bucket() -> _ModelSource:
    """The bucket, mounted as a folder, without token and without access to the hub: a missing file is an error."""
    return _ModelSource(
        annotations=labels.GCS_FUSE,
        env=(dgd.EnvVar(name="HF_HUB_OFFLINE", value="1"),),
        env_from=None,
        mounts=(dgd.VolumeMount(name="weights", mount_path=weights.MOUNT, read_only=True),),
        volumes=(
            dgd.Volume(
                name="weights",
                persistent_volume_claim=dgd.ClaimSource(claim_name=names.WEIGHTS_CLAIM, read_only=True),
            ),
            # The required name of GCS FUSE's file cache. The emptyDir is on the Local SSDs, if the machine has any.
            dgd.Volume(name="gke-gcsfuse-cache", empty_dir=dgd.EmptyDir()),
        ),
    )


@cache
def _open_hub() -> _ModelSource:
    """The hub, from which each pod downloads the model, without token."""
    return _ModelSource(
        annotations={},
        env=(dgd.EnvVar(name="HF_HOME", value=MODEL_CACHE),),
        env_from=None,
        mounts=(dgd.VolumeMount(name="model-cache", mount_path=MODEL_CACHE),),
        volumes=(dgd.Volume(name="model-cache", empty_dir=dgd.EmptyDir()),),
    )


def mounts() -> tuple[dgd.VolumeMount, ...]:
    """Every mount that a pod of a graph may have."""
    return (*_bucket().mounts, *_open_hub().mounts)


def volumes() -> tuple[dgd.Volume, ...]:
    """Every volume that a pod of a graph may have."""
    return (*_bucket().volumes, *_open_hub().volumes)


def _hub(graph: Graph) -> _ModelSource:
    """The hub, with the token if the model is gated."""
    token = (dgd.EnvFromSource(secret_ref=dgd.SecretRef(name=graph.hf_token_secret)),)
    return replace(_open_hub(), env_from=token if graph.card.gated else None)


def _variables(env: Mapping[str, str]) -> tuple[dgd.EnvVar, ...]:
    return tuple(dgd.EnvVar(name=name, value=value) for name, value in env.items())


def _variable(given: EnvVar) -> dgd.EnvVar:
    source = dgd.EnvVarSource(field_ref=dgd.FieldRef(field_path=given.field)) if given.field else None
    return dgd.EnvVar(name=given.name, value=given.value, value_from=source)


def _annotated(annotations: dict[str, str]) -> dgd.PodMetadata | None:
    return dgd.PodMetadata(annotations=annotations) if annotations else None


def worker_variables(runs: Engine, inputs: EngineInput, drain_seconds: int) -> tuple[dgd.EnvVar, ...]:
    """Every variable that a worker of an engine may get, for any source of the model and any transport of KV cache."""
    return (
        *_bucket().env,
        *_open_hub().env,
        *map(_variable, runs.environment(inputs)),
        *_variables(lifecycle.worker_env(drain_seconds)),
        *_variables(releases.worker_environment(releases.newest_release())),
        *_no_usage_reports(runs),
        *map(_variable, runs.transfer_environment(inputs)),
        *(_variable(each) for transport in KvTransfer for each in runs.transport_environment(transport)),
    )


def _requests(size: PodSize) -> dict[str, str]:
    return {"cpu": size.cpu, "memory": size.memory}


def _gpu_resources(worker: Worker) -> dgd.Resources:
    return dgd.Resources(
        requests=_requests(worker.size),
        limits={GPU_RESOURCE: str(worker.tensor_parallel), **worker.nics.limits},
        claims=(dgd.ResourceClaimRef(name=_CLAIM),) if worker.nics.claim else None,
    )


def _nic_claims(claim: NicClaim) -> tuple[dgd.PodResourceClaim, ...]:
    template = names.claim_template(claim.size)
    return (dgd.PodResourceClaim(name=_CLAIM, resource_claim_template_name=template),)


def _gpu_security(worker: Worker) -> dgd.SecurityContext:
    """Security context of a GPU worker: root, because the image user's caches are not writable. With RDMA, the worker
    may also pin memory.

    The worker keeps the container runtime's default capabilities and the node's default seccomp profile, because
    RuntimeDefault rejects calls for NUMA memory (mbind, set_mempolicy). Fewer privileges are untested with RDMA.
    """
    added = worker.nics.capabilities
    return dgd.SecurityContext(
        run_as_user=0,
        allow_privilege_escalation=False,
        capabilities=dgd.Capabilities(add=added) if added else None,
    )
