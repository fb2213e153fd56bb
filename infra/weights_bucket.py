"""The bucket that holds model weights: one copy, in the region of the GPUs."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import storage


@dataclass(frozen=True, kw_only=True)
class WeightsBucketArgs:
    bucket: str
    region: str


class WeightsBucket(pulumi.ComponentResource):
    """Protected, and kept when the stack is destroyed: fetching hundreds of gigabytes again takes paid GPU hours."""

    bucket_name: pulumi.Output[str]

    def __init__(self, name: str, args: WeightsBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("dynamo-gke:infra:WeightsBucket", name, None, opts)
        bucket = storage.Bucket(
            f"{name}-bucket",
            name=args.bucket,
            location=args.region.upper(),
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            # Folders as such: many small files list and rename faster, and checkpoints have many.
            hierarchical_namespace=storage.BucketHierarchicalNamespaceArgs(enabled=True),
            # What is deleted can be fetched again, so it is not kept and paid for another week.
            soft_delete_policy=storage.BucketSoftDeletePolicyArgs(retention_duration_seconds=0),
            force_destroy=False,
            opts=pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True),
        )
        self.bucket_name = bucket.name
        self.register_outputs({"bucketName": self.bucket_name})
