"""Programs that run as Jobs inside the cluster. They need nothing but Python's standard library."""
