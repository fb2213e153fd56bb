"""Ports of Dynamo's own pods. Engines declare their ports in `catalog.engines`."""

FRONTEND = 8000
