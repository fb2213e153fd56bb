"""Types of DynamoGraphDeployment v1beta1, for the part of the CRD that this program writes.

A field that is missing here cannot be written by mistake. Contract tests check the rendered objects against the full
CRD. `to_wire` returns the manifest.
"""

from typing import Annotated, Literal

from pydantic import Field

from reading.frozen import Frozen

API_VERSION = "nvidia.com/v1beta1"
KIND = "DynamoGraphDeployment"


class FieldRef(Frozen):
    field_path: str


class EnvVarSource(Frozen):
    field_ref: FieldRef


class EnvVar(Frozen):
    name: str
    value: str | None = None
    value_from: EnvVarSource | None = None


class SecretRef(Frozen):
    name: str


class EnvFromSource(Frozen):
    secret_ref: SecretRef


class ResourceClaimRef(Frozen):
    name: str


class Resources(Frozen):
    requests: dict[str, str]
    limits: dict[str, str] | None = None
    claims: tuple[ResourceClaimRef, ...] | None = None


class Capabilities(Frozen):
    add: tuple[str, ...] | None = None
    drop: tuple[str, ...] | None = None


class SeccompProfile(Frozen):
    type: Literal["RuntimeDefault"]


class SecurityContext(Frozen):
    """Security context of a container. Pods have none, so that the operator sets the group that owns their volumes."""

    run_as_user: int | None = None
    run_as_non_root: bool | None = None
    allow_privilege_escalation: bool | None = None
    capabilities: Capabilities | None = None
    seccomp_profile: SeccompProfile | None = None


class Sleep(Frozen):
    seconds: int


class LifecycleHandler(Frozen):
    sleep: Sleep


class Lifecycle(Frozen):
    pre_stop: LifecycleHandler


class VolumeMount(Frozen):
    name: str
    mount_path: str
    read_only: bool | None = None


class Container(Frozen):
    name: Literal["main"] = "main"
    """Required name: the operator merges its defaults into the container `main`."""
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFromSource, ...] | None = None
    resources: Resources
    lifecycle: Lifecycle | None = None
    termination_message_policy: Literal["FallbackToLogsOnError"] = "FallbackToLogsOnError"
    """Kubernetes copies the last log lines of a failed container to the pod's status, where `ops status` reads them."""
    security_context: SecurityContext | None = None
    volume_mounts: tuple[VolumeMount, ...] | None = None


class EmptyDir(Frozen):
    pass


class ClaimSource(Frozen):
    claim_name: str
    read_only: bool


class Volume(Frozen):
    name: str
    empty_dir: EmptyDir | None = None
    persistent_volume_claim: ClaimSource | None = None


class Toleration(Frozen):
    key: str
    operator: Literal["Exists"]
    effect: Literal["NoSchedule"]


class LabelSelector(Frozen):
    match_labels: dict[str, str]


class PodAffinityTerm(Frozen):
    label_selector: LabelSelector
    topology_key: str


class WeightedPodAffinityTerm(Frozen):
    weight: int
    pod_affinity_term: PodAffinityTerm


class PodAffinity(Frozen):
    preferred: Annotated[
        tuple[WeightedPodAffinityTerm, ...], Field(alias="preferredDuringSchedulingIgnoredDuringExecution")
    ]


class Affinity(Frozen):
    pod_affinity: PodAffinity


class TopologySpreadConstraint(Frozen):
    max_skew: int
    topology_key: str
    when_unsatisfiable: Literal["ScheduleAnyway"]
    label_selector: LabelSelector


class PodResourceClaim(Frozen):
    name: str
    resource_claim_template_name: str


class PodSpec(Frozen):
    service_account_name: str
    node_selector: dict[str, str] | None = None
    tolerations: tuple[Toleration, ...] | None = None
    affinity: Affinity | None = None
    topology_spread_constraints: tuple[TopologySpreadConstraint, ...] | None = None
    termination_grace_period_seconds: int | None = None
    resource_claims: tuple[PodResourceClaim, ...] | None = None
    containers: tuple[Container]
    volumes: tuple[Volume, ...] | None = None


class PodMetadata(Frozen):
    annotations: dict[str, str] | None = None


class PodTemplate(Frozen):
    metadata: PodMetadata | None = None
    spec: PodSpec


class ScalingAdapter(Frozen):
    pass


class Component(Frozen):
    name: str
    type: Literal["frontend", "prefill", "decode", "worker"]
    replicas: int | None = None
    """Number of replicas; None, which starts with one, where an autoscaler owns the field. With two field managers the
    next update would fail with a conflict."""
    scaling_adapter: ScalingAdapter | None = None
    """If present, even empty, the operator creates an object through which an autoscaler scales the component."""
    shared_memory_size: str | None = None
    """Size of /dev/shm. The operator owns this mount and silently drops the pod's own."""
    pod_template: PodTemplate


class Metadata(Frozen):
    name: str
    namespace: str
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class GraphSpec(Frozen):
    backend_framework: str | None = None
    components: tuple[Component, ...]


class DynamoGraphDeployment(Frozen):
    api_version: Literal["nvidia.com/v1beta1"] = API_VERSION
    kind: Literal["DynamoGraphDeployment"] = KIND
    metadata: Metadata
    spec: GraphSpec

    @property
    def fixed(self) -> str:
        """What the operator's webhook refuses to change: the engine's framework, and the names of the components.

        Read in the operator's source (1.5); unverified for 1.6.
        """
        names = sorted(component.name for component in self.spec.components)
        return f"{self.spec.backend_framework or 'no framework'}: {', '.join(names)}"
