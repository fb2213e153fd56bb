"""Runs the preflight: fetches the answers with the caller's credentials, and stops the program if a check failed."""

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

from catalog.purchases import ReservationRef
from infra.answers import Failed, UnchangedResponses, if_found, reason, result_of
from infra.existing_cluster import dns_endpoint
from planning.preflight import checks
from planning.preflight.billing import BillingInCurrency
from planning.preflight.bucket import BucketNotLeftOver
from planning.preflight.check import FRESH_PROJECT, CheckResult, PreflightCheck, Verdict, explained, is_off
from planning.preflight.cluster import Cluster, GkeVersionOffered, Unknown
from planning.preflight.existing import ClusterState, ExistingClusterFits, ExistingSubnetFits, SubnetState, is_range
from planning.preflight.operator import SELECTOR, Operator, OperatorFits, operators_in
from planning.preflight.quota import Limit, QuotaSufficient
from planning.preflight.reservation import ReservationFree, ReservationState
from planning.preflight.secrets_key import SecretsKeyExists
from planning.preflight.zone import MachineTypeOffered, RoceProfileOffered
from planning.types import Plan

# The URL that the provider itself calls, and the variable that overrides it.
COMPUTE_API = "https://compute.googleapis.com/compute/v1/"
COMPUTE_API_VARIABLE = "GOOGLE_COMPUTE_CUSTOM_ENDPOINT"
# A cluster's API server, by its DNS endpoint.
KUBERNETES_API = "https://{endpoint}"
SECONDS = 10
MAX_BYTES = 4_000_000


def run(plan: Plan, provider: gcp.Provider, billing: gcp.Provider | None = None) -> None:
    """Runs all checks before anything is registered. `billing` is the provider of the budget, if there is one.

    Raises RunError with every failed check. An unknown result only warns, because the first `pulumi up` turns the APIs
    of a new project on.
    """
    planned = checks(plan)
    if not planned:
        return
    cloud = _Cloud(plan, provider, billing or provider)
    results = [cloud.find(check) for check in planned]
    if cloud.fresh_project:
        pulumi.log.warn(FRESH_PROJECT)
    refusals = [f.sentence for f in results if f.verdict is Verdict.FAILED]
    for result in results:
        if result.sentence and result.verdict is not Verdict.FAILED:
            pulumi.log.warn(f"preflight: {result.sentence}")
    if refusals:
        raise pulumi.RunError(
            "\n".join(["Google Cloud cannot provide what is planned (skip this with `preflight: false`)", *refusals])
        )
    passed = sum(result.verdict is Verdict.PASSED for result in results)
    pulumi.log.info(f"preflight: {passed} of {len(results)} checks passed")


class _Cloud:
    def __init__(self, plan: Plan, provider: gcp.Provider, billing: gcp.Provider) -> None:
        self.plan = plan
        # The plain form of each function, because the program needs the answer while it still decides.
        self.opts = pulumi.InvokeOptions(provider=provider)
        self.billing = pulumi.InvokeOptions(provider=billing)
        self.fresh_project = False
        """Whether an API is off, which the first `pulumi up` then turns on."""

    def find(self, check: PreflightCheck) -> CheckResult:
        try:
            match check:
                case GkeVersionOffered():
                    return check.judge(self.latest_version(check), lambda: self.cluster)
                case MachineTypeOffered():
                    return check.judge(self.machine_types(check))
                case RoceProfileOffered():
                    return check.judge(self.has_profile(check))
                case ReservationFree():
                    return check.judge(self.reservation(check), lambda: self.cluster)
                case QuotaSufficient():
                    return check.judge(self.limits(check))
                case ExistingClusterFits():
                    return check.judge(self.existing_cluster(check))
                case ExistingSubnetFits():
                    return check.judge(self.subnet(check))
                case SecretsKeyExists():
                    return check.judge(self.has_key(check))
                case BillingInCurrency():
                    return check.judge(self.billing_account(check), lambda account: self.currency(check, account))
                case BucketNotLeftOver():
                    return check.judge(self.has_bucket(check), lambda: self.cluster)
                case OperatorFits():
                    return check.judge(self.operators(check))
                case _:
                    raise TypeError(f"no call for the check {type(check).__name__}")
        except Failed as failed:
            self.fresh_project |= is_off(str(failed))
            return check.on_error(str(failed))

    def latest_version(self, check: GkeVersionOffered) -> str:
        found = result_of(
            lambda: container.get_engine_versions(
                project=check.project, location=check.region, version_prefix=check.prefix, opts=self.opts
            )
        )
        return (found.release_channel_latest_version or {}).get(check.channel, "")

    def machine_types(self, check: MachineTypeOffered) -> list[str]:
        found = result_of(
            lambda: compute.get_machine_types(
                project=check.project, zone=check.zone, filter=f'name = "{check.machine}"', opts=self.opts
            )
        )
        return [machine.name for machine in found.machine_types or []]

    def has_profile(self, check: RoceProfileOffered) -> bool:
        """Calls the API with the provider's token, because the provider has no function for network profiles."""
        api = os.environ.get(COMPUTE_API_VARIABLE) or COMPUTE_API
        url = f"{api.rstrip('/')}/projects/{check.project}/global/networkProfiles/{check.profile}"
        status, body = self.get(url, of=api)
        if status == 404:
            return False
        if status != 200:
            raise Failed(f"Error {status} {reason(body)}".rstrip())
        return True

    def get(self, url: str, *, of: str) -> tuple[int, bytes]:
        """Status and body of an API's answer, called with the provider's own token. `of` names the API in messages."""
        token = result_of(lambda: organizations.get_client_config(opts=self.opts)).access_token
        if not token:
            raise Failed("the provider has no access token")
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.build_opener(UnchangedResponses).open(request, timeout=SECONDS) as response:
                return response.status, response.read(MAX_BYTES)
        except (OSError, HTTPException, ValueError) as error:
            # The text of this error could contain the token.
            why = error if isinstance(error, OSError) else type(error).__name__
            raise Failed(f"{of} was not reached: {why}") from None

    def operators(self, check: OperatorFits) -> list[Operator]:
        """Calls the Kubernetes API at the cluster's DNS endpoint, which accepts the token of a Google identity."""
        cluster = self._cluster()
        endpoint = dns_endpoint(cluster) if cluster else ""
        if not endpoint:
            raise Failed(f"the cluster's DNS endpoint is unknown; look with `{check.look}`")
        url = f"{KUBERNETES_API.format(endpoint=endpoint)}/apis/apps/v1/deployments?labelSelector={quote(SELECTOR)}"
        status, body = self.get(url, of=endpoint)
        if status != 200:
            raise Failed(f"Error {status} {reason(body)}".rstrip())
        try:
            return operators_in(json.loads(body))
        except (ValueError, KeyError, TypeError):
            raise Failed(f"{endpoint} gave no list of Deployments; look with `{check.look}`") from None

    def reservation(self, check: ReservationFree) -> ReservationState | None:
        name, *narrowed = check.reservation.levels
        place: dict[str, Any] = {"project": check.project, "zone": check.zone, "opts": self.opts}
        found = if_found(lambda: compute.get_reservation(name=name, **place))
        # For a missing reservation, some versions of the provider return an empty answer, not an error.
        if not found or not found.status:
            return None
        specific = found.specific_reservations[0] if found.specific_reservations else None
        properties = specific.instance_properties if specific else None
        machines, in_use = (specific.count or 0, specific.in_use_count or 0) if specific else (0, 0)
        if narrowed:
            counts = if_found(lambda: _narrowed(name, narrowed, place))
            if not counts:
                return None
            machines, in_use = counts
        return ReservationState(
            status=found.status,
            machine=(properties[0].machine_type or "").rpartition("/")[2] if properties else "",
            machines=machines,
            in_use=in_use,
        )

    def limits(self, check: QuotaSufficient) -> list[Limit]:
        found = result_of(
            lambda: cloudquota.get_s_quota_info(
                parent=f"projects/{check.project}",
                service="compute.googleapis.com",
                quota_id=check.quota.id,
                opts=self.opts,
            )
        )
        return [
            Limit(
                dimensions=info.dimensions or {},
                locations=info.applicable_locations or [],
                # The API leaves numbers that are 0 out of its answer (unverified).
                value=int(info.details[0].value or 0) if info.details else 0,
            )
            for info in found.dimensions_infos or []
        ]

    def existing_cluster(self, check: ExistingClusterFits) -> ClusterState | None:
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
            ranges=self.cluster_ranges(found) if check.planned_ranges else {},
        )

    def cluster_ranges(self, cluster: container.GetClusterResult) -> dict[str, str]:
        found = if_found(lambda: compute.get_subnetwork(self_link=cluster.subnetwork, opts=self.opts))
        ranges = {"its nodes' range": found and found.ip_cidr_range, "its pods' range": cluster.cluster_ipv4_cidr}
        return {name: text for name, text in ranges.items() if text and is_range(text)}

    def subnet(self, check: ExistingSubnetFits) -> SubnetState | None:
        found = if_found(
            lambda: compute.get_subnetwork(
                name=check.subnet, region=check.region, project=check.project, opts=self.opts
            )
        )
        # A missing object may come as an empty answer, as with a reservation.
        if not found or not found.ip_cidr_range:
            return None
        return SubnetState(
            range=found.ip_cidr_range,
            secondary={r.range_name: r.ip_cidr_range for r in found.secondary_ip_ranges or []},
            private_google_access=bool(found.private_ip_google_access),
            vpc=(found.network or "").rpartition("/")[2],
        )

    def has_key(self, check: SecretsKeyExists) -> bool:
        found = if_found(lambda: kms.get_kms_crypto_key(name=check.name, key_ring=check.ring, opts=self.opts))
        return found is not None

    def billing_account(self, check: BillingInCurrency) -> str:
        found = result_of(lambda: organizations.get_project(project_id=check.project, opts=self.billing))
        return found.billing_account or ""

    def currency(self, check: BillingInCurrency, account: str) -> str | Unknown:
        try:
            found = result_of(
                lambda: organizations.get_billing_account(
                    billing_account=account, lookup_projects=False, opts=self.billing
                )
            )
        except Failed as failed:
            return check.unreadable(account, str(failed))
        return found.currency_code or Unknown(why=f"billing account {account} has no currency")

    def has_bucket(self, check: BucketNotLeftOver) -> bool:
        found = if_found(lambda: storage.get_bucket(name=check.bucket, opts=self.opts))
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
            # `node_count` is per zone, and a pool on a reservation has one zone. In an existing cluster, only
            # pools with this stack's names are this stack's.
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
        """The cluster that the stack runs in; None if the cluster does not exist yet or its name is unknown."""
        ref = self.plan.cluster
        if ref.name is None:
            return None
        found = if_found(
            lambda: container.get_cluster(name=ref.name, location=ref.location, project=ref.project, opts=self.opts)
        )
        return found if found and found.master_version else None


def _narrowed(name: str, narrowed: list[str], place: dict[str, Any]) -> tuple[int, int]:
    """Machines of a block or sub-block, and the number of those in use."""
    block, *sub_block = narrowed
    if sub_block:
        part = compute.get_reservation_sub_block(
            name=sub_block[0], reservation_block=block, reservation=name, **place
        )  # fmt: skip
        return part.sub_block_count or 0, part.in_use_count or 0
    whole = compute.get_reservation_block(name=block, reservation=name, **place)
    return whole.block_count or 0, whole.in_use_count or 0
