"""The same graph on this machine: real Dynamo, disaggregated, with a simulated engine and without a cluster."""

from ops.local.runner import LocalOptions, run

__all__ = ["LocalOptions", "run"]
