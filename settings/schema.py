"""What a stack may set. The contract of a stack file: frozen, camelCase, nothing unknown, strictly typed."""

import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from catalog import versions
from catalog.capacity import CapacityMode
from catalog.contracts import KvCacheDtype, Role
from catalog.lifecycle import MAX_DRAIN_SECONDS
from catalog.machines import machine_names
from catalog.rdma import KvTransfer, RdmaMode
from reading.errors import one_of
from reading.frozen import Frozen
from settings import client_ranges
from settings.addresses import AddressPlan


class ReleaseChannel(StrEnum):
    REGULAR = "regular"
    STABLE = "stable"
    RAPID = "rapid"


class Exposure(StrEnum):
    NONE = "none"
    """Reached inside the cluster only."""
    INTERNAL = "internal"
    """An internal load balancer with an address of the node subnet."""
    GATEWAY = "gateway"
    """A public load balancer: TLS, and only for the clients that are named."""


def _cpu_machine(name: str) -> str:
    if name not in machine_names(with_gpus=False):
        raise ValueError(one_of(name, machine_names(with_gpus=False)))
    return name


class Location(Frozen):
    region: Annotated[
        str,
        Field(
            pattern=r"^[a-z]+-[a-z]+[0-9]+$",
            description="a region, in lower case: area, dash, place and number",
            examples=["europe-west1"],
        ),
    ]
    zone: Annotated[
        str,
        Field(
            pattern=r"^[a-z]+-[a-z]+[0-9]+-(ai[0-9]+)?[a-z]$",
            description="a zone, in lower case: its region, dash and letter",
            examples=["europe-west1-b"],
        ),
    ]
    """Where the GPU nodes are; one zone, because a RoCE network is zonal."""
    allow_unlisted: bool = False
    """Takes a region or zone that `catalog/locations` does not have, such as one opened after its date."""


# The project's id, not its display name or number; bootstrap has the same rule.
PROJECT_ID = r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$"
PROJECT_ID_RULE = (
    "a project's id (not its name or number): 6 to 30 lower-case letters, digits and dashes, the first a letter, the "
    "last no dash"
)
ProjectId = Annotated[str, Field(pattern=PROJECT_ID, description=PROJECT_ID_RULE, examples=["my-project"])]
CloudName = Annotated[
    str,
    Field(
        pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
        description="1 to 63 lower-case letters, digits and dashes, the first a letter, the last no dash",
        examples=["my-name"],
    ),
]


class ExistingNetwork(Frozen):
    """A VPC that is there, with NAT; the cluster is put into one of its subnets."""

    project: ProjectId | None = None
    """The host project of a Shared VPC; the stack's own unless given."""
    vpc: Annotated[CloudName, Field(examples=["my-vpc"])]
    subnet: Annotated[CloudName, Field(examples=["my-subnet"])]
    pods_range: Annotated[CloudName, Field(examples=["pods"])] = "pods"
    services_range: Annotated[CloudName, Field(examples=["services"])] = "services"
    """Names of the subnet's secondary ranges."""


class NetworkSettings(Frozen):
    rdma: RdmaMode = RdmaMode.DRANET
    """How the RDMA NICs of a node get their networks and reach pods. Another one replaces node pools."""
    ranges: AddressPlan = AddressPlan()
    existing: ExistingNetwork | None = None


class SystemPool(Frozen):
    """The CPU nodes that the platform, the frontends and simulated workers run on."""

    machine: Annotated[str, AfterValidator(_cpu_machine)] = "n2-standard-16"
    nodes: Annotated[int, Field(ge=2, le=10)] = 2
    """The fewest that are kept; the autoscaler may add as many again. Not one: the pool is born with a node in each of
    the region's zones, three as a rule, and what is born must lie within the most."""

    @property
    def most_nodes(self) -> int:
        return 2 * self.nodes


class Weekday(StrEnum):
    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class Maintenance(Frozen):
    """When GKE may work on the cluster, in UTC."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1, examples=[["sat", "sun"]])] = (Weekday.SAT, Weekday.SUN)
    start: Annotated[
        str,
        Field(
            pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="a time of day in UTC as HH:MM", examples=["02:00"]
        ),
    ] = "02:00"
    hours: Annotated[int, Field(ge=4, le=24, validate_default=True)] = 6
    """GKE counts no window of less than four."""
    hold_node_upgrades: bool = True
    """Whether minor versions and nodes wait for you until their end of support; patches of the control plane do not.
    An upgrade of a GPU pool takes its nodes away one by one, and there is no spare."""

    @field_validator("hours")
    @classmethod
    def _enough_in_a_month(cls, hours: int, info: ValidationInfo) -> int:
        days: tuple[Weekday, ...] | None = info.data.get("days")  # absent when it is a fault of its own
        if days and hours * len(set(days)) * 32 < 48 * 7:
            least = -(-48 * 7 // (32 * len(set(days))))
            raise ValueError(
                f"{hours} on {', '.join(days)} is less than the 48 hours in 32 days that GKE insists on; "
                f"at least {least}, or more days"
            )
        return hours

    @property
    def recurrence(self) -> str:
        """The days as an RRULE, RFC 5545."""
        return "FREQ=WEEKLY;BYDAY=" + ",".join(day[:2].upper() for day in Weekday if day in self.days)

    @property
    def first_window(self) -> tuple[str, str]:
        """Begin and end of the first one, RFC 3339: of a fixed week, so that no preview differs from the one before."""
        hour, minute = map(int, self.start.split(":"))
        monday = datetime(2026, 1, 5, hour, minute)
        begin = monday + timedelta(days=min(list(Weekday).index(day) for day in self.days))
        return (f"{begin.isoformat()}Z", f"{(begin + timedelta(hours=self.hours)).isoformat()}Z")


# Namespace of the graphs in a cluster of the stack's own. Components take theirs from the plan: see `Plan.namespace`.
OWN_NAMESPACE = "dynamo"

# What `gcloud container clusters get-credentials` calls its contexts; no part has an underscore.
_GKE_CONTEXT = re.compile(r"gke_(?P<project>[^_]+)_(?P<location>[^_]+)_(?P<name>[^_]+)")


class PlatformMode(StrEnum):
    INSTALL = "install"
    """The stack installs the Dynamo operator."""
    SHARED = "shared"
    """The cluster has a cluster-wide Dynamo operator, which all its stacks use; the stack installs none."""


class ExistingCluster(Frozen):
    """A cluster that is there: nothing of it is changed but the node pools that are added."""

    context: (
        Annotated[
            str,
            Field(
                pattern=r"^[A-Za-z0-9][^\s]*$",
                description="a kubeconfig context: no spaces, the first a letter or digit",
                examples=["my-context"],
            ),
        ]
        | None
    ) = None
    """Of the kubeconfig, and how the cluster is reached; by its DNS endpoint unless given."""
    name: Annotated[CloudName | None, Field(validate_default=True, examples=["my-cluster"])] = None
    """In the stack's project."""
    location: (
        Annotated[
            str,
            Field(
                pattern=r"^[a-z]+-[a-z]+[0-9]+(-(ai[0-9]+)?[a-z])?$",
                description="a region or zone, in lower case",
                examples=["europe-west1"],
            ),
        ]
        | None
    ) = None
    """The region or zone that the cluster was made in; the stack's region unless given."""
    add_gpu_pools: bool = False
    """Whether A3 Ultra pools are added to it; else the graphs use GPU nodes that it has."""
    platform: PlatformMode = PlatformMode.INSTALL
    """Who installs the Dynamo operator. A cluster takes one: a second stack of the same cluster says `shared`."""
    # 32 characters: the operator labels pods with `<namespace>-<graph>`, which may have 63.
    namespace: (
        Annotated[
            str,
            Field(
                pattern=r"^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$",
                description="1 to 32 lower-case letters, digits and dashes, the first a letter, the last no dash",
                examples=["dynamo-prod"],
            ),
        ]
        | None
    ) = None
    """Of the graphs; `dynamo-<stack>` unless given. Names of what has no namespace begin with it."""

    @field_validator("name")
    @classmethod
    def _known_somehow(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name is None and "context" in info.data and not info.data["context"]:
            raise ValueError("is required unless there is a context: the cluster is known by one of the two")
        return name

    @field_validator("add_gpu_pools")
    @classmethod
    def _pools_need_a_name(cls, add: bool, info: ValidationInfo) -> bool:
        context: str | None = info.data.get("context")
        if add and context and not info.data.get("name", "at fault") and not _GKE_CONTEXT.fullmatch(context):
            raise ValueError("needs cluster.existing.name: the context does not tell which cluster the pools belong to")
        return add

    @property
    def told(self) -> dict[str, str]:
        """`project`, `location` and `name` as the context tells them; empty for one that does not."""
        match = _GKE_CONTEXT.fullmatch(self.context or "")
        return match.groupdict() if match else {}


KmsKey = Annotated[
    str,
    Field(
        pattern=r"^projects/[a-z0-9:.-]+/locations/[a-z0-9-]+/keyRings/[A-Za-z0-9_-]+/cryptoKeys/[A-Za-z0-9_-]+$",
        description="the full name of a Cloud KMS key: project, location, key ring and key",
        examples=["projects/my-project/locations/europe-west1/keyRings/gke/cryptoKeys/secrets"],
    ),
]


class ClusterSettings(Frozen):
    deletion_protection: bool = True
    release_channel: ReleaseChannel = ReleaseChannel.REGULAR
    system_pool: SystemPool = SystemPool()
    maintenance: Maintenance = Maintenance()
    existing: ExistingCluster | None = None
    binary_authorization: bool = False
    """Only images that the project's policy admits are started."""
    secrets_key: KmsKey | None = None
    """Your own key, by which the cluster encrypts its Secrets besides Google's."""


# Of this project or shared by another, whole or one block or sub-block of it; with its zone as the API writes it.
RESERVATION = (
    r"^(projects/[a-z0-9-]+/(zones/[a-z0-9-]+/)?reservations/)?[a-z]([-a-z0-9]*[a-z0-9])?"
    r"(/reservationBlocks/[a-z0-9-]+(/reservationSubBlocks/[a-z0-9-]+)?)?$"
)
RESERVATION_RULE = (
    "a reservation's name in lower-case letters, digits and dashes; with a block as NAME/reservationBlocks/BLOCK, of "
    "another project as projects/OWNER/reservations/NAME"
)


class Capacity(Frozen):
    mode: CapacityMode
    reservation: Annotated[
        Annotated[str, Field(pattern=RESERVATION, description=RESERVATION_RULE, examples=["my-h200"])] | None,
        Field(validate_default=True),
    ] = None
    """A reservation's name, optionally with its block and sub-block: `NAME/reservationBlocks/BLOCK`; one that another
    project shares as `projects/OWNER/reservations/NAME`."""
    max_nodes: Annotated[int, Field(ge=1, le=1000, examples=[4])] | None = None
    """GPU nodes that the stack may ask for, autoscaling included; more is refused. The ranges must hold as many."""

    compact_placement: bool | None = None
    """Whether nodes have to lie close together; each mode has its default, see `CapacityMode.compact_placement`."""

    @field_validator("compact_placement")
    @classmethod
    def _placement_can_be_chosen(cls, compact: bool | None, info: ValidationInfo) -> bool | None:
        if compact is not None and info.data.get("mode") is CapacityMode.RESERVATION:
            raise ValueError("has no effect with mode reservation, whose machines lie where they are; remove it")
        return compact

    @field_validator("reservation")
    @classmethod
    def _reservation_fits_mode(cls, reservation: str | None, info: ValidationInfo) -> str | None:
        mode: CapacityMode | None = info.data.get("mode")
        if mode is CapacityMode.RESERVATION and not reservation:
            raise ValueError(
                "mode reservation needs its name, else the pool waits for on-demand H200 nodes that are not sold; "
                "list yours with `gcloud compute reservations list`"
            )
        if mode and mode is not CapacityMode.RESERVATION and reservation:
            raise ValueError(
                f"mode {mode} would leave reservation {reservation} unused and still paid for; take it out, in a "
                "preview by `--set capacity.reservation=`"
            )
        return reservation


# As many as GKE lets a node pool have nodes.
Replicas = Annotated[int, Field(ge=1, le=1000)]


class RoleOverride(Frozen):
    replicas: Replicas | None = None
    tensor_parallel: Annotated[int, Field(ge=1)] | None = None
    drain_seconds: Annotated[int, Field(ge=0, le=MAX_DRAIN_SECONDS)] | None = None
    """How long an engine that is told to stop serves on before it aborts what still runs. Every restart takes it."""


class ScaleRange(Frozen):
    """How many engines of a role there may be; an autoscaler chooses between."""

    min: Replicas
    """At least one: without prefill or decode the model is not served at all."""
    max: Replicas

    @field_validator("max")
    @classmethod
    def _max_over_min(cls, most: int, info: ValidationInfo) -> int:
        least: int | None = info.data.get("min")
        if least and most < least:
            raise ValueError(f"got {most}, which is less than min, {least}; set max to {least} or more")
        return most


class Autoscaling(Frozen):
    prefill: ScaleRange | None = None
    decode: ScaleRange | None = None
    worker: ScaleRange | None = None

    @property
    def ranges(self) -> dict[Role, ScaleRange]:
        pairs = ((Role.PREFILL, self.prefill), (Role.DECODE, self.decode), (Role.WORKER, self.worker))
        return {role: given for role, given in pairs if given}


class VerificationMode(StrEnum):
    REQUIRED = "required"
    """Whatever is not verified fails the update, and no endpoint is handed out."""
    REPORTED = "reported"
    """The Job prints its verdicts and the update passes; for bringing up a new machine or engine."""


class FrontendSettings(Frozen):
    replicas: Replicas | None = None
    """Two unless set, so that one may go down; one for a simulated graph."""


# Decode renews a lease each sixth of it, in whole seconds.
MIN_KV_LEASE_SECONDS = 6


class EngineSettings(Frozen):
    max_model_len: Annotated[int, Field(ge=1)] | None = None
    """Tokens of prompt and answer together; the card's default when left out."""
    kv_cache_dtype: KvCacheDtype = KvCacheDtype.AUTO
    # vLLM's own default changed between versions, so it is always set. 0.92 is that of 0.32.
    gpu_memory_utilization: Annotated[float, Field(gt=0, lt=1, strict=False)] = 0.92
    kv_lease_seconds: Annotated[int, Field(ge=MIN_KV_LEASE_SECONDS, le=600)] | None = None
    """How long prefill keeps the KV cache of an answered prompt for a decode engine that does not fetch it; 30 unless
    given. Prompts that wait longer in decode's queue need more; a client that breaks off blocks memory for as long."""
    extra_args: tuple[str, ...] = ()
    """Words added to the command line of every worker, such as ["--max-num-seqs", "64"]."""
    allow_code: tuple[str, ...] = ()
    """Flags of extraArgs that may run code of others, such as ["--trust-remote-code"]."""


# What a client's JSON, a command line and a metric's label all take as it is; a hub's `org/name` too.
ServedName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}(/[A-Za-z0-9][A-Za-z0-9._-]{0,62})?$",
        description="1 to 63 letters, digits, dots, dashes and underscores, the first a letter or digit; once a / "
        "between two such parts",
        examples=["llama-3.3-70b"],
    ),
]


class ModelSettings(Frozen):
    model: str
    layout: str
    served_name: ServedName | None = None
    """What clients send as `model`; the card's name unless given. It stays when `model` is swapped."""
    prefill: RoleOverride | None = None
    decode: RoleOverride | None = None
    worker: RoleOverride | None = None
    frontend: FrontendSettings = FrontendSettings()
    engine: EngineSettings = EngineSettings()
    autoscaling: Autoscaling = Autoscaling()
    verification: VerificationMode = VerificationMode.REQUIRED
    kv_transfer: KvTransfer | None = None
    """RDMA where KV cache moves between pods on GPUs. `tcp` accepts the pod network instead, with or without NICs."""

    @property
    def overrides(self) -> dict[Role, RoleOverride]:
        pairs = ((Role.PREFILL, self.prefill), (Role.DECODE, self.decode), (Role.WORKER, self.worker))
        return {role: override for role, override in pairs if override}


def _client_range(cidr: str) -> str:
    if error := client_ranges.range_error(cidr):
        raise ValueError(error)
    return cidr


def _client_ranges(cidrs: tuple[str, ...]) -> tuple[str, ...]:
    if error := client_ranges.share_error(cidrs):
        raise ValueError(error)
    return cidrs


ClientRange = Annotated[str, AfterValidator(_client_range)]


class Endpoint(Frozen):
    exposure: Exposure = Exposure.INTERNAL
    domain: Annotated[
        Annotated[
            str,
            Field(
                pattern=r"^([a-z0-9-]+\.)+[a-z]{2,}$",
                description="a domain name in lower case, without scheme or path",
                examples=["llm.example.com"],
            ),
        ]
        | None,
        Field(validate_default=True),
    ] = None
    """Graphs are served as `https://<graph>.<domain>`; the certificate is for all names under it."""
    allowed_cidrs: Annotated[tuple[ClientRange, ...], AfterValidator(_client_ranges), Field(validate_default=True)] = ()
    """The public addresses that clients come from, as many as a /8 together. All others are turned away."""
    global_access: bool = False
    """Whether clients of other regions reach the internal load balancer; Google's default is its own region only."""

    @field_validator("domain", "allowed_cidrs")
    @classmethod
    def _goes_with_a_gateway(cls, value: object, info: ValidationInfo) -> object:
        exposure: Exposure | None = info.data.get("exposure")
        if exposure is Exposure.GATEWAY and not value:
            why = {"domain": "a certificate is made for it", "allowed_cidrs": "nobody else is let in"}
            raise ValueError(f"exposure gateway needs it: {why[str(info.field_name)]}")
        if exposure and exposure is not Exposure.GATEWAY and value:
            raise ValueError(f"has no effect with exposure {exposure}; it belongs to exposure gateway")
        return value

    @field_validator("global_access")
    @classmethod
    def _goes_with_an_internal_one(cls, value: bool, info: ValidationInfo) -> bool:
        exposure: Exposure | None = info.data.get("exposure")
        if value and exposure and exposure is not Exposure.INTERNAL:
            raise ValueError(f"has no effect with exposure {exposure}; it belongs to exposure internal")
        return value


class SecretStore(StrEnum):
    KUBERNETES = "kubernetes"
    """A Secret of the cluster, written from the config's `hfToken`."""
    SECRET_MANAGER = "secretManager"
    """Google's Secret Manager, from which GKE writes that Secret and keeps it up to date."""


class SecretsSettings(Frozen):
    store: SecretStore = SecretStore.KUBERNETES
    hf_token: (
        Annotated[
            str,
            Field(
                pattern=r"^[A-Za-z0-9_-]{1,255}$",
                description="a secret's name: 1 to 255 letters, digits, dashes and underscores",
                examples=["hf-token"],
            ),
        ]
        | None
    ) = None
    """A secret of the project that is there already, by name. The token is then never in Pulumi's hands."""

    @field_validator("hf_token")
    @classmethod
    def _names_a_secret(cls, name: str | None, info: ValidationInfo) -> str | None:
        store: SecretStore | None = info.data.get("store")
        if name and store is SecretStore.KUBERNETES:
            raise ValueError(f"names a secret of Secret Manager, which store {store} does not read; use secretManager")
        return name


def _each_once(emails: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({email for email in emails if emails.count(email) > 1})
    if twice:
        raise ValueError(
            f"{', '.join(twice)} is named more than once; each address gets one mail an alert; name it once"
        )
    return emails


EmailAddress = Annotated[
    str,
    Field(pattern=r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$", description="an email address", examples=["oncall@example.com"]),
]


class AlertSettings(Frozen):
    emails: Annotated[tuple[EmailAddress, ...], AfterValidator(_each_once)] = ()
    """Who is told when an alert opens or closes. With none, incidents show in the console only."""


# What budgets took their amount in before they had a currency.
USD = "USD"

MonthlyAmount = Annotated[int, Field(ge=1, le=1_000_000_000_000, examples=[140000])]


class BudgetSettings(Frozen):
    currency: Annotated[
        str, Field(pattern=r"^[A-Z]{3}$", description="a currency's ISO 4217 code: three capitals", examples=["EUR"])
    ] = USD
    """The billing account's own, by its ISO 4217 code: Google Cloud takes no budget in another."""
    monthly_usd: MonthlyAmount | None = None
    """`monthly`, as older stack files have it."""
    monthly: Annotated[MonthlyAmount | None, Field(validate_default=True)] = None
    """What a month may cost, in `currency`; all that carries the stack's label counts."""
    emails: Annotated[tuple[EmailAddress, ...], AfterValidator(_each_once), Field(min_length=1)]
    """Who is notified when half, nine tenths and all of it are spent, and when the month is heading over it."""

    @field_validator("monthly")
    @classmethod
    def _given_once(cls, monthly: int | None, info: ValidationInfo) -> int | None:
        older: int | None = info.data.get("monthly_usd", 1)  # absent when it is a fault of its own
        if monthly is None and older is None:
            raise ValueError("is required, such as 140000")
        if monthly is not None and info.data.get("monthly_usd"):
            raise ValueError("is given as monthlyUsd too; delete monthlyUsd")
        return monthly

    @property
    def amount(self) -> int:
        """What a month may cost, in `currency`."""
        amount = self.monthly or self.monthly_usd
        assert amount is not None  # one of the two is required
        return amount


class WeightsSettings(Frozen):
    keep: bool | None = None
    """Whether the bucket of the weights is protected, and stays when the stack is destroyed; as
    `cluster.deletionProtection` unless set."""


# Those that the program sets itself: by the first the budget finds what the stack costs.
OWN_LABELS = ("stack", "managed-by")


def cloud_label(key: str) -> str:
    """`costCenter` → `cost-center`: label keys of Google Cloud have no capitals."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in key)


def _labels_apart(labels: dict[str, str]) -> dict[str, str]:
    keys = [cloud_label(key) for key in labels]
    for key, cloud in zip(labels, keys, strict=True):
        if cloud in OWN_LABELS:
            raise ValueError(f"{key} is set by the program itself; take it out")
        if len(cloud) > 63:
            raise ValueError(f"{key} becomes {cloud}, longer than the 63 characters that Google Cloud takes")
        if keys.count(cloud) > 1:
            raise ValueError(f"two keys become {cloud}; take one out")
    return labels


LabelKey = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-zA-Z0-9-]{0,40}$",
        description="1 to 41 letters, digits and dashes, the first a lower-case letter",
        examples=["costCenter"],
    ),
]
LabelValue = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$",
        description="1 to 63 lower-case letters, digits, dashes and underscores, the first and last a letter or digit",
        examples=["ml-platform"],
    ),
]

# 30 characters leave room for what is added: the operator's `<graph>-k8s-service-discovery-binding` is 63 at most.
GraphName = Annotated[
    str,
    Field(
        pattern=r"^[a-z]([-a-z0-9]{0,28}[a-z0-9])?$",
        description="1 to 30 lower-case letters, digits and dashes, the first a letter, the last no dash",
        examples=["chat"],
    ),
]


_ONE_GRAPH = {"chat": {"model": "llama-3.3-70b-instruct", "layout": "multi-node"}}


class Versions(Frozen):
    """Dynamo's versions, of the operator and of the images. `catalog.versions` knows which can be used together."""

    platform: str = versions.PLATFORM
    runtime: str = versions.RUNTIME


class Settings(Frozen):
    """One stack, that is one environment."""

    # 16 characters: the account of the nodes is `dynamo-<stack>-nodes`, and account ids end at 30.
    stack: Annotated[
        str,
        Field(
            pattern=r"^[a-z]([-a-z0-9]{0,14}[a-z0-9])?$",
            description="1 to 16 lower-case letters, digits and dashes, the first a letter, the last no dash",
            examples=["prod"],
        ),
    ]
    project: ProjectId
    location: Annotated[Location, Field(examples=[{"region": "europe-west1", "zone": "europe-west1-b"}])]
    models: Annotated[dict[GraphName, ModelSettings], Field(min_length=1, examples=[_ONE_GRAPH])]
    capacity: Capacity | None = None
    """How GPU nodes are bought; needed as soon as a layout has GPUs."""
    network: NetworkSettings = NetworkSettings()
    cluster: ClusterSettings = ClusterSettings()
    endpoint: Endpoint = Endpoint()
    secrets: SecretsSettings = SecretsSettings()
    versions: Versions = Versions()
    alerts: AlertSettings = AlertSettings()
    budget: BudgetSettings | None = None
    weights: WeightsSettings = WeightsSettings()
    preflight: bool = True
    """Whether Google Cloud is asked, before anything is made, if it has what the plan needs."""
    labels: Annotated[dict[LabelKey, LabelValue], AfterValidator(_labels_apart)] = {}
    """On every resource that takes labels; `costCenter` becomes `cost-center`, since Google Cloud has no capitals."""
    hf_token_given: Annotated[bool, Field(alias="hfToken")] = False
    """Whether the secret `hfToken` is there. Its value never gets this far."""
    renamed: dict[str, str] = {}
    """Key paths that the stack file gives by an old name, old → new. Set while loading; no key of a stack file."""

    @property
    def namespace(self) -> str:
        """Namespace of the graphs."""
        existing = self.cluster.existing
        if existing is None:
            return OWN_NAMESPACE
        return existing.namespace or f"dynamo-{self.stack}"

    @property
    def installs_platform(self) -> bool:
        """Whether the stack installs the Dynamo operator."""
        existing = self.cluster.existing
        return existing is None or existing.platform is PlatformMode.INSTALL

    @property
    def keeps_weights(self) -> bool:
        return self.cluster.deletion_protection if self.weights.keep is None else self.weights.keep

    @property
    def makes_gpu_pools(self) -> bool:
        """Whether GPU pools are this stack's to make, as soon as a layout has GPUs."""
        return self.cluster.existing is None or self.cluster.existing.add_gpu_pools
