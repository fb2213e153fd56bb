"""Asks Google Cloud what `planning.preflight` wants to know, as whoever previews, and stops where it refuses."""

import json
import os
import urllib.request
from functools import cached_property
from http.client import HTTPException
from typing import Any
from urllib.parse import quote

import pulumi
import pulumi_gcp as gcp
from pulumi_gcp import cloudquota, compute, container, kms, organizations, storage

from catalog.contracts import ReservationRef
from catalog.gke_versions import VERSION_PREFIX
from infra.answers import AsAnswered, Failed, asked, if_there, reason
from infra.existing_cluster import dns_endpoint
from planning.preflight import questions
from planning.preflight.billing import BudgetPossible
from planning.preflight.bucket import BucketIsOurs
from planning.preflight.cluster import Cluster, GkeVersionOffered, Unknown
from planning.preflight.existing import ClusterState, ExistingClusterFits, ExistingSubnetFits, SubnetState, is_range
from planning.preflight.operator import SELECTOR, Operator, OperatorFits, operators_in
from planning.preflight.question import FRESH_PROJECT, Finding, Question, Verdict, explained, is_off
from planning.preflight.quota import Limit, QuotaLarge
from planning.preflight.reservation import ReservationFree, ReservationState
from planning.preflight.secrets_key import SecretsKeyExists
from planning.preflight.zone import MachineTypeOffered, RoceProfileOffered
from planning.types import Plan

# Where the provider itself asks, and the variable by which it is sent elsewhere.
COMPUTE_API = "https://compute.googleapis.com/compute/v1/"
COMPUTE_API_VARIABLE = "GOOGLE_COMPUTE_CUSTOM_ENDPOINT"
# A cluster's API server, by its DNS endpoint.
KUBERNETES_API = "https://{endpoint}"
SECONDS = 10
MAX_BYTES = 4_000_000


def check(plan: Plan, provider: gcp.Provider, billing: gcp.Provider | None = None) -> None:
    """Asks all at once, before anything is registered. `billing` is the provider of the budget, where there is one.

    Raises RunError with every refusal. What could not be asked only warns: in a fresh project it is the first
    `pulumi up` that switches the APIs on.
    """
    asked = questions(plan)
    if not asked:
        return
    cloud = _Cloud(plan, provider, billing or provider)
    findings = [cloud.find(question) for question in asked]
    if cloud.fresh_project:
        pulumi.log.warn(FRESH_PROJECT)
    refusals = [f.sentence for f in findings if f.verdict is Verdict.REFUSED]
    for finding in findings:
        if finding.sentence and finding.verdict is not Verdict.REFUSED:
            pulumi.log.warn(f"preflight: {finding.sentence}")
    if refusals:
        raise pulumi.RunError(
            "\n".join(["Google Cloud cannot give what is planned (off with `preflight: false`)", *refusals])
        )
    well = sum(finding.verdict is Verdict.WELL for finding in findings)
    pulumi.log.info(f"preflight: {well} of {len(findings)} questions to Google Cloud were answered well")


class _Cloud:
    def __init__(self, plan: Plan, provider: gcp.Provider, billing: gcp.Provider) -> None:
        self.plan = plan
        # The plain form of each function: its answer is needed while the program still decides.
        self.opts = pulumi.InvokeOptions(provider=provider)
        self.billing = pulumi.InvokeOptions(provider=billing)
        self.fresh_project = False
        """Whether an API was found to be off, which the first `pulumi up` then switches on."""

    def find(self, question: Question) -> Finding:
        try:
            match question:
                case GkeVersionOffered():
                    return question.judge(self.latest_version(question), lambda: self.cluster)
                case MachineTypeOffered():
                    return question.judge(self.machine_types(question))
                case RoceProfileOffered():
                    return question.judge(self.has_profile(question))
                case ReservationFree():
                    return question.judge(self.reservation(question), lambda: self.cluster)
                case QuotaLarge():
                    return question.judge(self.limits(question))
                case ExistingClusterFits():
                    return question.judge(self.existing_cluster(question))
                case ExistingSubnetFits():
                    return question.judge(self.subnet(question))
                case SecretsKeyExists():
                    return question.judge(self.has_key(question))
                case BudgetPossible():
                    return question.judge(
                        self.billing_account(question), lambda account: self.currency(question, account)
                    )
                case BucketIsOurs():
                    return question.judge(self.has_bucket(question), lambda: self.cluster)
                case OperatorFits():
                    return question.judge(self.operators(question))
                case _:
                    raise TypeError(f"nothing asks {type(question).__name__}")
        except Failed as failed:
            self.fresh_project |= is_off(str(failed))
            return question.failed(str(failed))

    def latest_version(self, question: GkeVersionOffered) -> str:
        found = asked(
            lambda: container.get_engine_versions(
                project=question.project, location=question.region, version_prefix=VERSION_PREFIX, opts=self.opts
            )
        )
        return (found.release_channel_latest_version or {}).get(question.channel, "")

    def machine_types(self, question: MachineTypeOffered) -> list[str]:
        found = asked(
            lambda: compute.get_machine_types(
                project=question.project, zone=question.zone, filter=f'name = "{question.machine}"', opts=self.opts
            )
        )
        return [machine.name for machine in found.machine_types or []]

    def has_profile(self, question: RoceProfileOffered) -> bool:
        """By the API itself: the provider has no function for it. With the provider's own token."""
        api = os.environ.get(COMPUTE_API_VARIABLE) or COMPUTE_API
        url = f"{api.rstrip('/')}/projects/{question.project}/global/networkProfiles/{question.profile}"
        status, body = self.get(url, of=api)
        if status == 404:
            return False
        if status != 200:
            raise Failed(f"Error {status} {reason(body)}".rstrip())
        return True

    def get(self, url: str, *, of: str) -> tuple[int, bytes]:
        """Status and body of an API's answer, asked with the provider's own token. `of` is the API in messages."""
        token = asked(lambda: organizations.get_client_config(opts=self.opts)).access_token
        if not token:
            raise Failed("the provider has no access token")
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.build_opener(AsAnswered).open(request, timeout=SECONDS) as response:
                return response.status, response.read(MAX_BYTES)
        except (OSError, HTTPException, ValueError) as error:
            # What is wrong with a header would be told with its value.
            why = error if isinstance(error, OSError) else type(error).__name__
            raise Failed(f"{of} was not reached: {why}") from None

    def operators(self, question: OperatorFits) -> list[Operator]:
        """By the Kubernetes API at the cluster's DNS endpoint, which takes the token of a Google identity."""
        cluster = self._cluster()
        endpoint = dns_endpoint(cluster) if cluster else ""
        if not endpoint:
            raise Failed(f"no DNS endpoint of it is known; look with `{question.look}`")
        url = f"{KUBERNETES_API.format(endpoint=endpoint)}/apis/apps/v1/deployments?labelSelector={quote(SELECTOR)}"
        status, body = self.get(url, of=endpoint)
        if status != 200:
            raise Failed(f"Error {status} {reason(body)}".rstrip())
        try:
            return operators_in(json.loads(body))
        except (ValueError, KeyError, TypeError):
            raise Failed(f"{endpoint} gave no list of Deployments; look with `{question.look}`") from None

    def reservation(self, question: ReservationFree) -> ReservationState | None:
        name, *narrowed = question.reservation.levels
        place: dict[str, Any] = {"project": question.project, "zone": question.zone, "opts": self.opts}
        found = if_there(lambda: compute.get_reservation(name=name, **place))
        # For a reservation that is not there some versions of the provider give an empty answer, not an error.
        if not found or not found.status:
            return None
        specific = found.specific_reservations[0] if found.specific_reservations else None
        properties = specific.instance_properties if specific else None
        machines, in_use = (specific.count or 0, specific.in_use_count or 0) if specific else (0, 0)
        if narrowed:
            counts = if_there(lambda: _narrowed(name, narrowed, place))
            if not counts:
                return None
            machines, in_use = counts
        return ReservationState(
            status=found.status,
            machine=(properties[0].machine_type or "").rpartition("/")[2] if properties else "",
            machines=machines,
            in_use=in_use,
        )

    def limits(self, question: QuotaLarge) -> list[Limit]:
        found = asked(
            lambda: cloudquota.get_s_quota_info(
                parent=f"projects/{question.project}",
                service="compute.googleapis.com",
                quota_id=question.quota.id,
                opts=self.opts,
            )
        )
        return [
            Limit(
                dimensions=info.dimensions or {},
                locations=info.applicable_locations or [],
                # A number that is nought is left out of the answer, as the API does with all of them (unverified).
                value=int(info.details[0].value or 0) if info.details else 0,
            )
            for info in found.dimensions_infos or []
        ]

    def existing_cluster(self, question: ExistingClusterFits) -> ClusterState | None:
        found = self._cluster()
        if found is None:
            return None
        return ClusterState(
            version=found.master_version,
            dataplane_v2=found.datapath_provider == "ADVANCED_DATAPATH",
            multi_networking=bool(found.enable_multi_networking),
            dns_endpoint=bool(dns_endpoint(found)),
            workload_pool=next((w.workload_pool for w in found.workload_identity_configs or []), ""),
            fuse_driver=any(d.enabled for a in found.addons_configs or [] for d in a.gcs_fuse_csi_driver_configs or []),
            gateway_api=any(api.channel == "CHANNEL_STANDARD" for api in found.gateway_api_configs or []),
            secret_sync=any(sync.enabled for sync in found.secret_sync_configs or []),
            managed_prometheus=any(
                p.enabled for m in found.monitoring_configs or [] for p in m.managed_prometheuses or []
            ),
            ranges=self.cluster_ranges(found) if question.apart else {},
        )

    def cluster_ranges(self, cluster: container.GetClusterResult) -> dict[str, str]:
        found = if_there(lambda: compute.get_subnetwork(self_link=cluster.subnetwork, opts=self.opts))
        ranges = {"its nodes' range": found and found.ip_cidr_range, "its pods' range": cluster.cluster_ipv4_cidr}
        return {name: text for name, text in ranges.items() if text and is_range(text)}

    def subnet(self, question: ExistingSubnetFits) -> SubnetState | None:
        found = if_there(
            lambda: compute.get_subnetwork(
                name=question.subnet, region=question.region, project=question.project, opts=self.opts
            )
        )
        # As with a reservation: what is not there may come as an empty answer.
        if not found or not found.ip_cidr_range:
            return None
        return SubnetState(
            range=found.ip_cidr_range,
            secondary={r.range_name: r.ip_cidr_range for r in found.secondary_ip_ranges or []},
            private_google_access=bool(found.private_ip_google_access),
            vpc=(found.network or "").rpartition("/")[2],
        )

    def has_key(self, question: SecretsKeyExists) -> bool:
        found = if_there(lambda: kms.get_kms_crypto_key(name=question.name, key_ring=question.ring, opts=self.opts))
        return found is not None

    def billing_account(self, question: BudgetPossible) -> str:
        found = asked(lambda: organizations.get_project(project_id=question.project, opts=self.billing))
        return found.billing_account or ""

    def currency(self, question: BudgetPossible, account: str) -> str | Unknown:
        try:
            found = asked(
                lambda: organizations.get_billing_account(
                    billing_account=account, lookup_projects=False, opts=self.billing
                )
            )
        except Failed as failed:
            return question.unreadable(account, str(failed))
        return found.currency_code or Unknown(why=f"billing account {account} does not say its currency")

    def has_bucket(self, question: BucketIsOurs) -> bool:
        found = if_there(lambda: storage.get_bucket(name=question.bucket, opts=self.opts))
        return bool(found and found.location)

    @cached_property
    def cluster(self) -> Cluster | Unknown:
        try:
            found = self._cluster()
        except Failed as failed:
            project = self.plan.cluster.project
            return Unknown(why=explained(str(failed), api="container", role="container.viewer", project=project))
        if found is None:
            return Cluster()
        pools = {pool.name for pool in self.plan.gpu_pools}
        return Cluster(
            version=found.master_version,
            # `node_count` is that of one zone, and a pool on a reservation has but one. In a cluster of others only
            # the pools of our names are ours.
            nodes_by_reservation=tuple(
                (ReservationRef.parse(reservation), pool.node_count or 0)
                for pool in found.node_pools or []
                if not self.plan.cluster.existing or pool.name in pools
                for node in pool.node_configs or []
                for affinity in node.reservation_affinities or []
                for reservation in affinity.values or []
            ),
        )

    def _cluster(self) -> container.GetClusterResult | None:
        """The cluster that the stack runs in; None where there is none yet, or its name is not known."""
        ref = self.plan.cluster
        if ref.name is None:
            return None
        found = if_there(
            lambda: container.get_cluster(name=ref.name, location=ref.location, project=ref.project, opts=self.opts)
        )
        return found if found and found.master_version else None


def _narrowed(name: str, narrowed: list[str], place: dict[str, Any]) -> tuple[int, int]:
    """Machines of a block or sub-block, and how many of them are in use."""
    block, *sub_block = narrowed
    if sub_block:
        part = compute.get_reservation_sub_block(
            name=sub_block[0], reservation_block=block, reservation=name, **place
        )  # fmt: skip
        return part.sub_block_count or 0, part.in_use_count or 0
    whole = compute.get_reservation_block(name=block, reservation=name, **place)
    return whole.block_count or 0, whole.in_use_count or 0
