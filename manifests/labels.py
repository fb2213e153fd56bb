"""Labels and annotations that connect objects of this program, of Dynamo's operator and of GKE."""

# Labels that the operator sets on the pods of a graph: graph name; component name and type; generation of workers;
# whether the pod serves metrics. Observed with operator 1.5; unverified for 1.6.
GRAPH = "nvidia.com/dynamo-graph-deployment-name"
COMPONENT = "nvidia.com/dynamo-component"
COMPONENT_TYPE = "nvidia.com/dynamo-component-type"
WORKER_HASH = "nvidia.com/dynamo-worker-hash"
METRICS_ENABLED = "nvidia.com/metrics-enabled"

# Node label of GKE with the name of the node pool.
NODE_POOL = "cloud.google.com/gke-nodepool"

# Node label of GPU pools with the pool's role. Must stay, because Google's provider cannot remove all labels.
ROLE = "dynamo-gke/role"
# Label of the verification's pods, with the graph's name. Allows calls to frontend and workers of that graph.
VERIFICATION = "dynamo-gke/proof"
# Label, with the value "true", of namespaces whose pods may call the frontends.
CLIENT = "dynamo-gke/client"

# Annotations of pods that mount the weights bucket. They remove the sidecar's limits: the default, a quarter of a CPU,
# would be too slow for the GPUs of a node.
GCS_FUSE = {
    "gke-gcsfuse/volumes": "true",
    "gke-gcsfuse/cpu-limit": "0",
    "gke-gcsfuse/memory-limit": "0",
    "gke-gcsfuse/ephemeral-storage-limit": "0",
}
