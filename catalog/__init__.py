"""What can be deployed, as data and strategies: machines, models, engines, capacity and RDMA modes. Pure."""
