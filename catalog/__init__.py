"""Catalog of everything that can be deployed: machines, models, engines, capacity modes and RDMA modes. Pure."""
