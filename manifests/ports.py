"""Ports of Dynamo's own pods. Engines declare their ports in `catalog.engines`."""

FRONTEND = 8000

# Pod port of the operator's admission webhook. GKE opens only 443 and 10250 from the control plane to nodes; without a
# rule for this port, every write of a graph times out.
WEBHOOK = 9443
