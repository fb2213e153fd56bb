"""Stand-ins for what GKE and NVIDIA's chart bring to a cluster: custom kinds, and Dynamo's operator."""
