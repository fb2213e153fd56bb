"""The bucket that holds model weights: one copy, in the region of the GPUs."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import storage


@dataclass(frozen=True, kw_only=True)
class WeightsBucketArgs:
    project: str
    bucket: str
    region: str
    keep: bool
    """Whether the bucket stays when the stack is destroyed."""
    kept_after_deletion_seconds: int
    """How long Cloud Storage keeps deleted files."""


class WeightsBucket(pulumi.ComponentResource):
    """Bucket of the stack's weights, in the region of the GPUs.

    A kept bucket is protected and stays when the stack is destroyed, because fetching hundreds of gigabytes again costs
    paid GPU hours; the next `pulumi up` must import it. Otherwise the bucket is destroyed with its content.
    """

    bucket_name: pulumi.Output[str]

    def __init__(self, name: str, args: WeightsBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:WeightsBucket", name, None, opts)
        bucket = storage.Bucket(
            f"{name}-bucket",
            project=args.project,
            name=args.bucket,
            location=args.region.upper(),
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            # Real folders: list and rename are faster for many small files, and checkpoints have many.
            hierarchical_namespace=storage.BucketHierarchicalNamespaceArgs(enabled=True),
            soft_delete_policy=storage.BucketSoftDeletePolicyArgs(
                retention_duration_seconds=args.kept_after_deletion_seconds
            ),
            force_destroy=not args.keep,
            opts=pulumi.ResourceOptions(parent=self, protect=args.keep, retain_on_delete=args.keep),
        )
        self.bucket_name = bucket.name
        self.register_outputs({"bucketName": self.bucket_name})
