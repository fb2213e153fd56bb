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
    """Whether it stays when the stack is destroyed."""


class WeightsBucket(pulumi.ComponentResource):
    """Bucket of the stack's weights, in the region of the GPUs.

    Kept, it is protected and stays when the stack is destroyed, since fetching hundreds of gigabytes again takes paid
    GPU hours; the next `pulumi up` of that stack has to import it. Not kept, it is destroyed with all that it holds.
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
            # Folders as such: many small files list and rename faster, and checkpoints have many.
            hierarchical_namespace=storage.BucketHierarchicalNamespaceArgs(enabled=True),
            # What is deleted can be fetched again, so it is not kept and paid for another week.
            soft_delete_policy=storage.BucketSoftDeletePolicyArgs(retention_duration_seconds=0),
            force_destroy=not args.keep,
            opts=pulumi.ResourceOptions(parent=self, protect=args.keep, retain_on_delete=args.keep),
        )
        self.bucket_name = bucket.name
        self.register_outputs({"bucketName": self.bucket_name})
