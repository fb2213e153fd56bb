"""`pulumi up` for real: the real engine and a real Kubernetes control plane, against a simulated cloud."""
