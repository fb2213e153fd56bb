"""The same graph on this machine: real Dynamo, disaggregated, with a simulated engine and without a cluster."""
