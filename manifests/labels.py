"""Labels and annotations by which objects of this program, of Dynamo's operator and of GKE find each other."""

# The operator sets these on the pods of a graph: its name; the component's name and type; the generation of workers;
# whether metrics are served. Seen with operator 1.5; unverified for 1.6.
GRAPH = "nvidia.com/dynamo-graph-deployment-name"
COMPONENT = "nvidia.com/dynamo-component"
COMPONENT_TYPE = "nvidia.com/dynamo-component-type"
WORKER_HASH = "nvidia.com/dynamo-worker-hash"
METRICS_ENABLED = "nvidia.com/metrics-enabled"

# GKE sets it on every node: the node pool.
NODE_POOL = "cloud.google.com/gke-nodepool"

# On every node of a GPU pool: what the pool is for. It never goes away, because Google's provider cannot empty labels.
ROLE = "dynamo-gke/role"
# On the verification's pods, with the graph's name: they may call frontend and workers of that graph.
VERIFICATION = "dynamo-gke/proof"
# On namespaces whose pods may call the frontends, with the value "true".
CLIENT = "dynamo-gke/client"

# On pods that mount the weights bucket. Without limits: the sidecar's default, a quarter of a CPU, would starve the
# GPUs of a node.
GCS_FUSE = {
    "gke-gcsfuse/volumes": "true",
    "gke-gcsfuse/cpu-limit": "0",
    "gke-gcsfuse/memory-limit": "0",
    "gke-gcsfuse/ephemeral-storage-limit": "0",
}
