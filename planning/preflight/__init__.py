"""The preflight: checks against Google Cloud before anything is created.

Pure. Each check has a condition, an API, a role, and a rule for plain answers. `infra.preflight` fetches the answers.
"""

from collections.abc import Iterator

from catalog import gke_versions
from catalog.machines import Quota
from catalog.rdma import RdmaMode, modes_of
from planning import names
from planning.gke_floor import gke_floor
from planning.preflight import secrets_key
from planning.preflight.billing import BillingInCurrency
from planning.preflight.bucket import BucketNotLeftOver
from planning.preflight.check import PreflightCheck
from planning.preflight.cluster import GkeVersionOffered
from planning.preflight.existing import ExistingClusterFits, ExistingSubnetFits
from planning.preflight.operator import OperatorFits
from planning.preflight.quota import ALL_REGIONS, QuotaSufficient
from planning.preflight.reservation import ReservationFree
from planning.preflight.secrets_key import SecretsKeyExists
from planning.preflight.zone import MachineTypeOffered, RoceProfileOffered
from planning.surroundings import Gateway
from planning.types import Plan


def checks(plan: Plan) -> tuple[PreflightCheck, ...]:
    """The checks of a plan; none with `preflight: false`."""
    if not plan.preflight:
        return ()
    return (*_place(plan), *_gpu_nodes(plan), *_around(plan))


def _place(plan: Plan) -> Iterator[PreflightCheck]:
    floor = gke_floor(plan)
    if not plan.cluster.existing:
        yield GkeVersionOffered(project=plan.project, region=plan.region, channel=plan.release_channel, floor=floor)
    elif plan.cluster.name:
        yield ExistingClusterFits(
            project=plan.cluster.project,
            cluster=plan.cluster.name,
            location=plan.cluster.location,
            floor=max(each for each in (floor, gke_versions.PLATFORM) if each),
            dataplane_v2_for=tuple(_needs_dataplane_v2(plan)),
            adds_rdma_pools=plan.creates_gpu_pools and plan.rdma.carries,
            multi_networking=plan.rdma.multi_networking,
            modes_without=tuple(mode.name for mode in _rdma_modes(plan) if not mode.multi_networking),
            by_dns_endpoint=plan.cluster.given_context is None,
            reads_bucket=bool(plan.fetched),
            gateway=isinstance(plan.endpoint, Gateway),
            syncs_secret=plan.token_secret is not None,
            planned_ranges=_nic_ranges(plan),
        )
    if plan.cluster.existing:
        yield OperatorFits(
            project=plan.cluster.project,
            cluster=plan.cluster.name or plan.cluster.context,
            context=plan.cluster.context,
            namespace=plan.namespace,
            ours=names.platform_namespace(plan.namespace),
            installs=plan.platform_namespace is not None,
            runtime=plan.graphs[0].runtime,
        )
    if plan.network:
        yield ExistingSubnetFits(
            project=plan.network.project,
            region=plan.region,
            vpc=plan.network.vpc,
            subnet=plan.network.subnet,
            nodes=sum(pool.max_nodes for pool in plan.pools),
            secondary=(plan.network.pods_range, plan.network.services_range),
            planned_ranges=_nic_ranges(plan),
        )


def _around(plan: Plan) -> Iterator[PreflightCheck]:
    """Checks of the secrets key, the billing account and the weights bucket, which other projects or stacks may own."""
    if plan.secrets_key and not plan.cluster.existing:
        yield SecretsKeyExists(project=secrets_key.owner(plan.secrets_key), key=plan.secrets_key)
    if plan.budget:
        yield BillingInCurrency(project=plan.project, currency=plan.budget.currency)
    if plan.keeps_weights and not plan.cluster.existing:
        yield BucketNotLeftOver(
            project=plan.project, stack=plan.stack, bucket=names.weights_bucket(plan.project, plan.stack)
        )


def _rdma_modes(plan: Plan) -> tuple[RdmaMode, ...]:
    return modes_of(pool.machine.rdma.modes for pool in plan.gpu_pools if pool.machine.rdma)


def _nic_ranges(plan: Plan) -> dict[str, str]:
    """Setting → range of each network that the stack creates for additional NICs of GPU nodes."""
    if not plan.creates_nic_networks:
        return {}
    gvnic = {"network.ranges.secondGvnic": plan.ranges.second_gvnic} if plan.second_gvnic else {}
    return gvnic | {"network.ranges.rdma": plan.ranges.rdma}


def _needs_dataplane_v2(plan: Plan) -> Iterator[str]:
    if not plan.creates_gpu_pools:
        return
    if plan.rdma.carries:
        yield "RDMA"
    yield from sorted({pool.machine.name for pool in plan.gpu_pools if pool.machine.needs_dataplane_v2})


def _gpu_nodes(plan: Plan) -> Iterator[PreflightCheck]:
    if not plan.purchases:
        return
    for machine in sorted({pool.machine.name for pool in plan.gpu_pools}):
        yield MachineTypeOffered(project=plan.project, zone=plan.zone, machine=machine)
    if plan.creates_nic_networks:
        for profile in plan.network_profiles:
            yield RoceProfileOffered(project=plan.project, zone=plan.zone, profile=profile)
    yield from _reservations(plan)
    yield from _quotas(plan)


def _reservations(plan: Plan) -> Iterator[PreflightCheck]:
    """One check per reservation, for all pools that take their nodes from it."""
    for reservation in dict.fromkeys(purchase.reservation for purchase in plan.purchases if purchase.reservation):
        pools = [pool for pool in plan.gpu_pools if pool.purchase and pool.purchase.reservation == reservation]
        yield ReservationFree(
            project=reservation.owner or plan.project,
            zone=plan.zone,
            reservation=reservation,
            machine=pools[0].machine.name,
            nodes=sum(pool.nodes for pool in pools),
            max_nodes=sum(pool.max_nodes for pool in pools),
        )


def _quotas(plan: Plan) -> Iterator[PreflightCheck]:
    """One check per quota, for all pools that count against it."""
    gpus: dict[str, int] = {}
    quotas: dict[str, tuple[str, Quota]] = {}
    for pool in plan.gpu_pools:
        offer = pool.machine.sold.get(pool.purchase.mode) if pool.purchase else None
        for where, quota in ((plan.region, offer.quota), (ALL_REGIONS, offer.over_all_regions)) if offer else ():
            if quota:
                key = quota.model_dump_json()
                quotas[key] = where, quota
                gpus[key] = gpus.get(key, 0) + pool.max_nodes * pool.machine.gpus.count
    for key, (where, quota) in quotas.items():
        yield QuotaSufficient(project=plan.project, region=where, quota=quota, gpus=gpus[key])
