"""Canned answers of Google Cloud for a dry run: to the program's data sources, and outputs of new resources."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from pulumi.runtime import mocks

from catalog.gke_versions import GkeVersion
from ops.offline.recorded import UNKNOWN
from planning.gke_floor import gke_floor
from planning.load import load
from planning.plan import plan
from planning.types import Plan, WorkerPool
from policies import kinds
from settings.stack_config import StackConfig

_GKE_VERSION = GkeVersion(1, 35, 8, 1036000)
GET_CLUSTER = "gcp:container/getCluster:getCluster"

# Data source → its answer, the same for every stack. `up` needs some value for each.
CANNED_ANSWERS: Mapping[str, dict[str, Any]] = {
    "gcp:compute/getReservationBlock:getReservationBlock": {"blockCount": 1000, "inUseCount": 0},
    "gcp:compute/getReservationSubBlock:getReservationSubBlock": {"subBlockCount": 1000, "inUseCount": 0},
    # No bucket is left over from an earlier stack.
    "gcp:storage/getBucket:getBucket": {"location": ""},
    "gcp:kms/getKMSCryptoKey:getKMSCryptoKey": {"id": "example"},
    # Without a token the program sends no request.
    "gcp:organizations/getClientConfig:getClientConfig": {"accessToken": ""},
    # An existing cluster and subnet.
    GET_CLUSTER: {
        "datapathProvider": "ADVANCED_DATAPATH",
        "enableMultiNetworking": True,
        "controlPlaneEndpointsConfigs": [
            {"dnsEndpointConfigs": [{"endpoint": "gke-existing.europe-west1.gke.goog", "allowExternalTraffic": True}]}
        ],
        "addonsConfigs": [{"gcsFuseCsiDriverConfigs": [{"enabled": True}]}],
        "gatewayApiConfigs": [{"channel": "CHANNEL_STANDARD"}],
        "secretSyncConfigs": [{"enabled": True}],
        "subnetwork": "projects/my-project/regions/europe-west1/subnetworks/existing",
    },
    "gcp:compute/getSubnetwork:getSubnetwork": {"ipCidrRange": UNKNOWN},
    # The project's number, which IAM needs for a Kubernetes service account; fictitious.
    "gcp:organizations/getProject:getProject": {
        "projectId": "my-project",
        "number": "123456789012",
        "billingAccount": "000000-AAAAAA-BBBBBB",
    },
}

Answers = Callable[[mocks.MockCallArgs], dict[str, Any]]
"""Answers to the program's calls. A raised `grpc.RpcError` is an error of Google Cloud; others end the program."""


class Canned:
    """Canned answers for a stack, planned only if an answer depends on it. Without a stack there are no GPUs."""

    def __init__(self, config: StackConfig | None = None) -> None:
        self._config = config

    def __call__(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        inputs: Mapping[str, Any] = args.args
        match args.token:
            case "gcp:compute/getMachineTypes:getMachineTypes":
                return {"machineTypes": [{"name": pool.machine.name} for pool in self._pools]}
            case "gcp:compute/getReservation:getReservation":
                return self._reservation(inputs["name"])
            case "gcp:cloudquota/getSQuotaInfo:getSQuotaInfo":
                unlimited = inputs["quotaId"] in self._quotas()
                return {"dimensionsInfos": [{"details": [{"value": "-1" if unlimited else "0"}]}]}
            case "gcp:organizations/getBillingAccount:getBillingAccount":
                budget = self._plan and self._plan.budget
                return {"currencyCode": budget.currency if budget else "USD"}
            case "gcp:container/getCluster:getCluster":
                identities = {"workloadPool": f"{inputs['project']}.svc.id.goog"}
                return {
                    **CANNED_ANSWERS[args.token],
                    "workloadIdentityConfigs": [identities],
                    "masterVersion": self._gke_version,
                }
            case "gcp:container/getEngineVersions:getEngineVersions":
                return {"releaseChannelLatestVersion": dict.fromkeys(("RAPID", "REGULAR", "STABLE"), self._gke_version)}
            case _:
                return dict(CANNED_ANSWERS[args.token])

    @cached_property
    def _plan(self) -> Plan | None:
        return plan(load(self._config)) if self._config else None

    @property
    def _pools(self) -> tuple[WorkerPool, ...]:
        return self._plan.gpu_pools if self._plan else ()

    @property
    def _gke_version(self) -> str:
        """A version that is new enough for every feature of the stack."""
        floor = gke_floor(self._plan) if self._plan else None
        return str(max(_GKE_VERSION, floor.version) if floor else _GKE_VERSION)

    def _reservation(self, name: str) -> dict[str, Any]:
        """A reservation of the machine of the pools that use it."""
        named = [(pool.machine, pool.purchase.reservation) for pool in self._pools if pool.purchase]
        machines = {machine.name: None for machine, reservation in named if reservation and reservation.name == name}
        properties = [{"machineType": machine} for machine in list(machines)[:1]]
        held = {"count": 1000, "inUseCount": 0, "instanceProperties": properties}
        return {"status": "READY", "specificReservations": [held]}

    def _quotas(self) -> set[str]:
        """Ids of the quotas that the pools' machines count against, in every capacity mode."""
        offers = [offer for pool in self._pools for offer in pool.machine.sold.values()]
        return {quota.id for offer in offers for quota in (offer.quota, offer.over_all_regions) if quota}


# Resource type → outputs that Google Cloud computes and the program reads. Unknown in a preview; `up` needs them.
COMPUTED: Mapping[str, dict[str, Any]] = {
    kinds.DNS_AUTHORIZATION: {
        "dnsResourceRecords": [{"name": "_acme-challenge.example.com.", "type": "CNAME", "data": "example.goog."}]
    },
    kinds.ADDRESS: {"address": "10.0.0.100"},
    kinds.CLUSTER: {
        "controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"endpoint": "gke-example.europe-west1.gke.goog"}}
    },
    kinds.SERVICE: {"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.100"}]}}},
    kinds.NOTIFICATION_CHANNEL: {"name": "projects/my-project/notificationChannels/1"},
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": {
        "name": "projects/123456789012/locations/global/workloadIdentityPools/example"
    },
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": {
        "name": "projects/123456789012/locations/global/workloadIdentityPools/example/providers/example"
    },
}


def planned(args: mocks.MockResourceArgs) -> Mapping[str, Any]:
    """Outputs of a resource that the provider knows before it exists: those of a service account that follow from its
    id (its CustomizeDiff)."""
    if args.typ != kinds.GOOGLE_ACCOUNT:
        return {}
    email = _email(args)
    return {"email": email, "member": f"serviceAccount:{email}"}


def computed(args: mocks.MockResourceArgs) -> Mapping[str, Any]:
    """Outputs of a new resource that only Google Cloud knows."""
    if args.typ == kinds.GOOGLE_ACCOUNT:
        return {"name": f"projects/{args.inputs['project']}/serviceAccounts/{_email(args)}"}
    return COMPUTED.get(args.typ, {})


def _email(account: mocks.MockResourceArgs) -> str:
    return f"{account.inputs['accountId']}@{account.inputs['project']}.iam.gserviceaccount.com"
