"""Node pools: the CPU pool that everything but workers runs on, and the GPU pools."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pulumi
from pulumi_gcp import container

from catalog.purchases import CAPACITY_LABEL, NodePurchase, ReservationRef
from infra.rdma_network import NodeNic
from manifests.labels import ROLE
from planning.types import CpuPool, Pool, WorkerPool
from planning.waits import Wait

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"


_SHIELDED = container.NodePoolNodeConfigShieldedInstanceConfigArgs(
    enable_secure_boot=True, enable_integrity_monitoring=True
)
_METADATA = container.NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA")
# Port 10255 lists the node's pods without authentication. The provider expects text.
_KUBELET = container.NodePoolNodeConfigKubeletConfigArgs(insecure_kubelet_readonly_port_enabled="FALSE")


@dataclass(frozen=True, kw_only=True)
class SystemPoolArgs:
    project: str
    pool: CpuPool
    cluster_id: pulumi.Input[str]
    region: str
    node_account_email: pulumi.Input[str]
    wait: Wait
    labels: dict[str, str]


class SystemPool(pulumi.ComponentResource):
    """CPU nodes in the zones of the region, for the platform, frontends and simulated workers.

    Created before any GPU pool: GKE taints a GPU pool only if another pool can run pods without the toleration.
    """

    def __init__(self, name: str, args: SystemPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:SystemPool", name, None, opts)
        container.NodePool(
            f"{name}-pool",
            project=args.project,
            name=args.pool.name,
            cluster=args.cluster_id,
            location=args.region,
            initial_node_count=1,  # in each zone; the autoscaler then keeps to the totals
            autoscaling=container.NodePoolAutoscalingArgs(
                total_min_node_count=args.pool.min_nodes,
                total_max_node_count=args.pool.max_nodes,
                location_policy="BALANCED",
            ),
            management=container.NodePoolManagementArgs(auto_repair=True, auto_upgrade=True),
            upgrade_settings=_upgrade_settings(args.pool),
            network_config=container.NodePoolNetworkConfigArgs(enable_private_nodes=True),
            node_config=container.NodePoolNodeConfigArgs(
                machine_type=args.pool.machine.name,
                image_type="COS_CONTAINERD",
                disk_type=args.pool.machine.boot_disk.type,
                disk_size_gb=args.pool.machine.boot_disk.size_gb,
                gvnic=container.NodePoolNodeConfigGvnicArgs(enabled=True),
                service_account=args.node_account_email,
                oauth_scopes=[CLOUD_PLATFORM],
                resource_labels=args.labels,
                shielded_instance_config=_SHIELDED,
                workload_metadata_config=_METADATA,
                metadata={"disable-legacy-endpoints": "true"},
                kubelet_config=_KUBELET,
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["initialNodeCount", "nodeCount", "version"],
                delete_before_replace=True,
                custom_timeouts=pulumi.CustomTimeouts(**asdict(args.wait)),
            ),
        )
        self.register_outputs({})


@dataclass(frozen=True, kw_only=True)
class GpuPoolArgs:
    project: str
    pool: WorkerPool
    cluster_id: pulumi.Input[str]
    location: str
    """The cluster's region or zone."""
    zone: str
    node_account_email: pulumi.Input[str]
    purchase: NodePurchase
    nics: Sequence[NodeNic]
    """The additional NICs of a node, in order; empty if GKE creates their networks, and without RDMA."""
    labels: dict[str, str]
    protect: bool


class GpuPool(pulumi.ComponentResource):
    """GPU nodes in one zone, as many as the plan says, bought in one capacity mode.

    Upgrades have no surge node and a replacement deletes first: there is no spare capacity, and names are fixed.
    """

    pool: container.NodePool

    def __init__(self, name: str, args: GpuPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:GpuPool", name, None, opts)
        buys = args.purchase
        self.pool = container.NodePool(
            f"{name}-pool",
            project=args.project,
            name=args.pool.name,
            cluster=args.cluster_id,
            location=args.location,
            node_locations=[args.zone],
            initial_node_count=buys.min_nodes if buys.scaled else None,
            node_count=None if buys.scaled else buys.max_nodes,
            autoscaling=container.NodePoolAutoscalingArgs(
                total_min_node_count=buys.min_nodes, total_max_node_count=buys.max_nodes, location_policy="ANY"
            )
            if buys.scaled
            else None,
            management=container.NodePoolManagementArgs(auto_repair=buys.auto_repair, auto_upgrade=True),
            upgrade_settings=_upgrade_settings(args.pool),
            placement_policy=container.NodePoolPlacementPolicyArgs(type="COMPACT") if buys.compact else None,
            network_config=container.NodePoolNetworkConfigArgs(
                enable_private_nodes=True,
                # Either, never both: with the profile GKE creates the networks, without it the stack does.
                accelerator_network_profile=args.pool.rdma.accelerator_network_profile,
                additional_node_network_configs=[
                    container.NodePoolNetworkConfigAdditionalNodeNetworkConfigArgs(
                        network=nic.network, subnetwork=nic.subnetwork
                    )
                    for nic in args.nics
                ]
                or None,
            ),
            node_config=gpu_node_config(args),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect,
                # Written by GKE and the autoscaler. Local SSDs come with the machine type and read back as set. An
                # ignored field keeps its old input: a pool that stops being scaled would send its initial count
                # together with its fixed one, which the provider refuses.
                ignore_changes=[
                    "nodeConfig.ephemeralStorageLocalSsdConfig",
                    "version",
                    *(["initialNodeCount", "nodeCount"] if buys.scaled else []),
                ],
                delete_before_replace=True,
                custom_timeouts=pulumi.CustomTimeouts(**asdict(args.pool.wait)),
            ),
        )
        self.register_outputs({})


def gpu_node_config(args: GpuPoolArgs) -> container.NodePoolNodeConfigArgs:
    """How one GPU node is built. Nearly all of it forces a new pool when it changes."""
    machine, buys = args.pool.machine, args.purchase
    return container.NodePoolNodeConfigArgs(
        machine_type=machine.name,
        image_type="COS_CONTAINERD",
        boot_disk=container.NodePoolNodeConfigBootDiskArgs(
            disk_type=machine.boot_disk.type, size_gb=machine.boot_disk.size_gb
        ),
        guest_accelerators=[
            container.NodePoolNodeConfigGuestAcceleratorArgs(
                type=machine.gpus.type,
                count=machine.gpus.count,
                gpu_driver_installation_config=container.NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs(
                    gpu_driver_version=args.pool.driver
                ),
            )
        ],
        ephemeral_storage_local_ssd_config=container.NodePoolNodeConfigEphemeralStorageLocalSsdConfigArgs(
            local_ssd_count=machine.local_ssds
        )
        if machine.local_ssds
        else None,
        gvnic=container.NodePoolNodeConfigGvnicArgs(enabled=True),
        spot=buys.spot or None,
        flex_start=buys.flex_start or None,
        max_run_duration=f"{buys.max_run_seconds}s" if buys.max_run_seconds else None,
        reservation_affinity=reservation_affinity(buys.reservation),
        # The first label always stays: the provider cannot update to no labels.
        labels={ROLE: args.pool.key, **args.pool.rdma.node_labels},
        resource_labels={**args.labels, CAPACITY_LABEL: buys.label},
        service_account=args.node_account_email,
        oauth_scopes=[CLOUD_PLATFORM],
        shielded_instance_config=_SHIELDED,
        workload_metadata_config=_METADATA,
        metadata={"disable-legacy-endpoints": "true"},
        kubelet_config=_KUBELET,
    )


def _upgrade_settings(pool: Pool) -> container.NodePoolUpgradeSettingsArgs | None:
    return pool.upgrade and container.NodePoolUpgradeSettingsArgs(
        strategy="SURGE", max_surge=pool.upgrade.max_surge, max_unavailable=pool.upgrade.max_unavailable
    )


def reservation_affinity(reservation: ReservationRef | None) -> container.NodePoolNodeConfigReservationAffinityArgs:
    """Exactly the named reservation, or none: by default, a pool could use a reservation meant for another."""
    if reservation is None:
        return container.NodePoolNodeConfigReservationAffinityArgs(consume_reservation_type="NO_RESERVATION")
    return container.NodePoolNodeConfigReservationAffinityArgs(
        consume_reservation_type="SPECIFIC_RESERVATION",
        key="compute.googleapis.com/reservation-name",
        values=[str(reservation)],
    )
