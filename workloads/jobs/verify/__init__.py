"""Verifies that a graph serves disaggregated and that its KV cache moves over the declared transport.

A flat package of small modules: a ConfigMap carries one key per module, and a Job runs `python3 -m verify`. It uses
the standard library only. `python -m ops verify` runs the same code outside the cluster.
"""
