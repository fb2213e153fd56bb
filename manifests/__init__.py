"""Turns the Plan into Kubernetes objects and dashboards, as plain data. Pure."""
