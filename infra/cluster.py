"""The private regional GKE cluster, without its node pools."""

from dataclasses import asdict, dataclass

import pulumi
from pulumi_gcp import container

from infra.services import ProjectServices
from planning.surroundings import DefaultNode, Maintenance
from planning.waits import Wait

# All that GKE collects by default, listed because naming one drops the others; DCGM has the GPU metrics.
MONITORED = (
    "SYSTEM_COMPONENTS",
    "STORAGE",
    "HPA",
    "POD",
    "DAEMONSET",
    "DEPLOYMENT",
    "STATEFULSET",
    "KUBELET",
    "CADVISOR",
    "DCGM",
)


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    cluster: str
    services: ProjectServices
    project: str
    region: str
    network_id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    pods_range: str
    services_range: str
    """Names of the subnet's secondary ranges."""
    node_account_email: pulumi.Input[str]
    release_channel: str
    version_prefix: str
    """How the GKE versions begin of which a new cluster gets the channel's newest."""
    maintenance: Maintenance
    deletion_protection: bool
    multi_networking: bool
    """Whether nodes may have more than one network."""
    default_node: DefaultNode
    wait: Wait
    labels: dict[str, str]
    secret_sync: bool
    """Whether GKE writes Secrets from Secret Manager."""
    binary_authorization: bool
    secrets_key: str | None
    """The Cloud KMS key for Secrets, which GKE must already be allowed to use; None for Google's encryption only."""


class Cluster(pulumi.ComponentResource):
    """Private GKE cluster, reached by its DNS endpoint only, which checks IAM and needs no bastion.

    Nodes have no public addresses."""

    cluster_name: pulumi.Output[str]
    cluster_id: pulumi.Output[str]
    dns_endpoint: pulumi.Output[str]

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:Cluster", name, None, opts)
        versions = container.get_engine_versions_output(
            project=args.project,
            location=args.region,
            version_prefix=args.version_prefix,
            # In a new project, the lookup must wait until the API is on.
            opts=pulumi.InvokeOutputOptions(parent=self, depends_on=[args.services.enabled["container"]]),
        )
        cluster = container.Cluster(
            f"{name}-cluster",
            project=args.project,
            name=args.cluster,
            location=args.region,
            # The newest version of the channel: GKE rejects versions of other channels.
            min_master_version=versions.release_channel_latest_version.apply(
                lambda newest: newest.get(args.release_channel)
            ),
            release_channel=container.ClusterReleaseChannelArgs(channel=args.release_channel),
            deletion_protection=args.deletion_protection,
            resource_labels=args.labels,
            # GKE creates a default pool, removed at once. Its one node still needs a small disk and the stack's
            # account, because some organizations refuse others.
            remove_default_node_pool=True,
            initial_node_count=1,
            node_config=container.ClusterNodeConfigArgs(
                machine_type=args.default_node.machine,
                disk_size_gb=args.default_node.disk_gb,
                service_account=args.node_account_email,
                oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
                shielded_instance_config=container.ClusterNodeConfigShieldedInstanceConfigArgs(
                    enable_secure_boot=True, enable_integrity_monitoring=True
                ),
                metadata={"disable-legacy-endpoints": "true"},
                kubelet_config=container.ClusterNodeConfigKubeletConfigArgs(
                    insecure_kubelet_readonly_port_enabled="FALSE"
                ),
            ),
            networking_mode="VPC_NATIVE",
            network=args.network_id,
            subnetwork=args.subnet_id,
            ip_allocation_policy=container.ClusterIpAllocationPolicyArgs(
                cluster_secondary_range_name=args.pods_range, services_secondary_range_name=args.services_range
            ),
            datapath_provider="ADVANCED_DATAPATH",  # Dataplane V2: network policies without an add-on; DRANET needs it
            enable_multi_networking=args.multi_networking,
            enable_l4_ilb_subsetting=True,  # permanent: turning it off replaces the cluster
            dns_config=container.ClusterDnsConfigArgs(
                cluster_dns="CLOUD_DNS",
                cluster_dns_scope="CLUSTER_SCOPE",
                # The default, written out: left to GKE, each preview could show a difference.
                cluster_dns_domain="cluster.local",
            ),
            private_cluster_config=container.ClusterPrivateClusterConfigArgs(enable_private_nodes=True),
            control_plane_endpoints_config=container.ClusterControlPlaneEndpointsConfigArgs(
                dns_endpoint_config=container.ClusterControlPlaneEndpointsConfigDnsEndpointConfigArgs(
                    allow_external_traffic=True
                ),
                ip_endpoints_config=container.ClusterControlPlaneEndpointsConfigIpEndpointsConfigArgs(enabled=False),
            ),
            enable_shielded_nodes=True,
            workload_identity_config=container.ClusterWorkloadIdentityConfigArgs(
                workload_pool=f"{args.project}.svc.id.goog"
            ),
            secret_sync_config=container.ClusterSecretSyncConfigArgs(
                enabled=args.secret_sync,
                # Omitted when off: GKE then returns nothing, and each preview would show a change.
                rotation_config=container.ClusterSecretSyncConfigRotationConfigArgs(enabled=True)
                if args.secret_sync
                else None,
            ),
            binary_authorization=container.ClusterBinaryAuthorizationArgs(
                evaluation_mode="PROJECT_SINGLETON_POLICY_ENFORCE" if args.binary_authorization else "DISABLED"
            ),
            database_encryption=container.ClusterDatabaseEncryptionArgs(state="ENCRYPTED", key_name=args.secrets_key)
            if args.secrets_key
            else None,
            gateway_api_config=container.ClusterGatewayApiConfigArgs(channel="CHANNEL_STANDARD"),
            addons_config=container.ClusterAddonsConfigArgs(
                gcs_fuse_csi_driver_config=container.ClusterAddonsConfigGcsFuseCsiDriverConfigArgs(enabled=True),
                gce_persistent_disk_csi_driver_config=container.ClusterAddonsConfigGcePersistentDiskCsiDriverConfigArgs(
                    enabled=True
                ),
                http_load_balancing=container.ClusterAddonsConfigHttpLoadBalancingArgs(disabled=False),
                network_policy_config=container.ClusterAddonsConfigNetworkPolicyConfigArgs(disabled=True),
            ),
            logging_config=container.ClusterLoggingConfigArgs(enable_components=["SYSTEM_COMPONENTS", "WORKLOADS"]),
            monitoring_config=container.ClusterMonitoringConfigArgs(
                enable_components=list(MONITORED),
                managed_prometheus=container.ClusterMonitoringConfigManagedPrometheusArgs(
                    enabled=True,
                    auto_monitoring_config=container.ClusterMonitoringConfigManagedPrometheusAutoMonitoringConfigArgs(
                        scope="NONE"
                    ),
                ),
            ),
            maintenance_policy=maintenance_policy(args.maintenance),
            # Lets autoscalers read metrics from the pods themselves (autoscaling.gke.io, a preview feature of GKE).
            pod_autoscaling=container.ClusterPodAutoscalingArgs(hpa_profile="PERFORMANCE"),
            # No automatic node pools; the profile still sets how fast the autoscaler empties nodes.
            cluster_autoscaling=container.ClusterClusterAutoscalingArgs(
                enabled=False, autoscaling_profile="OPTIMIZE_UTILIZATION"
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.deletion_protection,
                # GKE upgrades the control plane itself, and the default pool is gone: left in, each of these would
                # show as a change, the first two as a replacement of the cluster.
                ignore_changes=["nodeConfig", "initialNodeCount", "minMasterVersion"],
                custom_timeouts=pulumi.CustomTimeouts(**asdict(args.wait)),
            ),
        )
        self.cluster_name = cluster.name
        self.cluster_id = cluster.id
        self.dns_endpoint = cluster.control_plane_endpoints_config.dns_endpoint_config.endpoint.apply(
            lambda endpoint: endpoint or ""  # typed as optional; this cluster has one
        )
        self.register_outputs({"clusterName": self.cluster_name, "dnsEndpoint": self.dns_endpoint})


def maintenance_policy(maintenance: Maintenance) -> container.ClusterMaintenancePolicyArgs:
    """The weekly window, and the exclusion that keeps minor versions and node upgrades for a planned hour."""
    held = container.ClusterMaintenancePolicyMaintenanceExclusionArgs(
        exclusion_name="upgrades-by-hand",
        start_time=maintenance.hold_from,
        exclusion_options=container.ClusterMaintenancePolicyMaintenanceExclusionExclusionOptionsArgs(
            scope="NO_MINOR_OR_NODE_UPGRADES", end_time_behavior="UNTIL_END_OF_SUPPORT"
        ),
    )
    return container.ClusterMaintenancePolicyArgs(
        recurring_window=container.ClusterMaintenancePolicyRecurringWindowArgs(
            start_time=maintenance.start, end_time=maintenance.end, recurrence=maintenance.recurrence
        ),
        maintenance_exclusions=[held] if maintenance.hold_node_upgrades else [],
    )
