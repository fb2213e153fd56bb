"""Downloads one revision of a model repository into a folder, and verifies size and hash of each file.

A package of small modules: a ConfigMap carries one key per module, and a Job runs `python3 -m jobs.fetch_weights`. It
uses the standard library only. `python -m ops models pin` uses its client of the hub outside the cluster.

The hub is not trusted. Its answers cannot name files outside the revision's folder, cannot affect the marker of a
complete download, and cannot exceed limits of bytes and seconds.
"""
