"""Checks whether the weights bucket already exists, left by a destroyed stack: `pulumi up` would fail with a 409."""

from dataclasses import dataclass

from planning.preflight.check import PASSED, CheckResult, PreflightCheck, Verdict
from planning.preflight.cluster import Cluster, ClusterLookup


def import_command(stack: str, bucket: str) -> str:
    """The command that imports a kept bucket into its stack; parent and provider must already be in the state."""
    urn = f"urn:pulumi:{stack}::dynamo-gke::"
    return (
        f"pulumi import --yes gcp:storage/bucket:Bucket weights-bucket {bucket} "
        f"--parent weights={urn}dynamo-gke:infra:WeightsBucket::weights "
        f"--provider google={urn}pulumi:providers:gcp::google"
    )


@dataclass(frozen=True, kw_only=True)
class BucketNotLeftOver(PreflightCheck):
    """Notes a bucket that exists without its cluster: the stack was destroyed, or an update stopped between the two.
    Only a note, because the program does not know the stack's state."""

    api = "storage"
    role = "storage.bucketViewer"

    stack: str
    bucket: str

    @property
    def condition(self) -> str:
        return f"bucket {self.bucket} is not left over from a destroyed stack"

    def judge(self, there: bool, cluster: ClusterLookup) -> CheckResult:
        if not there or cluster() != Cluster():
            return PASSED
        return CheckResult(
            verdict=Verdict.PASSED,
            sentence=f"bucket {self.bucket} exists and the cluster does not. If `pulumi stack` does not list the "
            f"bucket, `pulumi up` fails with Error 409; then run `{import_command(self.stack, self.bucket)}` and "
            "`pulumi up` again",
        )
