"""Ids of new resources and the outputs that Google Cloud computes, as far as the program reads them. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ops.offline.canned_answers import CANNED_ANSWERS, COMPUTED
from ops.rehearsal.google.changes import EFFECTIVE_LABELS, effective_labels
from ops.rehearsal.google.schema import children, type_facts
from ops.rehearsal.google.wire import UNKNOWN, Secret, merged, plain
from ops.rehearsal.world import API_SERVER
from policies import kinds

PROJECT_NUMBER = CANNED_ANSWERS["gcp:organizations/getProject:getProject"]["number"]

# Type → the format of its ids (`id_format` of the provider's resources, their ImportState). `number` is one that
# Google Cloud chooses, `project_number` the project's. An id with `number` never exists already.
IDS: Mapping[str, str] = {
    "gcp:billing/budget:Budget": "billingAccounts/{billingAccount}/budgets/{number}",
    "gcp:certificatemanager/certificate:Certificate": "projects/{project}/locations/{location}/certificates/{name}",
    "gcp:certificatemanager/dnsAuthorization:DnsAuthorization": (
        "projects/{project}/locations/{location}/dnsAuthorizations/{name}"
    ),
    "gcp:compute/address:Address": "projects/{project}/regions/{region}/addresses/{name}",
    "gcp:compute/firewall:Firewall": "projects/{project}/global/firewalls/{name}",
    "gcp:compute/network:Network": "projects/{project}/global/networks/{name}",
    "gcp:compute/regionSecurityPolicy:RegionSecurityPolicy": (
        "projects/{project}/regions/{region}/securityPolicies/{name}"
    ),
    "gcp:compute/router:Router": "projects/{project}/regions/{region}/routers/{name}",
    "gcp:compute/routerNat:RouterNat": "{project}/{region}/{router}/{name}",
    "gcp:compute/subnetwork:Subnetwork": "projects/{project}/regions/{region}/subnetworks/{name}",
    "gcp:container/cluster:Cluster": "projects/{project}/locations/{location}/clusters/{name}",
    "gcp:container/nodePool:NodePool": "{cluster}/nodePools/{name}",
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": "{cryptoKeyId}/{role}/{member}",
    "gcp:monitoring/alertPolicy:AlertPolicy": "projects/{project}/alertPolicies/{number}",
    "gcp:monitoring/dashboard:Dashboard": "projects/{project_number}/dashboards/{number}",
    "gcp:monitoring/notificationChannel:NotificationChannel": "projects/{project}/notificationChannels/{number}",
    "gcp:projects/iAMMember:IAMMember": "{project}/{role}/{member}",
    "gcp:projects/service:Service": "{project}/{service}",
    "gcp:secretmanager/secret:Secret": "projects/{project}/secrets/{secretId}",
    "gcp:secretmanager/secretIamMember:SecretIamMember": "projects/{project}/secrets/{secretId}/{role}/{member}",
    "gcp:secretmanager/secretVersion:SecretVersion": "{secret}/versions/{number}",
    "gcp:serviceaccount/account:Account": "projects/{project}/serviceAccounts/{email}",
    "gcp:storage/bucket:Bucket": "{name}",
    "gcp:storage/bucketIAMMember:BucketIAMMember": "b/{bucket}/{role}/{member}",
}


@dataclass(frozen=True, kw_only=True)
class Provider:
    """The settings of one provider of the program."""

    place: Mapping[str, str]
    """Project, region and zone, as far as they are set: a resource takes them from its provider if it sets none."""
    labels: Mapping[str, str]


def planned(
    type_: str, inputs: Mapping[str, Any], provider: Provider, state: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Outputs that the provider knows before it calls an API; some may come from unknown inputs. `state` is the old
    state: a resource stays in its project whatever its provider says."""
    top = children(type_)[""]
    found: dict[str, Any] = {
        key: state.get(key, value)
        for key, value in provider.place.items()
        if key in top and top[key].kept and key not in inputs
    }
    found |= {
        key: of.default for key, of in top.items() if of.default is not None and not of.kind and key not in inputs
    }
    if type_facts(type_).labels:
        labels = Secret(effective_labels(type_, plain(inputs), provider.labels))
        found |= {EFFECTIVE_LABELS: labels, "pulumiLabels": labels}
    if type_ == kinds.GOOGLE_ACCOUNT:
        found |= _account({**found, **plain(inputs)})
    return found


def _account(inputs: Mapping[str, Any]) -> dict[str, Any]:
    if UNKNOWN in (inputs["accountId"], inputs["project"]):
        return {"email": UNKNOWN, "member": UNKNOWN}
    email = f"{inputs['accountId']}@{inputs['project']}.iam.gserviceaccount.com"
    return {"email": email, "member": f"serviceAccount:{email}"}


def id_of(type_: str, state: Mapping[str, Any], number: int) -> str:
    """The id of a new resource. `state` is its inputs and planned outputs, `number` one that was never used."""
    return IDS[type_].format(**plain(state), number=number, project_number=PROJECT_NUMBER)


def computed(type_: str, id_: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs that Google Cloud computes when it creates the resource."""
    of_type = _COMPUTED.get(type_)
    return of_type(id_, plain(state)) if of_type else {}


def unknown(values: Any) -> Any:
    """Outputs of a preview: the same blocks, every value unknown."""
    if isinstance(values, Mapping):
        return {key: unknown(inner) for key, inner in values.items()}
    return UNKNOWN


def previewed(type_: str, state: Mapping[str, Any]) -> dict[str, Any]:
    """A resource that a preview would create: its inputs and planned outputs, and the unknown outputs."""
    return merged(unknown(computed(type_, "", state)), state)


def _link(id_: str, _: Mapping[str, Any]) -> dict[str, Any]:
    return {"selfLink": f"https://www.googleapis.com/compute/v1/{id_}"}


def _authorization(_: str, state: Mapping[str, Any]) -> dict[str, Any]:
    record = COMPUTED[kinds.DNS_AUTHORIZATION]["dnsResourceRecords"][0]
    return {"dnsResourceRecords": [{**record, "name": f"_acme-challenge.{state['domain']}."}]}


def _named(id_: str, _: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": id_}


def _cluster(_: str, state: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"endpoint": API_SERVER}},
        "masterVersion": state.get("minMasterVersion", ""),
    }


_COMPUTED: Mapping[str, Callable[[str, Mapping[str, Any]], dict[str, Any]]] = {
    kinds.ADDRESS: lambda id_, state: {**COMPUTED[kinds.ADDRESS], **_link(id_, state)},
    kinds.CLUSTER: _cluster,
    kinds.DNS_AUTHORIZATION: _authorization,
    kinds.NETWORK: _link,
    kinds.SUBNETWORK: _link,
    kinds.NOTIFICATION_CHANNEL: _named,
    kinds.GOOGLE_ACCOUNT: _named,
}
