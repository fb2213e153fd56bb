"""Plan → Kubernetes objects and dashboards as plain data. Pure."""
