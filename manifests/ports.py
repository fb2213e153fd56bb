"""Ports of Dynamo's own pods. The ports of an engine are in `catalog.engines`."""

FRONTEND = 8000

# The operator's admission webhook listens on its pod there. GKE itself opens only 443 and 10250 from the control plane
# to nodes, and with the port closed every write of a graph times out.
WEBHOOK = 9443
