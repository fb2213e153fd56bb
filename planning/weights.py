"""How model weights get into the bucket and from there to the pods."""

from dataclasses import dataclass

from catalog import sizing


@dataclass(frozen=True, kw_only=True)
class WeightsDelivery:
    """Limits of the Jobs that fetch models, and how pods read the bucket.

    The largest model of the catalog has 131 GiB, for which 47 MB/s are enough. At its limit the script exits with the
    reason; the Job's limit stops a script that hangs; Pulumi waits longer than both, so that the reason is visible. If
    the hub was slower, the next `pulumi up` fetches the missing files.
    """

    script_seconds: int = 50 * 60
    job_seconds: int = 55 * 60
    wait_seconds: int = 60 * 60
    retries: int = 5
    """Pauses of 10 s, doubled each time: five minutes in all, which a new IAM binding may take to propagate."""
    cpu: str = "2"
    memory: str = "1Gi"
    max_memory: str = "2Gi"
    spare_bytes: int = sizing.GIB
    """Of the scratch folder, in addition to what the script uses: for folders and block sizes."""
    kept_after_deletion_seconds: int = 0
    """Deleted weights can be fetched again, so nobody pays to keep them for another week."""
    read_options: tuple[str, ...] = (
        "implicit-dirs",
        "metadata-cache:ttl-secs:-1",
        "metadata-cache:stat-cache-max-size-mb:-1",
        "metadata-cache:type-cache-max-size-mb:-1",
        "file-cache:max-size-mb:-1",
        "file-cache:cache-file-for-range-read:true",
        "file-cache:enable-parallel-downloads:true",
        "file-system:kernel-list-cache-ttl-secs:-1",
        "read_ahead_kb=1024",
    )
    """Options of GCS FUSE. Many pods read the files repeatedly, and nobody changes them, so everything is cached for
    the pod's lifetime."""
