"""Whether the weights bucket of a new stack is left from an earlier one: `pulumi up` would end at it in a 409."""

from dataclasses import dataclass

from planning.preflight.cluster import AskedIfNeeded, Cluster
from planning.preflight.question import WELL, Finding, Question, Verdict


def import_command(stack: str, bucket: str) -> str:
    """Takes a bucket that was kept into the state of its stack; parent and provider have to be there already."""
    urn = f"urn:pulumi:{stack}::dynamo-gke::"
    return (
        f"pulumi import --yes gcp:storage/bucket:Bucket weights-bucket {bucket} "
        f"--parent weights={urn}dynamo-gke:infra:WeightsBucket::weights "
        f"--provider google={urn}pulumi:providers:gcp::google"
    )


@dataclass(frozen=True, kw_only=True)
class BucketIsOurs(Question):
    """The state is not known here. A stack whose bucket exists and whose cluster does not was destroyed and is coming
    back, or ended between the two: so it is only a note."""

    api = "storage"
    role = "storage.bucketViewer"

    stack: str
    bucket: str

    @property
    def what(self) -> str:
        return f"bucket {self.bucket} is not left from a stack that was destroyed"

    def judge(self, there: bool, cluster: AskedIfNeeded) -> Finding:
        if not there or cluster() != Cluster():
            return WELL
        return Finding(
            verdict=Verdict.WELL,
            sentence=f"bucket {self.bucket} exists and the cluster does not. If `pulumi stack` does not list the "
            f"bucket, `pulumi up` ends at it with Error 409; then run `{import_command(self.stack, self.bucket)}`, and "
            "`pulumi up` again",
        )
