"""Download of one revision of a model repository into a folder, with size and hash of each file verified.

A package of small modules: a ConfigMap carries one key per module, and a Job runs `python3 -m jobs.fetch_weights`. It
uses the standard library only. `python -m ops models pin` uses its client of the hub outside the cluster.

The hub is not trusted. What it says names no file outside the revision's folder, decides nothing about the marker of a
complete download, and costs a bounded number of bytes and seconds.
"""
